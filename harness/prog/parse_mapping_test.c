#include "harness/prog/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

#define V "allocrig 1\n"

/* The first op of a text, and what a scan says of all of it. */
static struct op op_and_info(const char *text, struct prog_info *info)
{
	static struct prog_reader reader;
	struct prog_error err;
	struct op op = {0};
	int fd = text_file(text, strlen(text));

	if (prog_scan(fd, info, &err) || prog_reader_init(&reader, fd, &err) ||
	    prog_reader_next(&reader, &op, &err))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
	close(fd);
	return op;
}

static struct op op_of(const char *text)
{
	struct prog_info info;

	return op_and_info(text, &info);
}

static struct prog_info info_of(const char *text)
{
	struct prog_info info;

	op_and_info(text, &info);
	return info;
}

/* `text` is refused with this message; so is the rest of its line, where it stands. */
static void assert_refused(const char *text, uint32_t line, uint32_t column, const char *message)
{
	struct prog_info info;
	struct prog_error err = {0};
	int fd = text_file(text, strlen(text));

	if (prog_scan(fd, &info, &err) != -EINVAL)
		fail_msg("was not refused:\n%s", text);
	if (err.line != line || err.column != column || strcmp(err.message, message) != 0)
		fail_msg("%u:%u: %s\ninstead of %u:%u: %s\n%s", err.line, err.column, err.message,
			 line, column, message, text);
	close(fd);
}

struct bad_text {
	const char *text;
	uint32_t line, column;
	const char *message;
};

static void assert_all_refused(const struct bad_text *bad, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(bad[i].text, bad[i].line, bad[i].column, bad[i].message);
}

#define ASSERT_REFUSED(table) assert_all_refused((table), sizeof(table) / sizeof((table)[0]))

static void sources_are_read(void **state)
{
	struct op op = op_of(V "mmap m[1] 1p rw shared,of=m[7],offset=3p,hint=m[2]+8K");
	struct op shm = op_of(V "mmap m[1] 1p rw offset=1,shm");

	(void)state;
	assert_int_equal(op.map.source, SOURCE_SLOT);
	assert_int_equal(op.map.of, 7);
	assert_int_equal(op.map.offset, 3 * sysconf(_SC_PAGESIZE));
	assert_int_equal(op.map.flags, MAP_SHARED);
	assert_int_equal(op.map.has_target, 1);
	assert_int_equal(op.map.target, 2);
	assert_int_equal(op.map.target_off, 8192);
	assert_int_equal(shm.map.source, SOURCE_SHM);
	assert_int_equal(shm.map.offset, 1);
	assert_int_equal(shm.map.flags, 0);
	op = op_of(V "mmap m[1] 1p rw private,zero,offset=18446744073709551615");
	assert_true(op.map.offset == UINT64_MAX);
}

static void remaps_have_ranges_and_other_slots(void **state)
{
	struct op whole = op_of(V "mremap m[0] 4p maymove,to=m[5],fixed=m[6]+1p 1p 0 -> ok|EFAULT");
	struct op plain = op_of(V "mremap m[0] 4p 8K 4K");
	struct op to = op_of(V "mremap m[0] 4p to=m[0]");

	(void)state;
	assert_int_equal(whole.map.flags, MREMAP_MAYMOVE | MREMAP_FIXED);
	assert_int_equal(whole.map.has_to, 1);
	assert_int_equal(whole.map.to, 5);
	assert_int_equal(whole.map.target, 6);
	assert_int_equal(whole.has_range, 1);
	assert_int_equal(whole.range_off, sysconf(_SC_PAGESIZE));
	assert_int_equal(whole.range_len, 0);
	assert_int_equal(whole.outcomes.err[0], EFAULT);
	assert_int_equal(plain.map.flags, 0);
	assert_int_equal(plain.map.has_to, 0);
	assert_int_equal(plain.range_off, 8192);
	assert_int_equal(plain.range_len, 4096);
	assert_int_equal(to.map.has_to, 1);
	assert_int_equal(to.has_range, 0);
}

static void calls_of_files_and_locks_are_read(void **state)
{
	struct op op = op_of(V "msync m[0:4] invalidate,sync 4K 8K -> EBUSY");

	(void)state;
	assert_int_equal(op.code, OP_MSYNC);
	assert_int_equal(op.map.flags, MS_SYNC | MS_INVALIDATE);
	assert_int_equal(op.range_len, 8192);
	assert_int_equal(op_of(V "msync m[0] async").map.flags, MS_ASYNC);
	assert_int_equal(op_of(V "msync m[0] none").map.flags, 0);
	assert_int_equal(op_of(V "mlock m[0] 0 1p").code, OP_MLOCK);
	assert_int_equal(op_of(V "munlock m[0]").code, OP_MUNLOCK);
	op = op_of(V "truncate m[3] 2M -> ok|EINVAL");
	assert_int_equal(op.code, OP_TRUNCATE);
	assert_int_equal(op.arg0, 2 << 20);
	assert_int_equal(op.has_range, 0);
}

static void accesses_end_in_signals(void **state)
{
	struct op add = op_of(V "add m[0] 18446744073709551615 0 1p -> SIGBUS|ok|SIGSEGV");

	(void)state;
	assert_int_equal(add.code, OP_ADD);
	assert_true(add.arg0 == UINT64_MAX);
	assert_int_equal(add.range_len, sysconf(_SC_PAGESIZE));
	assert_int_equal(add.outcomes.ok, 1);
	assert_int_equal(add.outcomes.nerr, 2);
	assert_int_equal(add.outcomes.err[0], OUTCOME_SIGBUS);
	assert_int_equal(add.outcomes.err[1], OUTCOME_SIGSEGV);
	assert_int_equal(op_of(V "check m[0] -> SIGSEGV").outcomes.err[0], 139);
	assert_int_equal(op_of(V "touch m[0] 1p 1p -> ok").outcomes.ok, 1);
	assert_int_equal(op_of(V "touch b[0]").outcomes.present, 0);
}

static void facts_are_asked(void **state)
{
	struct op op = op_of(V "when overcommit != 1 {\n}\n");
	struct prog_info info = info_of(V "needs root\nneeds ram >= 2G\nneeds thp == madvise\n"
					  "when thp == always {\nwhen shm != 0 {\ntrim\n}\n}\n");

	(void)state;
	assert_int_equal(op.code, OP_WHEN);
	assert_int_equal(op.space, SPACE_NONE);
	assert_int_equal(op.fact.fact, FACT_OVERCOMMIT);
	assert_int_equal(op.fact.relation, REL_NE);
	assert_int_equal(op.fact.value, 1);
	assert_int_equal(op_of(V "when thp == never {\n}").fact.value, 0);
	assert_int_equal(op_of(V "when thp <= 1 {\n}").fact.value, 1);
	assert_int_equal(op_of(V "when memlock < 64K {\n}").fact.value, 65536);
	assert_int_equal(op_of(V "when swap > -1 {\n}").fact.value, -1);
	assert_int_equal(info.header.nneeds, 3);
	assert_int_equal(info.header.needs[0].fact, FACT_ROOT);
	assert_int_equal(info.header.needs[0].relation, REL_NE);
	assert_int_equal(info.header.needs[0].value, 0);
	assert_int_equal(info.header.needs[1].relation, REL_GE);
	assert_int_equal(info.header.needs[1].value, 2ll << 30);
	assert_int_equal(info.header.needs[2].value, 1);
	assert_int_equal(info.statements, 3);
	assert_int_equal(info.max_depth, 2);
	assert_int_equal(info.facts,
			 1u << FACT_ROOT | 1u << FACT_RAM | 1u << FACT_THP | 1u << FACT_SHM);
	assert_int_equal(info_of(V "trim\n").facts, 0);
}

static void other_slots_are_counted(void **state)
{
	(void)state;
	assert_int_equal(info_of(V "mmap m[1] 1p rw private,of=m[9]\n").map_slots, 10);
	assert_int_equal(info_of(V "mmap m[1] 1p rw private,zero,hint=m[8]\n").map_slots, 9);
	assert_int_equal(info_of(V "mremap m[1] 1p to=m[7]\n").map_slots, 8);
	assert_int_equal(info_of(V "mremap m[1] 1p\n").map_slots, 2);
	assert_int_equal(info_of(V "mmap m[1] 1p rw private,file\n").map_slots, 2);
	assert_true(info_of(V "mmap m[1] 1p rw private,of=m[0]\n").has_of);
	assert_true(info_of(V "truncate m[0] 0\n").has_of);
	assert_false(info_of(V "mmap m[1] 1p rw private,file\n").has_of);
}

static void metrics_of_the_process_are_read(void **state)
{
	(void)state;
	assert_int_equal(op_of(V "expect anonhuge == 2M").expect.metric, METRIC_ANON_HUGE);
	assert_int_equal(op_of(V "expect lazyfree == 0").expect.metric, METRIC_LAZYFREE);
	assert_int_equal(op_of(V "expect locked == 4K").expect.metric, METRIC_LOCKED);
	assert_int_equal(op_of(V "expect vmdata == -1p").expect.metric, METRIC_VMDATA);
}

static void bad_flags_are_refused(void **state)
{
	static const char flags[] = "flags such as private,anon or shared,memfd,fixed=m[3]+4p";
	static const struct {
		const char *flags, *found;
		uint32_t column;
		const char *expected;
	} bad[] = {
		{"of", "'of'", 17, "a slot behind it, as in of=m[3]"},
		{"of=m[1]+1p", "'m[1]+1p'", 20, "one mapping slot such as m[3]"},
		{"of=m[0:2]", "'m[0:2]'", 20, "one mapping slot such as m[3]"},
		{"anon,of=m[1]", "'of=m[1]'", 22,
		 "at most one of anon, zero, file, memfd, shm and of="},
		{"of=m[1],of=m[1]", "'of=m[1]'", 25,
		 "at most one of anon, zero, file, memfd, shm and of="},
		{"offset", "'offset'", 17, "a size behind it, as in offset=4p"},
		{"offset=-1", "'-1'", 24, "a size, which is never negative"},
		{"offset=0,offset=0", "'offset=0'", 26, "at most one offset"},
		{"hint", "'hint'", 17, "a place behind it, as in hint=m[3]+4p"},
		{"hint=m[1],fixed=m[1]", "'fixed=m[1]'", 27, "at most one place"},
		{"to=m[1]", "'to=m[1]'", 17, flags},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128], message[224];

		snprintf(text, sizeof(text), V "mmap m[0] 1p rw %s", bad[i].flags);
		snprintf(message, sizeof(message), "found %s, expected %s", bad[i].found,
			 bad[i].expected);
		assert_refused(text, 2, bad[i].column, message);
	}
	assert_refused(V "mmap m[0] 1p rw private,annon", 2, 25,
		       "found 'annon', expected flags such as private,anon or "
		       "shared,memfd,fixed=m[3]+4p; perhaps anon");
}

static void bad_mapping_ops_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "mremap m[0] 1p to", 2, 16,
		 "found 'to', expected a slot behind it, as in to=m[3]"},
		{V "mremap m[0] 1p to=b[1]", 2, 19,
		 "found 'b[1]', expected one mapping slot such as m[3]"},
		{V "mremap m[0] 1p to=m[1],to=m[1]", 2, 24,
		 "found 'to=m[1]', expected at most one slot"},
		{V "mremap m[0] 1p hint=m[1]", 2, 16,
		 "found 'hint=m[1]', expected flags such as maymove,dontunmap or "
		 "maymove,fixed=m[3]+4p"},
		{V "mremap m[0] 1p maymove 1p", 2, 26,
		 "found the end of the line, expected a length behind the offset"},
		{V "mremap m[0] 1p 0 1p maymove", 2, 21,
		 "found 'maymove', expected '->' or the end of the line"},
		{V "msync m[0]", 2, 11,
		 "found the end of the line, expected flags such as sync or async,invalidate"},
		{V "msync m[0] sync,none", 2, 17,
		 "found 'none', expected flags such as sync or async,invalidate"},
		{V "msync b[0] sync", 2, 7,
		 "found 'b[0]', expected mapping slots such as m[0] or m[0:100:2]"},
		{V "truncate m[0]", 2, 14,
		 "found the end of the line, expected a size such as 24, 4K, 1M, 2G, 1T or 257p"},
		{V "truncate m[0] 1p 0 1p", 2, 18,
		 "found '0', expected '->' or the end of the line"},
		{V "add m[0] 1K", 2, 10, "found '1K', expected a number"},
		{V "add m[0] -1", 2, 10, "found '-1', expected a number"},
		{V "chek m[0]", 2, 1, "found 'chek', expected an op; perhaps check"},
		{V "madvise m[0] dontned", 2, 14,
		 "found 'dontned', expected an advice such as dontneed, free or hugepage; "
		 "perhaps dontneed"},
	};

	(void)state;
	ASSERT_REFUSED(bad);
}

static void bad_outcomes_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "check m[0] -> EFAULT", 2, 15,
		 "found 'EFAULT', expected 'ok', SIGSEGV or SIGBUS"},
		{V "check m[0] -> ok|", 2, 18,
		 "found the end of the line, expected 'ok', SIGSEGV or SIGBUS"},
		{V "add m[0] 1 -> SIGILL", 2, 15,
		 "found 'SIGILL', expected 'ok', SIGSEGV or SIGBUS"},
		{V "touch m[0] -> SIGBUS|SIGBUS", 2, 22,
		 "found 'SIGBUS', expected each outcome once"},
		{V "touch b[0] -> SIGBUS", 2, 12, "found '->', expected the end of the line"},
		{V "touch b[0] 1 1 -> ok", 2, 16, "found '->', expected the end of the line"},
		{V "munmap m[0] -> SIGSEGV", 2, 16,
		 "found 'SIGSEGV', expected 'ok' or the name of an errno such as ENOMEM"},
		{V "fault munmap SIGBUS", 2, 14,
		 "found 'SIGBUS', expected the name of an errno such as ENOMEM"},
		{V "check m[0] x", 2, 12,
		 "found 'x', expected a size such as 24, 4K, 1M, 2G, 1T or 257p"},
	};

	(void)state;
	ASSERT_REFUSED(bad);
}

static void bad_facts_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "when {\n}", 2, 6, "found '{', expected a fact such as overcommit, thp or root"},
		{V "when overcomit == 1 {\n}", 2, 6,
		 "found 'overcomit', expected a fact such as overcommit, thp or root; perhaps "
		 "overcommit"},
		{V "when root {\n}", 2, 11, "found '{', expected a relation: == != < <= > >="},
		{V "when root == {\n}", 2, 14,
		 "found '{', expected a value such as 0, -1, 24, 4K, 1M, 2G, 1T or 257p"},
		{V "when root == yes {\n}", 2, 14,
		 "found 'yes', expected a value such as 0, -1, 24, 4K, 1M, 2G, 1T or 257p"},
		{V "when thp == allways {\n}", 2, 13,
		 "found 'allways', expected never, madvise or always"},
		{V "when overcommit == always {\n}", 2, 20,
		 "found 'always', expected a value such as 0, -1, 24, 4K, 1M, 2G, 1T or 257p"},
		{V "when root == 1\n}", 2, 15, "found the end of the line, expected '{'"},
		{V "when root == 1 {\ntrim\n", 2, 1,
		 "found the end of the file, expected '}' for this 'when'"},
		{V "parallel {\n@1 when root == 1 {\ncheckpoint a\n}\n}", 4, 1,
		 "found 'checkpoint', expected only ops, sleep, repeat, when and fork inside "
		 "parallel"},
		{V "parallel {\n@1 when root == 1 {\n@2 trim\n}\n}", 4, 1,
		 "found '@2', expected the thread of the block: inside parallel it runs on one"},
		{V "when root == 1 {\nfork {\nwhen shm == 1 {\n@1 trim\n}\n}\n}", 5, 1,
		 "found '@1', expected no '@' inside fork: its child has one thread"},
		{V "needs", 2, 6,
		 "found the end of the line, expected a fact such as overcommit, thp or root"},
		{V "needs root 1", 2, 12, "found '1', expected a relation: == != < <= > >="},
		{V "needs root == 1 1", 2, 17, "found '1', expected the end of the line"},
		{V "needs root {", 2, 12, "found '{', expected a relation: == != < <= > >="},
		{V "trim\nneeds root", 3, 1,
		 "found 'needs', expected an op: header lines stand before the first one"},
	};
	char text[256];
	size_t used = (size_t)snprintf(text, sizeof(text), V);

	(void)state;
	ASSERT_REFUSED(bad);
	for (size_t i = 0; i < PROG_MAX_NEEDS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "needs root == 0\n");
	snprintf(text + used, sizeof(text) - used, "trim\n");
	assert_int_equal(info_of(text).header.nneeds, PROG_MAX_NEEDS);
	snprintf(text + used, sizeof(text) - used, "needs root\n");
	assert_refused(text, PROG_MAX_NEEDS + 2, 1,
		       "found 'needs', expected at most 8 needs lines");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_read),
		cmocka_unit_test(remaps_have_ranges_and_other_slots),
		cmocka_unit_test(calls_of_files_and_locks_are_read),
		cmocka_unit_test(accesses_end_in_signals),
		cmocka_unit_test(facts_are_asked),
		cmocka_unit_test(other_slots_are_counted),
		cmocka_unit_test(metrics_of_the_process_are_read),
		cmocka_unit_test(bad_flags_are_refused),
		cmocka_unit_test(bad_mapping_ops_are_refused),
		cmocka_unit_test(bad_outcomes_are_refused),
		cmocka_unit_test(bad_facts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
