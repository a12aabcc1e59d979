#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/profile.h"

struct place {
	char dir[64], file[96];
};

static void write_profile(struct place *p, const char *text)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/allocrig-profile-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/x.profile", p->dir);
	FILE *f = fopen(p->file, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int load_for(const char *text, const char *version, struct profile *ret, char *err,
		    size_t size)
{
	struct place p;

	write_profile(&p, text);
	int rc = profile_load(p.dir, "x", version, ret, err, size);

	unlink(p.file);
	rmdir(p.dir);
	return rc;
}

static struct profile loaded(const char *text, const char *version)
{
	struct profile p = {0};
	char err[512] = "";
	int rc = load_for(text, version, &p, err, sizeof(err));

	assert_string_equal(err, "");
	assert_int_equal(rc, 0);
	return p;
}

static bool covers(const char *text, const char *version)
{
	struct profile p = loaded(text, version);
	bool it_does = p.covers;

	profile_release(&p);
	return it_does;
}

static void a_known_entry_covers_its_signature_alone(void **state)
{
	struct profile p = loaded("# words\n\nversions 2.36 2.37\n"
				  "known crash/malloc/SIGABRT/* https://example.org/1 it aborts\n"
				  "shown-by seeds/drain\n"
				  "known crash/free/SIGBUS https://example.org/2 it does\n",
				  "2.36");

	(void)state;
	const struct known *k = profile_known(&p, "crash/malloc/SIGABRT/die");

	assert_non_null(k);
	assert_string_equal(k->link, "https://example.org/1");
	assert_string_equal(k->reason, "it aborts");
	assert_string_equal(k->shown_by, "seeds/drain");
	assert_null(profile_known(&p, "crash/malloc/SIGSEGV/die"));
	assert_null(profile_known(&p, "crash/free/SIGABRT/die"));
	assert_null(profile_known(&p, "crash/free/SIGBUS")->shown_by);
	profile_release(&p);
}

static void answers_and_retention_have_their_reasons(void **state)
{
	struct profile p = loaded("answer malloc-zero pointer [C17 7.22.3] it may\n"
				  "retention https://example.org/1 128 KiB and more\n"
				  "retention measured 52 KiB\r\n",
				  "1");

	(void)state;
	assert_string_equal(profile_answer(&p, "malloc-zero")->value, "pointer");
	assert_string_equal(profile_answer(&p, "malloc-zero")->reason, "[C17 7.22.3] it may");
	assert_null(profile_answer(&p, "malloc"));
	assert_int_equal(p.nretention, 2);
	assert_string_equal(p.retention[0].source, "https://example.org/1");
	assert_string_equal(p.retention[0].words, "128 KiB and more");
	assert_string_equal(p.retention[1].words, "52 KiB");
	profile_release(&p);
}

static void versions_bound_a_profile(void **state)
{
	static const char range[] = "versions 2.9 2.36\n";

	(void)state;
	assert_true(covers(range, "2.9"));
	assert_true(covers(range, "2.10"));
	assert_true(covers(range, "2.36"));
	assert_true(covers(range, "2.36.1"));
	assert_false(covers(range, "2.8"));
	assert_false(covers(range, "2.37"));
	assert_false(covers(range, "2.360"));
	assert_false(covers(range, ""));
	assert_true(covers("versions *\n", ""));
	assert_true(covers("versions * *\n", "7"));
	assert_true(covers("answer a b c\n", ""));
}

static const char two_ranges[] = "answer common pointer both\n"
				 "versions 2.36 2.37\n"
				 "answer bad-3 accepted [Bug 20137]\n"
				 "known accepted/* https://example.org/1 it rounds\n"
				 "retention measured 36\n"
				 "versions 2.38 2.41\n"
				 "answer bad-3 EINVAL fixed\n"
				 "retention measured 38\n";

static void each_version_has_its_section(void **state)
{
	struct profile p = loaded(two_ranges, "2.36.1");

	(void)state;
	assert_true(p.covers);
	assert_string_equal(p.ranges, "2.36 to 2.37, 2.38 to 2.41");
	assert_string_equal(profile_answer(&p, "common")->value, "pointer");
	assert_string_equal(profile_answer(&p, "bad-3")->value, "accepted");
	assert_non_null(profile_known(&p, "accepted/x"));
	assert_string_equal(p.retention[0].words, "36");
	profile_release(&p);
	p = loaded(two_ranges, "2.40");
	assert_true(p.covers);
	assert_string_equal(profile_answer(&p, "common")->value, "pointer");
	assert_string_equal(profile_answer(&p, "bad-3")->value, "EINVAL");
	assert_null(profile_known(&p, "accepted/x"));
	assert_int_equal(p.nretention, 1);
	assert_string_equal(p.retention[0].words, "38");
	profile_release(&p);
}

static void a_version_of_no_section_is_not_covered(void **state)
{
	struct profile p = loaded(two_ranges, "2.42");

	(void)state;
	assert_false(p.covers);
	assert_string_equal(p.ranges, "2.36 to 2.37, 2.38 to 2.41");
	assert_null(profile_answer(&p, "bad-3"));
	profile_release(&p);
}

static void the_first_section_that_covers_it_counts(void **state)
{
	struct profile p =
		loaded("versions 1 3\nanswer a first why\nversions *\nanswer a rest why\n", "2");

	(void)state;
	assert_string_equal(profile_answer(&p, "a")->value, "first");
	profile_release(&p);
	p = loaded("versions 1 3\nanswer a first why\nversions *\nanswer a rest why\n", "4");
	assert_string_equal(profile_answer(&p, "a")->value, "rest");
	assert_string_equal(p.ranges, "1 to 3, any");
	profile_release(&p);
}

static void a_version_that_is_not_known_gets_the_last_section(void **state)
{
	struct place place;
	struct profile p;
	char err[512];

	(void)state;
	write_profile(&place, two_ranges);
	int rc = profile_load_file(place.file, NULL, &p, err, sizeof(err));

	unlink(place.file);
	rmdir(place.dir);
	assert_int_equal(rc, 0);
	assert_true(p.covers);
	assert_int_equal(p.nanswers, 2);
	assert_int_equal(p.nknown, 0);
	assert_string_equal(profile_answer(&p, "bad-3")->value, "EINVAL");
	profile_release(&p);
}

static void a_wrong_line_is_named(void **state)
{
	/* The third line, also where it belongs to a version that is not here. */
	static const char *const wrong[] = {
		"known a/b not-a-link why\n",
		"known a/b https://example.org\n",
		"unknown\n",
		"versions\n",
		"versions 2 1\n",
		"versions new\n",
		"versions 1 2 3\n",
		"answer a b\n",
		"answer twice b why\n",
		"shown-by seeds/drain\n",
		"shown-by drain\n",
		"shown-by seeds/\n",
		"shown-by /drain\n",
		"shown-by a/b/c\n",
		"retention at once\n",
		"retention https://example.org/2 at once\n",
		"retention measured\n",
	};
	struct profile p;
	char text[256], err[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (int here = 0; here < 2; here++) {
			snprintf(text, sizeof(text), "versions 9 9\nanswer twice b why\n%s",
				 wrong[i]);
			err[0] = '\0';
			assert_int_equal(load_for(text, here ? "9" : "1", &p, err, sizeof(err)),
					 -EINVAL);
			assert_non_null(strstr(err, "x.profile:3: "));
		}
	}
}

static void a_second_shown_by_is_wrong(void **state)
{
	struct profile p;
	char err[256];

	(void)state;
	assert_int_equal(load_for("known a https://example.org/ why\nshown-by a/b\nshown-by a/c\n",
				  "1", &p, err, sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "x.profile:3: "));
}

static void no_file_is_an_empty_profile(void **state)
{
	struct profile p;
	char err[256] = "";

	(void)state;
	assert_int_equal(profile_load("/nonexistent", "x", "1", &p, err, sizeof(err)), 0);
	assert_null(profile_known(&p, "crash/malloc"));
	assert_true(p.covers);
	assert_null(p.path);
	profile_release(&p);
	assert_int_equal(profile_load_file("/nonexistent", "1", &p, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "/nonexistent"));
	assert_int_equal(profile_load_file("/", "1", &p, err, sizeof(err)), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_entry_covers_its_signature_alone),
		cmocka_unit_test(answers_and_retention_have_their_reasons),
		cmocka_unit_test(versions_bound_a_profile),
		cmocka_unit_test(each_version_has_its_section),
		cmocka_unit_test(a_version_of_no_section_is_not_covered),
		cmocka_unit_test(the_first_section_that_covers_it_counts),
		cmocka_unit_test(a_version_that_is_not_known_gets_the_last_section),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(a_second_shown_by_is_wrong),
		cmocka_unit_test(no_file_is_an_empty_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
