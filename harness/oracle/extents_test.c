/* Lists of extents against an array of bytes that were touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "harness/oracle/extents.h"

#define SPACE 2000
#define STEP  64

static void mark(bool *bytes, const struct extent *e, bool value)
{
	uint64_t words = e->step ? extent_words(e) : 1, len = e->step ? 8 : e->len;

	for (uint64_t w = 0; w < words; w++)
		memset(bytes + e->off + w * e->step, value, len);
}

static unsigned length(const struct extent_pool *p, uint32_t head)
{
	unsigned n = 0;

	for (; head; head = p->v[head].next)
		n++;
	return n;
}

static void assert_same(const struct extent_pool *p, uint32_t head, const bool *want)
{
	bool have[SPACE + STEP] = {false};

	for (; head; head = p->v[head].next)
		mark(have, &p->v[head], true);
	for (unsigned i = 0; i < SPACE; i++)
		assert_int_equal(have[i], want[i]);
}

static void parts_that_meet_are_joined(void **state)
{
	struct extent_pool p;
	struct arena a;
	uint32_t head = 0;

	(void)state;
	assert_int_equal(arena_init(&a, extent_pool_arena_bytes(8)), 0);
	assert_int_equal(extent_pool_init(&p, &a, 8), 0);
	extents_add(&p, &head, (struct extent){.off = 0, .len = 10});
	extents_add(&p, &head, (struct extent){.off = 20, .len = 10});
	extents_add(&p, &head, (struct extent){.off = 5, .len = 0});
	assert_int_equal(length(&p, head), 2);
	extents_add(&p, &head, (struct extent){.off = 10, .len = 10});
	assert_int_equal(length(&p, head), 1);
	assert_int_equal(p.v[head].len, 30);
	extents_add(&p, &head, (struct extent){.off = 0, .len = 8, .step = 64});
	extents_add(&p, &head, (struct extent){.off = 64, .len = 72, .step = 64});
	extents_add(&p, &head, (struct extent){.off = 72, .len = 72, .step = 64});
	assert_int_equal(length(&p, head), 3);
	extents_drop(&p, &head);
	assert_int_equal(head, 0);
	/* All came back to the pool. */
	for (unsigned i = 0; i < 8; i++)
		extents_add(&p, &head, (struct extent){.off = i * 10, .len = 1});
	assert_int_equal(p.forgotten, 0);
	extents_add(&p, &head, (struct extent){.off = 1000, .len = 1});
	assert_int_equal(p.forgotten, 1);
	arena_release(&a);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static struct extent random_extent(uint64_t *seed)
{
	uint64_t off = next_random(seed) % (SPACE - 8);

	if (next_random(seed) % 2)
		return (struct extent){.off = off, .len = 1 + next_random(seed) % 8};
	uint64_t words = 1 + next_random(seed) % 6;

	off = off % STEP / 16 * 16 + off / STEP * STEP;
	while (off + (words - 1) * STEP + 8 > SPACE)
		words--;
	if (words == 0)
		return (struct extent){.off = 0, .len = 1};
	return (struct extent){.off = off, .len = (words - 1) * STEP + 8, .step = STEP};
}

/* A word that the cut goes through is given up whole. */
static void cut_bytes(const struct extent_pool *p, uint32_t head, uint64_t limit, bool *bytes)
{
	memset(bytes, 0, SPACE);
	for (; head; head = p->v[head].next) {
		const struct extent *e = &p->v[head];

		for (uint64_t w = 0; e->step && w < extent_words(e); w++)
			if (e->off + w * STEP + 8 <= limit)
				memset(bytes + e->off + w * STEP, 1, 8);
		for (uint64_t i = e->off; !e->step && i < e->off + e->len && i < limit; i++)
			bytes[i] = true;
	}
}

static void random_lists_match_an_array(void **state)
{
	static bool want[SPACE + STEP];
	uint64_t seed = 7;
	struct extent_pool p;
	struct arena a;
	uint32_t head = 0;

	(void)state;
	assert_int_equal(arena_init(&a, extent_pool_arena_bytes(64)), 0);
	assert_int_equal(extent_pool_init(&p, &a, 64), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct extent e = random_extent(&seed);
		uint64_t forgotten = p.forgotten;

		extents_add(&p, &head, e);
		if (p.forgotten == forgotten)
			mark(want, &e, true);
		else
			cut_bytes(&p, head, SPACE, want);
		if (next_random(&seed) % 8 == 0) {
			uint64_t limit = next_random(&seed) % SPACE;

			cut_bytes(&p, head, limit, want);
			extents_cut(&p, &head, limit);
		}
		assert_same(&p, head, want);
	}
	assert_true(length(&p, head) <= EXTENTS_PER_BLOCK);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_that_meet_are_joined),
		cmocka_unit_test(random_lists_match_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
