#include "harness/prog/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

#define V "allocrig 1\n"

static int scan(const char *text, size_t len, struct prog_info *info, struct prog_error *err)
{
	int fd = text_file(text, len);
	int ret = prog_scan(fd, info, err);

	close(fd);
	return ret;
}

/* The other side of a limit. */
static void assert_accepted(const char *text)
{
	struct prog_info info;
	struct prog_error err;

	if (scan(text, strlen(text), &info, &err))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
}

struct bad_text {
	const char *text;
	uint32_t line, column;
	const char *message;
};

static void assert_refused(const struct bad_text *bad, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct prog_info info;
		struct prog_error err = {0};

		if (scan(bad[i].text, strlen(bad[i].text), &info, &err) != -EINVAL)
			fail_msg("was not refused:\n%s", bad[i].text);
		if (err.line != bad[i].line || err.column != bad[i].column ||
		    strcmp(err.message, bad[i].message) != 0)
			fail_msg("%u:%u: %s\ninstead of %u:%u: %s\n%s", err.line, err.column,
				 err.message, bad[i].line, bad[i].column, bad[i].message,
				 bad[i].text);
	}
}

#define ASSERT_REFUSED(table) assert_refused((table), sizeof(table) / sizeof((table)[0]))

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);
	int n = snprintf(text + used, size - used, "%s", more);

	assert_in_range(n, 0, size - used - 1);
}

static void bad_first_lines_are_refused(void **state)
{
	static const char first[] = ", expected 'allocrig 1', the first line of a program";
	static const struct bad_text bad[] = {
		{"", 1, 1, "found an empty file, expected 'allocrig 1'"},
		{"allocrig 1\r\n", 1, 11,
		 "found '\\x0d', expected lines that end in a newline alone, not CR LF"},
		{"\xef\xbb\xbf" V, 1, 1,
		 "found '\\xef\\xbb\\xbf', expected 'allocrig 1' without a byte order mark"},
		{"allocrig 1 2\n", 1, 12, "found '2', expected the end of the line"},
		{V V, 2, 1, "found 'allocrig', expected an op"},
	};
	static const char *const others[][2] = {
		{"\n" V, "the end of the line"},
		{"allocrig 2\n", "'allocrig 2'"},
		{"allocrig 10\n", "'allocrig 10'"},
		{"allocrig  1\n", "'allocrig  1'"},
		{" allocrig 1\n", "' allocrig 1'"},
		{"Allocrig 1\n", "'Allocrig 1'"},
		{"# x\n" V, "'# x'"},
		{"allocrig", "'allocrig'"},
		{"\x7f"
		 "ELF",
		 "'\\x7fELF'"},
	};

	(void)state;
	ASSERT_REFUSED(bad);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char message[224];

		snprintf(message, sizeof(message), "found %s%s", others[i][1], first);
		assert_refused(&(struct bad_text){others[i][0], 1, 1, message}, 1);
	}
}

static void bad_numbers_are_refused(void **state)
{
	static const char size[] = "a size such as 24, 4K, 1M, 2G, 1T or 257p";
	static const char *const bad_sizes[] = {"",   "K",    "4k", "4KB", "4.5K",
						"+4", "0x10", "1P", "4 K", "four"};
	static const struct bad_text bad[] = {
		{V "malloc b[0] -5", 2, 13, "found '-5', expected a size, which is never negative"},
		{V "malloc b[0] 18446744073709551616", 2, 13,
		 "found '18446744073709551616', expected a size that fits 64 bits"},
		{V "malloc b[0] 16777216T", 2, 13,
		 "found '16777216T', expected a size that fits 64 bits"},
		{V "malloc b[0] 99999999999999999999999999999999999999999", 2, 13,
		 "found '99999999999999999999999999999999', expected a size that fits 64 bits"},
		{V "sleep 10", 2, 7, "found '10', expected a time such as 100ns, 50us, 10ms or 2s"},
		{V "sleep 1.5s", 2, 7,
		 "found '1.5s', expected a time such as 100ns, 50us, 10ms or 2s"},
		{V "sleep -1s", 2, 7,
		 "found '-1s', expected a time such as 100ns, 50us, 10ms or 2s"},
		{V "sleep 18446744074s", 2, 7,
		 "found '18446744074s', expected a time whose nanoseconds fit 64 bits"},
		{V "expect rss < 9223372036854775808", 2, 14,
		 "found '9223372036854775808', expected a value that fits 64 bits with its sign"},
		{V "expect rss < -9223372036854775809", 2, 14,
		 "found '-9223372036854775809', expected a value that fits 64 bits with its sign"},
		{V "expect rss < --1", 2, 14,
		 "found '--1', expected a value such as 0, -1, 24, 4K, 1M, 2G, 1T or 257p"},
		{V "repeat -1 {\n}", 2, 8, "found '-1', expected a count"},
		{V "repeat {\n}", 2, 8, "found '{', expected a count"},
		{V "repeat 18446744073709551616 {\n}", 2, 8,
		 "found '18446744073709551616', expected a count"},
	};

	(void)state;
	ASSERT_REFUSED(bad);
	for (size_t i = 0; i < sizeof(bad_sizes) / sizeof(bad_sizes[0]); i++) {
		char text[64], found[64], message[224];
		bool space = strchr(bad_sizes[i], ' ') != NULL;

		snprintf(text, sizeof(text), V "malloc b[0] %s", bad_sizes[i]);
		snprintf(found, sizeof(found), bad_sizes[i][0] ? "'%s'" : "the end of the line",
			 bad_sizes[i]);
		snprintf(message, sizeof(message), "found %s, expected %s", found, size);
		if (space)
			snprintf(message, sizeof(message),
				 "found 'K', expected '->' or the end of the line");
		assert_refused(&(struct bad_text){text, 2, space ? 15 : 13, message}, 1);
	}
}

static void bad_slots_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "free", 2, 5,
		 "found the end of the line, expected block slots such as b[0] or b[0:100:2]"},
		{V "free m[0]", 2, 6,
		 "found 'm[0]', expected block slots such as b[0] or b[0:100:2]"},
		{V "munmap b[0]", 2, 8,
		 "found 'b[0]', expected mapping slots such as m[0] or m[0:100:2]"},
		{V "touch c[0]", 2, 7,
		 "found 'c[0]', expected slots such as b[0], m[0] or b[0:100:2]"},
		{V "free b0", 2, 6, "found 'b0', expected block slots such as b[0] or b[0:100:2]"},
		{V "free b[0", 2, 6,
		 "found 'b[0', expected block slots such as b[0] or b[0:100:2]"},
		{V "free b[]", 2, 8, "found ']', expected a slot number from 0 to 16777215"},
		{V "free b[-1]", 2, 8, "found '-1', expected a slot number from 0 to 16777215"},
		{V "free b[16777216]", 2, 8,
		 "found '16777216', expected a slot number from 0 to 16777215"},
		{V "free b[:5]", 2, 8, "found ':', expected a slot number from 0 to 16777215"},
		{V "free b[5:]", 2, 10,
		 "found ']', expected the end of the slice, from 0 to 16777216"},
		{V "free b[0:16777217]", 2, 10,
		 "found '16777217', expected the end of the slice, from 0 to 16777216"},
		{V "free b[0:-5]", 2, 10,
		 "found '-5', expected the end of the slice, from 0 to 16777216"},
		{V "free b[0:5:0]", 2, 12, "found '0', expected a step from 1 to 16777216"},
		{V "free b[0:5:-1]", 2, 12, "found '-1', expected a step from 1 to 16777216"},
		{V "free b[0:5:]", 2, 12, "found ']', expected a step from 1 to 16777216"},
		{V "free b[0:5:1:1]", 2, 12, "found '1:1', expected a step from 1 to 16777216"},
		{V "free b[4294967296]", 2, 8,
		 "found '4294967296', expected a slot number from 0 to 16777215"},
		{V "free b[0] b[1]", 2, 11, "found 'b[1]', expected '->' or the end of the line"},
		{V "trim b[0]", 2, 6, "found 'b[0]', expected the end of the line"},
	};

	(void)state;
	ASSERT_REFUSED(bad);
}

static void bad_words_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "mallok b[0] 1", 2, 1, "found 'mallok', expected an op; perhaps malloc"},
		{V "  fre b[0]", 2, 3, "found 'fre', expected an op; perhaps free"},
		{V "quux", 2, 1, "found 'quux', expected an op"},
		{V "@", 2, 2, "found the end of the line, expected a thread from @0 to @255"},
		{V "@256 trim", 2, 2, "found '256', expected a thread from @0 to @255"},
		{V "@1", 2, 3, "found the end of the line, expected an op"},
		{V "@1trim", 2, 2, "found '1trim', expected a thread from @0 to @255"},
		{V "mprotect m[0] w", 2, 15,
		 "found 'w', expected a protection: none, r, rw, rx or rwx"},
		{V "madvise m[0] DONTNEED", 2, 14,
		 "found 'DONTNEED', expected an advice such as dontneed, free or hugepage"},
		{V "munmap m[0] 1p", 2, 15,
		 "found the end of the line, expected a length behind the offset"},
		{V "munmap m[0] 1p -> ok", 2, 16,
		 "found '->', expected a length behind the offset"},
		{V "munmap m[0] 1p 1p 1p", 2, 19,
		 "found '1p', expected '->' or the end of the line"},
		{V "touch b[0] -> ok", 2, 12, "found '->', expected the end of the line"},
		{V "trim -> ok", 2, 6, "found '->', expected the end of the line"},
		{V "free b[0] ->", 2, 13,
		 "found the end of the line, expected 'ok' or the name of an errno such as ENOMEM"},
		{V "free b[0] -> ok|", 2, 17,
		 "found the end of the line, expected 'ok' or the name of an errno such as ENOMEM"},
		{V "free b[0] -> ok||ENOMEM", 2, 17,
		 "found '|', expected 'ok' or the name of an errno such as ENOMEM"},
		{V "free b[0] -> ok|OOPS", 2, 17,
		 "found 'OOPS', expected 'ok' or the name of an errno such as ENOMEM"},
		{V "free b[0] -> EAGAIN|EWOULDBLOCK", 2, 21,
		 "found 'EWOULDBLOCK', expected each outcome once"},
		{V "free b[0] -> ok|ok", 2, 17, "found 'ok', expected each outcome once"},
		{V "checkpoint", 2, 11, "found the end of the line, expected a name"},
		{V "checkpoint a b", 2, 14, "found 'b', expected the end of the line"},
		{V "checkpoint 0123456789012345678901234567890x", 2, 12,
		 "found '0123456789012345678901234567890x', expected a name of at most 31 bytes"},
		{V "checkpoint caf\xc3\xa9", 2, 12,
		 "found 'caf\\xc3\\xa9', expected a name of printable ASCII"},
		{V "expect map == 0", 2, 8,
		 "found 'map', expected a metric such as maps, rss.peak, maps.lost or "
		 "munmap.failed"},
		{V "expect munmap == 0", 2, 8,
		 "found 'munmap', expected a metric such as maps, rss.peak, maps.lost or "
		 "munmap.failed"},
		{V "expect made == 0", 2, 8,
		 "found 'made', expected a metric such as maps, rss.peak, maps.lost or "
		 "munmap.failed"},
		{V "expect maps = 0", 2, 13, "found '=', expected a relation: == != < <= > >="},
	};

	(void)state;
	ASSERT_REFUSED(bad);
}

static void bad_flags_are_refused(void **state)
{
	static const char flags[] = "flags such as private,anon or shared,memfd,fixed=m[3]+4p";
	static const struct {
		const char *flags, *found;
		uint32_t column;
		const char *expected;
	} bad[] = {
		{"", "the end of the line", 16, flags},
		{"anonymous", "'anonymous'", 17, flags},
		{"private,,anon", "','", 25, flags},
		{"private,", "the end of the line", 25, flags},
		{"MAP_PRIVATE", "'MAP_PRIVATE'", 17, flags},
		{"maymove", "'maymove'", 17, flags},
		{"private,none", "'none'", 25, flags},
		{"anon,zero", "'zero'", 22, "at most one of anon, zero, file, memfd, shm and of="},
		{"anon,anon", "'anon'", 22, "at most one of anon, zero, file, memfd, shm and of="},
		{"fixed", "'fixed'", 17, "a place behind it, as in fixed=m[3]+4p"},
		{"fixed_noreplace", "'fixed_noreplace'", 17,
		 "a place behind it, as in fixed_noreplace=m[3]+4p"},
		{"fixed=b[1]", "'b[1]'", 23, "one mapping slot such as m[3] or m[3]+4p"},
		{"fixed=m[1:2]", "'m[1:2]'", 23, "one mapping slot such as m[3] or m[3]+4p"},
		{"fixed=m[1]-4p", "'m[1]-4p'", 23, "one mapping slot such as m[3] or m[3]+4p"},
		{"fixed=m[1]+", "the end of the line", 28,
		 "a size such as 24, 4K, 1M, 2G, 1T or 257p"},
		{"fixed=", "the end of the line", 23, "one mapping slot such as m[3] or m[3]+4p"},
		{"fixed=m[1],fixed=m[1]", "'fixed=m[1]'", 28, "at most one place"},
		{"fixed=m[1],fixed_noreplace=m[1]", "'fixed_noreplace=m[1]'", 28,
		 "at most one place"},
		{"huge_2mb,huge_1gb", "'huge_1gb'", 26, "at most one huge page size"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128], message[224];

		snprintf(text, sizeof(text), V "mmap m[0] 1p rw%s%s", bad[i].flags[0] ? " " : "",
			 bad[i].flags);
		snprintf(message, sizeof(message), "found %s, expected %s", bad[i].found,
			 bad[i].expected);
		assert_refused(&(struct bad_text){text, 2, bad[i].column, message}, 1);
	}
	assert_refused(&(struct bad_text){V "mremap m[0] 1p private", 2, 16,
					  "found 'private', expected flags such as "
					  "maymove,dontunmap or maymove,fixed=m[3]+4p"},
		       1);
}

static void bad_headers_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "ballast", 2, 8, "found the end of the line, expected a count of maps"},
		{V "ballast -1", 2, 9, "found '-1', expected a count of maps"},
		{V "ballast 4 4", 2, 11, "found '4', expected the end of the line"},
		{V "ballast 4\nballast 4", 3, 1,
		 "found 'ballast', expected at most one ballast line"},
		{V "trim\nballast 4", 3, 1,
		 "found 'ballast', expected an op: header lines stand before the first one"},
		{V "trim\n  fault munmap ENOMEM", 3, 3,
		 "found 'fault', expected an op: header lines stand before the first one"},
		{V "fault mmap,brk ENOMEM", 2, 7,
		 "found 'mmap,brk', expected a kernel call such as munmap, mmap or madvise"},
		{V "fault malloc ENOMEM", 2, 7,
		 "found 'malloc', expected a kernel call such as munmap, mmap or madvise"},
		{V "fault munmap ok", 2, 14,
		 "found 'ok', expected the name of an errno such as ENOMEM"},
		{V "fault munmap ENOMEM nth=0", 2, 25, "found '0', expected a number from 1 on"},
		{V "fault munmap ENOMEM every=0", 2, 27, "found '0', expected a number from 1 on"},
		{V "fault munmap ENOMEM nth=", 2, 25,
		 "found the end of the line, expected a number"},
		{V "fault munmap ENOMEM nth", 2, 21,
		 "found 'nth', expected nth=, count=, every=, from= or to= and a number"},
		{V "fault munmap ENOMEM size=1", 2, 21,
		 "found 'size=1', expected nth=, count=, every=, from= or to= and a number"},
		{V "fault munmap ENOMEM nth=1 nth=1", 2, 27,
		 "found 'nth=1', expected each of nth, count, every, from and to once"},
		{V "fault munmap ENOMEM from=3 to=2", 2, 32,
		 "found the end of the line, expected a range of ops whose from= is not behind "
		 "its to="},
	};
	char text[1024] = V;

	(void)state;
	ASSERT_REFUSED(bad);
	for (int i = 0; i < PROG_MAX_FAULTS; i++)
		append(text, sizeof(text), "fault brk ENOMEM count=0\n");
	assert_accepted(text);
	append(text, sizeof(text), "fault brk ENOMEM\n");
	assert_refused(&(struct bad_text){text, PROG_MAX_FAULTS + 2, 1,
					  "found 'fault', expected at most 16 fault lines"},
		       1);
}

static void bad_blocks_are_refused(void **state)
{
	static const struct bad_text bad[] = {
		{V "}", 2, 1, "found '}', expected an op: no block is open"},
		{V "fork {\n}\n}\n", 4, 1, "found '}', expected an op: no block is open"},
		{V "trim\n  repeat 3 {\ntrim\n\n", 3, 3,
		 "found the end of the file, expected '}' for this 'repeat'"},
		{V "fork {\nrepeat 1 {\n}\n", 2, 1,
		 "found the end of the file, expected '}' for this 'fork'"},
		{V "repeat 3 { trim\n}", 2, 12, "found 'trim', expected the end of the line"},
		{V "repeat 3\n{\n}", 2, 9, "found the end of the line, expected '{'"},
		{V "repeat 3{\n}", 2, 8, "found '3{', expected a count"},
		{V "repeat 3 {}\n", 2, 10, "found '{}', expected '{'"},
		{V "fork {\n} trim\n", 3, 3, "found 'trim', expected the end of the line"},
		{V "repeat 1 {\n@0 }\n", 3, 1, "found '@0', expected '}' without a thread"},
		{V "fork 3 {\n}\n", 2, 6, "found '3', expected '{'"},
		{V "fork {\n@0 trim\n}", 3, 1,
		 "found '@0', expected no '@' inside fork: its child has one thread"},
		{V "fork {\nrepeat 2 {\n@1 trim\n}\n}", 4, 1,
		 "found '@1', expected no '@' inside fork: its child has one thread"},
		{V "exit", 2, 1,
		 "found 'exit', expected exit of another thread: '@1 exit'; thread 0 ends with the "
		 "program"},
		{V "@0 exit", 2, 4,
		 "found 'exit', expected exit of another thread: '@1 exit'; thread 0 ends with the "
		 "program"},
		{V "@1 fork {\nexit\n}", 3, 1,
		 "found 'exit', expected no exit inside fork: its child has one thread"},
		{V "parallel {\n@1 fork {\n@1 trim\n}\n}", 4, 1,
		 "found '@1', expected no '@' inside fork: its child has one thread"},
		{V "parallel {\nparallel {\n}\n}", 3, 1,
		 "found 'parallel', expected no parallel inside parallel"},
		{V "parallel {\nfork {\nparallel {\n}\n}\n}", 4, 1,
		 "found 'parallel', expected no parallel inside parallel"},
		{V "fork {\nparallel {\n}\n}", 3, 1,
		 "found 'parallel', expected no parallel inside fork: its child has one thread"},
		{V "parallel {\n@1 repeat 3 {\n@2 trim\n}\n}", 4, 1,
		 "found '@2', expected the thread of the block: inside parallel it runs on one"},
		{V "parallel {\nrepeat 3 {\n@1 trim\n}\n}", 4, 1,
		 "found '@1', expected the thread of the block: inside parallel it runs on one"},
		{V "parallel {\ncheckpoint a\n}", 3, 1,
		 "found 'checkpoint', expected only ops, sleep, repeat, when and fork inside "
		 "parallel"},
		{V "parallel {\nrepeat 2 {\nexpect maps == 0\n}\n}", 4, 1,
		 "found 'expect', expected only ops, sleep, repeat, when and fork inside parallel"},
	};
	char text[1024] = V;

	(void)state;
	ASSERT_REFUSED(bad);
	for (int i = 0; i < PROG_MAX_DEPTH; i++)
		append(text, sizeof(text), "repeat 1 {\n");
	size_t deepest = strlen(text);

	for (int i = 0; i < PROG_MAX_DEPTH; i++)
		append(text, sizeof(text), "}\n");
	assert_accepted(text);
	text[deepest] = '\0';
	append(text, sizeof(text), "fork {\n");
	assert_refused(
		&(struct bad_text){text, PROG_MAX_DEPTH + 2, 1,
				   "found 'fork', expected at most 16 blocks inside each other"},
		1);
}

static void too_many_outcomes_are_refused(void **state)
{
	char text[256] = V "free b[0] -> ok|EPERM|ENOENT|ESRCH|EINTR|EIO|ENXIO|E2BIG|ENOEXEC|"
			   "EBADF|ECHILD|EAGAIN|ENOMEM|EACCES|EFAULT|ENOTBLK";

	(void)state;
	assert_accepted(text);
	uint32_t column = (uint32_t)strlen(text) - (uint32_t)strlen(V) + 2;

	append(text, sizeof(text), "|EBUSY");
	assert_refused(&(struct bad_text){text, 2, column,
					  "found 'EBUSY', expected at most 15 errno names"},
		       1);
}

static void bad_bytes_are_refused(void **state)
{
	static const char in_word[] = V "mal\0loc b[0] 24\n", in_comment[] = V "trim # \0\n";
	struct prog_info info;
	struct prog_error err;

	(void)state;
	assert_int_equal(scan(in_word, sizeof(in_word) - 1, &info, &err), -EINVAL);
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 4);
	assert_string_equal(err.message, "found '\\x00', expected text without NUL bytes");
	assert_int_equal(scan(in_comment, sizeof(in_comment) - 1, &info, &err), -EINVAL);
	assert_int_equal(err.column, 8);
	assert_refused(&(struct bad_text){V "tri\x1bm'\\", 2, 1,
					  "found 'tri\\x1bm\\'\\\\', expected an op"},
		       1);
	assert_refused(&(struct bad_text){V "# x\r\n", 2, 4,
					  "found '\\x0d', expected lines that end in a newline "
					  "alone, not CR LF"},
		       1);
}

/* An op of `len` bytes in all: behind it only blanks. */
static void long_lines_are_refused(void **state)
{
	static char text[200000];
	static const size_t lens[] = {4095, 4096, 4097, 65536, 150000};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (int newline = 0; newline < 2; newline++) {
			struct prog_info info;
			struct prog_error err;
			size_t start = strlen(V), end = start + lens[i];

			memset(text, ' ', sizeof(text));
			memcpy(text, V "trim", start + 4);
			text[end] = '\n';
			int ret = scan(text, end + (size_t)newline, &info, &err);

			if (lens[i] <= PROG_LINE_MAX) {
				assert_int_equal(ret, 0);
				continue;
			}
			assert_int_equal(ret, -EINVAL);
			assert_int_equal(err.line, 2);
			assert_int_equal(err.column, PROG_LINE_MAX + 1);
			assert_string_equal(
				err.message,
				"found a line of more than 4096 bytes, expected at most 4096");
		}
}

static void unreadable_files_are_told(void **state)
{
	struct prog_info info;
	struct prog_error err;
	int pipe_fd[2], dir = open("/", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(prog_scan(-1, &info, &err), -EBADF);
	assert_int_equal(err.line, 0);
	assert_string_equal(err.message, "the program cannot be read: EBADF");
	assert_int_equal(prog_scan(dir, &info, &err), -EISDIR);
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(prog_scan(pipe_fd[0], &info, &err), -ESPIPE);
	close(dir);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* Whatever the bytes: an answer, and an error that can be printed. */
static void damaged_texts_are_survived(void **state)
{
	static char text[64 * 4096];
	static struct op ops[64];
	struct random r = {.state = 6};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct prog_info info;
		struct prog_error err;
		size_t n = random_program(&r, ops, 8);
		size_t len = program_print(ops, n, text, sizeof(text));

		for (uint64_t i = 1 + random_below(&r, 3); i; i--)
			text[random_below(&r, len)] = (char)random_u64(&r);
		int ret = scan(text, len - random_below(&r, 5), &info, &err);

		if (ret == 0)
			continue;
		assert_int_equal(ret, -EINVAL);
		assert_true(err.line > 0 && err.column > 0 && strstr(err.message, "found "));
		for (const char *c = err.message; *c; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_first_lines_are_refused),
		cmocka_unit_test(bad_numbers_are_refused),
		cmocka_unit_test(bad_slots_are_refused),
		cmocka_unit_test(bad_words_are_refused),
		cmocka_unit_test(bad_flags_are_refused),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(bad_blocks_are_refused),
		cmocka_unit_test(too_many_outcomes_are_refused),
		cmocka_unit_test(bad_bytes_are_refused),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(unreadable_files_are_told),
		cmocka_unit_test(damaged_texts_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
