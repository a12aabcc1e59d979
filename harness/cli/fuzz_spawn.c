#include "harness/cli/fuzz_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_process.h"
#include "harness/cli/fuzz_seeds.h"

/* Its watchdog looks at the child; this one of libFuzzer's is for a target that stands still. */
#define TIMEOUT_S 3600
#define RSS_MB	  4096
/* 77 means unsupported here, and is libFuzzer's own word for an error. */
#define ERROR_EXIT 70

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* libFuzzer's seeds have 32 bits, and 0 is none. The generation goes on from session to session. */
static unsigned seed_of(const struct fuzz_targets *t, unsigned job)
{
	uint64_t n = mix(t->plan->seed + 0x9e3779b97f4a7c15u * (job + 1));

	n = mix(n + t->store->counted[job]) & 0x7fffffff;
	return n ? (unsigned)n : 1;
}

/*
 * The engine looks after each input, and goes on until one whole second more is over than this. 0
 * would be for ever.
 */
static unsigned seconds_left(const struct targets_plan *p)
{
	uint64_t now = fuzz_now_ns(), left = p->end_ns > now ? p->end_ns - now : 0;
	uint64_t rounded = (left + FUZZ_NS_PER_S / 2) / FUZZ_NS_PER_S;

	return rounded > 2 ? (unsigned)(rounded - 1) : 1;
}

static void add_engine_flags(struct process_args *a, const struct fuzz_targets *t, unsigned job)
{
	args_add(a, "-seed=%u", seed_of(t, job));
	args_add(a, "-max_total_time=%u", seconds_left(t->plan));
	args_add(a, "-max_len=%zu", seeds_max_input());
	args_add(a, "-timeout=%u", TIMEOUT_S);
	args_add(a, "-rss_limit_mb=%u", RSS_MB);
	args_add(a, "-error_exitcode=%u", ERROR_EXIT);
	args_add(a, "-timeout_exitcode=%u", ERROR_EXIT);
	args_add(a, "-exact_artifact_path=%s", store_file(t->store, "jobs/%u/died-on", job).s);
	args_add(a, "-reload=1");
	args_add(a, "-detect_leaks=0");
	args_add(a, "-print_final_stats=1");
}

static void add_own_flags(struct process_args *a, const struct fuzz_targets *t, unsigned job,
			  const char *stats)
{
	const struct targets_plan *p = t->plan;

	args_add(a, "--allocator=%s", p->allocator);
	if (p->other)
		args_add(a, "--other=%s", p->other);
	args_add(a, "--load=%s", p->load);
	args_add(a, "--inbox=%s", store_file(t->store, "inbox").s);
	args_add(a, "--skip=%s", store_file(t->store, "skip.txt").s);
	args_add(a, "--stats=%s", stats);
	args_add(a, "--hang-after=%" PRIu64 "ns", p->hang_ns);
	if (t->store->goal >= 0) {
		args_add(a, "--climb=%s", fuzz_goal_name((enum fuzz_goal)t->store->goal));
		args_add(a, "--worst=%s", store_file(t->store, "jobs/%u/worst.prog", job).s);
	}
	if (p->strict)
		args_add(a, "--strict");
}

/*
 * The page's blocks are there before it is mapped: on a full disk a write to it would be a SIGBUS.
 * There it is in memory, and what it counts goes into fuzz.json when that can be written.
 */
static int make_page(const struct fuzz_store *s, unsigned job, struct files_path *ret_path)
{
	*ret_path = store_file(s, "jobs/%u/stats.%" PRIu64, job, s->counted[job]);
	int fd = open(ret_path->s, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd >= 0 && posix_fallocate(fd, 0, sizeof(struct job_stats)) == 0)
		return fd;
	if (fd >= 0) {
		close(fd);
		unlink(ret_path->s);
	}
	fd = memfd_create("stats", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, sizeof(struct job_stats)) != 0)
		return fd < 0 ? -errno : (close(fd), -ENOSPC);
	snprintf(ret_path->s, sizeof(ret_path->s), "/proc/%d/fd/%d", (int)getpid(), fd);
	return fd;
}

static int map_page(struct fuzz_target *target, int fd)
{
	void *page =
		mmap(NULL, sizeof(struct job_stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	target->page_fd = fd;
	if (page == MAP_FAILED)
		return -errno;
	target->page = page;
	return 0;
}

void target_close(struct fuzz_target *target)
{
	if (target->page)
		munmap(target->page, sizeof(*target->page));
	if (target->page_fd >= 0)
		close(target->page_fd);
	if (target->output >= 0)
		close(target->output);
	if (target->pidfd >= 0)
		close(target->pidfd);
	target->page = NULL;
	target->page_fd = target->output = target->pidfd = -1;
	target->pid = 0;
}

int target_spawn(struct fuzz_targets *t, unsigned job)
{
	struct fuzz_target *target = &t->target[job];
	struct files_path stats;
	struct process_args a = {0};
	int fd = make_page(t->store, job, &stats);
	int err = fd < 0 ? fd : map_page(target, fd);

	unlink(store_file(t->store, "jobs/%u/worst.prog", job).s);
	args_add(&a, "%s", t->plan->target);
	add_engine_flags(&a, t, job);
	add_own_flags(&a, t, job, stats.s);
	args_add(&a, "%s", store_file(t->store, "corpus").s);
	if (!err)
		err = process_start(&a, &target->pid, &target->output);
	if (!err) {
		fcntl(target->output, F_SETFL, O_NONBLOCK);
		target->pidfd = (int)syscall(SYS_pidfd_open, target->pid, 0);
	}
	if (err)
		target_close(target);
	else
		target->starts++;
	args_release(&a);
	return err;
}
