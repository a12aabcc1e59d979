#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/rule.h"

static struct rule parsed(const char *text)
{
	struct rule rule = {.program.fd = -1};
	char err[256] = "";
	int rc = rule_parse_head(text, &rule, err, sizeof(err));

	assert_string_equal(err, "");
	assert_int_equal(rc, 0);
	return rule;
}

static void a_head_has_sentence_and_source(void **state)
{
	struct rule r = parsed("allocrig 1\n# Rule 8: a bad alignment is EINVAL. [POSIX, 8]\n"
			       "# canary: accepted-bad-alignment\n# what follows is a remark\n"
			       "malloc b[0] 1\n");

	(void)state;
	assert_string_equal(r.sentence, "a bad alignment is EINVAL.");
	assert_string_equal(r.source, "POSIX, 8");
	assert_null(r.profile);
	rule_release(&r);
}

static void a_sentence_goes_on_to_its_source(void **state)
{
	struct rule r = parsed("allocrig 1\n# Rule 2: malloc(0): null,\n#  or [any] pointer.\n"
			       "# [C17 7.22.3]\n# profile: malloc-zero zero 2\n");

	(void)state;
	assert_string_equal(r.sentence, "malloc(0): null,  or [any] pointer.");
	assert_string_equal(r.source, "C17 7.22.3");
	assert_string_equal(r.profile, "malloc-zero");
	assert_int_equal(r.form, ANSWER_ZERO);
	assert_int_equal(r.statement, 2);
	rule_release(&r);
}

static void a_directive_or_an_empty_line_ends_it(void **state)
{
	struct rule r = parsed("allocrig 1\n# Rule 1: one\n# profile: a call 0\n# more\n");

	(void)state;
	assert_string_equal(r.sentence, "one");
	rule_release(&r);
	r = parsed("allocrig 1\n# Rule 1 has none [x: y]\n");
	assert_string_equal(r.sentence, "Rule 1 has none");
	assert_string_equal(r.source, "x: y");
	rule_release(&r);
	r = parsed("allocrig 1\n# [x]\n");
	assert_string_equal(r.sentence, "");
	assert_string_equal(r.source, "x");
	rule_release(&r);
	r = parsed("allocrig 1\n#\n# Rule 1: one\n#\n# more\nmalloc b[0] 1\n# Rule 2: two\n");
	assert_string_equal(r.sentence, "one");
	assert_string_equal(r.source, "");
	rule_release(&r);
}

static void a_program_need_not_have_a_head(void **state)
{
	static const char *const texts[] = {"allocrig 1\nmalloc b[0] 1\n", "allocrig 1", "", "#"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rule r = parsed(texts[i]);

		assert_string_equal(r.sentence, "");
		assert_string_equal(r.source, "");
		rule_release(&r);
	}
}

static void a_wrong_profile_line_is_named(void **state)
{
	static const char *const wrong[] = {
		"# profile: malloc-zero\n",
		"# profile: malloc-zero zero\n",
		"# profile: malloc-zero 0\n",
		"# profile: malloc-zero Zero 0\n",
		"# profile: a zero 0 more\n",
		"# profile: a zero x\n",
		"# profile: b zero 1\n# profile: a zero 0\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rule rule = {.program.fd = -1};
		char text[256], err[256] = "";

		snprintf(text, sizeof(text), "allocrig 1\n# Rule 1: x [y]\n%s", wrong[i]);
		assert_int_equal(rule_parse_head(text, &rule, err, sizeof(err)), -EINVAL);
		assert_int_equal(strtoul(err, NULL, 10), i == 6 ? 4 : 3);
		rule_release(&rule);
	}
}

static void rules_stand_by_number_and_name(void **state)
{
	static const char *const order[] = {"02-a.prog", "2-b.prog",  "10-a.prog", "010-b.prog",
					    "100.prog",	 "m1-a.prog", "m02.prog",  "x.prog"};

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t j = 0; j < sizeof(order) / sizeof(order[0]); j++) {
			int compared = rule_compare_names(order[i], order[j]);
			bool same_number =
				(i == 2 && j == 3) || (i == 3 && j == 2) || (i < 2 && j < 2);

			if (i == j)
				assert_int_equal(compared, 0);
			else if (!same_number)
				assert_int_equal(compared < 0, i < j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_has_sentence_and_source),
		cmocka_unit_test(a_sentence_goes_on_to_its_source),
		cmocka_unit_test(a_directive_or_an_empty_line_ends_it),
		cmocka_unit_test(a_program_need_not_have_a_head),
		cmocka_unit_test(a_wrong_profile_line_is_named),
		cmocka_unit_test(rules_stand_by_number_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
