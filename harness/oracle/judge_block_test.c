#include <errno.h>
#include <string.h>

#include "harness/oracle/oracle_testing.h"

#define LARGE (1000 * 1000)

static struct act usable_act(uint8_t code, uint64_t usable)
{
	return (struct act){.code = code, .usable_known = true, .usable = usable};
}

static void malloc_usable(struct stage *s, uint32_t slot, void *ret, uint64_t size, uint64_t usable)
{
	struct act a = usable_act(OP_MALLOC, usable);

	a.slot = slot;
	a.ret = ret;
	a.arg0 = size;
	stage_act(s, a);
}

static void a_kept_block_is_sound(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool + 16, 100);
	stage_malloc(&s, 1, s.pool + 128, LARGE);
	stage_touch(&s, 0);
	stage_touch(&s, 1);
	stage_touch(&s, 0);
	stage_finish(&s);
	s.pool[15] ^= 1; /* around the block */
	s.pool[116] ^= 1;
	stage_finish(&s);
	stage_free(&s, 0);
	stage_free(&s, 1);
	memset(s.pool, 0, LARGE);
	stage_finish(&s);
	stage_end(&s);
}

static void every_changed_byte_is_found_at_free(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned i = 0; i < 100; i++) {
		stage_malloc(&s, 5, s.pool + 16, 100);
		stage_touch(&s, 5);
		s.pool[16 + i] ^= 0x80;
		stage_free(&s, 5);
		struct finding f = assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED);

		assert_int_equal(f.slot, 5);
		assert_int_equal(f.op_code, OP_FREE);
		assert_int_equal(f.n[2], i);
		assert_int_equal(f.n[3] ^ f.n[4], 0x80);
		assert_int_equal(f.n[5], 1);
	}
	stage_end(&s);
}

static void zeroing_changes_every_byte(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool + 16, 60000);
	stage_touch(&s, 0);
	memset(s.pool + 16, 0, 60000);
	stage_finish(&s);
	assert_int_equal(assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED).n[5], 60000);
	stage_finish(&s); /* said once */
	stage_free(&s, 0);
	stage_end(&s);
}

static void untouched_and_partly_touched_blocks(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	memset(s.pool, 7, 100);
	stage_finish(&s);
	assert_int_equal(model_touch(s.model, 0, true, 10, 5), 0);
	s.pool[9]++;
	s.pool[15]++;
	stage_finish(&s);
	assert_clean(&s);
	s.pool[14]++;
	stage_finish(&s);
	assert_int_equal(assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED).n[2], 14);
	assert_int_equal(model_touch(s.model, 0, true, 0, 101), -EINVAL);
	assert_int_equal(model_touch(s.model, 0, true, 101, 0), -EINVAL);
	assert_int_equal(model_touch(s.model, 0, true, 2, UINT64_MAX), -EINVAL);
	assert_int_equal(model_touch(s.model, 0, true, 100, 0), 0);
	assert_int_equal(model_touch(s.model, 1, false, 0, 0), -ENOENT);
	stage_end(&s);
}

static void change_large(struct stage *s, uint64_t at, bool found)
{
	stage_malloc(s, 0, s->pool + 48, LARGE);
	stage_touch(s, 0);
	s->pool[48 + at] ^= 1;
	stage_free(s, 0);
	if (found)
		assert_int_equal(assert_found(s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED).n[2], at);
	assert_clean(s);
}

static void large_blocks_are_judged_at_head_tail_and_in_every_page(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	change_large(&s, 0, true);
	change_large(&s, 4095, true);
	change_large(&s, LARGE - 4096, true);
	change_large(&s, LARGE - 1, true);
	for (uint64_t page = 2; page * 4096 < LARGE - 4096; page++)
		change_large(&s, page * 4096 - 48 + 7, true);
	change_large(&s, 500000, false);
	stage_end(&s);
	stage_start_full(&s);
	change_large(&s, 500000, true);
	stage_end(&s);
}

static void touch_writes_every_page(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool + 16, 100 * 4096);
	stage_touch(&s, 0);
	assert_int_not_equal(s.pool[16], 0);
	assert_int_not_equal(s.pool[4096], 0);
	for (unsigned page = 2; page < 99; page++)
		assert_int_not_equal(s.pool[page * 4096], 0);
	assert_int_not_equal(s.pool[100 * 4096 + 15], 0);
	assert_int_equal(s.pool[100 * 4096 + 16], 0);
	assert_int_equal(s.pool[15], 0);
	stage_end(&s);
}

static void resize(struct stage *s, void *ret, uint64_t size)
{
	stage_act(s, (struct act){.code = OP_REALLOC, .arg0 = size, .ret = ret});
}

static void realloc_keeps_the_smaller_of_both_sizes(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	resize(&s, s.pool, 100); /* of NULL: a malloc */
	stage_touch(&s, 0);
	memcpy(s.pool + 4096, s.pool, 100);
	resize(&s, s.pool + 4096, 200);
	assert_clean(&s);
	memset(s.pool + 4096 + 100, 0xff, 100); /* the new part is anything */
	memcpy(s.pool, s.pool + 4096, 50);
	resize(&s, s.pool, 50);
	assert_clean(&s);
	stage_finish(&s);
	memcpy(s.pool + 8192, s.pool, 49);
	resize(&s, s.pool + 8192, 80);
	struct finding f = assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_REALLOC);

	assert_int_equal(f.n[2], 49);
	stage_free(&s, 0);
	stage_end(&s);
}

static void realloc_to_a_shifted_place_is_lost_content(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 256);
	stage_touch(&s, 0);
	memcpy(s.pool + 4096, s.pool + 16, 256);
	resize(&s, s.pool + 4096, 512);
	assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_REALLOC);
	stage_end(&s);
}

static void usable_bytes_behind_the_request_need_not_survive_realloc(void **state)
{
	struct act a = usable_act(OP_REALLOC, 512);
	struct stage s;

	(void)state;
	stage_start(&s);
	malloc_usable(&s, 0, s.pool, 100, 112);
	stage_touch(&s, 0);
	assert_int_not_equal(s.pool[111], 0);
	memcpy(s.pool + 4096, s.pool, 100);
	a.arg0 = 500;
	a.ret = s.pool + 4096;
	stage_act(&s, a);
	stage_end(&s);
}

static void large_content_is_judged_across_realloc(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	for (unsigned page = 2; page < 140; page += 7) {
		stage_malloc(&s, 0, s.pool + 16, LARGE);
		stage_touch(&s, 0);
		memcpy(s.pool + 2000 * 1024, s.pool + 16, 600000);
		resize(&s, s.pool + 2000 * 1024, 600000);
		assert_clean(&s);
		s.pool[2000 * 1024 + page * 4096 - 16] ^= 4;
		stage_free(&s, 0);
		assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED);
	}
	stage_end(&s);
}

static void corrupted_before_realloc_is_said_once(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	stage_touch(&s, 0);
	s.pool[5] ^= 1;
	resize(&s, s.pool, 120);
	assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED);
	stage_touch(&s, 0);
	stage_free(&s, 0);
	stage_end(&s);
}

static void a_failed_realloc_leaves_the_block(void **state)
{
	struct act fail = {.code = OP_REALLOC,
			   .arg0 = UINT64_C(1) << 40,
			   .errno_after = ENOMEM,
			   .cause = CAUSE_REFUSED};
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	stage_touch(&s, 0);
	stage_act(&s, fail);
	stage_finish(&s);
	assert_clean(&s);
	stage_before(&s, fail);
	memset(s.pool, 0, 8);
	stage_after(&s, fail);
	assert_int_equal(assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_FAILED_REALLOC).n[5],
			 8);
	stage_malloc(&s, 1, s.pool, 16); /* it lives */
	assert_found(&s, FINDING_OVERLAP, RULE_OVERLAP_BLOCK);
	stage_end(&s);
}

static void reallocarray_overflow_leaves_the_block(void **state)
{
	struct act a = {.code = OP_REALLOCARRAY,
			.arg0 = UINT64_C(1) << 40,
			.arg1 = UINT64_C(1) << 40,
			.errno_after = ENOMEM};
	uint64_t blocks, bytes;
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	stage_touch(&s, 0);
	stage_act(&s, a);
	assert_clean(&s);
	model_live(s.model, &blocks, &bytes);
	assert_int_equal(blocks, 1);
	assert_int_equal(bytes, 100);
	a.errno_after = EINVAL;
	stage_act(&s, a);
	assert_found(&s, FINDING_WRONG_ERRNO, RULE_ERRNO_ON_FAILURE);
	stage_end(&s);
}

static void realloc_to_zero_has_three_answers(void **state)
{
	struct act zero = {.code = OP_REALLOC};
	uint64_t blocks, bytes;
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	stage_act(&s, zero); /* NULL, errno kept: freed */
	model_live(s.model, &blocks, &bytes);
	assert_int_equal(blocks, 0);
	stage_malloc(&s, 0, s.pool, 100);
	zero.errno_after = EINVAL; /* failed: intact */
	stage_act(&s, zero);
	model_live(s.model, &blocks, &bytes);
	assert_int_equal(blocks, 1);
	zero.errno_after = 0;
	zero.ret = s.pool + 256;
	stage_act(&s, zero);
	model_live(s.model, &blocks, &bytes);
	assert_int_equal(blocks, 1);
	assert_int_equal(bytes, 0);
	stage_malloc(&s, 1, s.pool, 100);
	assert_int_equal(model_live_peak(s.model), 100);
	stage_malloc(&s, 2, s.pool + 512, 40);
	assert_int_equal(model_live_peak(s.model), 140);
	stage_end(&s);
}

static void usable_size_is_at_least_the_request(void **state)
{
	struct act p = usable_act(OP_PVALLOC, 8192);
	struct stage s;

	(void)state;
	stage_start(&s);
	malloc_usable(&s, 0, s.pool, 100, 100);
	malloc_usable(&s, 1, s.pool + 128, 100, 99);
	assert_int_equal(assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_SHORT).n[2], 99);
	malloc_usable(&s, 2, NULL, 0, 0);
	p.slot = 3;
	p.arg0 = 4097;
	p.ret = s.pool + 8192;
	stage_act(&s, p);
	assert_clean(&s);
	p.slot = 4;
	p.ret = s.pool + 16384;
	p.usable = 8191;
	stage_act(&s, p);
	assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_SHORT);
	stage_end(&s);
}

/* What lies behind the promised bytes is not looked at: one defect, one finding. */
static void a_realloc_that_promises_too_little_is_said_once(void **state)
{
	struct act a = usable_act(OP_REALLOC, 60);
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 100);
	stage_touch(&s, 0);
	memcpy(s.pool + 4096, s.pool, 60);
	a.arg0 = 100;
	a.ret = s.pool + 4096;
	stage_act(&s, a);
	assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_SHORT);
	stage_free(&s, 0);
	stage_end(&s);
}

static void usable_size_is_stable(void **state)
{
	struct act usable = usable_act(OP_USABLE, 112), freed = usable_act(OP_FREE, 112);
	struct stage s;

	(void)state;
	stage_start(&s);
	malloc_usable(&s, 0, s.pool, 100, 112);
	stage_act(&s, usable);
	stage_act(&s, freed);
	assert_clean(&s);
	malloc_usable(&s, 0, s.pool, 100, 112);
	usable.usable = 104;
	stage_touch(&s, 0);
	stage_act(&s, usable);
	struct finding f = assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_UNSTABLE);

	assert_int_equal(f.n[2], 112);
	assert_int_equal(f.n[3], 104);
	s.pool[104]++; /* no longer promised */
	stage_act(&s, freed);
	assert_clean(&s);
	malloc_usable(&s, 0, s.pool, 100, 112);
	freed.usable = 128;
	stage_act(&s, freed);
	assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_UNSTABLE);
	stage_end(&s);
}

static void usable_of_null_is_zero(void **state)
{
	struct act usable = usable_act(OP_USABLE, 0);
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_act(&s, usable);
	assert_clean(&s);
	usable.usable = 16;
	stage_act(&s, usable);
	assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_NULL);
	stage_end(&s);
}

static void usable_bytes_that_meet_blame_the_lower_block(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	malloc_usable(&s, 0, s.pool + 128, 100, 128);
	malloc_usable(&s, 1, s.pool, 100, 128); /* ends where the other begins */
	assert_clean(&s);
	malloc_usable(&s, 2, s.pool + 256, 64, 64);
	malloc_usable(&s, 3, s.pool + 512, 64, 64);
	malloc_usable(&s, 4, s.pool + 336, 64, 177); /* one byte into the next one */
	struct finding f = assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_OVERLAP);

	assert_int_equal(f.slot, 4);
	assert_int_equal(f.n[2], 177);
	assert_int_equal(f.n[3], (uintptr_t)s.pool + 512);
	stage_touch(&s, 3); /* the other one is sound */
	assert_int_equal(model_touch(s.model, 4, false, 0, 0), -ENOENT);
	malloc_usable(&s, 5, s.pool + 640, 16, 64);
	stage_touch(&s, 5);
	malloc_usable(&s, 6, s.pool + 672, 16, 16); /* into what was promised to b[5] */
	assert_int_equal(assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_OVERLAP).slot, 5);
	stage_touch(&s, 6);
	stage_finish(&s);
	malloc_usable(&s, 7, s.pool + 1024, 16, UINT64_MAX);
	/* Whether the harness's arena or nothing lies above is the kernel's choice. */
	s.sink.n = 0;
	stage_end(&s);
}

static void a_fault_behind_the_request_is_short_usable(void **state)
{
	struct op op = {.code = OP_TOUCH, .space = SPACE_BLOCK};
	struct call_event e = {.op = &op};
	struct stage s;

	(void)state;
	stage_start(&s);
	malloc_usable(&s, 0, s.pool, 100, 112);
	uintptr_t at = (uintptr_t)s.pool;

	assert_false(model_touch_faulted(s.model, &e, at + 99, &s.sink));
	assert_false(model_touch_faulted(s.model, &e, at + 112, &s.sink));
	assert_false(model_touch_faulted(s.model, &e, at - 1, &s.sink));
	assert_clean(&s);
	assert_true(model_touch_faulted(s.model, &e, at + 100, &s.sink));
	assert_int_equal(assert_found(&s, FINDING_SHORT_USABLE, RULE_USABLE_FAULT).n[3], 100);
	assert_int_equal(model_touch(s.model, 0, false, 0, 0), -ENOENT);
	stage_free(&s, 0);
	stage_end(&s);
}

/* A block with more parts than a list holds: some are forgotten, counted, never misjudged. */
static void scattered_touches_are_forgotten_not_misjudged(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_malloc(&s, 0, s.pool, 60000);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(model_touch(s.model, 0, true, i * 100, 10), 0);
	assert_int_equal(model_extents_forgotten(s.model), 200 - 64);
	for (unsigned i = 0; i < 199; i++)
		memset(s.pool + i * 100 + 10, 0xee, 90);
	stage_finish(&s);
	assert_clean(&s);
	s.pool[5]++;
	stage_finish(&s);
	assert_found(&s, FINDING_CORRUPTED, RULE_CONTENT_CHANGED);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_block_is_sound),
		cmocka_unit_test(every_changed_byte_is_found_at_free),
		cmocka_unit_test(zeroing_changes_every_byte),
		cmocka_unit_test(untouched_and_partly_touched_blocks),
		cmocka_unit_test(large_blocks_are_judged_at_head_tail_and_in_every_page),
		cmocka_unit_test(touch_writes_every_page),
		cmocka_unit_test(realloc_keeps_the_smaller_of_both_sizes),
		cmocka_unit_test(realloc_to_a_shifted_place_is_lost_content),
		cmocka_unit_test(usable_bytes_behind_the_request_need_not_survive_realloc),
		cmocka_unit_test(large_content_is_judged_across_realloc),
		cmocka_unit_test(corrupted_before_realloc_is_said_once),
		cmocka_unit_test(a_failed_realloc_leaves_the_block),
		cmocka_unit_test(reallocarray_overflow_leaves_the_block),
		cmocka_unit_test(realloc_to_zero_has_three_answers),
		cmocka_unit_test(usable_size_is_at_least_the_request),
		cmocka_unit_test(a_realloc_that_promises_too_little_is_said_once),
		cmocka_unit_test(usable_size_is_stable),
		cmocka_unit_test(usable_of_null_is_zero),
		cmocka_unit_test(usable_bytes_that_meet_blame_the_lower_block),
		cmocka_unit_test(a_fault_behind_the_request_is_short_usable),
		cmocka_unit_test(scattered_touches_are_forgotten_not_misjudged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
