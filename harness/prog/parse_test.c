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

static struct prog_info info_of(const char *text)
{
	struct prog_info info;
	struct prog_error err;
	int fd = text_file(text, strlen(text));

	if (prog_scan(fd, &info, &err))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
	close(fd);
	return info;
}

/* The first op of a text. */
static struct op op_of(const char *text)
{
	static struct prog_reader reader;
	struct prog_error err;
	struct op op = {0};
	int fd = text_file(text, strlen(text));

	if (prog_reader_init(&reader, fd, &err) || prog_reader_next(&reader, &op, &err))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
	close(fd);
	return op;
}

static void the_documented_program_parses(void **state)
{
	static const char text[] =
		"allocrig 1                              # first line: format version\n"
		"# a comment\n"
		"ballast 40                              # header\n"
		"fault munmap ENOMEM nth=3 count=1       # header\n"
		"\n"
		"malloc b[0] 24\n"
		"malloc b[1:65530] 128K                  # one op on a slice\n"
		"free   b[1:65530:2]\n"
		"@1 free b[0]\n"
		"mmap   m[0:131030] 1p rw private,anon   # sizes\n"
		"munmap m[0:131030:2] -> ok|ENOMEM       # outcomes allowed\n"
		"mmap   m[7] 1p rw anon -> EINVAL\n"
		"munmap m[8] 64p 1p                      # part of a mapping: offset, length\n"
		"repeat 32 {\n"
		"  malloc b[0:100] 1M\n"
		"  touch  b[0:100]\n"
		"  free   b[0:100]\n"
		"}\n"
		"fork {                                  # by libc's fork()\n"
		"  malloc b[5] 64\n"
		"}\n"
		"parallel {                              # threads\n"
		"  @0 repeat 1000 {\n"
		"    malloc b[10] 64\n"
		"    free   b[10]\n"
		"  }\n"
		"  @1 fork {\n"
		"    malloc b[20] 64\n"
		"  }\n"
		"}\n"
		"trim                                    # the allocator's own purge\n"
		"sleep 10ms\n"
		"checkpoint drained\n"
		"expect maps.lost == 0\n"
		"expect rss <= 32M\n";
	struct prog_info info = info_of(text);

	(void)state;
	assert_int_equal(info.header.has_ballast, 1);
	assert_int_equal(info.header.ballast, 40);
	assert_int_equal(info.header.nfaults, 1);
	assert_int_equal(info.header.faults[0].call, KCALL_MUNMAP);
	assert_int_equal(info.header.faults[0].err, ENOMEM);
	assert_int_equal(info.header.faults[0].nth, 3);
	assert_int_equal(info.header.faults[0].every, 1);
	assert_int_equal(info.statements, 25);
	assert_int_equal(info.block_slots, 65530);
	assert_int_equal(info.map_slots, 131030);
	assert_int_equal(info.threads, 2);
	assert_int_equal(info.max_depth, 2);
	assert_true(info.has_fork && info.has_parallel && info.has_block_ops &&
		    info.has_lost_metric);
}

static void slots_are_counted_by_what_is_used(void **state)
{
	(void)state;
	assert_int_equal(info_of(V "free b[5:5]\nfree b[90:3]\n").block_slots, 0);
	assert_int_equal(info_of(V "free b[0:9:3]\n").block_slots, 7);
	assert_int_equal(info_of(V "free b[0:10:3]\n").block_slots, 10);
	assert_int_equal(info_of(V "free b[4:9:16777216]\n").block_slots, 5);
	assert_int_equal(info_of(V "free b[16777215]\n").block_slots, PROG_MAX_SLOTS);
	assert_int_equal(info_of(V "mmap m[1] 1p rw private,fixed=m[9]\n").map_slots, 10);
	assert_int_equal(info_of(V "mremap m[1] 1p maymove,fixed=m[8]+1p\n").map_slots, 9);
	assert_int_equal(info_of(V "touch m[3]\n").map_slots, 4);
}

static void what_a_program_has_is_told(void **state)
{
	struct prog_info empty = info_of(V);
	struct prog_info maps = info_of(V "@200 touch m[3]\nexpect maps == 0\n");

	(void)state;
	assert_int_equal(empty.statements, 0);
	assert_int_equal(empty.threads, 1);
	assert_int_equal(maps.threads, 201);
	assert_false(maps.has_block_ops || maps.has_fork || maps.has_parallel ||
		     maps.has_lost_metric);
	assert_true(info_of(V "trim\n").has_block_ops);
	assert_true(info_of(V "expect mapped.lost == 0").has_lost_metric);
	assert_false(info_of(V "expect rss == 0").has_peak_metric);
	assert_true(info_of(V "expect rss.peak == 0").has_peak_metric);
	assert_true(info_of(V "expect maps.peak == 0").has_peak_metric);
	assert_true(info_of(V "expect mapped.peak == 0").has_peak_metric);
}

static void layout_is_free(void **state)
{
	(void)state;
	assert_int_equal(info_of("allocrig 1").statements, 0);
	assert_int_equal(info_of("allocrig 1 \t # x").statements, 0);
	assert_int_equal(info_of("allocrig 1#x\n\n \t\n#\n").statements, 0);
	assert_int_equal(info_of(V "trim").statements, 1);
	assert_int_equal(info_of(V "\ttrim#x").statements, 1);
	assert_int_equal(info_of(V "  malloc\t b[0]   24  # b[1] \xff\n").statements, 1);
	assert_int_equal(info_of(V "repeat 0 { # x\n} # y\n").statements, 1);
	assert_int_equal(info_of(V "# x\n\nballast 0\n# y\nfault brk ENOMEM\ntrim\n").statements,
			 1);
}

static void numbers_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{"0", 0},
		{"24", 24},
		{"007", 7},
		{"4K", 4096},
		{"3M", 3u << 20},
		{"2G", 2ull << 30},
		{"5T", 5ull << 40},
		{"18446744073709551615", UINT64_MAX},
		{"00000000000000000000018446744073709551615", UINT64_MAX},
		{"16777215T", 16777215ull << 40},
	};
	static const struct {
		const char *text;
		uint64_t ns;
	} times[] = {{"0s", 0},	       {"7ns", 7},	   {"7us", 7000},
		     {"7ms", 7000000}, {"7s", 7000000000}, {"18446744073s", 18446744073000000000u}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(text, sizeof(text), V "malloc b[0] %s\n", sizes[i].text);
		assert_int_equal(op_of(text).arg0, sizes[i].bytes);
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snprintf(text, sizeof(text), V "sleep %s\n", times[i].text);
		assert_int_equal(op_of(text).arg0, times[i].ns);
	}
	assert_int_equal(op_of(V "malloc b[0] 257p").arg0, 257 * sysconf(_SC_PAGESIZE));
	assert_int_equal(op_of(V "calloc b[0] 3 4K").arg0, 3);
	assert_int_equal(op_of(V "calloc b[0] 3 4K").arg1, 4096);
}

static void expectations_are_signed(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} values[] = {{"0", 0},
		      {"-0", 0},
		      {"-1", -1},
		      {"-2K", -2048},
		      {"9223372036854775807", INT64_MAX},
		      {"-9223372036854775808", INT64_MIN},
		      {"-8388608T", INT64_MIN}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), V "expect rss >= %s\n", values[i].text);
		assert_true(op_of(text).expect.value == values[i].value);
	}
	struct op op = op_of(V "expect process_madvise.failed != 3");

	assert_int_equal(op.expect.metric, METRIC_CALL_FAILED);
	assert_int_equal(op.expect.call, KCALL_PROCESS_MADVISE);
	assert_int_equal(op.expect.relation, REL_NE);
}

static void outcomes_are_kept_in_order(void **state)
{
	struct op op = op_of(V "free b[0] -> ENOMEM|ok|EWOULDBLOCK|EINVAL");
	struct op full = op_of(V "free b[0] -> EPERM|ENOENT|ESRCH|EINTR|EIO|ENXIO|E2BIG|ENOEXEC|"
				 "EBADF|ECHILD|EAGAIN|ENOMEM|EACCES|EFAULT|ENOTBLK");
	struct op none = op_of(V "free b[0]");

	(void)state;
	assert_int_equal(op.outcomes.present, 1);
	assert_int_equal(op.outcomes.ok, 1);
	assert_int_equal(op.outcomes.nerr, 3);
	assert_int_equal(op.outcomes.err[0], ENOMEM);
	assert_int_equal(op.outcomes.err[1], EAGAIN);
	assert_int_equal(op.outcomes.err[2], EINVAL);
	assert_int_equal(full.outcomes.nerr, PROG_MAX_OUTCOMES);
	assert_int_equal(full.outcomes.ok, 0);
	assert_int_equal(none.outcomes.present, 0);
}

static void map_flags_are_read(void **state)
{
	struct op op = op_of(V "mmap m[1] 1p none shared,private,memfd,fixed_noreplace=m[3]+4K");

	(void)state;
	assert_int_equal(op.map.flags, MAP_SHARED | MAP_PRIVATE | 0x100000);
	assert_int_equal(op.map.source, SOURCE_MEMFD);
	assert_int_equal(op.map.has_target, 1);
	assert_int_equal(op.map.target, 3);
	assert_int_equal(op.map.target_off, 4096);
	op = op_of(V "mmap m[1] 1p rw anon,hugetlb,huge_1gb -> EINVAL");
	assert_int_equal((unsigned)op.map.flags, 0x20 | 0x40000 | 30u << 26);
	assert_int_equal(op.map.source, SOURCE_ANON);
	op = op_of(V "mmap m[1] 1p rw none");
	assert_int_equal(op.map.flags, 0);
	assert_int_equal(op.map.source, SOURCE_NONE);
	op = op_of(V "mremap m[1] 2p -> ENOMEM");
	assert_int_equal(op.map.flags, 0);
	assert_int_equal(op.outcomes.nerr, 1);
	op = op_of(V "mremap m[1] 2p fixed=m[0],maymove,dontunmap");
	assert_int_equal(op.map.flags, MREMAP_MAYMOVE | MREMAP_FIXED | 4);
}

static void threads_come_from_the_block(void **state)
{
	static const char text[] = V "@1 repeat 3 {\n"	/* 1 */
				     "malloc b[0] 1\n"	/* 1 */
				     "@2 free b[0]\n"	/* 2 */
				     "fork {\n"		/* 1 */
				     "repeat 2 {\n"	/* 1 */
				     "trim\n"		/* 1 */
				     "}\n}\n}\n"	/* 1 1 1 */
				     "parallel {\n"	/* 0 */
				     "trim\n"		/* 0 */
				     "@5 sleep 1ms\n"	/* 5 */
				     "@4 repeat 2 {\n"	/* 4 */
				     "@4 trim\n"	/* 4 */
				     "fork {\ntrim\n"	/* 4 4 */
				     "}\n}\n}\ntrim\n"; /* 4 4 0 0 */
	static const uint8_t threads[] = {1, 1, 2, 1, 1, 1, 1, 1, 1, 0,
					  0, 5, 4, 4, 4, 4, 4, 4, 0, 0};
	static const uint32_t stmts[] = {0, 1, 2, 3,  4,  5,  4,  3, 0, 6,
					 7, 8, 9, 10, 11, 12, 11, 9, 6, 13};
	static struct prog_reader reader;
	struct prog_error err;
	struct op op;
	int fd = text_file(text, strlen(text));

	(void)state;
	assert_int_equal(prog_reader_init(&reader, fd, &err), 0);
	for (size_t i = 0; i < sizeof(threads); i++) {
		assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
		assert_int_equal(op.thread, threads[i]);
		assert_int_equal(op.stmt, stmts[i]);
		assert_int_equal(op.line, i + 2);
	}
	assert_int_equal(prog_reader_next(&reader, &op, &err), 1);
	assert_int_equal(prog_reader_next(&reader, &op, &err), 1);
	close(fd);
}

/* Lines of every length, so that they lie across the ends of the buffer in every way. */
static void lines_may_lie_across_buffers(void **state)
{
	static char text[400000];
	static struct prog_reader reader;
	struct prog_error err;
	struct op op;
	size_t used = (size_t)snprintf(text, sizeof(text), V), lines = 0;

	(void)state;
	while (used < sizeof(text) - 200) {
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "malloc b[%zu] %zu%*s#\n", lines, lines * 3,
					 (int)(lines % 97), "");
		lines++;
	}
	int fd = text_file(text, used);

	assert_int_equal(prog_reader_init(&reader, fd, &err), 0);
	for (size_t i = 0; i < lines; i++) {
		assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
		assert_int_equal(op.slice.start, i);
		assert_int_equal(op.arg0, i * 3);
		assert_int_equal(op.stmt, i);
	}
	assert_int_equal(prog_reader_next(&reader, &op, &err), 1);
	close(fd);
}

static void a_reader_goes_back_to_its_marks(void **state)
{
	enum { LINES = 20000, MARKS = 100 };
	static char text[LINES * 24];
	static struct prog_reader reader;
	static struct prog_mark marks[LINES];
	struct random r = {.state = 5};
	struct prog_error err;
	struct op op;
	size_t used = (size_t)snprintf(text, sizeof(text), V);

	(void)state;
	for (int i = 0; i < LINES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 i % 3 ? "free b[%d]\n" : "\nfree b[%d]\n", i);
	int fd = text_file(text, used);

	assert_int_equal(prog_reader_init(&reader, fd, &err), 0);
	for (int i = 0; i < LINES; i++) {
		marks[i] = reader.at;
		assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
	}
	for (int i = 0; i < 1000; i++) {
		size_t to = random_below(&r, LINES);

		prog_reader_seek(&reader, &marks[to]);
		assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
		assert_int_equal(op.slice.start, to);
		assert_int_equal(op.stmt, to);
	}
	close(fd);
}

static void an_error_changes_nothing(void **state)
{
	static struct prog_reader reader;
	static const char text[] = V "trim\nrepeat 2 {\nbad\n";
	struct prog_error err;
	struct op op, before;
	int fd = text_file(text, strlen(text));

	(void)state;
	assert_int_equal(prog_reader_init(&reader, fd, &err), 0);
	assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
	assert_int_equal(prog_reader_next(&reader, &op, &err), 0);
	before = op;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(prog_reader_next(&reader, &op, &err), -EINVAL);
		assert_int_equal(err.line, 4);
		assert_memory_equal(&op, &before, sizeof(op));
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_program_parses),
		cmocka_unit_test(slots_are_counted_by_what_is_used),
		cmocka_unit_test(what_a_program_has_is_told),
		cmocka_unit_test(layout_is_free),
		cmocka_unit_test(numbers_have_units),
		cmocka_unit_test(expectations_are_signed),
		cmocka_unit_test(outcomes_are_kept_in_order),
		cmocka_unit_test(map_flags_are_read),
		cmocka_unit_test(threads_come_from_the_block),
		cmocka_unit_test(lines_may_lie_across_buffers),
		cmocka_unit_test(a_reader_goes_back_to_its_marks),
		cmocka_unit_test(an_error_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
