/*
 * describe_kernel_merges.c - how many maps it comes to: what merges, and what splits.
 */
#include "harness/cli/describe_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/describe_kernel_child.h"
#include "harness/cli/describe_kernel_new.h"

#define SECONDS 5
#define RW	(PROT_READ | PROT_WRITE)
#define HUGE	(2ul << 20) /* a multiple of which is aligned, where the kernel does that */

/* Lays something out on the empty stage. The number of maps, or -errno. */
struct merge_case {
	struct row_words words;
	int (*maps)(struct stage *s);
};

/* The count, once everything before it succeeded. */
static int counted(const struct stage *s, int err)
{
	return err ? err : stage_maps(s);
}

static int add(const struct stage *s, size_t at, size_t pages, int prot)
{
	return stage_map(s, at, pages, prot, MAP_PRIVATE);
}

static int add_touched(const struct stage *s, size_t at, size_t pages)
{
	int err = add(s, at, pages, RW);

	if (!err)
		stage_touch(s, at, pages);
	return err;
}

static int advise(const struct stage *s, size_t at, size_t pages, int advice)
{
	return madvise(stage_at(s, at), pages * s->page, advice) != 0 ? -errno : 0;
}

static int protect(const struct stage *s, size_t at, size_t pages, int prot)
{
	return mprotect(stage_at(s, at), pages * s->page, prot) != 0 ? -errno : 0;
}

static int neighbours(struct stage *s)
{
	int err = add(s, 0, 1, RW);

	return counted(s, err ? err : add(s, 1, 1, RW));
}

static int beside_touched(struct stage *s)
{
	int err = add_touched(s, 0, 1);

	return counted(s, err ? err : add(s, 1, 1, RW));
}

static int other_protection(struct stage *s)
{
	int err = add(s, 0, 1, RW);

	return counted(s, err ? err : add(s, 1, 1, PROT_READ));
}

/* Another flag keeps the two and their anonymous memory apart until the flag goes. */
static int touched_before_met(struct stage *s)
{
	int err = add(s, 1, 1, RW);

	if (!err)
		err = advise(s, 1, 1, MADV_DONTFORK);
	if (!err)
		err = add(s, 0, 1, RW);
	if (err)
		return err;
	stage_touch(s, 0, 2);
	return counted(s, advise(s, 1, 1, MADV_DOFORK));
}

static int bridge(struct stage *s, bool touched)
{
	int err = touched ? add_touched(s, 0, 1) : add(s, 0, 1, RW);

	if (!err)
		err = touched ? add_touched(s, 2, 1) : add(s, 2, 1, RW);
	return counted(s, err ? err : add(s, 1, 1, RW));
}

static int bridged(struct stage *s)
{
	return bridge(s, false);
}

static int bridged_touched(struct stage *s)
{
	return bridge(s, true);
}

static int split_undone(struct stage *s, bool touched)
{
	int err = touched ? add_touched(s, 0, 3) : add(s, 0, 3, RW);

	if (!err)
		err = protect(s, 1, 1, PROT_READ);
	if (!err && stage_maps(s) != 3)
		err = -EPROTO;
	return counted(s, err ? err : protect(s, 1, 1, RW));
}

static int split_undone_untouched(struct stage *s)
{
	return split_undone(s, false);
}

static int split_undone_touched(struct stage *s)
{
	return split_undone(s, true);
}

static int shared_neighbours(struct stage *s)
{
	int err = stage_map(s, 0, 1, RW, MAP_SHARED);

	return counted(s, err ? err : stage_map(s, 1, 1, RW, MAP_SHARED));
}

static int noreserve_neighbours(struct stage *s)
{
	int err = add(s, 0, 1, RW);

	return counted(s, err ? err : stage_map(s, 1, 1, RW, MAP_PRIVATE | MAP_NORESERVE));
}

/* Two neighbouring pages of one file, the second at this page of it. */
static int file_neighbours(struct stage *s, int fd, int flags, size_t second)
{
	int err = fd < 0 ? -errno : stage_map_fd(s, 0, 1, RW, flags, fd, 0);

	if (!err)
		err = stage_map_fd(s, 1, 1, RW, flags, fd, second * s->page);
	if (fd >= 0)
		close(fd);
	return counted(s, err);
}

static int zero_neighbours(struct stage *s, size_t second)
{
	return file_neighbours(s, open("/dev/zero", O_RDWR | O_CLOEXEC), MAP_PRIVATE, second);
}

static int zero_contiguous(struct stage *s)
{
	return zero_neighbours(s, 1);
}

static int zero_same_offset(struct stage *s)
{
	return zero_neighbours(s, 0);
}

static int memfd_neighbours(struct stage *s, int flags, size_t second)
{
	int fd = memfd_create("allocrig-describe", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)(4 * s->page)) != 0) {
		close(fd);
		fd = -1;
	}
	return file_neighbours(s, fd, flags, second);
}

static int memfd_shared(struct stage *s)
{
	return memfd_neighbours(s, MAP_SHARED, 1);
}

static int memfd_private(struct stage *s)
{
	return memfd_neighbours(s, MAP_PRIVATE, 1);
}

static int memfd_apart(struct stage *s)
{
	return memfd_neighbours(s, MAP_SHARED, 2);
}

/* The child's own count comes back as its exit code. */
static int in_fork_child(struct stage *s, int (*maps)(struct stage *s))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int n = stage_after_fork(s);

		n = n ? n : maps(s);
		_exit(n < 0 ? 255 : n);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 255)
		return -ECHILD;
	return WEXITSTATUS(status);
}

static int extend(struct stage *s)
{
	return counted(s, add(s, 1, 1, RW));
}

static int extended_in_fork_child(struct stage *s)
{
	int err = add_touched(s, 0, 1);

	return err ? err : in_fork_child(s, extend);
}

static int just_count(struct stage *s)
{
	return stage_maps(s);
}

static int extended_after_fork(struct stage *s)
{
	int err = add_touched(s, 0, 1);

	if (!err)
		err = in_fork_child(s, just_count);
	return err < 0 ? err : extend(s);
}

/* Three pages, of which the inner one gets an advice. */
static int advise_inner(struct stage *s, int advice)
{
	int err = add_touched(s, 0, 3);

	return counted(s, err ? err : advise(s, 1, 1, advice));
}

static int inner_dontfork(struct stage *s)
{
	return advise_inner(s, MADV_DONTFORK);
}

static int inner_hugepage(struct stage *s)
{
	return advise_inner(s, MADV_HUGEPAGE);
}

static int inner_dontneed(struct stage *s)
{
	return advise_inner(s, MADV_DONTNEED);
}

static int inner_free(struct stage *s)
{
	return advise_inner(s, MADV_FREE);
}

static int inner_guard(struct stage *s)
{
	return advise_inner(s, MADV_GUARD_INSTALL);
}

static int inner_mlock(struct stage *s)
{
	int err = add_touched(s, 0, 3);

	if (!err && syscall(SYS_mlock, stage_at(s, 1), s->page) != 0)
		err = -errno;
	return counted(s, err);
}

static int name_page(const struct stage *s, size_t at, const char *name)
{
	return prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, stage_at(s, at), s->page, name) != 0 ? -errno
											    : 0;
}

static int named_inner(struct stage *s)
{
	int err = add(s, 0, 3, RW);

	return counted(s, err ? err : name_page(s, 1, "one"));
}

/* Equal names of two that were named apart. */
static int named_alike(struct stage *s)
{
	int err = add(s, 0, 2, RW);

	if (!err)
		err = name_page(s, 0, "one");
	return counted(s, err ? err : name_page(s, 1, "one"));
}

/*
 * Where the kernel puts a mapping whose length is a multiple of 2 MiB, below one whose end is at no
 * such boundary: right there, or with a gap.
 */
static int huge_neighbours(struct stage *s)
{
	unsigned char *upper, *lower;

	upper = mmap(NULL, HUGE + s->page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (upper == MAP_FAILED)
		return -errno;
	lower = mmap(NULL, HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err = lower == MAP_FAILED ? -errno : 0;

	if (!err)
		munmap(lower, HUGE);
	munmap(upper, HUGE + s->page);
	if (err)
		return err;
	return lower + HUGE == upper || upper + HUGE + s->page == lower ? 1 : 2;
}

static const struct merge_case cases[] = {
	{{"neighbours", "two private anonymous neighbours", NULL}, neighbours},
	{{"beside-touched", "the same, the first one touched before", NULL}, beside_touched},
	{{"other-protection", "neighbours of different protection", NULL}, other_protection},
	{{"touched-before-met", "neighbours that were each touched before they could merge", NULL},
	 touched_before_met},
	{{"bridged", "two with a hole that a third fills", NULL}, bridged},
	{{"bridged-touched", "the same, the two touched before", NULL}, bridged_touched},
	{{"split-undone", "a split that mprotect undoes", NULL}, split_undone_untouched},
	{{"split-undone-touched", "the same, touched", NULL}, split_undone_touched},
	{{"shared-anonymous", "two shared anonymous neighbours", NULL}, shared_neighbours},
	{{"noreserve", "MAP_NORESERVE beside one without", NULL}, noreserve_neighbours},
	{{"zero-contiguous", "/dev/zero, private, offsets that follow on", NULL}, zero_contiguous},
	{{"zero-same-offset", "/dev/zero, private, the same offset", NULL}, zero_same_offset},
	{{"memfd-shared", "memfd, shared, offsets that follow on", NULL}, memfd_shared},
	{{"memfd-private", "memfd, private, offsets that follow on", NULL}, memfd_private},
	{{"memfd-apart", "memfd, shared, offsets apart", NULL}, memfd_apart},
	{{"fork-child", "a touched one extended after fork, in the child", NULL},
	 extended_in_fork_child},
	{{"fork-parent", "the same in the parent", NULL}, extended_after_fork},
	{{"inner-dontfork", "MADV_DONTFORK on the inner of three pages", NULL}, inner_dontfork},
	{{"inner-hugepage", "MADV_HUGEPAGE on the inner of three pages", NULL}, inner_hugepage},
	{{"inner-dontneed", "MADV_DONTNEED on the inner of three pages", NULL}, inner_dontneed},
	{{"inner-free", "MADV_FREE on the inner of three pages", NULL}, inner_free},
	{{"inner-guard-install", "MADV_GUARD_INSTALL on the inner of three pages", NULL},
	 inner_guard},
	{{"inner-mlock", "mlock of the inner of three pages", NULL}, inner_mlock},
	{{"inner-named", "PR_SET_VMA_ANON_NAME on the inner of three pages", NULL}, named_inner},
	{{"named-alike", "the same name given to two pages one after the other", NULL},
	 named_alike},
	{{"huge-neighbours", "2 MiB mapped below a mapping that ends anywhere", NULL},
	 huge_neighbours},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))
_Static_assert(CASES <= KERNEL_MERGES, "each has a row");

const struct row_words *kernel_merge_words(size_t index)
{
	return index < CASES ? &cases[index].words : NULL;
}

static void measure(void *ctx)
{
	struct kernel_description *d = ctx;
	struct stage s;
	int err = stage_open(&s);

	for (size_t i = 0; i < CASES; i++) {
		int maps = err ? err : stage_clear(&s);

		if (!maps)
			maps = cases[i].maps(&s);
		d->merge[i].measured = maps >= 0;
		d->merge[i].maps = maps;
		d->merge[i].err = maps < 0 ? -maps : 0;
	}
}

void kernel_measure_merges(struct kernel_description *d)
{
	kernel_child(measure, d, SECONDS, d->merges_why, sizeof(d->merges_why));
}
