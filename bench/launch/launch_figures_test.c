/*
 * What figures come of a run that is put together here: no process, no clock.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/launch/launch_page.h"
#include "bench/launch/launch_run.h"

#define MIB    ((int64_t)1 << 20)
#define SECOND UINT64_C(1000000000)
#define BEGIN  (5 * SECOND)

struct made {
	struct launch_request q;
	struct launch_run run;
	struct bench_result r;
	struct bench_page page;
};

static struct made *made_new(enum bench_after after)
{
	struct made *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->q.in.after = after;
	m->q.curve = true;
	m->run.q = &m->q;
	m->run.copy = &m->page;
	m->r.more = json_object();
	return m;
}

static void made_free(struct made *m)
{
	curve_release(&m->run.curve);
	launch_release(&m->r);
	free(m);
}

static void point(struct made *m, double s, unsigned phase, int64_t rss_mib, int64_t live_mib,
		  bool is_exact)
{
	struct curve_sample sample = {
		.ns = BEGIN + (uint64_t)llround(s * 1e9),
		.is_exact = is_exact,
		.at = {.rss = rss_mib * MIB,
		       .mapped = 500 * MIB,
		       .maps = -1,
		       .live = live_mib * MIB,
		       .phase = phase},
	};

	assert_int_equal(curve_add(&m->run.curve, &sample), 0);
}

static void phase(struct made *m, double begin_s, double end_s, bool timed)
{
	struct bench_phase *ph = &m->page.phases[m->page.nphases++];

	*ph = (struct bench_phase){
		.name = "some",
		.timed = timed,
		.begin_ns = BEGIN + (uint64_t)llround(begin_s * 1e9),
		.end_ns = BEGIN + (uint64_t)llround(end_s * 1e9),
		.ops = 10,
		.instructions = UINT64_MAX,
	};
	if (timed) {
		m->page.timed_ops += ph->ops;
		m->page.timed_ns += ph->end_ns - ph->begin_ns;
	}
	m->run.nstops = m->page.nphases + 1;
}

static void assert_metric(const struct made *m, const char *name, double wanted)
{
	const struct bench_metric *got = result_metric(&m->r, name);

	if (!got)
		fail_msg("no %s", name);
	if (fabs(got->value - wanted) > 1e-6 * fabs(wanted) + 1e-9)
		fail_msg("%s is %g, not %g", name, got->value, wanted);
}

/* Phase 0 takes 100 MiB, phase 1 frees all but 20, what comes back comes after. */
static struct made *drained(void)
{
	struct made *m = made_new(BENCH_AFTER_IDLE);

	phase(m, 0, 1, true);
	phase(m, 1, 2, false);
	phase(m, 2.5, 13, false);
	point(m, 0, 0, 0, 0, true);
	point(m, 1, 0, 100, 90, true);
	point(m, 1, 1, 100, 90, true);
	point(m, 2, 1, 80, 20, true);
	point(m, 2.5, 2, 80, 20, true);
	point(m, 3, 2, 80, 20, false);
	point(m, 4.5, 2, 60, 20, false);
	point(m, 6.5, 2, 28, 20, false);
	point(m, 12.6, 2, 28, 20, false);
	point(m, 13, 2, 20, 20, true);
	return m;
}

static void what_is_kept_is_as_at_the_last_sample(void **state)
{
	struct made *m = drained();

	(void)state;
	launch_return(&m->run, &m->r);
	assert_metric(m, "kept_0s_bytes", 60.0 * MIB);
	assert_metric(m, "kept_1s_bytes", 60.0 * MIB);
	assert_metric(m, "kept_10s_bytes", 8.0 * MIB);
	/* 2 s of 60, 2 s of 40, 6.5 s of 8 */
	assert_metric(m, "kept_area_byte_s", (120.0 + 80 + 52) * MIB);
	made_free(m);
}

/* 80 MiB are freed in the last phase: half is back at 60, 90 % at 28. */
static void times_are_of_what_was_freed(void **state)
{
	struct made *m = drained();

	(void)state;
	launch_return(&m->run, &m->r);
	assert_metric(m, "t50_s", 2);
	assert_metric(m, "t90_s", 4);
	json_t *back = json_object_get(m->r.more, "given_back");

	assert_true(json_is_true(json_object_get(back, "anything_freed")));
	assert_true(json_real_value(json_object_get(back, "watched_s")) == 10.5);
	made_free(m);
}

static void who_never_gives_back_has_no_time(void **state)
{
	struct made *m = drained();

	(void)state;
	for (size_t i = 3; i < m->run.curve.n; i++)
		m->run.curve.v[i].at.rss = 70 * MIB;
	launch_return(&m->run, &m->r);
	assert_null(result_metric(&m->r, "t50_s"));
	assert_null(result_metric(&m->r, "t90_s"));
	json_t *back = json_object_get(m->r.more, "given_back");

	assert_true(json_is_null(json_object_get(back, "t50_s")));
	made_free(m);
}

static void who_gave_back_at_once_took_no_time(void **state)
{
	struct made *m = drained();

	(void)state;
	for (size_t i = 3; i < m->run.curve.n; i++)
		m->run.curve.v[i].at.rss = 20 * MIB;
	launch_return(&m->run, &m->r);
	assert_metric(m, "t50_s", 0);
	assert_metric(m, "t90_s", 0);
	assert_metric(m, "kept_area_byte_s", 0);
	made_free(m);
}

static void nothing_freed_has_neither_half_nor_time(void **state)
{
	struct made *m = drained();

	(void)state;
	for (size_t i = 2; i < m->run.curve.n; i++)
		m->run.curve.v[i].at.live = m->run.curve.v[i].at.rss = 90 * MIB;
	launch_return(&m->run, &m->r);
	assert_null(result_metric(&m->r, "t50_s"));
	assert_true(json_is_false(
		json_object_get(json_object_get(m->r.more, "given_back"), "anything_freed")));
	made_free(m);
}

static void what_was_not_watched_so_long_is_not_told(void **state)
{
	struct made *m = drained();

	(void)state;
	m->run.curve.n -= 3;
	launch_return(&m->run, &m->r);
	assert_metric(m, "kept_1s_bytes", 60.0 * MIB);
	assert_null(result_metric(&m->r, "kept_10s_bytes"));
	made_free(m);
}

/* While the process stands still between phases no time passes for it. */
static void fragmentation_is_weighted_by_running_time(void **state)
{
	struct made *m = made_new(BENCH_AFTER_NOTHING);

	(void)state;
	phase(m, 0, 2, true);
	phase(m, 10, 12, false);
	point(m, 0, 0, 0, 0, true);
	point(m, 1, 0, 30, 20, false);
	point(m, 2, 0, 90, 80, true);
	point(m, 10, 1, 90, 80, true);
	point(m, 11, 1, 90, 10, false);
	point(m, 12, 1, 45, 5, true);
	point(m, 12.1, 2, 45, 5, true);
	launch_memory(&m->run, &m->r);
	assert_metric(m, "mean_fragmentation", (30.0 + 90 + 90) / (20 + 80 + 10));
	/* At 90 MiB resident 80 are live, then 10: that is no fragmentation of the peak. */
	assert_metric(m, "peak_fragmentation", 90.0 / 80);
	assert_metric(m, "residue_bytes", 40.0 * MIB);
	assert_metric(m, "final_rss_bytes", 45.0 * MIB);
	made_free(m);
}

static void a_mark_of_the_kernel_counts_if_it_rose(void **state)
{
	struct made *m = made_new(BENCH_AFTER_NOTHING);
	struct launch_stop *first = &m->run.stops[0], *last = &m->run.stops[1];

	(void)state;
	phase(m, 0, 2, true);
	point(m, 0, 0, 0, 0, true);
	point(m, 2, 0, 10, 10, true);
	first->quick = (struct memory){.rss = 3 * MIB, .mapped = 1000 * MIB};
	first->exact.maps = 20;
	first->peaks = (struct memory_peaks){.rss = 3 * MIB, .mapped = 2000 * MIB};
	last->peaks = (struct memory_peaks){.rss = 40 * MIB, .mapped = 2000 * MIB};
	last->own = (uint64_t)(2 * MIB);
	launch_memory(&m->run, &m->r);
	assert_metric(m, "peak_rss_bytes", (40.0 - 3 - 2) * MIB);
	assert_metric(m, "peak_mapped_bytes", 500.0 * MIB);
	made_free(m);
}

static void phases_that_are_not_timed_do_not_count(void **state)
{
	struct made *m = made_new(BENCH_AFTER_NOTHING);

	(void)state;
	phase(m, 0, 2, true);
	phase(m, 2, 200, false);
	m->page.phases[0].minor_faults = 3;
	m->page.phases[0].instructions = 500;
	m->page.phases[1].minor_faults = 1000;
	launch_speed(&m->run, &m->r);
	assert_metric(m, "ns_per_op", 2e8);
	assert_metric(m, "ops_per_s", 5);
	assert_metric(m, "minor_faults", 3);
	assert_metric(m, "instructions", 500);
	assert_null(result_metric(&m->r, "kernel_calls"));
	made_free(m);
}

/* Nothing was timed: no rate, and neither 0 nor what is no number. */
static void nothing_timed_has_no_rate(void **state)
{
	struct made *m = made_new(BENCH_AFTER_NOTHING);

	(void)state;
	phase(m, 0, 2, false);
	launch_speed(&m->run, &m->r);
	assert_int_equal(m->r.nmetrics, 0);
	made_free(m);
}

static void a_sound_page_passes_and_each_damage_is_seen(void **state)
{
	struct made *m = made_new(BENCH_AFTER_NOTHING);
	struct bench_page good, *p = &m->page;
	char err[200];

	(void)state;
	phase(m, 0, 2, true);
	phase(m, 2, 3, false);
	p->in.abi = BENCH_ABI;
	p->sampled.every = 64;
	p->sampled.ticks_per_ms = 1000000;
	histogram_add(&p->sampled.latency[0][0], 77);
	good = *p;
#define CHECK() page_check(p, &m->q.in, BEGIN, BEGIN + 3 * SECOND, err, sizeof(err))
#define SEEN(damage)                                                                               \
	do {                                                                                       \
		damage;                                                                            \
		assert_int_not_equal(CHECK(), 0);                                                  \
		*p = good;                                                                         \
	} while (0)
	assert_int_equal(CHECK(), 0);
	SEEN(p->in.seed++);
	SEEN(p->in.file[0] = '/');
	SEEN(p->in.abi++);
	SEEN(p->nphases = 0);
	SEEN(p->phases[0].begin_ns = 0);
	SEEN(p->phases[1].begin_ns--);
	SEEN(p->phases[1].end_ns++);
	SEEN(p->phases[1].live_bytes = -1);
	SEEN(p->phases[1].timed = 1);
	SEEN(p->timed_ops++);
	SEEN(p->timed_ns = 0);
	SEEN(p->sampled.ticks_per_ms = 0);
	SEEN(p->sampled.latency[0][0].count++);
	SEEN(p->sampled.latency[0][0].max = 1 << 20);
	SEEN(p->sampled.latency[4][1].buckets[9]++);
	assert_int_equal(CHECK(), 0);
	made_free(m);
}

static void texts_end_and_are_printable(void **state)
{
	struct bench_page *raw = malloc(sizeof(*raw)), *p;

	(void)state;
	assert_non_null(raw);
	memset(raw, '\n', sizeof(*raw));
	p = page_copy(raw);
	assert_non_null(p);
	assert_int_equal(p->nphases, BENCH_PHASES);
	assert_int_equal(p->end, BENCH_END_NONE);
	assert_int_equal(strlen(p->text), sizeof(p->text) - 1);
	assert_int_equal(p->text[0], '?');
	assert_int_equal(strlen(p->phases[63].name), BENCH_NAME_MAX - 1);
	assert_int_equal(strlen(p->served), sizeof(p->served) - 1);
	free(p);
	free(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_as_at_the_last_sample),
		cmocka_unit_test(times_are_of_what_was_freed),
		cmocka_unit_test(who_never_gives_back_has_no_time),
		cmocka_unit_test(who_gave_back_at_once_took_no_time),
		cmocka_unit_test(nothing_freed_has_neither_half_nor_time),
		cmocka_unit_test(what_was_not_watched_so_long_is_not_told),
		cmocka_unit_test(fragmentation_is_weighted_by_running_time),
		cmocka_unit_test(a_mark_of_the_kernel_counts_if_it_rose),
		cmocka_unit_test(phases_that_are_not_timed_do_not_count),
		cmocka_unit_test(nothing_timed_has_no_rate),
		cmocka_unit_test(a_sound_page_passes_and_each_damage_is_seen),
		cmocka_unit_test(texts_end_and_are_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
