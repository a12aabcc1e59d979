#include "harness/kernel/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/kernel/accounts_priv.h"
#include "harness/kernel/proc.h"
#include "harness/kernel/procmap.h"

/* The kernel's pieces are a page long today; room for larger ones, and for the longest line. */
#define MAPS_BUFFER (256 * 1024)
#define PAGE_MAX    65536

static const struct {
	const char *path;
	bool optional;
} proc_files[PROC_FILES] = {
	[PROC_MAPS] = {"/proc/self/maps", false},
	[PROC_STATM] = {"/proc/self/statm", false},
	[PROC_STATUS] = {"/proc/self/status", false},
	[PROC_STAT] = {"/proc/self/stat", false},
	[PROC_ROLLUP] = {"/proc/self/smaps_rollup", true},
	[PROC_PAGEMAP] = {"/proc/self/pagemap", true},
	[PROC_MEMINFO] = {"/proc/meminfo", true},
};

static bool not_offered(int err)
{
	return err == -ENOENT || err == -EACCES || err == -EPERM;
}

static void close_files(struct accounts *acc)
{
	for (int i = 0; i < PROC_FILES; i++) {
		if (acc->fd[i] >= 0)
			close(acc->fd[i]);
		acc->fd[i] = -1;
	}
	acc->maps.fd = acc->pagemap.fd = -1;
}

/* /proc/self is resolved at open: a descriptor goes on showing the process that opened it. */
static int open_files(struct accounts *acc)
{
	for (int i = 0; i < PROC_FILES; i++) {
		int fd = proc_open(proc_files[i].path);

		if (fd < 0 && !(proc_files[i].optional && not_offered(fd)))
			return fd;
		acc->fd[i] = fd < 0 ? -1 : fd;
	}
	acc->maps.fd = acc->fd[PROC_MAPS];
	acc->pagemap.fd = acc->fd[PROC_PAGEMAP];
	return 0;
}

int accounts_check_files(struct accounts *acc)
{
	if (fcntl(acc->fd[PROC_MAPS], F_GETFD) >= 0)
		return 0;
	close_files(acc);
	return open_files(acc);
}

size_t accounts_arena_bytes(void)
{
	return sizeof(struct accounts) + MAPS_BUFFER + pagemap_arena_bytes() +
	       ACCOUNTS_EXCLUSIONS * sizeof(struct span) + 4 * PAGE_MAX; /* alignment of each */
}

static int accounts_init(struct accounts *acc, struct arena *a)
{
	uintptr_t base = (uintptr_t)a->base;

	acc->page = (uintptr_t)sysconf(_SC_PAGESIZE);
	acc->maps.size = MAPS_BUFFER;
	acc->maps.buf = arena_take(a, MAPS_BUFFER, acc->page);
	if (!acc->maps.buf)
		return -ENOMEM;
	int err = exclusions_init(&acc->exclusions, a, ACCOUNTS_EXCLUSIONS);

	if (!err)
		err = open_files(acc);
	if (!err)
		err = pagemap_init(&acc->pagemap, a, acc->fd[PROC_PAGEMAP]);
	if (!err) /* the arena with its fences */
		err = accounts_exclude(acc, base - acc->page, base + a->size + acc->page);
	return err;
}

int accounts_new(struct arena *a, struct accounts **ret_accounts)
{
	struct accounts *acc = arena_take(a, sizeof(*acc), _Alignof(struct accounts));

	if (!acc)
		return -ENOMEM;
	for (int i = 0; i < PROC_FILES; i++)
		acc->fd[i] = -1;
	int err = accounts_init(acc, a);

	if (err)
		close_files(acc);
	else
		*ret_accounts = acc;
	return err;
}

void accounts_free(struct accounts *acc)
{
	if (acc)
		close_files(acc);
}

int accounts_after_fork(struct accounts *acc)
{
	close_files(acc);
	int err = open_files(acc);

	if (err)
		close_files(acc);
	return err;
}

static int round_out(const struct accounts *acc, struct span *s)
{
	if (s->start >= s->end || s->end > -acc->page)
		return -EINVAL;
	s->start &= -acc->page;
	s->end = (s->end + acc->page - 1) & -acc->page;
	return 0;
}

int accounts_exclude(struct accounts *acc, uintptr_t start, uintptr_t end)
{
	struct span s = {start, end};
	int err = round_out(acc, &s);

	return err ? err : exclusions_add(&acc->exclusions, s.start, s.end);
}

int accounts_include(struct accounts *acc, uintptr_t start, uintptr_t end)
{
	struct span s = {start, end};
	int err = round_out(acc, &s);

	return err ? err : exclusions_remove(&acc->exclusions, s.start, s.end);
}

/* Counts VMAs and bytes while it walks along the mappings and the exclusions side by side. */
struct tally {
	struct exclusions_cursor cursor;
	int64_t maps, bytes, total;
};

static void tally_begin(void *ctx)
{
	struct tally *t = ctx;

	*t = (struct tally){.cursor = {.ex = t->cursor.ex}};
}

static int tally_vma(void *ctx, const struct vma *found)
{
	struct tally *t = ctx;
	struct span range = {found->start, found->end}, part;
	uintptr_t owned = 0;

	while (exclusions_next_owned(&t->cursor, &range, &part))
		owned += part.end - part.start;
	t->total++;
	t->maps += owned != 0;
	t->bytes += (int64_t)owned;
	return 0;
}

static int take_maps(struct accounts *acc, struct snapshot *s)
{
	struct tally t = {.cursor = {.ex = &acc->exclusions}};
	int err = maps_walk(&acc->maps, &(struct maps_visitor){tally_begin, tally_vma, &t});

	if (err)
		return err;
	s->maps = t.maps;
	s->mapped_bytes = t.bytes;
	s->total_maps = t.total;
	return 0;
}

/* Kernels without hugetlb have no such line. */
static int hugetlb_bytes(struct accounts *acc, int64_t *ret_bytes)
{
	int err = proc_read(acc->fd[PROC_STATUS], acc->text, sizeof(acc->text));

	*ret_bytes = 0;
	if (!err)
		err = proc_kilobytes(acc->text, "HugetlbPages:", ret_bytes);
	return err == -ENODATA ? 0 : err;
}

/*
 * Pages of hugetlbfs are mapped but no RSS. Their number is known for the process alone, so they
 * are taken to be owned: neither images nor stacks nor the harness have any.
 */
static int take_rss(struct accounts *acc, struct snapshot *s)
{
	struct resident r;
	int64_t hugetlb = 0;

	if (acc->pagemap.method == RSS_NONE)
		return 0;
	int err = pagemap_count(&acc->pagemap, &acc->maps, &acc->exclusions, &r);

	if (!err && r.huge)
		err = hugetlb_bytes(acc, &hugetlb);
	if (err)
		return err;
	s->rss_bytes = (int64_t)(r.pages * acc->page) - hugetlb;
	return 0;
}

int accounts_resident(struct accounts *acc, uintptr_t start, uintptr_t end, int64_t *ret_bytes)
{
	struct resident r;
	int err = accounts_check_files(acc);

	if (!err)
		err = pagemap_count_span(&acc->pagemap, (struct span){start, end}, &r);
	if (!err)
		*ret_bytes = (int64_t)(r.pages * acc->page);
	return err;
}

int accounts_mapped(const struct accounts *acc, uintptr_t start, uintptr_t end,
		    struct accounts_mapped *ret_mapped)
{
	struct procmap_vma vma;
	struct span part, all;
	int err = procmap_at_or_above(acc->fd[PROC_MAPS], start, &vma);

	if (err)
		return err == -ENOENT ? err : -ENOTSUP;
	if (vma.start >= end)
		return -ENOENT;
	all.start = vma.start > start ? vma.start : start;
	all.end = vma.end < end ? vma.end : end;
	ret_mapped->start = all.start;
	ret_mapped->end = all.end;

	struct exclusions_cursor cursor = exclusions_at(&acc->exclusions, all.start);
	struct span rest = all;

	ret_mapped->excluded = !exclusions_next_owned(&cursor, &rest, &part) ||
			       part.start != all.start || part.end != all.end;
	return 0;
}

static int take_rollup(struct accounts *acc, struct snapshot *s)
{
	if (acc->fd[PROC_ROLLUP] < 0)
		return 0;
	int err = proc_read(acc->fd[PROC_ROLLUP], acc->text, sizeof(acc->text));

	if (!err)
		err = proc_kilobytes(acc->text, "AnonHugePages:", &s->anon_huge_bytes);
	if (!err)
		err = proc_kilobytes(acc->text, "LazyFree:", &s->lazyfree_bytes);
	return err;
}

int accounts_swapped(struct accounts *acc, int64_t *ret_bytes)
{
	int err = accounts_check_files(acc);

	if (!err && acc->fd[PROC_ROLLUP] < 0)
		err = -ENOTSUP;
	if (!err)
		err = proc_read(acc->fd[PROC_ROLLUP], acc->text, sizeof(acc->text));
	return err ? err : proc_kilobytes(acc->text, "Swap:", ret_bytes);
}

/* What the kernel charges, and what it counts against RLIMIT_MEMLOCK: exact, unlike its RSS. */
static int take_status(struct accounts *acc, struct snapshot *s)
{
	int err = proc_read(acc->fd[PROC_STATUS], acc->text, sizeof(acc->text));

	if (!err)
		err = proc_kilobytes(acc->text, "VmData:", &s->vmdata_bytes);
	if (!err)
		err = proc_kilobytes(acc->text, "VmLck:", &s->locked_bytes);
	return err;
}

static int take_machine(struct accounts *acc, struct snapshot *s)
{
	if (acc->fd[PROC_MEMINFO] < 0)
		return 0;
	int err = proc_read(acc->fd[PROC_MEMINFO], acc->text, sizeof(acc->text));

	if (!err)
		err = proc_kilobytes(acc->text, "Committed_AS:", &s->committed_bytes);
	return err == -ENODATA ? 0 : err;
}

int accounts_take(struct accounts *acc, unsigned parts, struct snapshot *ret_snapshot)
{
	struct snapshot s = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
	int err = accounts_check_files(acc);

	if (!err && (parts & SNAPSHOT_MAPS))
		err = take_maps(acc, &s);
	if (!err && (parts & SNAPSHOT_RSS))
		err = take_rss(acc, &s);
	if (!err && (parts & SNAPSHOT_ROLLUP))
		err = take_rollup(acc, &s);
	if (!err && (parts & SNAPSHOT_STATUS))
		err = take_status(acc, &s);
	if (!err && (parts & SNAPSHOT_MACHINE))
		err = take_machine(acc, &s);
	if (!err)
		*ret_snapshot = s;
	return err;
}

int accounts_threads(struct accounts *acc, uint64_t *ret_threads)
{
	static const char key[] = "\nThreads:";
	int err = accounts_check_files(acc);

	if (!err)
		err = proc_read(acc->fd[PROC_STATUS], acc->text, sizeof(acc->text));
	if (err)
		return err;
	const char *p = strstr(acc->text, key);

	if (!p)
		return -ENODATA;
	p += strlen(key);
	return proc_number(&p, ret_threads);
}

int accounts_statm(struct accounts *acc, uint64_t *ret_size, uint64_t *ret_resident)
{
	const char *p = acc->text;
	uint64_t size, resident;
	int err = accounts_check_files(acc);

	if (!err)
		err = proc_read(acc->fd[PROC_STATM], acc->text, sizeof(acc->text));

	if (!err)
		err = proc_number(&p, &size);
	if (!err)
		err = proc_number(&p, &resident);
	if (err)
		return err;
	*ret_size = size;
	*ret_resident = resident;
	return 0;
}

/*
 * start_brk is field 47 of /proc/self/stat; the second, the command, may hold blanks and
 * parentheses. The current break is asked from the kernel, because libc's idea of it may be old.
 */
int accounts_break(struct accounts *acc, struct span *ret_break)
{
	uint64_t start;
	int err = proc_read(acc->fd[PROC_STAT], acc->text, sizeof(acc->text));

	if (err)
		return err;
	const char *p = strrchr(acc->text, ')');

	for (int field = 2; p && field < 47; field++)
		p = strchr(p + 1, ' ');
	if (!p || proc_number(&p, &start) != 0)
		return -EBADMSG;
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);

	if (!start || start > end)
		return -ENODATA;
	ret_break->start = (start + acc->page - 1) & -acc->page;
	ret_break->end = (end + acc->page - 1) & -acc->page;
	return 0;
}

enum rss_method accounts_rss_method(const struct accounts *acc)
{
	return acc->pagemap.method;
}

int64_t accounts_max_map_count(void)
{
	char text[32];
	const char *p = text;
	uint64_t value;
	int fd = proc_open("/proc/sys/vm/max_map_count");

	if (fd < 0)
		return fd;
	int err = proc_read(fd, text, sizeof(text));

	close(fd);
	if (!err)
		err = proc_number(&p, &value);
	if (!err && value > INT64_MAX)
		err = -EBADMSG;
	return err ? err : (int64_t)value;
}
