#include "harness/prog/names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "harness/prog/op.h"

static void op_words_go_both_ways(void **state)
{
	(void)state;
	for (unsigned code = 0; code < OP_CODES; code++) {
		const char *word = op_name(code);

		assert_non_null(word);
		assert_int_equal(op_by_name(word, strlen(word)), code);
	}
	assert_null(op_name(OP_CODES));
	assert_int_equal(op_by_name("mallo", 5), -ENOENT);
	assert_int_equal(op_by_name("malloc2", 7), -ENOENT);
	assert_int_equal(op_by_name("malloc2", 6), OP_MALLOC);
	assert_int_equal(op_by_name("MALLOC", 6), -ENOENT);
	assert_int_equal(op_by_name("", 0), -ENOENT);
	assert_int_equal(op_by_name("malloc\0x", 8), -ENOENT);
}

/* The C library's own table is the reference. */
static void errno_words_are_those_of_libc(void **state)
{
	int known = 0;

	(void)state;
	for (int err = -1; err <= 300; err++) {
		const char *expected = err > 0 ? strerrorname_np(err) : NULL;
		const char *word = errno_name(err);

		if (expected && strcmp(expected, "ENOTSUP") == 0)
			expected = "EOPNOTSUPP";
		if (!expected) {
			assert_null(word);
			continue;
		}
		assert_non_null(word);
		assert_string_equal(word, expected);
		assert_int_equal(errno_by_name(word, strlen(word)), err);
		known++;
	}
	assert_int_equal(known, 131);
}

static void errno_aliases_are_read(void **state)
{
	(void)state;
	assert_int_equal(errno_by_name("EWOULDBLOCK", 11), EAGAIN);
	assert_int_equal(errno_by_name("ENOTSUP", 7), EOPNOTSUPP);
	assert_int_equal(errno_by_name("EDEADLOCK", 9), EDEADLK);
	assert_int_equal(errno_by_name("enomem", 6), -ENOENT);
	assert_int_equal(errno_by_name("", 0), -ENOENT);
}

static void signals_are_endings_and_no_errno(void **state)
{
	(void)state;
	assert_string_equal(ending_name(OUTCOME_SIGBUS), "SIGBUS");
	assert_string_equal(ending_name(OUTCOME_SIGSEGV), "SIGSEGV");
	assert_string_equal(ending_name(ENOMEM), "ENOMEM");
	assert_null(ending_name(OUTCOME_SIGBUS + 1));
	assert_int_equal(ending_by_name("SIGBUS", 6), OUTCOME_SIGBUS);
	assert_int_equal(ending_by_name("SIGSEGV", 7), OUTCOME_SIGSEGV);
	assert_int_equal(ending_by_name("EAGAIN", 6), EAGAIN);
	assert_int_equal(ending_by_name("SIGILL", 6), -ENOENT);
	assert_int_equal(errno_by_name("SIGBUS", 6), -ENOENT);
}

static void fact_words_go_both_ways(void **state)
{
	int64_t value = 77;

	(void)state;
	for (unsigned fact = 0; fact < FACT_COUNT; fact++)
		assert_int_equal(fact_by_name(fact_name(fact), strlen(fact_name(fact))), fact);
	assert_null(fact_name(FACT_COUNT));
	assert_int_equal(fact_by_name("rom", 3), -ENOENT);
	assert_string_equal(fact_value_name(FACT_THP, 2), "always");
	assert_null(fact_value_name(FACT_THP, 3));
	assert_null(fact_value_name(FACT_THP, -1));
	assert_null(fact_value_name(FACT_OVERCOMMIT, 2));
	assert_int_equal(fact_value_by_name(FACT_THP, "madvise", 7, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(fact_value_by_name(FACT_ROOT, "never", 5, &value), -ENOENT);
	assert_int_equal(value, 1);
}

static void sources_go_both_ways(void **state)
{
	(void)state;
	for (unsigned source = SOURCE_ANON; source < SOURCE_SLOT; source++)
		assert_int_equal(source_by_name(source_name(source), strlen(source_name(source))),
				 source);
	assert_null(source_name(SOURCE_NONE));
	assert_null(source_name(SOURCE_SLOT));
	assert_int_equal(source_by_name("of", 2), -ENOENT);
}

static void kernel_call_words_go_both_ways(void **state)
{
	(void)state;
	for (unsigned call = 0; call < KCALL_COUNT; call++)
		assert_int_equal(kcall_by_name(kcall_name(call), strlen(kcall_name(call))), call);
	assert_null(kcall_name(KCALL_COUNT));
	assert_int_equal(kcall_by_name("open", 4), -ENOENT);
}

static void protections_go_both_ways(void **state)
{
	int prot;

	(void)state;
	assert_int_equal(prot_by_name("rwx", 3, &prot), 0);
	assert_int_equal(prot, PROT_READ | PROT_WRITE | PROT_EXEC);
	assert_int_equal(prot_by_name("none", 4, &prot), 0);
	assert_int_equal(prot, PROT_NONE);
	assert_string_equal(prot_name(PROT_READ | PROT_EXEC), "rx");
	assert_null(prot_name(PROT_WRITE));
	prot = 77;
	assert_int_equal(prot_by_name("w", 1, &prot), -ENOENT);
	assert_int_equal(prot, 77);
}

static void advice_has_the_kernels_numbers(void **state)
{
	static const struct {
		const char *word;
		int value;
	} some[] = {
		{"normal", 0},		{"dontneed", 4},	{"free", 8},
		{"wipeonfork", 18},	{"populate_write", 23}, {"dontneed_locked", 24},
		{"collapse", 25},	{"hwpoison", 100},	{"soft_offline", 101},
		{"guard_install", 102}, {"guard_remove", 103},
	};
	int advice, known = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_int_equal(advice_by_name(some[i].word, strlen(some[i].word), &advice), 0);
		assert_int_equal(advice, some[i].value);
		assert_string_equal(advice_name(some[i].value), some[i].word);
	}
	for (int value = -1; value < 200; value++)
		known += advice_name(value) != NULL;
	assert_int_equal(known, 27);
}

/* Each flag, printed as the header says printers do, gives its own word alone. */
static void map_flags_are_printed_exactly(void **state)
{
	const char *word, *other;
	int flag, bits;

	(void)state;
	for (size_t i = 0; (word = map_flag_at(i, &flag)); i++) {
		int left = flag;

		assert_int_equal(map_flag_by_name(word, strlen(word), &bits), 0);
		assert_int_equal(bits, flag);
		for (size_t j = 0; (other = map_flag_at(j, &bits)); j++)
			if ((left & bits) == bits) {
				assert_string_equal(other, word);
				left &= ~bits;
			}
		assert_int_equal(left, 0);
	}
}

static void map_flags_have_the_kernels_numbers(void **state)
{
	static const struct {
		const char *word;
		unsigned value;
	} some[] = {
		{"shared", 1},
		{"private", 2},
		{"shared_validate", 3},
		{"droppable", 8},
		{"fixed", 0x10},
		{"anon", 0x20},
		{"32bit", 0x40},
		{"above4g", 0x80},
		{"growsdown", 0x100},
		{"denywrite", 0x800},
		{"executable", 0x1000},
		{"locked", 0x2000},
		{"noreserve", 0x4000},
		{"populate", 0x8000},
		{"nonblock", 0x10000},
		{"stack", 0x20000},
		{"hugetlb", 0x40000},
		{"sync", 0x80000},
		{"fixed_noreplace", 0x100000},
		{"huge_2mb", 21u << 26},
		{"huge_1gb", 30u << 26},
		{"huge_16gb", 34u << 26},
	};
	int flag;

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		assert_int_equal(map_flag_by_name(some[i].word, strlen(some[i].word), &flag), 0);
		assert_int_equal((unsigned)flag, some[i].value);
	}
	assert_int_equal(map_flag_by_name("anonymous", 9, &flag), -ENOENT);
	assert_int_equal(mremap_flag_by_name("dontunmap", 9, &flag), 0);
	assert_int_equal(flag, 4);
	assert_int_equal(mremap_flag_by_name("private", 7, &flag), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(op_words_go_both_ways),
		cmocka_unit_test(errno_words_are_those_of_libc),
		cmocka_unit_test(errno_aliases_are_read),
		cmocka_unit_test(signals_are_endings_and_no_errno),
		cmocka_unit_test(fact_words_go_both_ways),
		cmocka_unit_test(sources_go_both_ways),
		cmocka_unit_test(kernel_call_words_go_both_ways),
		cmocka_unit_test(protections_go_both_ways),
		cmocka_unit_test(advice_has_the_kernels_numbers),
		cmocka_unit_test(map_flags_are_printed_exactly),
		cmocka_unit_test(map_flags_have_the_kernels_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
