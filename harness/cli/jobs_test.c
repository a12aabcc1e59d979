#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/jobs.h"
#include "harness/cli/runner.h"
#include "harness/exec/run.h"

#define LARGE 300000 /* more than a pipe holds */

struct record {
	size_t told, empty;
	size_t stop_at;	     /* job whose result ends it all */
	size_t interrupt_at; /* job whose result is an interrupt */
	int hold_first[2];   /* job 0 waits until this pipe is closed or written to */
};

static int keep(void *ctx, size_t i, const char *result, size_t len)
{
	struct record *r = ctx;

	assert_int_equal(i, r->told);
	r->told++;
	if (len == 0)
		r->empty++;
	else
		assert_int_equal(result[0], (char)i);
	if (i == r->interrupt_at)
		run_interrupted = 1;
	return i == r->stop_at ? -EDOM : 0;
}

static struct record fresh(void)
{
	run_interrupted = 0;
	return (struct record){.stop_at = SIZE_MAX, .interrupt_at = SIZE_MAX};
}

static int run(struct record *r, size_t n, unsigned parallel,
	       void (*work)(void *ctx, size_t i, int fd))
{
	const struct jobs jobs = {
		.n = n, .parallel = parallel, .ctx = r, .work = work, .done = keep};
	int ret = jobs_run(&jobs);

	/* Nobody is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return ret;
}

static void write_number(void *ctx, size_t i, int fd)
{
	char number = (char)i;

	(void)ctx;
	jobs_write(fd, &number, 1);
}

static void write_much(void *ctx, size_t i, int fd)
{
	static char much[LARGE];

	memset(much, (int)i, sizeof(much));
	(void)ctx;
	jobs_write(fd, much, sizeof(much));
}

static void results_come_in_order(void **state)
{
	(void)state;
	for (unsigned parallel = 1; parallel <= 5; parallel += 2) {
		struct record r = fresh();

		assert_int_equal(run(&r, 40, parallel, write_number), 0);
		assert_int_equal(r.told, 40);
		assert_int_equal(r.empty, 0);
	}
	struct record none = fresh();

	assert_int_equal(run(&none, 0, 2, write_number), 0);
	assert_int_equal(none.told, 0);
}

static void results_may_be_large(void **state)
{
	struct record r = fresh();

	(void)state;
	assert_int_equal(run(&r, 6, 3, write_much), 0);
	assert_int_equal(r.told, 6);
	assert_int_equal(r.empty, 0);
}

/* Job 0 ends last of all: it waits for a byte that only the last job writes. */
static void wait_for_the_last(void *ctx, size_t i, int fd)
{
	struct record *r = ctx;
	char byte = 0;

	if (i == 0 && read(r->hold_first[0], &byte, 1) != 1)
		return;
	if (i == 9 && write(r->hold_first[1], &byte, 1) != 1)
		return;
	write_number(ctx, i, fd);
}

static void a_slow_one_holds_up_nobody(void **state)
{
	struct record r = fresh();

	(void)state;
	assert_int_equal(pipe(r.hold_first), 0);
	assert_int_equal(run(&r, 10, 2, wait_for_the_last), 0);
	assert_int_equal(r.told, 10);
	assert_int_equal(r.empty, 0);
	close(r.hold_first[0]);
	close(r.hold_first[1]);
}

static void die(void *ctx, size_t i, int fd)
{
	if (i == 1)
		kill(getpid(), SIGKILL);
	write_number(ctx, i, fd);
}

static void a_dead_worker_gives_nothing(void **state)
{
	struct record r = fresh();

	(void)state;
	assert_int_equal(run(&r, 3, 2, die), 0);
	assert_int_equal(r.told, 3);
	assert_int_equal(r.empty, 1);
}

static void a_refused_result_ends_it(void **state)
{
	struct record r = fresh();

	(void)state;
	r.stop_at = 2;
	assert_int_equal(run(&r, 1000, 2, write_number), -EDOM);
	assert_int_equal(r.told, 3);
}

/* Until it is told to end, as a run that takes long. */
static void wait_for_a_signal(void *ctx, size_t i, int fd)
{
	sigset_t none;

	sigemptyset(&none);
	while (i > 0 && !runner_interrupted())
		sigsuspend(&none);
	write_number(ctx, i, fd);
}

static void an_interrupt_leaves_what_was_done(void **state)
{
	struct record r = fresh();
	sigset_t terminate, before;

	(void)state;
	runner_catch_interrupts();
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	/* The workers inherit the mask: no signal comes between their question and their wait. */
	sigprocmask(SIG_BLOCK, &terminate, &before);
	r.interrupt_at = 0;
	assert_int_equal(run(&r, 1000, 3, wait_for_a_signal), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_in_range(r.told, 1, 5);
	assert_int_equal(r.empty, 0);
	run_interrupted = 0;
}

static void there_is_a_processor(void **state)
{
	(void)state;
	assert_in_range(jobs_processors(), 1, 1u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_in_order),
		cmocka_unit_test(results_may_be_large),
		cmocka_unit_test(a_slow_one_holds_up_nobody),
		cmocka_unit_test(a_dead_worker_gives_nothing),
		cmocka_unit_test(a_refused_result_ends_it),
		cmocka_unit_test(an_interrupt_leaves_what_was_done),
		cmocka_unit_test(there_is_a_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
