#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/oracle/content.h"

static unsigned char memory[400000];

static void parts_give_the_same_bytes_as_the_whole(void **state)
{
	unsigned char whole[512];
	struct content a = {.base = whole, .id = 99}, b = {.base = memory + 3, .id = 99};

	(void)state;
	content_fill(&a, 0, sizeof(whole));
	for (uint64_t off = 0; off < 20; off++) {
		for (uint64_t len = 0; len < 40; len++) {
			memset(memory, 0, 64);
			content_fill(&b, off, len);
			assert_memory_equal(b.base + off, whole + off, len);
			assert_int_equal(b.base[off + len], 0);
			if (off)
				assert_int_equal(b.base[off - 1], 0);
		}
	}
}

static void no_byte_is_zero_and_neighbours_differ(void **state)
{
	struct content a = {.base = memory, .id = 1};
	unsigned seen[256] = {0};

	(void)state;
	content_fill(&a, 0, 100000);
	for (unsigned i = 0; i < 100000; i++)
		seen[memory[i]]++;
	assert_int_equal(seen[0], 0);
	for (unsigned i = 1; i < 256; i += 2)
		assert_in_range(seen[i], 600, 970); /* even: 781 */
	struct content_diff d = {0};
	struct content other = {.base = memory, .id = 2}, shifted = {.base = memory + 8, .id = 1};

	content_check(&other, 0, 8000, &d);
	assert_true(d.changed > 7800);
	d.changed = 0;
	content_check(&shifted, 0, 8000, &d);
	assert_true(d.changed > 7800);
}

static void each_changed_byte_is_found(void **state)
{
	struct content a = {.base = memory + 1, .id = 5};

	(void)state;
	for (uint64_t i = 0; i < 1100; i++) {
		struct content_diff d = {0};

		content_fill(&a, 3, 1100);
		content_check(&a, 3, 1100, &d);
		assert_int_equal(d.changed, 0);
		a.base[3 + i] ^= 1;
		content_check(&a, 3, 1100, &d);
		assert_int_equal(d.changed, 1);
		assert_int_equal(d.offset, 3 + i);
		assert_int_equal(d.expected ^ d.found, 1);
	}
}

static void the_middle_is_one_word_at_each_page_start(void **state)
{
	struct content a = {.base = memory};

	(void)state;
	for (uint64_t off = 0; off < 9000; off += 77) {
		struct content_words w = content_middle(&a, off, 300000, 4096);
		uintptr_t at = (uintptr_t)memory + w.first;
		uint64_t last = w.first + (w.count - 1) * w.step;

		assert_int_equal(at % 4096, 0);
		assert_in_range(w.first, off + 4096, off + 2 * 4096 - 1);
		assert_in_range(last, off + 300000 - 2 * 4096, off + 300000 - 4096 - 1);
	}
}

static void nonzero_is_found_anywhere(void **state)
{
	(void)state;
	memset(memory, 0, 1000);
	assert_int_equal(content_first_nonzero(memory, 5, 900), 905);
	for (unsigned i = 0; i < 1000; i++) {
		memory[i] = 0x10;
		assert_int_equal(content_first_nonzero(memory, 5, 900),
				 i < 5 || i >= 905 ? 905 : i);
		memory[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_give_the_same_bytes_as_the_whole),
		cmocka_unit_test(no_byte_is_zero_and_neighbours_differ),
		cmocka_unit_test(each_changed_byte_is_found),
		cmocka_unit_test(the_middle_is_one_word_at_each_page_start),
		cmocka_unit_test(nonzero_is_found_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
