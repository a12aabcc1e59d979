#include "fuzz/mutate.h"
#include "harness/prog/wire_value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/budget.h"
#include "fuzz/mutate_ops.h"
#include "harness/prog/program_testing.h"

#define MAX 2048

static uint8_t bytes[MAX + 64], before[MAX + 64], other[MAX + 64];
static struct op ops[4096];
static char text[1 << 20];

static struct program decoded(const uint8_t *in, size_t len)
{
	struct program p = {.ops = ops, .max_ops = 4096};

	wire_decode((struct wire_bytes){.bytes = in, .len = len}, &wire_unlimited, &p);
	return p;
}

/* Whole records within the bounds, and a program that has a text. */
static void assert_sound(const uint8_t *in, size_t len, size_t max)
{
	struct program p = decoded(in, len);

	assert_int_equal(len % WIRE_RECORD_BYTES, 0);
	assert_true(len <= max);
	assert_true(program_write(&p, text, sizeof(text)) > 0);
}

/* Some records with a random program's ops. */
static size_t random_input(struct random *r, uint8_t *in)
{
	struct program p = {.ops = ops, .max_ops = 4096};
	size_t len = 0;

	p.nops = random_program(r, ops, 1 + random_below(r, 12));
	p.header.has_ballast = random_below(r, 2);
	if (wire_encode(&p, in, MAX, &len))
		fail_msg("%zu ops do not fit", p.nops);
	return len;
}

static void every_kind_changes_something(void **state)
{
	struct random r = {.state = 1};
	size_t applied[MUTATIONS] = {0}, changed[MUTATIONS] = {0};

	(void)state;
	for (int round = 0; round < 400; round++)
		for (unsigned kind = 0; kind < MUTATIONS; kind++) {
			size_t len = random_input(&r, bytes);
			struct mutant m = {.bytes = bytes,
					   .len = len,
					   .max_len = MAX,
					   .random = random_u64(&r)};

			memset(bytes + len, 0xee, sizeof(bytes) - len);
			memcpy(before, bytes, sizeof(bytes));
			bool done = mutate_as(&m, (enum mutation)kind);
			bool same = m.len == len && memcmp(before, bytes, len) == 0;

			if (!done && !same)
				fail_msg("kind %u does not apply and changes the input", kind);
			applied[kind] += done;
			changed[kind] += !same;
			assert_sound(bytes, m.len, MAX);
			for (size_t i = MAX; i < sizeof(bytes); i++)
				assert_int_equal(bytes[i], 0xee);
		}
	for (unsigned kind = 0; kind < MUTATIONS; kind++) {
		if (kind == MUTATE_MOVE_FAULT)
			continue; /* no fault there: below */
		if (applied[kind] < 100 || changed[kind] < applied[kind] / 2)
			fail_msg("kind %u: applied %zu, changed %zu", kind, applied[kind],
				 changed[kind]);
	}
}

static void every_kind_comes_by_chance(void **state)
{
	size_t seen[MUTATIONS + 1] = {0};
	struct mutant m = {.bytes = bytes, .len = 0, .max_len = MAX, .random = 7};

	(void)state;
	for (int round = 0; round < 10000; round++)
		seen[mutate_once(&m)]++;
	for (unsigned kind = 0; kind < MUTATIONS; kind++)
		if (seen[kind] < 20)
			fail_msg("kind %u came %zu times", kind, seen[kind]);
	assert_int_equal(seen[MUTATIONS], 0);
}

static void mutations_repeat(void **state)
{
	struct random r = {.state = 2};

	(void)state;
	for (unsigned seed = 0; seed < 500; seed++) {
		size_t len = random_input(&r, bytes);

		memcpy(other, bytes, len);
		size_t a = mutate(bytes, len, MAX, seed), b = mutate(other, len, MAX, seed);

		assert_int_equal(a, b);
		assert_memory_equal(bytes, other, a);
		assert_sound(bytes, a, MAX);
		assert_true(a > 0);
	}
}

/* Also from and to lengths that are no whole records. */
static void lengths_keep_their_bound(void **state)
{
	(void)state;
	for (size_t max = 0; max < 200; max++)
		for (unsigned seed = 0; seed < 100; seed++) {
			memset(bytes, (int)seed, sizeof(bytes));
			size_t len = mutate(bytes, max - max % (1 + seed % 5), max, seed);

			assert_sound(bytes, len, max);
			for (size_t i = max; i < max + 64; i++)
				assert_int_equal(bytes[i], (uint8_t)seed);
		}
}

static struct wire_record *put(size_t at, unsigned kind)
{
	struct wire_record *r = (struct wire_record *)bytes + at;

	*r = (struct wire_record){.kind = wire_kind_code(kind)};
	return r;
}

static size_t len_of(size_t records)
{
	return records * WIRE_RECORD_BYTES;
}

static void wrapping_puts_ops_in_a_block(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 50; seed++) {
		struct mutant m = {
			.bytes = bytes, .len = len_of(3), .max_len = MAX, .random = seed};

		for (size_t i = 0; i < 3; i++)
			put(i, OP_FREE);
		assert_true(mutate_as(&m, MUTATE_WRAP_FORK));
		struct program p = decoded(bytes, m.len);
		bool empty = true;

		assert_int_equal(p.nops, 5);
		for (size_t i = 0; i + 1 < p.nops; i++)
			if (ops[i].code == OP_FORK)
				empty = ops[i + 1].code == OP_END;
		assert_false(empty);
	}
}

/* From nothing. */
static struct program idiom(enum mutation kind, enum budget b, unsigned seed)
{
	struct program p = {.ops = ops, .max_ops = 4096};
	struct mutant m = {.bytes = bytes, .max_len = MAX, .random = seed};
	struct wire_limits limits;

	budget_limits(b, &limits);
	if (!mutate_as(&m, kind))
		fail_msg("idiom %d of seed %u does not fit", kind, seed);
	assert_sound(bytes, m.len, MAX);
	wire_decode((struct wire_bytes){.bytes = bytes, .len = m.len}, &limits, &p);
	return p;
}

/* Ops of that code. */
static size_t count_of(const struct program *p, unsigned code)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nops; i++)
		n += p->ops[i].code == code;
	return n;
}

static size_t count_takes(const struct program *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nops; i++)
		n += op_fills_slot(p->ops[i].code) || p->ops[i].code == OP_REALLOC ||
		     p->ops[i].code == OP_REALLOCARRAY;
	return n;
}

static size_t count_frees(const struct program *p)
{
	return count_of(p, OP_FREE) + count_of(p, OP_FREE_SIZED) +
	       count_of(p, OP_FREE_ALIGNED_SIZED);
}

/* The steps come together, each of them now and then, and the most frequent life is short. */
static void lives_take_and_give_back(void **state)
{
	size_t shorter = 0, resized = 0, ended = 0, between = 0, gaps = 0;

	(void)state;
	for (unsigned seed = 0; seed < 1000; seed++) {
		struct program p = idiom(MUTATE_LIFE, BUDGET_LITTLE, seed);
		bool crosses = false;

		assert_true(count_takes(&p) + count_frees(&p) > 0);
		for (size_t i = 1; i < p.nops; i++)
			crosses |= p.ops[i].thread != p.ops[0].thread;
		shorter += p.nops <= 4;
		resized += count_of(&p, OP_REALLOC) + count_of(&p, OP_REALLOCARRAY) >= 3;
		ended += count_of(&p, OP_EXIT) > 0;
		between += crosses;
		gaps += count_frees(&p) > 1;
	}
	assert_true(shorter > 400);
	assert_true(resized > 50);
	assert_true(ended > 20);
	assert_true(between > 100);
	assert_true(gaps > 50);
}

/* What a round takes it gives back, in rounds enough, under the limits of most inputs. */
static void loops_can_show_growth(void **state)
{
	size_t whole = 0;

	(void)state;
	for (unsigned seed = 0; seed < 1000; seed++) {
		struct program p = idiom(MUTATE_CHURN, BUDGET_LITTLE, seed);

		assert_int_equal(ops[0].code, OP_REPEAT);
		assert_int_equal(ops[p.nops - 1].code, OP_END);
		whole += ops[0].arg0 >= 24 && count_takes(&p) && count_frees(&p);
	}
	if (whole < 500)
		fail_msg("%zu of 1000 loops are whole", whole);
}

static void long_loops_need_more_work(void **state)
{
	struct wire_record *r = put(0, OP_REPEAT);
	uint16_t few = wire_scaled_code(&wire_count_scale, 40);
	uint16_t many = wire_scaled_code(&wire_count_scale, 512);

	(void)state;
	put(1, OP_FREE);
	put(2, OP_END);
	r->arg0[0] = (uint8_t)few;
	r->arg0[1] = few >> 8;
	assert_int_equal(budget_needed(bytes, len_of(3), BUDGET_LITTLE), BUDGET_LITTLE);
	assert_int_equal(budget_needed(bytes, len_of(3), BUDGET_ALL), BUDGET_ALL);
	r->arg0[0] = (uint8_t)many;
	r->arg0[1] = many >> 8;
	assert_int_equal(budget_needed(bytes, len_of(3), BUDGET_LITTLE), BUDGET_PART);
	assert_int_equal(budget_needed(bytes, len_of(3), BUDGET_ALL), BUDGET_ALL);
}

static void refusals_stand_before_lives(void **state)
{
	size_t refused = 0;

	(void)state;
	for (unsigned seed = 0; seed < 200; seed++) {
		struct program p = idiom(MUTATE_REFUSED_LIFE, BUDGET_LITTLE, seed);

		assert_int_equal(p.header.nfaults, 1);
		assert_int_equal(p.header.faults[0].err, ENOMEM);
		refused += p.header.faults[0].call <= KCALL_MREMAP;
	}
	assert_true(refused > 100);
}

static void threads_work_side_by_side(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 200; seed++) {
		struct program p = idiom(MUTATE_SIDE_BY_SIDE, BUDGET_PART, seed);
		unsigned threads = 0;

		assert_int_equal(ops[0].code, OP_PARALLEL);
		for (size_t i = 1; i < p.nops; i++)
			threads |= 1u << ops[i].thread;
		assert_int_equal(threads, 3);
	}
}

static void faults_are_moved(void **state)
{
	size_t moved = 0;

	(void)state;
	for (unsigned seed = 0; seed < 50; seed++) {
		struct mutant m = {
			.bytes = bytes, .len = len_of(3), .max_len = MAX, .random = seed};

		put(0, OP_FREE);
		put(1, OP_TRIM);
		put(2, WIRE_FAULT)->outcome = 192;
		bool done = mutate_as(&m, MUTATE_MOVE_FAULT);
		struct program p = decoded(bytes, m.len);

		assert_int_equal(p.nops, 2);
		assert_int_equal(ops[0].code, OP_FREE);
		assert_int_equal(p.header.nfaults, 1);
		assert_int_equal(p.header.faults[0].from_stmt < 2, done);
		moved += done;
	}
	assert_true(moved > 10);
}

/* All ops are there once, in another order. */
static void moving_and_swapping_lose_nothing(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 200; seed++) {
		struct mutant m = {
			.bytes = bytes, .len = len_of(20), .max_len = MAX, .random = seed};
		uint32_t seen = 0;

		for (size_t i = 0; i < 20; i++)
			put(i, OP_FREE)->slot = (uint8_t)(160 + i); /* slot i */
		if (!mutate_as(&m, seed % 2 ? MUTATE_MOVE : MUTATE_SWAP))
			continue;
		struct program p = decoded(bytes, m.len);

		for (size_t i = 0; i < p.nops; i++)
			seen |= 1u << ops[i].slice.start;
		assert_int_equal(p.nops, 20);
		assert_int_equal(seen, (1u << 20) - 1);
	}
}

static void resizing_reaches_the_edges(void **state)
{
	size_t near = 0, far = 0, applied = 0;
	uint16_t code = wire_scaled_code(&wire_bytes_scale, 131072);

	(void)state;
	for (unsigned seed = 0; seed < 1000; seed++) {
		struct mutant m = {
			.bytes = bytes, .len = len_of(1), .max_len = MAX, .random = seed};
		struct wire_record *r = put(0, OP_MALLOC);

		r->arg0[0] = (uint8_t)code;
		r->arg0[1] = code >> 8;
		if (!mutate_as(&m, MUTATE_RESIZE))
			continue;
		decoded(bytes, m.len);
		uint64_t size = ops[0].arg0;

		applied++;
		near += size == 131071 || size == 131073 || size == 100000 || size == 262144;
		far += size < 1024 || size > UINT64_C(1) << 40;
	}
	assert_true(applied > 100);
	assert_true(near > applied / 3);
	assert_true(far > applied / 10);
}

/* The number that the op before the last one has, of 1,000 mutations of it by one kind. */
struct tally {
	size_t applied, known, beside, others, powers;
	uint64_t exponents;
};

static struct tally resize(uint8_t code)
{
	static const uint64_t sizes[] = {0, 1744, 0, 0};
	struct tally t = {0};

	for (unsigned seed = 0; seed < 1000; seed++) {
		struct mutant m = {.bytes = bytes,
				   .len = len_of(2),
				   .max_len = MAX,
				   .random = seed,
				   .sizes = sizes,
				   .nsizes = 4};
		struct wire_record *r = put(0, code);

		put(1, OP_MALLOC)->arg0[0] = 77; /* of the log-uniform half */
		r->arg0[1] = 9;
		r->arg1[1] = 5;
		decoded(bytes, m.len);
		uint64_t of_other = ops[1].arg0, first = ops[0].arg0, second = ops[0].arg1;

		if (!mutate_as(&m, MUTATE_RESIZE))
			continue;
		decoded(bytes, m.len);
		uint64_t now = ops[0].arg0 != first ? ops[0].arg0 : ops[0].arg1;

		if (ops[0].arg0 == first && ops[0].arg1 == second)
			continue;
		t.applied++;
		t.known += now == 1744;
		t.beside += now == 1745 || now == 1743 || now == 1760;
		t.others += now == of_other;
		if (ops[0].arg0 != first && now && (now & (now - 1)) == 0) {
			t.powers++;
			t.exponents |= UINT64_C(1) << __builtin_ctzll(now);
		}
	}
	return t;
}

static void resizing_takes_known_sizes_and_those_of_others(void **state)
{
	(void)state;
	struct tally t = resize(OP_MALLOC);

	assert_in_range(t.known, 10, 100);
	assert_in_range(t.beside, 10, 100);
	assert_in_range(t.others, 5, 100);
}

static void alignments_stay_powers_mostly(void **state)
{
	(void)state;
	struct tally t = resize(OP_ALIGNED_ALLOC);

	assert_in_range(t.known, 5, 100); /* of its size */
	assert_in_range(t.powers, 100, t.applied - 20);
	assert_in_range(__builtin_popcountll(t.exponents), 30, 64);
}

static void sweeps_are_of_many_sizes(void **state)
{
	static const uint64_t sizes[] = {1744, 0};
	size_t blocks = 0, repeated = 0, known = 0;

	(void)state;
	for (unsigned seed = 0; seed < 200; seed++) {
		struct mutant m = {.bytes = bytes,
				   .max_len = MAX,
				   .random = seed,
				   .sizes = sizes,
				   .nsizes = 2};

		if (!mutate_as(&m, MUTATE_SWEEP)) {
			assert_int_equal(m.len, 0);
			continue;
		}
		struct program p = decoded(bytes, m.len);

		assert_sound(bytes, m.len, MAX);
		assert_true(p.nops >= 5);
		assert_int_equal(ops[p.nops - 1].slice.stop, ops[p.nops - 2].slice.stop);
		assert_int_equal(ops[p.nops - 1].slice.start, ops[0].slice.start);
		for (size_t i = 0; i + 1 < p.nops; i++, blocks++) {
			assert_int_equal(ops[i].code, ops[0].code);
			assert_int_equal(ops[i].slice.start, ops[0].slice.start + i);
			repeated += i && ops[i].arg0 == ops[i - 1].arg0 &&
				    ops[i].arg1 == ops[i - 1].arg1;
			known += ops[i].arg0 == 1744 || ops[i].arg1 == 1744;
		}
	}
	assert_true(blocks > 1500);
	assert_true(repeated < blocks / 10);
	assert_in_range(known, blocks / 20, blocks / 2);
}

static void crossing_takes_from_both(void **state)
{
	struct random r = {.state = 3};
	size_t from_a = 0, from_b = 0;

	(void)state;
	for (unsigned seed = 0; seed < 500; seed++) {
		size_t a = random_input(&r, before), b = random_input(&r, other);
		size_t max = seed % 3 ? MAX : random_below(&r, 400);
		struct mutant out = {.bytes = bytes, .max_len = max, .random = seed};
		struct wire_bytes in_a = {before, a}, in_b = {other, b};
		size_t len = mutate_cross(in_a, in_b, &out);

		assert_int_equal(len, out.len);
		assert_sound(bytes, len, max);
		/* Every piece is a piece of one of them. */
		for (size_t i = 0; i < ops_count((struct wire_bytes){bytes, len}); i++) {
			struct piece p = ops_at((struct wire_bytes){bytes, len}, i);
			bool in_first = memmem(before, a, bytes + p.at, p.end - p.at) != NULL;
			bool in_second = memmem(other, b, bytes + p.at, p.end - p.at) != NULL;

			assert_true(in_first || in_second);
			from_a += in_first && !in_second;
			from_b += in_second && !in_first;
		}
		struct mutant again = {.bytes = (uint8_t *)text, .max_len = max, .random = seed};

		assert_int_equal(mutate_cross(in_a, in_b, &again), len);
		assert_memory_equal(bytes, again.bytes, len);
	}
	assert_true(from_a > 500);
	assert_true(from_b > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_changes_something),
		cmocka_unit_test(every_kind_comes_by_chance),
		cmocka_unit_test(mutations_repeat),
		cmocka_unit_test(lengths_keep_their_bound),
		cmocka_unit_test(wrapping_puts_ops_in_a_block),
		cmocka_unit_test(lives_take_and_give_back),
		cmocka_unit_test(loops_can_show_growth),
		cmocka_unit_test(long_loops_need_more_work),
		cmocka_unit_test(refusals_stand_before_lives),
		cmocka_unit_test(threads_work_side_by_side),
		cmocka_unit_test(faults_are_moved),
		cmocka_unit_test(moving_and_swapping_lose_nothing),
		cmocka_unit_test(resizing_reaches_the_edges),
		cmocka_unit_test(resizing_takes_known_sizes_and_those_of_others),
		cmocka_unit_test(alignments_stay_powers_mostly),
		cmocka_unit_test(sweeps_are_of_many_sizes),
		cmocka_unit_test(crossing_takes_from_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
