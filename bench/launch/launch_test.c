#include "bench/launch/launch.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/launch/launch_meter.h"
#include "harness/cli/paths.h"
#include "harness/cli/runner.h"
#include "harness/exec/run.h"
#include "harness/kernel/proc.h"

#define MIB	 (1 << 20)
#define SECOND	 1000000000ull
#define LIMIT_NS (30 * SECOND)
/* Page tables apart, what else a process may touch in a phase: stack, libc's data. */
#define SLACK (256 << 10)

static const char *fake(void)
{
	static char path[2 * PATH_MAX];
	char dir[PATH_MAX];

	assert_int_equal(paths_own_dir(dir), 0);
	snprintf(path, sizeof(path), "%s/launch-fake", dir);
	return path;
}

static struct launch_request request(const char *workload)
{
	struct launch_request q = {
		.program = fake(), .in = {.seed = 7}, .limit_ns = LIMIT_NS, .curve = true};

	snprintf(q.in.workload, sizeof(q.in.workload), "%s", workload);
	return q;
}

static struct bench_result run(const struct launch_request *q)
{
	struct bench_result r = {.key = {.rep = 5}};

	launch(q, &r);
	assert_int_equal(r.key.rep, 5);
	return r;
}

static struct bench_result run_ok(const struct launch_request *q)
{
	struct bench_result r = run(q);

	if (r.status != STATUS_OK)
		fail_msg("%s: %s", status_name(r.status), r.why);
	return r;
}

static int64_t value_of(const struct bench_result *r, const char *name)
{
	const struct bench_metric *m = result_metric(r, name);

	if (!m)
		fail_msg("no metric %s", name);
	return (int64_t)m->value;
}

#define assert_near(value, wanted, slack)                                                          \
	do {                                                                                       \
		int64_t near_value = (value), near_wanted = (wanted);                              \
		if (llabs(near_value - near_wanted) > (slack))                                     \
			fail_msg("%s is %lld, not %lld", #value, (long long)near_value,            \
				 (long long)near_wanted);                                          \
	} while (0)

static void memory_is_what_was_mapped_and_touched(void **state)
{
	struct launch_request q = request("grow");
	struct bench_result r = run_ok(&q);

	(void)state;
	assert_near(value_of(&r, "peak_rss_bytes"), 64 * MIB, SLACK);
	assert_near(value_of(&r, "final_rss_bytes"), 32 * MIB, SLACK);
	assert_int_equal(value_of(&r, "peak_mapped_bytes"), 64 * MIB);
	assert_int_equal(value_of(&r, "final_mapped_bytes"), 32 * MIB);
	assert_int_equal(value_of(&r, "peak_maps"), 1);
	assert_int_equal(value_of(&r, "final_maps"), 1);
	assert_near(value_of(&r, "residue_bytes"), 16 * MIB, SLACK);
	assert_near(1000 * result_metric(&r, "peak_fragmentation")->value, 1000, 10);
	assert_null(result_metric(&r, "kept_0s_bytes"));
	assert_null(result_metric(&r, "kernel_calls"));
	assert_int_equal(r.nphases, 2);
	assert_string_equal(r.phases[0].name, "take");
	assert_int_equal(r.phases[0].mapped, 64 * MIB);
	assert_near(r.phases[0].rss, 64 * MIB, SLACK);
	assert_near(r.phases[1].rss, 32 * MIB, SLACK);
	assert_int_equal(r.phases[1].live_bytes, 16 * MIB);
	launch_release(&r);
}

static void speed_is_of_timed_phases(void **state)
{
	struct launch_request q = request("grow");
	struct bench_result r = run_ok(&q);
	double ns = (r.phases[0].end_s - r.phases[0].begin_s) * 1e9;

	(void)state;
	assert_near(1000 * result_metric(&r, "ns_per_op")->value, ns, 2);
	assert_near(value_of(&r, "ops_per_s"), 1000 / (ns / 1e9), 2);
	assert_int_equal(value_of(&r, "minor_faults"), 7);
	assert_null(result_metric(&r, "instructions"));
	launch_release(&r);
}

/* Without a sample in between the kernel's own marks know it. */
static void what_comes_and_goes_unseen_is_in_the_peak(void **state)
{
	struct launch_request q = request("spike");

	(void)state;
	q.curve = false;
	struct bench_result r = run_ok(&q);

	assert_near(value_of(&r, "peak_rss_bytes"), 64 * MIB, SLACK);
	assert_int_equal(value_of(&r, "peak_mapped_bytes"), 64 * MIB);
	assert_near(value_of(&r, "final_rss_bytes"), 0, SLACK);
	assert_null(result_metric(&r, "mean_fragmentation"));
	launch_release(&r);
}

static void maps_are_exact_at_ends_of_phases(void **state)
{
	struct launch_request q = request("split");
	struct bench_result r = run_ok(&q);

	(void)state;
	assert_int_equal(value_of(&r, "peak_maps"), 2000);
	assert_int_equal(value_of(&r, "final_maps"), 0);
	assert_int_equal(r.phases[0].maps, 2000);
	assert_int_equal(value_of(&r, "peak_mapped_bytes"), 0);
	launch_release(&r);
}

static void what_the_benchmark_takes_for_itself_is_taken_off(void **state)
{
	struct launch_request q = request("own");
	struct bench_result r = run_ok(&q);

	(void)state;
	assert_near(value_of(&r, "peak_rss_bytes"), 1 * MIB, SLACK);
	assert_near(value_of(&r, "final_rss_bytes"), 1 * MIB, SLACK);
	launch_release(&r);
}

static void what_is_given_back_is_followed(void **state)
{
	struct launch_request q = request("steps");

	(void)state;
	q.in.after = BENCH_AFTER_IDLE;
	q.in.after_ns = SECOND / 5;
	struct bench_result r = run_ok(&q);
	double t50 = result_metric(&r, "t50_s") ? result_metric(&r, "t50_s")->value : -1;
	double t90 = result_metric(&r, "t90_s") ? result_metric(&r, "t90_s")->value : -1;
	double step = 0.05, area = result_metric(&r, "kept_area_byte_s")->value / MIB;

	assert_near(value_of(&r, "kept_0s_bytes"), 64 * MIB, SLACK);
	assert_true(t50 >= step);
	assert_true(t90 >= 2 * step && t90 >= t50);
	assert_true(area >= 64 * step + 24 * step);
	assert_true(area <= 64 * (r.phases[2].end_s - r.phases[2].begin_s) + 1);
	assert_near(value_of(&r, "peak_rss_bytes"), 64 * MIB, SLACK);
	assert_near(value_of(&r, "final_rss_bytes"), 64 * MIB, SLACK);
	assert_near(r.phases[2].rss, 1 * MIB, SLACK);
	assert_null(result_metric(&r, "kept_1s_bytes"));
	launch_release(&r);
}

/* Every 5 ms is what is wished for; on a busy machine it may be less, but there is a curve. */
static void the_curve_goes_on_in_time_and_has_the_stops(void **state)
{
	struct launch_request q = request("steps");

	(void)state;
	q.in.after = BENCH_AFTER_IDLE;
	q.in.after_ns = SECOND / 5;
	struct bench_result r = run_ok(&q);
	int64_t highest = 0;

	assert_true(r.npoints > 6);
	for (uint32_t i = 0; i < r.npoints; i++) {
		assert_true(!i || r.points[i].s >= r.points[i - 1].s);
		assert_true(!i || r.points[i].phase >= r.points[i - 1].phase);
		assert_true(r.points[i].phase < 3);
		highest = r.points[i].rss > highest ? r.points[i].rss : highest;
	}
	assert_near(highest, 64 * MIB, SLACK);
	assert_int_equal(r.points[0].rss, 0);
	assert_int_equal(r.points[0].maps, 0);
	launch_release(&r);
}

static void latencies_are_in_nanoseconds_where_there_are_enough(void **state)
{
	struct launch_request q = request("sampled");
	struct bench_result r = run_ok(&q);

	(void)state;
	assert_int_equal(value_of(&r, "malloc_p50_ns"), 10);
	assert_int_equal(value_of(&r, "malloc_p99_ns"), 10);
	assert_int_equal(value_of(&r, "malloc_p999_ns"), 10);
	assert_int_equal(value_of(&r, "malloc_max_ns"), 1000);
	assert_null(result_metric(&r, "free_kernel_p50_ns"));
	assert_null(result_metric(&r, "free_kernel_max_ns"));
	assert_int_equal(value_of(&r, "kernel_calls"), 12);
	json_t *latency = json_object_get(r.more, "latency");
	json_t *free_kernel = json_object_get(json_object_get(latency, "free"), "kernel");

	assert_int_equal(json_integer_value(json_object_get(free_kernel, "samples")), 19);
	assert_true(json_real_value(json_object_get(free_kernel, "mean_ns")) == 2500);
	launch_release(&r);
}

/* Status and words of a run that does not end as it should, which has no metrics. */
static void expect_of(const struct launch_request *q, enum bench_status status, const char *why)
{
	struct bench_result r = run(q);

	if (r.status != status || !strstr(r.why, why))
		fail_msg("%s is %s: %s; not %s: %s", q->in.workload, status_name(r.status), r.why,
			 status_name(status), why);
	assert_int_equal(r.nmetrics, 0);
	json_t *o = result_json(&r);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_non_null(text);
	free(text);
	json_decref(o);
	launch_release(&r);
}

static void expect(const char *workload, enum bench_status status, const char *why)
{
	struct launch_request q = request(workload);

	expect_of(&q, status, why);
}

static void every_end_has_its_status(void **state)
{
	(void)state;
	expect("crash", STATUS_CRASH, "SIGSEGV in phase 'churn': free(): invalid pointer");
	expect("kill", STATUS_CRASH, "SIGKILL in phase 'churn'");
	expect("exit", STATUS_CRASH, "exited with status 3 in phase 'churn'");
	expect("early", STATUS_CRASH, "exited with status 4 before its first phase");
	expect("late", STATUS_CRASH, "SIGABRT after its last phase");
	expect("refuse", STATUS_OUT_OF_MEMORY, "a request for 7 bytes was refused in phase");
	expect("output", STATUS_WRONG_OUTPUT, "two blocks overlap");
	expect("unsupported", STATUS_UNSUPPORTED, "no such thing here");
	expect("no-such-mode", STATUS_BROKEN, "no such mode");
}

static void a_damaged_page_is_a_crash_and_never_figures(void **state)
{
	(void)state;
	expect("damage-at", STATUS_CRASH, "written over in phase 'churn'");
	expect("damage-request", STATUS_CRASH, "the request on it has changed");
	expect("damage-times", STATUS_CRASH, "the times of phase 0 'churn'");
	expect("damage-all", STATUS_CRASH, "");
	expect("damage-live", STATUS_CRASH, "SIGBUS");
}

static void who_says_much_is_not_held_up(void **state)
{
	struct launch_request q = request("talk");
	struct bench_result r = run_ok(&q);

	(void)state;
	assert_int_equal(json_string_length(json_object_get(r.more, "output")), 16384);
	launch_release(&r);
}

static void who_hangs_is_ended(void **state)
{
	struct launch_request q = request("hang");

	(void)state;
	q.limit_ns = SECOND / 20;
	expect_of(&q, STATUS_TIMEOUT, "not over after 0.05 s in phase 'hang'");
}

static void an_interrupt_ends_it(void **state)
{
	struct launch_request q = request("interrupt");

	(void)state;
	runner_catch_interrupts();
	expect_of(&q, STATUS_INTERRUPTED, "in phase 'hang'");
	assert_true(runner_interrupted());
	run_interrupted = 0;
}

static void another_file_that_serves_is_a_wrong_allocator(void **state)
{
	static struct allocator_ref ref;
	struct launch_request q = request("grow");

	(void)state;
	q.ref = &ref;
	snprintf(ref.path, sizeof(ref.path), "%.*s", PATH_MAX - 1, fake());
	expect_of(&q, STATUS_WRONG_ALLOCATOR, "malloc was served by /");
	q = request("wrong");
	snprintf(ref.path, sizeof(ref.path), "/nowhere/libmeant.so");
	q.ref = &ref;
	expect_of(&q, STATUS_WRONG_ALLOCATOR, "malloc was served by /elsewhere/libother.so");
}

static void a_file_that_does_not_load_is_told_in_the_linkers_words(void **state)
{
	char path[] = "/tmp/allocrig-not-an-object-XXXXXX";
	int fd = mkstemp(path);
	struct launch_request q = request("grow");

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, "no ELF file", 11) == 11);
	close(fd);
	snprintf(q.in.file, sizeof(q.in.file), "%s", path);
	expect_of(&q, STATUS_WRONG_ALLOCATOR, "cannot be preloaded");
	unlink(path);
}

static void a_program_that_is_not_there_is_broken(void **state)
{
	struct launch_request q = request("grow");

	(void)state;
	q.program = "/nowhere/allocrig-bench-child";
	expect_of(&q, STATUS_BROKEN, "cannot be started: No such file");
}

/* The process of one that is killed in the middle has nobody left to answer it. */
static void nothing_is_left_of_a_killed_controller(void **state)
{
	struct launch_request q = request("hang");
	int status, ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t pid = fork();

	if (pid == 0) {
		struct bench_result r = {0};

		close(ends[0]);
		q.limit_ns = 0;
		/* The fake's own standard streams are its own: only this process has the pipe. */
		(void)!write(ends[1], "x", 1);
		launch(&q, &r);
		_exit(0);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	kill(pid, SIGKILL);
	/*
	 * It and what it may have started: both come here to be waited for. The second may have
	 * seen by itself, before it was anything, that it has no parent.
	 */
	for (pid_t ended; (ended = wait(&status)) > 0;)
		assert_true(WIFSIGNALED(status) || ended != pid);
}

/* Lines of the table, read in one piece into memory that is there already. */
static int64_t lines_of_own_maps(void)
{
	static char text[1 << 20];
	int fd = open("/proc/self/maps", O_RDONLY);
	int64_t n = 0;

	assert_true(fd >= 0);
	assert_int_equal(proc_read(fd, text, sizeof(text)), 0);
	close(fd);
	for (char *line = text, *next; (next = strchr(line, '\n')); line = next + 1) {
		*next = '\0';
		n += strstr(line, "[vsyscall]") == NULL;
	}
	return n;
}

static void the_meter_reads_what_the_kernel_says(void **state)
{
	struct meter m;

	(void)state;
	assert_int_equal(meter_init(&m, getpid()), 0);
	int64_t lines = lines_of_own_maps();

	assert_int_equal(meter_maps(&m), lines);
	struct memory now = meter_exact(&m);

	assert_int_equal(now.maps, lines);
	assert_true(now.rss > 0 && now.mapped > now.rss);
	assert_true(meter_peaks(&m).mapped >= now.mapped);
	meter_release(&m);
	/* One that is gone. */
	assert_true(meter_init(&m, INT_MAX) < 0);
	assert_int_equal(meter_maps(&m), -1);
	assert_int_equal(meter_quick(&m).rss, -1);
	assert_int_equal(meter_peaks(&m).rss, -1);
}

static void workloads_are_listed(void **state)
{
	struct workload_info all[64];
	int n = launch_list(fake(), all, 64);

	(void)state;
	assert_true(n > 5);
	assert_string_equal(all[0].name, "grow");
	assert_true(all[0].only_fixed);
	assert_string_equal(all[1].name, "spike");
	assert_int_equal(all[1].threads, 1);
	assert_false(all[1].only_fixed);
	assert_string_equal(all[1].summary, "does as its name says");
	assert_int_equal(launch_list(fake(), all, 3), 3);
	assert_true(launch_list("/nowhere/at-all", all, 3) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_what_was_mapped_and_touched),
		cmocka_unit_test(speed_is_of_timed_phases),
		cmocka_unit_test(what_comes_and_goes_unseen_is_in_the_peak),
		cmocka_unit_test(maps_are_exact_at_ends_of_phases),
		cmocka_unit_test(what_the_benchmark_takes_for_itself_is_taken_off),
		cmocka_unit_test(what_is_given_back_is_followed),
		cmocka_unit_test(the_curve_goes_on_in_time_and_has_the_stops),
		cmocka_unit_test(latencies_are_in_nanoseconds_where_there_are_enough),
		cmocka_unit_test(every_end_has_its_status),
		cmocka_unit_test(a_damaged_page_is_a_crash_and_never_figures),
		cmocka_unit_test(who_says_much_is_not_held_up),
		cmocka_unit_test(who_hangs_is_ended),
		cmocka_unit_test(an_interrupt_ends_it),
		cmocka_unit_test(another_file_that_serves_is_a_wrong_allocator),
		cmocka_unit_test(a_file_that_does_not_load_is_told_in_the_linkers_words),
		cmocka_unit_test(a_program_that_is_not_there_is_broken),
		cmocka_unit_test(nothing_is_left_of_a_killed_controller),
		cmocka_unit_test(the_meter_reads_what_the_kernel_says),
		cmocka_unit_test(workloads_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
