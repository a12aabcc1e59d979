#include "harness/oracle/growth_testing.h"

static double one(struct at *at)
{
	return (double)at->i;
}

static double one_page(struct at *at)
{
	return 100 * MIB + (double)at->i * PAGE;
}

static double one_chunk(struct at *at)
{
	return (double)at->i * 64 * KIB;
}

static double noisy_page(struct at *at)
{
	return one_page(at) + (chance(at->f) - 0.5) * 16 * PAGE;
}

/* A cache that is emptied after every 7 rounds, on top. */
static double saw_page(struct at *at)
{
	return one_page(at) + (double)(at->i % 7) * 4 * PAGE;
}

/* One every so many rounds. */
static double steps(uint64_t i, uint64_t every)
{
	uint64_t n = i / every;

	return (double)n;
}

static double rare_step(struct at *at)
{
	return steps(at->i, 37) * 2 * MIB;
}

static double after_a_fill(struct at *at)
{
	return (double)(at->i < 40 ? at->i : 40) * MIB + (double)at->i * PAGE;
}

/* Beside the leak a cache fills up, ever more slowly. */
static double bent(struct at *at)
{
	return (double)at->i * MIB * (1 - 0.12 * (double)at->i / (double)at->n);
}

static void a_line_is_found(void **state)
{
	static const curve lines[] = {one_page, one_chunk,    noisy_page,
				      saw_page, after_a_fill, bent};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (uint64_t n = 200; n < 10000; n = n * 3 / 2)
			if (!found(f, lines[i], n))
				fail_msg("line %u is not found in %d rounds", i, (int)n);
	assert_false(found(f, rare_step, 100));
	for (uint64_t n = 400; n < 10000; n = n * 3 / 2)
		assert_true(found(f, rare_step, n));
}

static void a_line_is_measured(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	assert_true(bytes_grow(f, one_page, 200, &line));
	assert_int_equal(line.metric, GROWTH_MAPPED);
	assert_int_equal((int)(line.per_round + 0.5), 4096);
	assert_int_equal(line.rounds, 149);
	assert_int_equal(line.risen, 149 * 4096);
	/* More rounds than samples: the same slope. */
	assert_true(bytes_grow(f, one_page, 100000, &line));
	assert_int_equal((int)(line.per_round + 0.5), 4096);
	assert_true(line.rounds > 70000 && line.rounds < 76000);
}

static void the_first_metric_that_rises_is_named(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	for (int first = 0; first < GROWTH_METRICS; first++) {
		growth_begin(f->g, false);
		for (uint64_t i = 0; i < 200; i++) {
			struct growth_sample s = sample(i, GROWTH_MAPS, 5);

			for (int m = first; m < GROWTH_METRICS; m++)
				s.value[m] = (int64_t)(i * 64 * 1024);
			growth_add(f->g, &s);
		}
		assert_true(growth_judge(f->g, &line));
		assert_int_equal(line.metric, first);
		assert_true(growth_judge_metric(f->g, GROWTH_RSS, &line));
		assert_int_equal(line.metric, GROWTH_RSS);
		assert_int_equal(growth_judge_metric(f->g, GROWTH_MAPS, &line), first == 0);
	}
}

static void what_is_measured_late_needs_half_as_much(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	for (int late = 0; late < 2; late++) {
		for (int metric = GROWTH_MAPPED; metric < GROWTH_METRICS; metric++) {
			growth_begin(f->g, late);
			for (uint64_t i = 0; i < 200; i++) {
				int64_t bytes = (int64_t)i * 48 * 1024 / 150;
				struct growth_sample s =
					sample(i, (enum growth_metric)metric, (double)bytes);

				growth_add(f->g, &s);
			}
			assert_int_equal(growth_judge(f->g, &line), late && metric == GROWTH_RSS);
		}
	}
}

/* In 200 rounds. */
static double too_little(struct at *at)
{
	return (double)at->i * 50 * KIB / 200;
}

static double little_more(struct at *at)
{
	return (double)at->i * 100 * KIB / 200;
}

/* However long the loop is. */
static double never_more(struct at *at)
{
	return (double)at->i * 200 * KIB / (double)at->n;
}

static double seven_maps(struct at *at)
{
	return steps(at->i * 9, at->n);
}

static void a_trifle_is_none(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	assert_false(bytes_grow(f, too_little, 200, &line));
	assert_true(bytes_grow(f, little_more, 200, &line));
	assert_false(growth_judge_metric(f->g, GROWTH_MAPPED, &line));
	assert_true(found(f, little_more, 200));
	assert_true(bytes_grow(f, never_more, 200, &line));
	assert_false(found(f, never_more, 200));
	feed(f, GROWTH_MAPS, seven_maps, 200);
	assert_false(growth_judge(f->g, &line));
	feed(f, GROWTH_MAPS, one, 200);
	assert_true(growth_judge(f->g, &line));
	assert_int_equal(line.metric, GROWTH_MAPS);
}

static void few_rounds_are_not_judged(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	growth_begin(f->g, false);
	assert_false(growth_judge(f->g, &line));
	feed(f, GROWTH_MAPS, one_chunk, GROWTH_LEAST_ROUNDS - 1);
	assert_false(growth_judge(f->g, &line));
	feed(f, GROWTH_MAPS, one_chunk, GROWTH_LEAST_ROUNDS);
	assert_true(growth_judge(f->g, &line));
}

/* Round `i`, which ends in another way than most where `what` says how, with any value at all. */
static struct growth_sample another_round(struct fixture *f, int what, uint64_t i)
{
	struct growth_sample s = sample(i, GROWTH_RSS, chance(f) * (double)i * 100 * MIB);

	s.live_blocks += what == 0;
	s.live_bytes += what == 1;
	s.program_bytes += what == 2;
	s.refused = what == 3;
	if (what == 4)
		s.value[GROWTH_RSS] = -(int64_t)i;
	return s;
}

static void other_rounds_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	for (int what = 0; what < 10; what++) {
		bool grows = what >= 5;

		growth_begin(f->g, false);
		for (uint64_t i = 0; i < 200; i++) {
			double level = 100 * MIB + (grows ? (double)i * 4 * PAGE : 0);
			struct growth_sample s = sample(i, GROWTH_RSS, level);

			if (i % 3 == 0)
				s = another_round(f, what % 5, i);
			growth_add(f->g, &s);
		}
		assert_int_equal(growth_judge(f->g, &line), grows);
		if (grows)
			assert_int_equal((int)(line.per_round + 0.5), 4 * 4096);
	}
}

/* It is one of the samples that the next round throws out. */
static void a_refusal_in_a_dropped_sample_counts(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;
	double level = 0;

	growth_begin(f->g, false);
	for (uint64_t i = 0; i < 1000; i++) {
		bool refused = i == GROWTH_SAMPLES - 1;

		level += refused ? 1000 * MIB : PAGE;
		struct growth_sample s = sample(i, GROWTH_RSS, level);

		s.refused = refused;
		growth_add(f->g, &s);
	}
	assert_true(growth_judge(f->g, &line));
	assert_int_equal((int)(line.per_round + 0.5), 4096);
}

/* A state that is never the same is not judged, whatever grows. */
static void a_state_that_changes_is_not_judged(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	growth_begin(f->g, false);
	for (uint64_t i = 0; i < 200; i++) {
		struct growth_sample s = sample(i, GROWTH_RSS, (double)i * MIB);

		s.live_bytes += i;
		growth_add(f->g, &s);
	}
	assert_false(growth_judge(f->g, &line));
}

/* What only grows where the kernel refuses is lost, not growth; what grows in between is growth. */
static void growth_of_refused_rounds_does_not_count(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;
	uint64_t rounds[] = {200, 5000};

	for (int k = 0; k < 2; k++) {
		for (int leaks = 0; leaks < 2; leaks++) {
			double level = 0;

			growth_begin(f->g, false);
			for (uint64_t i = 0; i < rounds[k]; i++) {
				bool refused = i % 16 == 8;

				level += refused ? 10 * MIB : leaks ? 64 * KIB : 0;
				struct growth_sample s = sample(i, GROWTH_RSS, level);

				s.refused = refused;
				growth_add(f->g, &s);
			}
			/* Thinned out, there is a refusal between any two samples. */
			assert_int_equal(growth_judge(f->g, &line), leaks && k == 0);
		}
	}
}

static void thinning_keeps_the_whole_loop(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;
	uint64_t wanted = 0;

	growth_begin(f->g, false);
	for (uint64_t i = 0; i < 1000000; i++) {
		struct growth_sample s = sample(i, GROWTH_MAPS, (double)i);

		if (!growth_wants(f->g, i))
			continue;
		wanted++;
		growth_add(f->g, &s);
	}
	assert_true(wanted < GROWTH_SAMPLES * 8);
	assert_true(growth_judge(f->g, &line));
	assert_true(line.rounds > 700000);
	/* Rounds that stand still end nothing and prove nothing. */
	growth_begin(f->g, false);
	for (uint64_t i = 0; i < 2000; i++) {
		struct growth_sample s = sample(0, GROWTH_MAPS, (double)i);

		growth_add(f->g, &s);
	}
	assert_false(growth_judge(f->g, &line));
}

static double constant(struct at *at)
{
	(void)at;
	return 100 * MIB;
}

static void a_loop_forgets_the_one_before(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	feed(f, GROWTH_MAPPED, one_chunk, 5000);
	assert_true(growth_judge(f->g, &line));
	feed(f, GROWTH_MAPPED, constant, 200);
	assert_true(growth_wants(f->g, 1));
	assert_false(growth_judge(f->g, &line));
}

static void a_finding_tells_of_the_line(void **state)
{
	(void)state;
	for (int m = 0; m < GROWTH_METRICS; m++) {
		struct growth_line line = {m, 1.25, 250, 200}, back;
		struct finding f;

		growth_finding(7, &line, &f);
		assert_int_equal(f.kind,
				 m == GROWTH_MAPS ? FINDING_MAP_GROWTH : FINDING_FOOTPRINT_GROWTH);
		assert_int_equal(f.stmt, 7);
		assert_int_equal(f.op_code, OP_REPEAT);
		assert_int_equal(f.count, 1);
		assert_int_equal(f.n[0], 1250);
		assert_int_equal(growth_line_of(&f, &back), 0);
		assert_int_equal(back.metric, m);
		assert_true(back.per_round == line.per_round);
		assert_int_equal(back.risen, line.risen);
		assert_int_equal(back.rounds, line.rounds);
		f.rule = RULE_LOST_PAGES;
		assert_int_equal(growth_line_of(&f, &back), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_is_found, start, end),
		cmocka_unit_test_setup_teardown(a_line_is_measured, start, end),
		cmocka_unit_test_setup_teardown(the_first_metric_that_rises_is_named, start, end),
		cmocka_unit_test_setup_teardown(what_is_measured_late_needs_half_as_much, start,
						end),
		cmocka_unit_test_setup_teardown(a_trifle_is_none, start, end),
		cmocka_unit_test_setup_teardown(few_rounds_are_not_judged, start, end),
		cmocka_unit_test_setup_teardown(other_rounds_are_left_out, start, end),
		cmocka_unit_test_setup_teardown(a_refusal_in_a_dropped_sample_counts, start, end),
		cmocka_unit_test_setup_teardown(a_state_that_changes_is_not_judged, start, end),
		cmocka_unit_test_setup_teardown(growth_of_refused_rounds_does_not_count, start,
						end),
		cmocka_unit_test_setup_teardown(thinning_keeps_the_whole_loop, start, end),
		cmocka_unit_test_setup_teardown(a_loop_forgets_the_one_before, start, end),
		cmocka_unit_test(a_finding_tells_of_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
