/*
 * Each test is a process of its own, as in a benchmark, and the test is its controller.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/child/child.h"

#define THREADS 4
#define ROUNDS	200

/* The process of the test says what it saw behind the page. */
struct shared {
	struct bench_page page;
	uint64_t seen[16];
};

static const struct workload nameless = {.threads = THREADS};
static struct shared *shared;

typedef void (*process_fn)(struct bench *b, struct lane *l);

void alone_report(const struct bench_page *p)
{
	(void)p;
}

static int set_up(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return -1;
	shared->page.in = (struct bench_request_in){
		.abi = BENCH_ABI, .seed = 7, .scale_percent = 100, .verify = 1};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static pid_t start(process_fn fn)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	static struct bench b;

	bench_begin(&b, &shared->page, &nameless, false);
	if (memory_init(&shared->page) != 0)
		_exit(2);
	fn(&b, bench_lane(&b, 0));
	bench_finish(&b);
	bench_end(&b, BENCH_END_OK, "");
}

/* Until the process stands still the n-th time. */
static void await(uint32_t n)
{
	struct bench_page *p = &shared->page;
	uint32_t at;

	while ((at = atomic_load(&p->at)) < n)
		syscall(SYS_futex, &p->at, FUTEX_WAIT, at, NULL, NULL, 0);
	assert_int_equal(at, n);
}

static void let_go(uint32_t n)
{
	struct bench_page *p = &shared->page;

	atomic_store(&p->go, n);
	syscall(SYS_futex, &p->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void run(process_fn fn, uint32_t hand_overs)
{
	pid_t pid = start(fn);

	for (uint32_t n = 1; n <= hand_overs; n++) {
		await(n);
		let_go(n);
	}
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(shared->page.end, BENCH_END_OK);
}

static void two_phases(struct bench *b, struct lane *l)
{
	static volatile char untouched[64 * 4096];

	l->counts->ops = 1000;
	bench_phase(b, "first", true);
	l->counts->ops += 10;
	l->counts->live_bytes = 500;
	l->counts->live_blocks = 5;
	bench_lane(b, 3)->counts->ops += 7;
	for (size_t i = 0; i < sizeof(untouched); i += 4096)
		untouched[i] = 1;
	bench_memory(b, 1024 * 4096);
	bench_phase(b, "a name that is longer than names may be", false);
	l->counts->ops += 3;
	l->counts->live_bytes = 0;
	bench_lane(b, 3)->counts->live_blocks = -2;
}

static void a_phase_has_what_came_in_it(void **state)
{
	const struct bench_page *p = &shared->page;

	(void)state;
	run(two_phases, 3);
	assert_int_equal(p->nphases, 2);
	assert_string_equal(p->phases[0].name, "first");
	assert_int_equal(p->phases[0].timed, 1);
	assert_int_equal(p->phases[0].ops, 17);
	assert_int_equal(p->phases[0].live_bytes, 500);
	assert_int_equal(p->phases[0].live_blocks, 5);
	assert_int_equal(strlen(p->phases[1].name), BENCH_NAME_MAX - 1);
	assert_int_equal(p->phases[1].ops, 3);
	assert_int_equal(p->phases[1].live_bytes, 0);
	assert_int_equal(p->phases[1].live_blocks, 3);
	assert_int_equal(p->timed_ops, 17);
	assert_int_equal(p->timed_ns, p->phases[0].end_ns - p->phases[0].begin_ns);
	assert_true(p->phases[0].begin_ns <= p->phases[0].end_ns);
	assert_true(p->phases[0].end_ns <= p->phases[1].begin_ns);
	/* Its own 1024 pages are none of the 64. */
	assert_in_range(p->phases[0].minor_faults, 64, 512);
	assert_int_equal(p->own_bytes, 1024 * 4096);
}

static void it_stands_still_until_it_is_let_go(void **state)
{
	const struct bench_page *p = &shared->page;
	pid_t pid;

	(void)state;
	pid = start(two_phases);
	await(1);
	assert_int_equal(p->nphases, 0);
	let_go(1);
	await(2);
	assert_int_equal(p->nphases, 1);
	assert_int_equal(p->phases[0].ops, 17);
	for (unsigned i = 0; i < ROUNDS; i++)
		sched_yield();
	assert_int_equal(p->lanes[0].ops, 1010);
	let_go(2);
	await(3);
	assert_int_equal(p->lanes[0].ops, 1013);
	assert_int_equal(p->end, BENCH_END_NONE);
	let_go(3);
	assert_int_equal(end_of(pid), 0);
}

static void many_phases(struct bench *b, struct lane *l)
{
	(void)l;
	for (;;)
		bench_phase(b, "one more", true);
}

static void phases_are_limited(void **state)
{
	pid_t pid;

	(void)state;
	pid = start(many_phases);
	for (uint32_t n = 1; n <= BENCH_PHASES + 1; n++) {
		await(n);
		let_go(n);
	}
	assert_int_equal(end_of(pid), 1);
	assert_int_equal(shared->page.end, BENCH_END_BROKEN);
	assert_int_not_equal(strlen(shared->page.text), 0);
}

static void timed_and_not(struct bench *b, struct lane *l)
{
	(void)l;
	shared->seen[0] = bench_is_over(b);
	bench_phase(b, "timed", true);
	while (!bench_is_over(b))
		shared->seen[1]++;
	bench_phase(b, "not", false);
	shared->seen[2] = bench_is_over(b);
	shared->seen[3] = bench_scaled(b, 1000);
	shared->seen[4] = bench_scaled(b, 1);
}

static void time_is_over_in_timed_phases(void **state)
{
	const struct bench_phase *ph = &shared->page.phases[0];

	(void)state;
	shared->page.in.time_ns = 2000000;
	shared->page.in.scale_percent = 5;
	run(timed_and_not, 3);
	assert_true(ph->end_ns - ph->begin_ns >= 2000000);
	assert_int_equal(shared->seen[0], 0);
	assert_int_equal(shared->seen[2], 0);
	assert_int_equal(shared->seen[3], 50);
	assert_int_equal(shared->seen[4], 1);
}

static _Atomic uint64_t meeting_at[THREADS + 1];

/* Between two meetings all are in one round. */
static void meet_often(struct bench *b, struct lane *l, void *arg)
{
	(void)arg;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		meeting_at[l->index] = round;
		bench_meet(b);
		for (unsigned i = 1; i <= THREADS; i++)
			if (meeting_at[i] != round)
				bench_end(b, BENCH_END_WRONG_OUTPUT, "not together");
		bench_meet(b);
	}
	shared->seen[l->index] = lane_random(l);
}

static void threads_that_meet(struct bench *b, struct lane *l)
{
	(void)l;
	bench_phase(b, "threads", true);
	bench_threads(b, THREADS, meet_often, NULL);
	shared->seen[THREADS + 1] = shared->seen[1];
	bench_threads(b, THREADS, meet_often, NULL);
}

static void threads_meet(void **state)
{
	const uint64_t *seen = shared->seen;

	(void)state;
	run(threads_that_meet, 2);
	for (unsigned i = 1; i <= THREADS; i++)
		for (unsigned j = 1; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	/* A lane's sequence goes on with its next thread. */
	assert_int_not_equal(seen[1], seen[THREADS + 1]);
}

static pthread_key_t key;
static _Atomic uint64_t destroyed;

static void on_destroy(void *value)
{
	(void)value;
	destroyed++;
}

static void succeed(struct bench *b, struct lane *l, void *arg)
{
	uint64_t generation = (uint64_t)(uintptr_t)arg;

	/* Of the same lane, those before are gone with all that they had. */
	if (l->counts->ops != generation || destroyed < generation)
		bench_end(b, BENCH_END_WRONG_OUTPUT, "those before are not gone");
	pthread_setspecific(key, &key);
	l->counts->ops++;
	if (generation + 1 < ROUNDS)
		bench_succeed(b, l, succeed, (void *)(uintptr_t)(generation + 1));
}

static unsigned count_maps(void)
{
	static char text[1 << 16];
	int fd = (int)syscall(SYS_open, "/proc/self/maps", 0);
	unsigned lines = 0;
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

static void succession(struct bench *b, struct lane *l)
{
	(void)l;
	pthread_key_create(&key, on_destroy);
	bench_phase(b, "threads", true);
	bench_threads(b, 2, succeed, NULL);
	shared->seen[0] = b->page->lanes[1].ops;
	shared->seen[1] = b->page->lanes[2].ops;
	shared->seen[2] = count_maps();
	b->page->lanes[1].ops = 0;
	b->page->lanes[2].ops = 0;
	bench_memory(b, 1 << 20);
	bench_threads(b, 2, succeed, NULL);
	shared->seen[3] = count_maps();
	shared->seen[4] = destroyed;
}

static void lanes_are_taken_over(void **state)
{
	const uint64_t *seen = shared->seen;

	(void)state;
	run(succession, 2);
	assert_int_equal(seen[0], ROUNDS);
	assert_int_equal(seen[1], ROUNDS);
	assert_int_equal(seen[4], 4 * ROUNDS);
	/* Neither memory nor 400 stacks are maps that come; a sanitizer has some of its own. */
	assert_in_range(seen[3], 1, seen[2] + 16);
}

static void refused(struct bench *b, struct lane *l, void *arg)
{
	(void)b;
	(void)l;
	(void)arg;
	bench_refused(123456);
}

static void threads_are_refused(struct bench *b, struct lane *l)
{
	(void)l;
	bench_threads(b, THREADS, refused, NULL);
}

static void a_refusal_ends_it(void **state)
{
	(void)state;
	assert_int_equal(end_of(start(threads_are_refused)), 1);
	assert_int_equal(shared->page.end, BENCH_END_REFUSED);
	assert_string_equal(shared->page.text, "a request for 123456 bytes was refused");
}

static void too_many_threads(struct bench *b, struct lane *l)
{
	(void)l;
	bench_threads(b, BENCH_LANES, refused, NULL);
}

static void threads_are_limited(void **state)
{
	(void)state;
	assert_int_equal(end_of(start(too_many_threads)), 1);
	assert_int_equal(shared->page.end, BENCH_END_UNSUPPORTED);
}

static void too_much_memory(struct bench *b, struct lane *l)
{
	(void)l;
	bench_memory(b, SIZE_MAX - 100);
}

static void memory_is_limited(void **state)
{
	(void)state;
	assert_int_equal(end_of(start(too_much_memory)), 1);
	assert_int_equal(shared->page.end, BENCH_END_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_phase_has_what_came_in_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_stands_still_until_it_is_let_go, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(phases_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(time_is_over_in_timed_phases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lanes_are_taken_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refusal_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_limited, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
