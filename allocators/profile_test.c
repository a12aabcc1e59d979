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

static int load(const char *text, struct profile *ret, char *err, size_t size)
{
	struct place p;

	write_profile(&p, text);
	int rc = profile_load(p.dir, "x", ret, err, size);

	unlink(p.file);
	rmdir(p.dir);
	return rc;
}

static void a_known_entry_covers_its_signature_alone(void **state)
{
	struct profile p;
	char err[256];

	(void)state;
	assert_int_equal(load("# words\n\nversions 2.36 2.37\n"
			      "known crash/malloc/SIGABRT/* https://example.org/1 it aborts\n"
			      "retention at once\nanswer malloc-zero pointer because\n",
			      &p, err, sizeof(err)),
			 0);
	const struct known *k = profile_known(&p, "crash/malloc/SIGABRT/die");

	assert_non_null(k);
	assert_string_equal(k->link, "https://example.org/1");
	assert_string_equal(k->reason, "it aborts");
	assert_null(profile_known(&p, "crash/malloc/SIGSEGV/die"));
	assert_null(profile_known(&p, "crash/free/SIGABRT/die"));
	assert_string_equal(profile_answer(&p, "malloc-zero")->value, "pointer");
	assert_null(profile_answer(&p, "malloc"));
	assert_string_equal(p.retention, "at once");
	profile_release(&p);
}

static void versions_bound_a_profile(void **state)
{
	struct profile p;
	char err[256];

	(void)state;
	assert_int_equal(load("versions 2.9 2.36\n", &p, err, sizeof(err)), 0);
	assert_true(profile_covers(&p, "2.9"));
	assert_true(profile_covers(&p, "2.10"));
	assert_true(profile_covers(&p, "2.36"));
	assert_true(profile_covers(&p, "2.36.1"));
	assert_false(profile_covers(&p, "2.8"));
	assert_false(profile_covers(&p, "2.37"));
	assert_false(profile_covers(&p, "2.360"));
	profile_release(&p);
	assert_int_equal(load("versions *\n", &p, err, sizeof(err)), 0);
	assert_true(profile_covers(&p, ""));
	profile_release(&p);
}

static void a_wrong_line_is_named(void **state)
{
	static const char *const wrong[] = {
		"known a/b not-a-link why\n",
		"known a/b https://example.org\n",
		"unknown\n",
		"versions\n",
		"versions 1 2\nversions 3 4\n",
		"answer a b\n",
	};
	struct profile p;
	char err[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_not_equal(load(wrong[i], &p, err, sizeof(err)), 0);
		assert_non_null(strstr(err, "x.profile:"));
	}
}

static void no_file_is_an_empty_profile(void **state)
{
	struct profile p;
	char err[256];

	(void)state;
	assert_int_equal(profile_load("/nonexistent", "x", &p, err, sizeof(err)), 0);
	assert_null(profile_known(&p, "crash/malloc"));
	assert_true(profile_covers(&p, "1"));
	profile_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_entry_covers_its_signature_alone),
		cmocka_unit_test(versions_bound_a_profile),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(no_file_is_an_empty_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
