#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/conformance.h"

#define RULES_SHOWN 3
#define COLUMNS	    6

static char *names[RULES_SHOWN] = {"02-malloc-zero", "07-aligned-alloc-below-and-more", "10-x"};

/* Every cell as wide as cells get. */
struct table {
	struct rule rules[RULES_SHOWN];
	struct rulebook book;
	struct subject subjects[COLUMNS];
	struct conformance c;
};

static struct table *table_new(void)
{
	static const char *const names_of[COLUMNS] = {"glibc",	  "jemalloc", "mimalloc",
						      "tcmalloc", "scudo",    "guard"};
	struct table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	for (int i = 0; i < RULES_SHOWN; i++)
		t->rules[i].program.name = names[i];
	for (int i = 0; i < COLUMNS; i++)
		snprintf(t->subjects[i].ref.name, sizeof(t->subjects[i].ref.name), "%s",
			 names_of[i]);
	t->book = (struct rulebook){t->rules, RULES_SHOWN};
	assert_int_equal(conformance_init(&t->c, &t->book, t->subjects, COLUMNS), 0);
	return t;
}

static void table_free(struct table *t)
{
	conformance_release(&t->c);
	free(t);
}

static void fill(struct table *t, enum row_result result, const char *answer)
{
	for (int i = 0; i < COLUMNS; i++)
		for (int j = 0; j < RULES_SHOWN; j++) {
			t->c.column[i].row[j].result = result;
			snprintf(t->c.column[i].row[j].answer.s, 32, "%s", answer);
		}
}

static char *printed(const struct table *t, int width)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	conformance_print(out, &t->c, width);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_fits(const char *text, size_t width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		assert_in_range(len, 0, width);
		assert_true(len == 0 || text[len - 1] != ' ');
		text += len + (text[len] == '\n');
	}
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text += strlen(word);
	}
	return n;
}

static void six_allocators_fit_a_hundred_columns(void **state)
{
	struct table *t = table_new();

	(void)state;
	names[1] = "07-aligned-alloc-below-xxxx"; /* 27 */
	t->rules[1].program.name = names[1];
	fill(t, ROW_PROFILE, "usable-4104");
	char *text = printed(t, 100);

	assert_fits(text, 100);
	assert_int_equal(count(text, "RULE"), 1);
	free(text);
	table_free(t);
}

static void a_narrow_table_goes_on_below(void **state)
{
	struct table *t = table_new();

	(void)state;
	fill(t, ROW_UNSUPPORTED, "");
	for (int width = 60; width <= 200; width += 7) {
		char *text = printed(t, width);

		assert_fits(text, (size_t)width);
		for (int i = 0; i < COLUMNS; i++)
			assert_int_equal(count(text, t->subjects[i].ref.name), 1);
		free(text);
	}
	char *text = printed(t, 1);

	assert_int_equal(count(text, "RULE"), COLUMNS);
	free(text);
	table_free(t);
}

static void cells_say_what_came_out(void **state)
{
	static const struct {
		struct row row;
		const char *cell;
	} c[] = {
		{{.result = ROW_PASS}, "pass"},
		{{.result = ROW_PROFILE}, "profile"},
		{{.result = ROW_PROFILE, .answer = {"frees"}}, "frees"},
		{{.result = ROW_PROFILE, .answer = {"crash"}}, "profile"},
		{{.result = ROW_MEASURED, .answer = {"usable-8"}}, "usable-8"},
		{{.result = ROW_MEASURED, .answer = {"not-measured"}}, "measured"},
		{{.result = ROW_MISMATCH, .answer = {"frees"}}, "MISMATCH"},
		{{.result = ROW_VIOLATION, .answer = {"frees"}}, "VIOLATION"},
		{{.result = ROW_ABSENT, .answer = {"absent"}}, "-"},
		{{.result = ROW_UNSUPPORTED}, "unsupported"},
		{{.result = ROW_BROKEN}, "broken"},
		{{.result = ROW_NOT_RUN}, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_string_equal(row_cell(&c[i].row), c[i].cell);
}

static void what_is_counted_is_explained(void **state)
{
	struct table *t = table_new();

	(void)state;
	fill(t, ROW_PASS, "");
	char *text = printed(t, 100);

	assert_null(strstr(text, "VIOLATION"));
	free(text);
	t->c.column[2].row[1].result = ROW_VIOLATION;
	t->c.column[5].row[2].result = ROW_NOT_RUN;
	text = printed(t, 100);
	/* In its cell, as a count and in the legend. */
	assert_int_equal(count(text, "VIOLATION"), 3);
	assert_int_equal(column_count(&t->c.column[2], RULES_SHOWN, ROW_PASS), 2);
	assert_int_equal(column_count(&t->c.column[5], RULES_SHOWN, ROW_NOT_RUN), 1);
	free(text);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_allocators_fit_a_hundred_columns),
		cmocka_unit_test(a_narrow_table_goes_on_below),
		cmocka_unit_test(cells_say_what_came_out),
		cmocka_unit_test(what_is_counted_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
