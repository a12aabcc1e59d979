#include <errno.h>
#include <string.h>

#include "harness/oracle/oracle_testing.h"

static const struct act calloc_4 = {.code = OP_CALLOC, .arg0 = 4, .arg1 = 8};

static void neighbours_do_not_overlap(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool + 64, 64);
	stage_malloc(&s, 1, s.pool + 128, 64);
	stage_malloc(&s, 2, s.pool, 64);
	stage_free(&s, 1);
	stage_malloc(&s, 3, s.pool + 128, 16);
	stage_malloc(&s, 4, s.pool + 144, 48);
	stage_end(&s);
}

static void overlap_is_found_from_every_side(void **state)
{
	static const struct {
		int at, size;
	} bad[] = {{1024, 256}, {1008, 17 + 15}, {1264, 32}, {1040, 16}, {512, 2048}, {1264, 0}};
	struct stage s;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		stage_start(&s);
		stage_malloc(&s, 0, s.pool + 1024, 256);
		stage_malloc(&s, 1, s.pool + bad[i].at, bad[i].size);
		struct finding f = assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);

		assert_int_equal(f.slot, 1);
		assert_int_equal(f.stmt, 1);
		assert_int_equal(f.n[0], (uintptr_t)s.pool + bad[i].at);
		assert_int_equal(f.n[2], (uintptr_t)s.pool + 1024);
		assert_int_equal(f.n[3], 256);
		assert_int_equal(f.n[4], 0);
		stage_free(&s, 0);
		stage_free(&s, 1);
		stage_malloc(&s, 2, s.pool + 1024, 256);
		stage_end(&s);
	}
}

static void both_partners_are_tainted_and_freed_normally(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 64);
	stage_touch(&s, 0);
	stage_malloc(&s, 1, s.pool, 64);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	assert_int_equal(model_touch(s.model, 0, false, 0, 0), -ENOENT);
	assert_int_equal(model_touch(s.model, 1, false, 0, 0), -ENOENT);
	memset(s.pool, 0, 64);
	/* A third one on the same place is a finding again, at its own op. */
	stage_malloc(&s, 2, s.pool + 32, 64);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	stage_finish(&s);
	stage_free(&s, 1);
	stage_free(&s, 0);
	stage_free(&s, 2);
	stage_malloc(&s, 3, s.pool, 128);
	stage_touch(&s, 3);
	stage_finish(&s);
	stage_end(&s);
}

static void a_pointer_of_two_slots_is_freed_once(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 64);
	for (uint32_t i = 1; i < 3; i++) {
		stage_malloc(&s, i, s.pool, 64);
		assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	}
	stage_malloc(&s, 3, s.pool + 64, 64);
	assert_false(model_forget_shared(s.model, 3));
	assert_true(model_forget_shared(s.model, 1));
	assert_false(model_forget_shared(s.model, 1));
	assert_true(model_forget_shared(s.model, 0));
	assert_false(model_forget_shared(s.model, 2));
	stage_free(&s, 2);
	stage_malloc(&s, 4, s.pool, 64);
	stage_end(&s);
}

static void a_new_block_over_many_taints_them_all_and_names_one(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	for (uint32_t i = 0; i < 10; i++)
		stage_malloc(&s, i, s.pool + i * 64, 64);
	stage_malloc(&s, 20, s.pool, 640);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(model_touch(s.model, i, false, 0, 0), -ENOENT);
	stage_end(&s);
}

static void size_zero_pointers_are_unique(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 0);
	stage_malloc(&s, 1, s.pool + 1, 0);
	stage_malloc(&s, 2, NULL, 0);
	stage_malloc(&s, 3, s.pool, 0);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	stage_malloc(&s, 4, s.pool + 64, 64);
	stage_malloc(&s, 5, s.pool + 64, 0);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	stage_end(&s);
}

static void the_programs_mappings_and_the_harness_are_taken(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_map(&s, 3, (uintptr_t)s.pool + 8192, 4096);
	stage_malloc(&s, 0, s.pool + 8192 - 64, 64);
	stage_malloc(&s, 1, s.pool + 8192 - 64 + 4096 + 64, 64);
	assert_clean(&s);
	stage_malloc(&s, 2, s.pool + 8192 + 4080, 32);
	struct finding f = assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_MAPPING);

	assert_int_equal(f.n[2], (uintptr_t)s.pool + 8192);
	assert_int_equal(f.n[3], (uintptr_t)s.pool + 8192 + 4096);
	assert_int_equal(f.n[4], 3);
	stage_malloc(&s, 3, s.arena.base + s.arena.size - 16, 16);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_HARNESS);
	stage_malloc(&s, 4, s.arena.base - 16, 16);
	stage_unmap(&s, (uintptr_t)s.pool + 8192, 4096);
	stage_malloc(&s, 5, s.pool + 8192, 4096);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK); /* with slot 2, still live */
	stage_end(&s);
}

/* Addresses at the very end must not wrap into "no overlap" or break the trees. */
static void hostile_addresses_do_not_wrap(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, (void *)UINTPTR_MAX, 1);
	stage_malloc(&s, 1, (void *)UINTPTR_MAX, 1);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	stage_malloc(&s, 2, (void *)-(uintptr_t)4096, PTRDIFF_MAX);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	for (uint32_t i = 0; i < 3; i++)
		stage_free(&s, i);
	stage_malloc(&s, 0, (void *)UINTPTR_MAX, 0);
	stage_free(&s, 0);
	stage_end(&s);
}

static void alignment_follows_the_size(void **state)
{
	static const struct {
		uint64_t size, align;
	} cases[] = {{0, 1}, {1, 1}, {2, 2},  {3, 2},	{4, 4},	  {7, 4},
		     {8, 8}, {9, 8}, {15, 8}, {16, 16}, {17, 16}, {5000, 16}};
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_malloc(&s, 0, s.pool + 64 + cases[i].align, cases[i].size);
		assert_clean(&s);
		stage_free(&s, 0);
		if (cases[i].align == 1)
			continue;
		stage_malloc(&s, 0, s.pool + 64 + cases[i].align / 2, cases[i].size);
		struct finding f = assert_found(&s, FINDING_MISALIGNED, RULE_ALIGN_FUNDAMENTAL);

		assert_int_equal(f.n[2], cases[i].align);
		stage_free(&s, 0);
	}
	stage_end(&s);
}

static void requested_alignment(void **state)
{
	static const struct {
		struct act act;
		unsigned off;
		enum finding_rule rule;
	} cases[] = {
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 256, .arg1 = 512}, 256, RULE_NONE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 256, .arg1 = 512}, 128, RULE_ALIGN_REQUESTED},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 256, .arg1 = 0}, 128, RULE_ALIGN_REQUESTED},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 256, .arg1 = 100}, 256, RULE_NONE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 64, .arg1 = 1}, 64, RULE_NONE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 64, .arg1 = 1}, 32, RULE_ALIGN_REQUESTED},
		{{.code = OP_MEMALIGN, .arg0 = 4096, .arg1 = 1}, 4096, RULE_NONE},
		{{.code = OP_MEMALIGN, .arg0 = 4096, .arg1 = 1}, 2048, RULE_ALIGN_REQUESTED},
		{{.code = OP_MEMALIGN, .arg0 = 48, .arg1 = 64}, 16, RULE_NONE},
		{{.code = OP_MEMALIGN, .arg0 = 48, .arg1 = 64}, 8, RULE_ALIGN_FUNDAMENTAL},
		{{.code = OP_VALLOC, .arg0 = 10}, 4096, RULE_NONE},
		{{.code = OP_VALLOC, .arg0 = 10}, 2048, RULE_ALIGN_PAGE},
		{{.code = OP_PVALLOC, .arg0 = 10}, 4096, RULE_NONE},
		{{.code = OP_PVALLOC, .arg0 = 10}, 4112, RULE_ALIGN_PAGE},
		{{.code = OP_CALLOC, .arg0 = 2, .arg1 = 8}, 8, RULE_ALIGN_FUNDAMENTAL},
		{{.code = OP_REALLOC, .arg0 = 16}, 8, RULE_ALIGN_FUNDAMENTAL},
		{{.code = OP_REALLOCARRAY, .arg0 = 4, .arg1 = 4}, 8, RULE_ALIGN_FUNDAMENTAL},
	};
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct act a = cases[i].act;

		a.ret = s.pool + cases[i].off;
		stage_act(&s, a);
		if (cases[i].rule)
			assert_found(&s, FINDING_MISALIGNED, cases[i].rule);
		else
			assert_clean(&s);
		stage_free(&s, 0);
	}
	stage_end(&s);
}

static void overflow_is_not_accepted(void **state)
{
	static const struct {
		struct act act;
		enum finding_rule rule;
	} cases[] = {
		{{.code = OP_MALLOC, .arg0 = (uint64_t)PTRDIFF_MAX + 1}, RULE_OVERFLOW_SIZE},
		{{.code = OP_MALLOC, .arg0 = UINT64_MAX}, RULE_OVERFLOW_SIZE},
		{{.code = OP_CALLOC, .arg0 = UINT64_C(1) << 33, .arg1 = UINT64_C(1) << 31},
		 RULE_OVERFLOW_PRODUCT},
		{{.code = OP_CALLOC, .arg0 = 1, .arg1 = UINT64_MAX}, RULE_OVERFLOW_PRODUCT},
		{{.code = OP_REALLOCARRAY, .arg0 = UINT64_MAX / 8 + 2, .arg1 = 8},
		 RULE_OVERFLOW_PRODUCT},
		{{.code = OP_REALLOC, .arg0 = UINT64_MAX - 4095}, RULE_OVERFLOW_SIZE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 16, .arg1 = -UINT64_C(16)}, RULE_OVERFLOW_SIZE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 16, .arg1 = UINT64_MAX}, RULE_OVERFLOW_SIZE},
		{{.code = OP_PVALLOC, .arg0 = UINT64_MAX}, RULE_OVERFLOW_SIZE},
	};
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct act a = cases[i].act;

		a.ret = s.pool + 8; /* misaligned as well: one defect, one kind */
		stage_act(&s, a);
		assert_found(&s, FINDING_ACCEPTED_OVERFLOW, cases[i].rule);
		assert_int_equal(model_touch(s.model, 0, false, 0, 0), -ENOENT);
		stage_free(&s, 0);
		assert_clean(&s);
	}
	/* The largest size that is not absurd, but all memory lies under it. */
	stage_malloc(&s, 0, (void *)(uintptr_t)4096, PTRDIFF_MAX);
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_HARNESS);
	stage_end(&s);
}

static void bad_alignment_is_not_accepted(void **state)
{
	static const struct {
		uint8_t code;
		uint64_t align;
		bool bad;
	} cases[] = {
		{OP_ALIGNED_ALLOC, 0, true},   {OP_ALIGNED_ALLOC, 3, true},
		{OP_ALIGNED_ALLOC, 48, true},  {OP_ALIGNED_ALLOC, UINT64_MAX, true},
		{OP_ALIGNED_ALLOC, 1, false},  {OP_ALIGNED_ALLOC, 2, false},
		{OP_POSIX_MEMALIGN, 0, true},  {OP_POSIX_MEMALIGN, 4, true},
		{OP_POSIX_MEMALIGN, 24, true}, {OP_POSIX_MEMALIGN, sizeof(void *), false},
		{OP_MEMALIGN, 0, false},       {OP_MEMALIGN, 3, false},
	};
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_act(&s, (struct act){.code = cases[i].code,
					   .arg0 = cases[i].align,
					   .arg1 = 100,
					   .ret = s.pool + 4096});
		if (cases[i].bad)
			assert_found(&s, FINDING_ACCEPTED_BAD_ALIGNMENT, RULE_ALIGNMENT_ACCEPTED);
		assert_clean(&s);
		stage_touch(&s, 0); /* the block itself is sound */
		stage_free(&s, 0);
	}
	stage_act(&s, (struct act){.code = OP_POSIX_MEMALIGN, .arg0 = 3, .arg1 = 0});
	assert_found(&s, FINDING_ACCEPTED_BAD_ALIGNMENT, RULE_ALIGNMENT_ACCEPTED);
	stage_end(&s);
}

static void calloc_is_zero(void **state)
{
	struct act a = calloc_4;
	struct stage s;

	(void)state;
	stage_start(&s);
	a.ret = s.pool;
	s.pool[32] = 1; /* behind the 32 bytes */
	stage_act(&s, a);
	assert_clean(&s);
	for (unsigned i = 0; i < 32; i++) {
		stage_free(&s, 0);
		s.pool[i] = 0x5a;
		stage_act(&s, a);
		struct finding f = assert_found(&s, FINDING_DIRTY_ZERO, RULE_ZERO_DIRTY);

		assert_int_equal(f.n[2], i);
		assert_int_equal(f.n[3], 0x5a);
		s.pool[i] = 0;
	}
	stage_end(&s);
}

static void large_calloc(struct stage *s, uint64_t dirty, bool found)
{
	const uint64_t size = 1000 * 1000;

	s->pool[16 + dirty] = 1;
	stage_act(s, (struct act){.code = OP_CALLOC, .arg0 = 1, .arg1 = size, .ret = s->pool + 16});
	if (found)
		assert_int_equal(assert_found(s, FINDING_DIRTY_ZERO, RULE_ZERO_DIRTY).n[2], dirty);
	assert_clean(s);
	s->pool[16 + dirty] = 0;
	stage_free(s, 0);
}

static void large_calloc_is_zero_at_head_tail_and_in_every_page(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	large_calloc(&s, 0, true);
	large_calloc(&s, 4095, true);
	large_calloc(&s, 999999, true);
	large_calloc(&s, 1000000 - 4096, true);
	for (uint64_t page = 2; page < 243; page += 8)
		large_calloc(&s, page * 4096 - 16 + 7, true);
	large_calloc(&s, 1000000, false);
	large_calloc(&s, 500000, false); /* between the samples */
	stage_end(&s);
	stage_start_full(&s);
	large_calloc(&s, 500000, true);
	stage_end(&s);
}

static void a_dirty_malloc_is_fine(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	memset(s.pool, 1, 64);
	stage_malloc(&s, 0, s.pool, 64);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(overlap_is_found_from_every_side),
		cmocka_unit_test(both_partners_are_tainted_and_freed_normally),
		cmocka_unit_test(a_pointer_of_two_slots_is_freed_once),
		cmocka_unit_test(a_new_block_over_many_taints_them_all_and_names_one),
		cmocka_unit_test(size_zero_pointers_are_unique),
		cmocka_unit_test(the_programs_mappings_and_the_harness_are_taken),
		cmocka_unit_test(hostile_addresses_do_not_wrap),
		cmocka_unit_test(alignment_follows_the_size),
		cmocka_unit_test(requested_alignment),
		cmocka_unit_test(overflow_is_not_accepted),
		cmocka_unit_test(bad_alignment_is_not_accepted),
		cmocka_unit_test(calloc_is_zero),
		cmocka_unit_test(large_calloc_is_zero_at_head_tail_and_in_every_page),
		cmocka_unit_test(a_dirty_malloc_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
