#include "harness/kernel/vma_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define SPACE 512

static struct arena arena;
static struct vma_table table;

static void start(uint32_t capacity)
{
	assert_int_equal(arena_init(&arena, vma_table_arena_bytes(capacity)), 0);
	assert_int_equal(vma_table_init(&table, &arena, capacity), 0);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* One VMA of two addresses for each even address that is set. */
static void assert_same(const bool *naive)
{
	struct vma_node *n = vma_table_at_or_above(&table, 0);
	uint32_t count = 0;

	for (uintptr_t at = 0; at < SPACE; at += 2) {
		if (!naive[at])
			continue;
		count++;
		assert_non_null(n);
		assert_int_equal(n->start, at);
		assert_ptr_equal(vma_table_at_or_above(&table, at + 1), n);
		n = vma_table_next(n);
	}
	assert_null(n);
	assert_int_equal(table.count, count);
}

static void random_changes_match_an_array(void **state)
{
	bool naive[SPACE] = {false};
	uint64_t seed = 3;

	(void)state;
	start(SPACE / 2);
	for (int i = 0; i < 20000; i++) {
		uintptr_t at = next_random(&seed) % (SPACE / 2) * 2;
		struct vma_node *n = vma_table_at_or_above(&table, at);

		if (n && n->start == at) {
			assert_true(naive[at]);
			vma_table_remove(&table, n);
		} else {
			n = vma_table_insert_before(&table, n);
			assert_non_null(n);
			n->start = at;
			n->end = at + 2;
		}
		naive[at] = !naive[at];
		if (i % 16 == 0)
			assert_same(naive);
	}
	arena_release(&arena);
}

static void a_full_table_takes_no_more(void **state)
{
	(void)state;
	start(2);
	for (uintptr_t i = 0; i < 2; i++) {
		struct vma_node *n = vma_table_insert_before(&table, NULL);

		assert_non_null(n);
		n->start = i;
		n->end = i + 1;
	}
	assert_null(vma_table_insert_before(&table, NULL));
	vma_table_remove(&table, vma_table_at_or_above(&table, 0));
	assert_non_null(vma_table_insert_before(&table, NULL));
	vma_table_clear(&table);
	assert_null(vma_table_at_or_above(&table, 0));
	assert_non_null(vma_table_insert_before(&table, NULL));
	arena_release(&arena);
}

static void a_node_is_a_cache_line(void **state)
{
	(void)state;
	start(3);
	struct vma_node *n = vma_table_insert_before(&table, NULL);

	assert_int_equal(sizeof(*n), 64);
	assert_int_equal((uintptr_t)n % 64, 0);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_match_an_array),
		cmocka_unit_test(a_full_table_takes_no_more),
		cmocka_unit_test(a_node_is_a_cache_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
