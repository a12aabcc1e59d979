#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/emit_c.h"
#include "harness/prog/program_testing.h"

#define FILE_MAX (1u << 20)

struct file {
	char text[FILE_MAX];
	size_t len, writes;
	size_t fail_at; /* writes that go well; 0: all */
};

static struct file a, b;

static int take(void *ctx, const char *bytes, size_t n)
{
	struct file *f = ctx;

	if (f->fail_at && f->writes == f->fail_at)
		return -ENOSPC;
	f->writes++;
	assert_true(f->len + n < FILE_MAX);
	memcpy(f->text + f->len, bytes, n);
	f->len += n;
	f->text[f->len] = '\0';
	return 0;
}

static int emit_text(const char *text, size_t len, struct file *f, struct prog_error *err)
{
	const struct emit_options options = {.name = "some-name"};
	int fd = text_file(text, len);

	f->len = f->writes = 0;
	f->text[0] = '\0';
	int ret = emit_c(fd, &options, take, f, err);

	close(fd);
	return ret;
}

static const char *emit(const char *text)
{
	struct prog_error err = {0};

	a.fail_at = 0;
	assert_int_equal(emit_text(text, strlen(text), &a, &err), 0);
	return a.text;
}

#define HAS(text, part)                                                                            \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("'%s' is not in\n%s", part, strstr(text, "int main"));            \
	} while (0)
#define LACKS(text, part) assert_null(strstr(text, part))

static void opens_with_the_program(void **state)
{
	const char *text = emit("allocrig 1\n# a page\nmmap m[0] 1p rw private,anon -> ok\n");

	(void)state;
	assert_memory_equal(text, "/*\n * some-name", 15);
	HAS(text, "\n * allocrig 1\n * # a page\n * mmap m[0] 1p rw private,anon -> ok\n");
	HAS(text, "at(3); ALLOW(MAP(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | "
		  "MAP_ANONYMOUS), OK);\n");
}

/* Whatever stands in the program's own comments. */
static void comment_stays_one(void **state)
{
	const char *text = emit("allocrig 1\n# a */ b /* c ?\?/\n#\\\n# \x01\xff\nsleep 1ms\n");
	const char *end = strstr(text, "*/"), *begin = strstr(text + 2, "/*");

	(void)state;
	assert_true(end < strstr(text, "#define _GNU_SOURCE"));
	assert_true(end > strstr(text, "sleep 1ms"));
	assert_true(begin > end);
	LACKS(text, "?\?/");
	LACKS(text, "\xff");
}

static void statements_read_like_the_program(void **state)
{
	const char *text = emit("allocrig 1\n"
				"mmap m[0:10:2] 8p r shared,memfd,offset=2p\n"
				"mmap m[11] 100 none private,of=m[0],fixed=m[2]+1p\n"
				"munmap m[0] 1p 2p -> ok|EINVAL\n"
				"mremap m[0] 4p maymove,to=m[9] 0 0\n"
				"check m[0] -> SIGBUS\n"
				"add m[0] 7 0 1p\n"
				"truncate m[0] 5\n"
				"mlock m[1]\n"
				"msync m[0] sync\n"
				"madvise m[0] guard_install\n"
				"expect mapped == 8p\n"
				"expect munmap.failed >= 1\n"
				"checkpoint \"x\"\n");

	(void)state;
	HAS(text, "at(2); for (unsigned i = 0; i < 10; i += 2) MAP(i, 8 * PAGE, PROT_READ, "
		  "MAP_SHARED, .source = A_MEMFD, .offset = 2 * PAGE);");
	HAS(text, "MAP(11, 100, PROT_NONE, MAP_PRIVATE | MAP_FIXED, .source = FILE_OF, .of = 0, "
		  ".place = AT(2, PAGE));");
	HAS(text, "ALLOW(unmap(0, PAGE, 2 * PAGE), OK, EINVAL);");
	HAS(text, "REMAP(0, 4 * PAGE, MREMAP_MAYMOVE, OLD(0, 0), TO(9));");
	HAS(text, "ALLOW(check(0, ALL), FAULT(SIGBUS));");
	HAS(text, "add(0, 7, 0, PAGE);");
	HAS(text, "cut_file(0, 5);");
	HAS(text, "lock_pages(1, ALL);");
	HAS(text, "sync_pages(0, ALL, MS_SYNC);");
	HAS(text, "advise(0, ALL, MADV_GUARD_INSTALL);");
	HAS(text, "#ifndef MADV_GUARD_INSTALL\n#define MADV_GUARD_INSTALL 102\n#endif\n");
	HAS(text, "EXPECT(mapped(), ==, 8 * PAGE);");
	HAS(text, "EXPECT(calls_failed(KCALL_MUNMAP), >=, 1);");
	HAS(text, "checkpoint(\"\\\"x\\\"\");");
}

static void blocks_nest(void **state)
{
	const char *text = emit("allocrig 1\nneeds shm\nrepeat 3 {\n  when thp == always {\n"
				"    fork {\n      touch m[0]\n    }\n  }\n}\nrepeat 0 {\n}\n");

	(void)state;
	HAS(text, "\tNEED(fact.shm, !=, 0);\n");
	HAS(text, "\tfor (unsigned long n1 = 0; n1 < 3; n1++) {\n"
		  "\t\tif (fact.thp == 2) {\n"
		  "\t\t\tat(5); if (fork_child()) {\n"
		  "\t\t\t\tat(6); touch(0, ALL);\n"
		  "\t\t\t\tend_child();\n\t\t\t}\n\t\t}\n\t}\n"
		  "\tif (false) {\n\t}\n");
}

static void threads_have_functions(void **state)
{
	const char *text = emit("allocrig 1\n@1 malloc b[0] 24\nfree b[0]\n@1 fork {\n"
				"  malloc b[1] 8\n}\nparallel {\n  @0 malloc b[2] 3\n"
				"  @2 repeat 2 {\n    free b[2]\n  }\n}\n@1 exit\n");

	(void)state;
	HAS(text, "at(2); on(1, malloc_block, 0, 24, 0);");
	HAS(text, "at(3); free_block(0, 0, 0);");
	HAS(text, "static void line_4(void)\n{\n\tat(4); if (fork_child()) {\n"
		  "\t\tat(5); malloc_block(1, 8, 0);\n");
	HAS(text, "at(4); run_on(1, line_4);");
	HAS(text, "static void line_7_thread_2(void)\n{\n\tfor (");
	HAS(text, "{\n\tline_7_thread_0,\n\tNULL,\n\tline_7_thread_2,\n};");
	HAS(text, "at(7); run_side_by_side(line_7, 3);");
	HAS(text, "end_thread(1);");
	HAS(text, "threads_start(3);");
}

static void parts_are_there_when_used(void **state)
{
	const char *text = emit("allocrig 1\nmmap m[0] 1p rw private,anon\n");

	(void)state;
	LACKS(text, "fork_child");
	LACKS(text, "malloc_block");
	LACKS(text, "smaps_rollup");
	LACKS(text, "pthread_create");
	LACKS(text, "ballast");
	LACKS(text, "overcommit");
	LACKS(text, "PAGEMAP");
	LACKS(text, "harness/");
	text = emit("allocrig 1\nballast 9\nmmap m[0] 1p rw private,anon\nexpect lazyfree == 0\n");
	HAS(text, "ballast_raise(9);");
	HAS(text, "smaps_rollup");
}

/* What a fault plan would have changed is not judged. */
static void fault_plan_is_left_out(void **state)
{
	const char *text = emit("allocrig 1\nfault mmap ENOMEM\nmalloc b[0] 1M -> ENOMEM\n"
				"expect maps == 0\n");

	(void)state;
	LACKS(text, "ALLOW(malloc_block");
	LACKS(text, "at(4); EXPECT(");
	HAS(text, "undecided(");
}

static void bad_program_writes_nothing(void **state)
{
	static const char text[] = "allocrig 1\nmmap m[0] 1p rw private,anon\nmalok b[0] 3\n";
	struct prog_error err = {0};

	(void)state;
	assert_int_equal(emit_text(text, strlen(text), &a, &err), -EINVAL);
	assert_int_equal(a.writes, 0);
	assert_int_equal(err.line, 3);
}

static void failure_to_write_ends_it(void **state)
{
	static const char text[] = "allocrig 1\nrepeat 3 {\nmmap m[0] 1p rw private,anon\n}\n";
	struct prog_error err = {0};

	(void)state;
	a.fail_at = 0;
	assert_int_equal(emit_text(text, strlen(text), &a, &err), 0);
	size_t all = a.writes;

	for (size_t at = 1; at < all; at++) {
		a.fail_at = at;
		assert_int_equal(emit_text(text, strlen(text), &a, &err), -ENOSPC);
		assert_int_equal(a.writes, at);
	}
	a.fail_at = 0;
}

/* Every program that there is, and the same file each time. */
static void random_programs(void **state)
{
	static struct op ops[60];
	static char text[1 << 18];
	struct random r = {.state = 4711};
	struct prog_error err;

	(void)state;
	a.fail_at = b.fail_at = 0;
	for (int i = 0; i < 400; i++) {
		size_t n = random_program(&r, ops, 60);
		size_t len = program_print(ops, n, text, sizeof(text));

		assert_int_equal(emit_text(text, len, &a, &err), 0);
		assert_int_equal(emit_text(text, len, &b, &err), 0);
		assert_string_equal(a.text, b.text);
		assert_non_null(strstr(a.text, "\treturn finish();\n}\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_the_program),
		cmocka_unit_test(comment_stays_one),
		cmocka_unit_test(statements_read_like_the_program),
		cmocka_unit_test(blocks_nest),
		cmocka_unit_test(threads_have_functions),
		cmocka_unit_test(parts_are_there_when_used),
		cmocka_unit_test(fault_plan_is_left_out),
		cmocka_unit_test(bad_program_writes_nothing),
		cmocka_unit_test(failure_to_write_ends_it),
		cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
