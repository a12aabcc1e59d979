/*
 * describe_kernel_features.c - which calls, flags and advices there are: each is tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness/cli/describe_kernel.h"
#include "harness/cli/describe_kernel_child.h"
#include "harness/cli/describe_kernel_new.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/facts.h"
#include "harness/prog/names.h"

#define SECONDS		     5
#define ADVICES_END	     256      /* numbers of advices are below */
#define NO_SUCH_FLAG	     0x800000 /* of mmap, as yet */
#define RW		     (PROT_READ | PROT_WRITE)
#define UFFD_USER_MODE_ONLY_ 1
#define DISPATCH_OFF	     0

struct features {
	struct kernel_description *d;
	struct stage stage;
};

__attribute__((format(printf, 4, 5))) static void
put(struct features *f, const char *name, enum feature_state state, const char *format, ...)
{
	struct feature_row *row = &f->d->feature[f->d->nfeatures];
	va_list args;

	if (f->d->nfeatures == KERNEL_FEATURES)
		return;
	snprintf(row->name, sizeof(row->name), "%s", name);
	va_start(args, format);
	vsnprintf(row->detail, sizeof(row->detail), format, args);
	va_end(args);
	row->state = (uint8_t)state;
	f->d->nfeatures++;
}

static const char *name_of_errno(int err)
{
	const char *name = errno_name(err);

	return name ? name : "an unknown error";
}

/* There, or not because of `err`, which is positive. */
static void put_tried(struct features *f, const char *name, int err)
{
	if (err)
		put(f, name, FEATURE_NO, "%s", name_of_errno(err));
	else
		put(f, name, FEATURE_YES, "%s", "");
}

static void put_fact(struct features *f, const char *name, int (*fact)(int64_t *))
{
	int64_t value;
	int err = fact(&value);

	if (err)
		put(f, name, FEATURE_NOT_MEASURED, "%s", name_of_errno(-err));
	else
		put(f, name, value ? FEATURE_YES : FEATURE_NO, "%s", "");
}

/* MADV_REMOVE and the like are for memory that is shared. 0 or an errno. */
static int try_shared(const struct stage *s, int advice)
{
	int err = stage_map(s, 0, 1, RW, MAP_SHARED);

	if (err)
		return -err;
	stage_touch(s, 0, 1);
	err = madvise(stage_at(s, 0), s->page, advice) != 0 ? errno : 0;
	stage_clear(s);
	return err;
}

static void try_advice(struct features *f, int advice)
{
	char name[32];
	int64_t known;

	snprintf(name, sizeof(name), "madvise %s", advice_name(advice));
	if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE) {
		put(f, name, FEATURE_NOT_TRIED, "it takes memory from the machine");
		return;
	}
	int err = fact_advice(advice, &known);

	if (err) {
		put(f, name, FEATURE_NOT_MEASURED, "%s", name_of_errno(-err));
		return;
	}
	if (known) {
		put(f, name, FEATURE_YES, "%s", "");
		return;
	}
	err = try_shared(&f->stage, advice);
	if (err)
		put(f, name, FEATURE_NO, "%s", name_of_errno(err));
	else
		put(f, name, FEATURE_YES, "for shared memory only");
}

static void try_advices(struct features *f)
{
	for (int advice = 0; advice < ADVICES_END; advice++)
		if (advice_name(advice))
			try_advice(f, advice);
}

static void try_proc_ioctls(struct features *f)
{
	struct arena arena;
	struct accounts *acc;
	int err = arena_init(&arena, accounts_arena_bytes());

	put(f, "PROCMAP_QUERY", f->stage.queries ? FEATURE_YES : FEATURE_NO, "%s", "");
	if (!err)
		err = accounts_new(&arena, &acc);
	if (err)
		put(f, "PAGEMAP_SCAN", FEATURE_NOT_MEASURED, "%s", name_of_errno(-err));
	else
		put(f, "PAGEMAP_SCAN",
		    accounts_rss_method(acc) == RSS_PAGEMAP_SCAN ? FEATURE_YES : FEATURE_NO, "%s",
		    "");
}

/* A kernel that validates the flags refuses one that means nothing, with an errno of its own. */
static int shared_validate(const struct stage *s)
{
	int fd = memfd_create("allocrig-describe", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)s->page) != 0)
		return errno;
	int flags = MAP_SHARED_VALIDATE | NO_SUCH_FLAG;
	int err = -stage_map_fd(s, 0, 1, RW, flags, fd, 0);

	close(fd);
	stage_clear(s);
	if (!err) /* what means nothing was let pass */
		return EPROTO;
	return err == EOPNOTSUPP ? 0 : err;
}

static int anon_name(const struct stage *s)
{
	int err = -stage_map(s, 0, 1, RW, MAP_PRIVATE);

	if (!err && prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, stage_at(s, 0), s->page, "one") != 0)
		err = errno;
	stage_clear(s);
	return err;
}

static void try_maps(struct features *f)
{
	const struct stage *s = &f->stage;
	int fd = memfd_create("allocrig-describe", MFD_CLOEXEC);

	put_fact(f, "MAP_FIXED_NOREPLACE", fact_fixed_noreplace);
	put_tried(f, "MAP_SHARED_VALIDATE", shared_validate(s));
	put_tried(f, "MAP_DROPPABLE", -stage_map(s, 0, 1, RW, MAP_DROPPABLE));
	stage_clear(s);
	put_fact(f, "MREMAP_DONTUNMAP", fact_dontunmap);
	put_tried(f, "PR_SET_VMA_ANON_NAME", anon_name(s));
	put_tried(f, "memfd_create", fd < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
	put_fact(f, "shm_open", fact_shm);
}

static void try_tmpfile(struct features *f)
{
	const char *dir = getenv("TMPDIR");

	dir = dir && dir[0] ? dir : "/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		put(f, "O_TMPFILE", FEATURE_NO, "%s in %.40s", name_of_errno(errno), dir);
	else
		put(f, "O_TMPFILE", FEATURE_YES, "in %.60s", dir);
	if (fd >= 0)
		close(fd);
}

/* Without privilege it may be there for faults of user mode alone, or by its device. */
static void try_userfaultfd(struct features *f)
{
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	int err = fd < 0 ? errno : 0;

	if (fd >= 0) {
		put(f, "userfaultfd", FEATURE_YES, "%s", "");
	} else {
		fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY_);
		if (fd >= 0)
			put(f, "userfaultfd", FEATURE_YES, "for faults of user mode only");
		else
			put(f, "userfaultfd", FEATURE_NO, "%s", name_of_errno(err));
	}
	if (fd >= 0)
		close((int)fd);
}

static int advise_myself(const struct stage *s)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = pidfd < 0 ? errno : -stage_map(s, 0, 1, RW, MAP_PRIVATE);
	struct iovec range = {stage_at(s, 0), s->page};

	if (!err && syscall(SYS_process_madvise, pidfd, &range, 1, MADV_COLD, 0) < 0)
		err = errno;
	if (pidfd >= 0)
		close(pidfd);
	stage_clear(s);
	return err;
}

static void try_processes(struct features *f)
{
	int dispatch = prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_OFF, 0, 0, 0);

	put_tried(f, "Syscall User Dispatch", dispatch != 0 ? errno : 0);
	put_tried(f, "process_madvise", advise_myself(&f->stage));
	try_userfaultfd(f);
	try_tmpfile(f);
}

static void try_hugetlb(struct features *f)
{
	int64_t pages = 0, bytes = 0;
	int err = fact_meminfo("HugePages_Free", &pages);

	if (!err)
		err = fact_meminfo("Hugepagesize", &bytes);
	if (err)
		put(f, "hugetlb", FEATURE_NO, "not in this kernel");
	else
		put(f, "hugetlb", FEATURE_YES, "%" PRId64 " pages of %" PRId64 " KiB free", pages,
		    bytes / 1024);
}

static void measure(void *ctx)
{
	struct features f = {.d = ctx};
	int err = stage_open(&f.stage);

	if (err) {
		snprintf(f.d->features_why, sizeof(f.d->features_why), "%s", strerror(-err));
		return;
	}
	try_proc_ioctls(&f);
	try_processes(&f);
	try_maps(&f);
	try_hugetlb(&f);
	try_advices(&f);
}

void kernel_measure_features(struct kernel_description *d)
{
	kernel_child(measure, d, SECONDS, d->features_why, sizeof(d->features_why));
}
