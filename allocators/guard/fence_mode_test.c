/* How a process comes to its mode and its knobs; each child here makes the first block of its own.
 */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/fence_pages.h"
#include "allocators/guard/knob.h"
#include "allocators/guard/line.h"
#include "allocators/guard/test_child.h"

#define EXPECT(condition) ((condition) ? (void)0 : _exit(100 + __LINE__ % 100))

/* In fence mode alone a block's usable size is what was asked for. */
static bool is_fence(void)
{
	void *p = guard_malloc(21);
	bool fence = guard_malloc_usable_size(p) == 21;

	guard_free(p);
	return fence;
}

static void mode_by_default(void)
{
	unsetenv("GUARD_MODE");
	EXPECT(!is_fence());
}

static void mode_empty(void)
{
	setenv("GUARD_MODE", "", 1);
	EXPECT(!is_fence());
}

static void mode_by_environment(void)
{
	setenv("GUARD_MODES", "separator", 1);
	setenv("GUARD_MODE", "fence", 1);
	EXPECT(is_fence());
}

static void mode_named_separator(void)
{
	setenv("GUARD_MODE", "separator", 1);
	EXPECT(!is_fence());
}

static void mode_by_call(void)
{
	unsetenv("GUARD_MODE");
	EXPECT(guard_mode_set(GUARD_FENCE) == 0);
	EXPECT(guard_mode_set(GUARD_SEPARATOR) == 0);
	EXPECT(guard_mode_set(GUARD_FENCE) == 0);
	EXPECT(is_fence());
	EXPECT(guard_mode_set(GUARD_SEPARATOR) == -EBUSY);
	EXPECT(guard_mode_set(GUARD_FENCE) == -EBUSY);
	EXPECT(is_fence());
}

static void mode_call_before_environment(void)
{
	setenv("GUARD_MODE", "fence", 1);
	EXPECT(guard_mode_set(GUARD_SEPARATOR) == 0);
	EXPECT(!is_fence());
	EXPECT(guard_mode_set(GUARD_FENCE) == -EBUSY);
}

static void mode_stays_open(void)
{
	setenv("GUARD_MODE", "separator", 1);
	guard_free(NULL);
	EXPECT(guard_malloc_usable_size(NULL) == 0);
	EXPECT(guard_malloc_trim(0) == 0);
	EXPECT(guard_mode_set((enum guard_mode)2) == -EINVAL);
	EXPECT(guard_mode_set(GUARD_FENCE) == 0);
	EXPECT(is_fence());
}

static void test_mode(void **state)
{
	static void (*const ways[])(void) = {
		mode_by_default,      mode_empty,   mode_by_environment,
		mode_named_separator, mode_by_call, mode_call_before_environment,
		mode_stays_open,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct ending e = child_run(ways[i]);

		expect_exit(&e, 0);
		expect_silence(&e);
	}
}

static const char *knob_name, *knob_value;

static void allocate_with_knob(void)
{
	setenv("GUARD_MODE", "fence", 1);
	setenv(knob_name, knob_value, 1);
	guard_free(guard_malloc(1));
}

static void test_unknown_values(void **state)
{
	static const char *const knobs[][3] = {
		{"GUARD_MODE", "fences", "expected separator or fence"},
		{"GUARD_MODE", "FENCE", "expected separator or fence"},
		{"GUARD_QUARANTINE", "64MB", "expected a number"},
		{"GUARD_QUARANTINE", "-1", "expected a number"},
		{"GUARD_QUARANTINE", "K", "expected a number"},
		{"GUARD_QUARANTINE", "18446744073709551616", "expected a number"},
		{"GUARD_QUARANTINE", "17179869184G", "expected a number"},
		{"GUARD_QUARANTINE_BLOCKS", "many", "expected a number"},
		{"GUARD_ALIGN", "3", "expected 1, 2, 4, 8 or 16"},
		{"GUARD_ALIGN", "32", "expected 1, 2, 4, 8 or 16"},
		{"GUARD_FENCE", "none", "expected auto or protect"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		knob_name = knobs[i][0];
		knob_value = knobs[i][1];
		struct ending e = child_run(allocate_with_knob);

		EXPECT_LINE(&e, "guard: ", knob_name, "=", knob_value, ": ", knobs[i][2]);
		expect_exit(&e, KNOB_EXIT);
	}
}

static void test_known_values(void **state)
{
	static const char *const knobs[][2] = {
		{"GUARD_QUARANTINE", "0"},	   {"GUARD_QUARANTINE", "17179869183G"},
		{"GUARD_QUARANTINE", "3K"},	   {"GUARD_QUARANTINE", "18446744073709551615"},
		{"GUARD_QUARANTINE", ""},	   {"GUARD_QUARANTINE_BLOCKS", "0"},
		{"GUARD_QUARANTINE_BLOCKS", "1M"}, {"GUARD_ALIGN", "1"},
		{"GUARD_FENCE", "auto"},	   {"GUARD_FENCE", "protect"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		knob_name = knobs[i][0];
		knob_value = knobs[i][1];
		struct ending e = child_run(allocate_with_knob);

		expect_silence(&e);
		expect_exit(&e, 0);
	}
}

/* With 1 each size ends at its fence; with 4 what is larger than that is 4 bytes short at most. */
static void align_is_kept(void)
{
	setenv("GUARD_MODE", "fence", 1);
	setenv("GUARD_ALIGN", knob_value, 1);
	size_t align = strtoul(knob_value, NULL, 10);

	for (size_t size = 1; size < 10000; size += 1 + size / 16) {
		char *p = guard_malloc(size);
		size_t slack = -((uintptr_t)p + size) % 4096;

		EXPECT(slack < align && (uintptr_t)p % (size < align ? 1 : align) == 0);
		memset(p, 1, size);
		guard_free(p);
	}
	char *p = guard_memalign(64, 100);

	EXPECT((uintptr_t)p % 64 == 0);
	guard_free(p);
}

static void test_align_knob(void **state)
{
	static const char *const aligns[] = {"1", "2", "4", "8", "16"};

	(void)state;
	for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		knob_value = aligns[i];
		struct ending e = child_run(align_is_kept);

		expect_exit(&e, 0);
	}
}

static void reuse_at_once(void)
{
	setenv("GUARD_MODE", "fence", 1);
	setenv(knob_name, "0", 1);
	void *keep = guard_malloc(1), *p = guard_malloc(100);

	guard_free(p);
	void *again = guard_malloc(100);

	EXPECT(again == p);
	guard_free(again);
	guard_free(keep);
}

/* The third block that is freed pushes the first one out. */
static void reuse_after_two(void)
{
	void *p[4];

	setenv("GUARD_MODE", "fence", 1);
	setenv("GUARD_QUARANTINE_BLOCKS", "2", 1);
	void *keep = guard_malloc(1);

	for (int i = 0; i < 3; i++)
		p[i] = guard_malloc(100);
	guard_free(p[0]);
	guard_free(p[1]);
	EXPECT((p[3] = guard_malloc(100)) != p[0] && p[3] != p[1]);
	guard_free(p[2]);
	void *again = guard_malloc(100);

	EXPECT(again == p[0]);
	guard_free(again);
	guard_free(p[3]);
	guard_free(keep);
}

static void test_quarantine_knobs(void **state)
{
	static const char *const knobs[] = {"GUARD_QUARANTINE", "GUARD_QUARANTINE_BLOCKS"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		knob_name = knobs[i];
		struct ending e = child_run(reuse_at_once);

		expect_exit(&e, 0);
	}
	struct ending e = child_run(reuse_after_two);

	expect_exit(&e, 0);
}

static void test_pages(void **state)
{
	struct pages s = {0};
	unsigned longest;

	(void)state;
	assert_int_equal(pages_longest(&s), 0);
	assert_int_equal(pages_run(&s, 1, &longest), PAGES_MAX);
	pages_set(&s, 1, 1023, true);
	assert_int_equal(pages_longest(&s), 1023);
	assert_int_equal(pages_run(&s, 1023, &longest), 1);
	assert_int_equal(pages_run(&s, 1024, &longest), PAGES_MAX);
	pages_set(&s, 60, 10, false);
	assert_int_equal(pages_run(&s, 60, &longest), 70);
	assert_int_equal(pages_run(&s, 59, &longest), 1);
	pages_set(&s, 128, 896, false);
	assert_int_equal(pages_longest(&s), 59);
	assert_int_equal(pages_run(&s, 59, &longest), 1);
	pages_set(&s, 0, 1024, true);
	assert_int_equal(pages_longest(&s), 1024);
}

static void test_lines(void **state)
{
	struct line l;

	(void)state;
	line_begin(&l);
	line_hex(&l, 0);
	line_text(&l, " ");
	line_hex(&l, UINTPTR_MAX);
	line_text(&l, " ");
	line_number(&l, UINT64_MAX);
	line_text(&l, " ");
	line_bytes(&l, 1);
	line_text(&l, " ");
	line_bytes(&l, 0);
	l.text[l.len] = '\0';
	assert_string_equal(l.text,
			    "guard: 0x0 0xffffffffffffffff 18446744073709551615 1 byte 0 bytes");
	for (int i = 0; i < 1000; i++)
		line_text(&l, "too long ");
	assert_int_equal(l.len, sizeof(l.text) - 1); /* the newline still fits */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_unknown_values),
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_align_knob),
		cmocka_unit_test(test_quarantine_knobs),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_lines),
	};

	unsetenv("GUARD_QUARANTINE");
	unsetenv("GUARD_QUARANTINE_BLOCKS");
	unsetenv("GUARD_ALIGN");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
