#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/prog/text.h"

static void sizes_are_rounded_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *words;
	} sizes[] = {
		{0, "0 B"},
		{1, "1 B"},
		{999, "999 B"},
		{1000, "1000 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1075, "1.0 KiB"}, /* 1.0498 */
		{1076, "1.1 KiB"},
		{2355 << 10, "2.3 MiB"}, /* 2.2998 */
		{102348, "99.9 KiB"},
		{102349, "100 KiB"}, /* 99.950 */
		{(1u << 20) - 513, "1023 KiB"},
		{(1u << 20) - 512, "1.0 MiB"},
		{1u << 20, "1.0 MiB"},
		{UINT64_C(3) << 30, "3.0 GiB"},
		{(UINT64_C(1) << 60) - 1, "1.0 EiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct text t;
		char buf[32];

		text_init(&t, buf, sizeof(buf));
		text_rounded_size(&t, sizes[i].bytes);
		assert_string_equal(buf, sizes[i].words);
		assert_true(text_result(&t) > 0);
	}
}

static void what_does_not_fit_is_cut(void **state)
{
	struct text t;
	char buf[6];

	(void)state;
	text_init(&t, buf, sizeof(buf));
	text_rounded_size(&t, 2 << 20);
	assert_string_equal(buf, "2.0 M");
	assert_int_equal(text_result(&t), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_rounded_for_people),
		cmocka_unit_test(what_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
