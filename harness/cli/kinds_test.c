#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "harness/cli/kinds.h"
#include "harness/oracle/finding.h"

static void words_become_kinds_and_back(void **state)
{
	uint32_t kinds = 0, all = UINT32_MAX >> (32 - FINDING_KINDS), read = 0;

	(void)state;
	assert_int_equal(kinds_parse("crash,overlap", &kinds), 0);
	assert_int_equal(kinds, FINDING_BIT(FINDING_CRASH) | FINDING_BIT(FINDING_OVERLAP));
	assert_int_equal(kinds_parse("crash,hang", &kinds), 0);
	assert_string_equal(kinds_words(kinds).s, "overlap,crash,hang");
	assert_string_equal(kinds_words(0).s, "");
	assert_int_equal(kinds_parse(kinds_words(all).s, &read), 0);
	assert_int_equal(read, all);
	/* Bits that are no kind have no words. */
	assert_string_equal(kinds_words(UINT32_MAX).s, kinds_words(all).s);
}

static void other_words_are_refused(void **state)
{
	static const char *const words[] = {
		"",
		",",
		"overlap,",
		",overlap",
		"overlap,,crash",
		"overla",
		"Overlap",
		"overlaps",
		"overlap crash",
		"a-word-that-is-longer-than-any-kind-could-be",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint32_t kinds = 7;

		assert_int_equal(kinds_parse(words[i], &kinds), -EINVAL);
		assert_int_equal(kinds, 7);
	}
}

static void json_has_the_same_words(void **state)
{
	json_t *list = kinds_json(FINDING_BIT(FINDING_FORK_BROKEN) | FINDING_BIT(FINDING_OVERLAP));
	char *text = json_dumps(list, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "[\"overlap\",\"fork-broken\"]");
	free(text);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_kinds_and_back),
		cmocka_unit_test(other_words_are_refused),
		cmocka_unit_test(json_has_the_same_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
