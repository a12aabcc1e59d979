/*
 * The sampled build's calls in a process of their own, on an allocator that the test knows: malloc
 * as it is linked here would be the sanitizers' in some trees.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/child/child.h"
#include "bench/child/sampled/calibrate.h"
#include "bench/child/sampled/sample.h"
#include "bench/child/sampling.h"

#define CALLS	    100000
#define KERNEL_EACH 10 /* one call in so many enters the kernel, twice */

static const struct workload nameless;
static struct bench_page *page;

void alone_report(const struct bench_page *p)
{
	(void)p;
}

static void call(struct lane *l, unsigned i)
{
	struct sample this = sample_begin(l);

	if (i % KERNEL_EACH == 0) {
		syscall(SYS_getppid);
		syscall(SYS_getppid);
	}
	sample_end(l, &this, BENCH_REALLOC);
}

static void calls(struct lane *l)
{
	for (unsigned i = 0; i < CALLS; i++)
		call(l, i);
}

static void on_thread(struct bench *b, struct lane *l, void *arg)
{
	(void)b;
	(void)arg;
	calls(l);
}

static int run(void (*fn)(struct bench *, struct lane *))
{
	int status;
	pid_t pid;

	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	page->in = (struct bench_request_in){.seed = 3, .scale_percent = 100};
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		static struct bench b;

		bench_begin(&b, page, &nameless, true);
		if (memory_init(page) != 0)
			_exit(2);
		sampling_begin(&b);
		fn(&b, bench_lane(&b, 0));
		bench_finish(&b);
		bench_end(&b, BENCH_END_OK, "");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void one_timed_phase(struct bench *b, struct lane *l)
{
	calls(l);
	bench_phase(b, "not", false);
	calls(l);
	bench_phase(b, "timed", true);
	calls(l);
	bench_threads(b, 2, on_thread, NULL);
	bench_phase(b, "not", false);
	calls(l);
}

static void calls_of_timed_phases_are_counted(void **state)
{
	const struct histogram *h;

	(void)state;
	assert_int_equal(run(one_timed_phase), 0);
	const struct bench_sampled *s = &page->sampled;

	h = s->latency[BENCH_REALLOC];
	/* One in 128 of three times so many: a fifth more or less is ten times its spread. */
	assert_in_range(h[0].count + h[1].count, 3 * CALLS / BENCH_EVERY * 4 / 5,
			3 * CALLS / BENCH_EVERY * 6 / 5);
	assert_int_equal(s->every, BENCH_EVERY);
	if (s->unsupported[0]) {
		print_message("kernel calls are not seen: %s\n", s->unsupported);
		return;
	}
	/* A sanitizer unmaps what its threads had as they end. */
	assert_in_range(s->kernel_calls, 3 * CALLS / KERNEL_EACH * 2,
			3 * CALLS / KERNEL_EACH * 2 + 2 * 4);
	assert_int_equal(s->passed_by, 0);
	assert_in_range(h[1].count, 3 * CALLS / BENCH_EVERY / KERNEL_EACH / 2,
			3 * CALLS / BENCH_EVERY / KERNEL_EACH * 2);
	assert_in_range(s->trap_ticks, 1, s->ticks_per_ms);
	/* Nothing was called, so nothing is left beside what the clock shows as noise. */
	assert_in_range(histogram_quantile(&h[0], 0.5), 0, 4 * s->timer_ticks);
}

#define TICKS 1000000000

static void add_known_calls(struct bench *b, struct lane *l)
{
	struct sampling *s = l->sampling;
	const struct bench_sampled *p = &b->page->sampled;

	bench_phase(b, "timed", true);
	s->entered_at = s->kernel_calls;
	sample_add(s, BENCH_MALLOC, TICKS + p->timer_ticks);
	s->entered_at = s->kernel_calls;
	s->kernel_calls += 3;
	sample_add(s, BENCH_MALLOC, TICKS + p->timer_ticks + 3 * p->trap_ticks);
	/* A clock that goes on unevenly leaves nothing, and not less. */
	s->entered_at = s->kernel_calls;
	sample_add(s, BENCH_FREE, 0);
	sample_add(s, BENCH_MMAP, TICKS + p->timer_ticks);
}

static void what_seeing_costs_is_taken_off(void **state)
{
	(void)state;
	assert_int_equal(run(add_known_calls), 0);
	const struct bench_sampled *s = &page->sampled;

	assert_int_equal(s->kernel_calls, 3);
	assert_int_equal(s->latency[BENCH_MALLOC][0].count, 1);
	assert_int_equal(s->latency[BENCH_MALLOC][0].max, TICKS);
	assert_int_equal(s->latency[BENCH_MALLOC][1].max, TICKS);
	assert_int_equal(s->latency[BENCH_FREE][0].count, 1);
	assert_int_equal(s->latency[BENCH_FREE][0].max, 0);
	assert_int_equal(s->latency[BENCH_MMAP][1].max, TICKS);
}

/* As an allocator does when its thread ends. */
static void on_thread_end(void *p)
{
	munmap(p, 4096);
}

static pthread_key_t key;

static void thread_with_memory(struct bench *b, struct lane *l, void *arg)
{
	(void)b;
	(void)l;
	(void)arg;
	pthread_setspecific(key, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void ends_of_threads(struct bench *b, struct lane *l)
{
	(void)l;
	pthread_key_create(&key, on_thread_end);
	bench_phase(b, "timed", true);
	bench_threads(b, 3, thread_with_memory, NULL);
}

static void destructors_are_the_allocators(void **state)
{
	(void)state;
	assert_int_equal(run(ends_of_threads), 0);
	if (!page->sampled.unsupported[0])
		assert_in_range(page->sampled.kernel_calls, 3, 3 + 3 * 3);
}

static void clocks_agree(void **state)
{
	(void)state;
	uint64_t once = calibrate_ticks_per_ms(20000000), again = calibrate_ticks_per_ms(20000000);

	assert_in_range(once, 1000, 100000000);
	assert_in_range(again, once - once / 100, once + once / 100);
	assert_in_range(calibrate_timer(), 1, once / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_of_timed_phases_are_counted),
		cmocka_unit_test(what_seeing_costs_is_taken_off),
		cmocka_unit_test(destructors_are_the_allocators),
		cmocka_unit_test(clocks_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
