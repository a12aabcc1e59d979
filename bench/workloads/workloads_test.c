/*
 * Each workload at 1 percent of its work, on libc's allocator and on the void one: it comes to its
 * end with nothing left, does the same for the same seed on any allocator, and something else for
 * another seed.
 */
#include <limits.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/page.h"

#define HANG_S 50

struct expected {
	const char *name;
	bool is_random;	 /* another seed is another run */
	bool keeps;	 /* leaves blocks behind on purpose */
	bool is_in_turn; /* what is live at the ends of phases does not depend on how threads meet
			  */
};

static const struct expected workloads[] = {
	{.name = "cfrac", .is_random = true, .is_in_turn = true},
	{.name = "espresso", .is_random = true, .is_in_turn = true},
	{.name = "larson", .is_random = true, .is_in_turn = true},
	{.name = "xmalloc"},
	{.name = "xmalloc-sizes"},
	{.name = "mstress", .is_random = true},
	{.name = "mleak"},
	{.name = "rptest", .is_random = true, .is_in_turn = true},
	{.name = "alloc-test", .is_random = true, .is_in_turn = true},
	{.name = "sh6bench-like", .is_in_turn = true},
	{.name = "cache-scratch", .is_in_turn = true},
	{.name = "cache-thrash", .is_in_turn = true},
	{.name = "glibc-simple", .is_in_turn = true},
	{.name = "glibc-thread", .is_random = true, .is_in_turn = true},
	{.name = "malloc-large", .is_random = true, .is_in_turn = true},
	{.name = "kv-server", .is_random = true, .is_in_turn = true},
	{.name = "fragmenter", .is_in_turn = true},
	{.name = "blowup", .is_random = true, .is_in_turn = true},
	{.name = "drain", .is_random = true, .is_in_turn = true},
	{.name = "drain-1-in-20", .is_random = true, .keeps = true, .is_in_turn = true},
	{.name = "map-many", .is_in_turn = true},
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* The one of the run that goes on, and the ones before it for comparison. */
static struct bench_page *page, first;

static void start(int fd, const char *preload)
{
	if (dup2(fd, BENCH_PAGE_FD) < 0 || (preload && setenv("LD_PRELOAD", preload, 1) != 0))
		_exit(126);
	alarm(HANG_S);
	execl(BENCH_CHILD, BENCH_CHILD, (char *)NULL);
	_exit(127);
}

/* Answers each hand-over, until the process ends. */
static int serve(pid_t pid)
{
	const struct timespec some = {.tv_nsec = 20000000};
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		uint32_t at = atomic_load(&page->at);

		if (atomic_load(&page->go) != at) {
			atomic_store(&page->go, at);
			syscall(SYS_futex, &page->go, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
		}
		syscall(SYS_futex, &page->at, FUTEX_WAIT, at, &some, NULL, 0);
	}
	return status;
}

static void run(const char *name, uint64_t seed, const char *preload)
{
	int fd = memfd_create("page", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, sizeof(*page)), 0);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(page != MAP_FAILED);
	page->in = (struct bench_request_in){
		.abi = BENCH_ABI, .seed = seed, .scale_percent = 1, .verify = !preload};
	snprintf(page->in.workload, sizeof(page->in.workload), "%s", name);
	snprintf(page->in.file, sizeof(page->in.file), "%s", preload ? preload : "");

	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		start(fd, preload);
	int status = serve(pid);

	close(fd);
	if (status != 0 || page->end != BENCH_END_OK)
		fail_msg("%s, seed %lu, %s: status %#x, end %u: %s", name, (unsigned long)seed,
			 preload ? preload : "libc", (unsigned)status, page->end, page->text);
}

static uint64_t all_ops(const struct bench_page *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->nphases; i++)
		n += p->phases[i].ops;
	return n;
}

/* Of each phase: what was live at its end. */
static bool is_same(const struct bench_page *one, const struct bench_page *other)
{
	for (unsigned i = 0; i < one->nphases; i++) {
		const struct bench_phase *a = &one->phases[i], *b = &other->phases[i];

		if (a->ops != b->ops || a->live_bytes != b->live_bytes ||
		    a->live_blocks != b->live_blocks)
			return false;
	}
	return true;
}

/* The end of the last phase. */
static void assert_drained(const struct expected *e)
{
	const struct bench_phase *last = &page->phases[page->nphases - 1];

	if (e->keeps) {
		assert_true(last->live_blocks > 0);
		return;
	}
	if (last->live_blocks || last->live_bytes)
		fail_msg("%s leaves %ld blocks, %ld bytes", e->name, (long)last->live_blocks,
			 (long)last->live_bytes);
}

static void assert_like_first(const struct expected *e, const char *where)
{
	assert_int_equal(page->nphases, first.nphases);
	if (all_ops(page) != all_ops(&first))
		fail_msg("%s: %lu ops, %lu %s with the same seed", e->name,
			 (unsigned long)all_ops(&first), (unsigned long)all_ops(page), where);
	if (e->is_in_turn && !is_same(page, &first))
		fail_msg("%s: phases differ %s with the same seed", e->name, where);
}

static void test_workload(void **state)
{
	const struct expected *e = *state;

	run(e->name, 1, NULL);
	assert_true(page->nphases > 0);
	assert_true(page->timed_ops > 0);
	assert_drained(e);
	memcpy(&first, page, sizeof(first));
	munmap(page, sizeof(*page));

	run(e->name, 1, NULL);
	assert_like_first(e, "when run again");
	munmap(page, sizeof(*page));

	run(e->name, 1, BENCH_VOID);
	assert_drained(e);
	assert_like_first(e, "on the void allocator");
	munmap(page, sizeof(*page));

	run(e->name, 2, NULL);
	if (e->is_random == is_same(page, &first) && (e->is_in_turn || e->is_random))
		fail_msg("%s is %s with another seed", e->name,
			 e->is_random ? "the same" : "different");
	munmap(page, sizeof(*page));
}

/* Every workload that the process has is in the table above. */
static void test_list(void **state)
{
	int ends[2];
	char text[8192];
	size_t used = 0, lines = 0;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(BENCH_CHILD, BENCH_CHILD, "--list", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		at[strcspn(at, "\t")] = '\0';
		if (lines == WORKLOADS || strcmp(at, workloads[lines].name) != 0)
			fail_msg("%s is not tested, or at another place", at);
		lines++;
	}
	assert_int_equal(lines, WORKLOADS);
}

int main(void)
{
	struct CMUnitTest tests[WORKLOADS + 1] = {cmocka_unit_test(test_list)};

	for (size_t i = 0; i < WORKLOADS; i++)
		tests[i + 1] = (struct CMUnitTest){.name = workloads[i].name,
						   .test_func = test_workload,
						   .initial_state = (void *)&workloads[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
