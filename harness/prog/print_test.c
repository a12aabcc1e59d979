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

#define OPS 64

/* Parses the text and compares it with the ops; `line` is the text's alone. */
static void assert_parses_to(const char *text, size_t len, const struct op *ops, size_t n)
{
	static struct prog_reader reader;
	struct prog_error err = {0};
	struct op op;
	int fd = text_file(text, len);

	if (prog_reader_init(&reader, fd, &err))
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
	for (size_t i = 0; i < n; i++) {
		if (prog_reader_next(&reader, &op, &err))
			fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
		assert_int_equal(op.line, i + 2);
		op.line = 0;
		if (memcmp(&op, &ops[i], sizeof(op)) != 0)
			fail_msg("op %zu is another one after print and parse:\n%s", i, text);
	}
	assert_int_equal(prog_reader_next(&reader, &op, &err), 1);
	close(fd);
}

static void parse_undoes_print(void **state)
{
	static char text[OPS * 4096];
	static struct op ops[OPS];
	struct random r = {.state = 1};
	size_t seen[OP_CODES] = {0};

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t n = random_program(&r, ops, OPS);
		size_t len = program_print(ops, n, text, sizeof(text));

		assert_parses_to(text, len, ops, n);
		for (size_t i = 0; i < n; i++)
			seen[ops[i].code]++;
	}
	for (unsigned code = 0; code < OP_CODES; code++)
		assert_true(seen[code] > 50);
}

static void every_op_fits_its_buffer(void **state)
{
	struct random r = {.state = 2};
	char whole[4096], cut[4096];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct op op = random_op(&r, (unsigned)random_below(&r, OP_CODES));
		int len = op_print(&op, 0, whole, sizeof(whole));

		assert_true(len > 0);
		assert_int_equal(strlen(whole), len);
		size_t size = (size_t)len + 1;

		assert_int_equal(op_print(&op, 0, cut, size), len);
		assert_string_equal(cut, whole);
		assert_int_equal(op_print(&op, 0, cut, size - 1), -ENOSPC);
		assert_int_equal(op_print(&op, 0, cut, 0), -ENOSPC);
	}
}

static void assert_prints(const struct op *op, const char *expected)
{
	char buf[256];

	assert_int_equal(op_print(op, 0, buf, sizeof(buf)), strlen(expected));
	assert_string_equal(buf, expected);
}

static void print_is_canonical(void **state)
{
	struct op op = {.code = OP_MALLOC,
			.space = SPACE_BLOCK,
			.slice = {.start = 1, .stop = 65530, .step = 1},
			.arg0 = 131072};

	(void)state;
	assert_prints(&op, "malloc b[1:65530] 128K");
	op.thread = 3;
	assert_prints(&op, "@3 malloc b[1:65530] 128K");
	op = (struct op){.code = OP_MMAP,
			 .space = SPACE_MAP,
			 .slice = {.start = 7, .stop = 8, .step = 1, .single = 1},
			 .arg0 = 4096,
			 .map = {.prot = PROT_READ | PROT_WRITE,
				 .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				 .source = SOURCE_ANON,
				 .has_target = 1,
				 .target = 3,
				 .target_off = 16384},
			 .outcomes = {.present = 1, .ok = 1, .nerr = 1, .err = {ENOMEM}}};
	assert_prints(&op, "mmap m[7] 4K rw private,anon,fixed=m[3]+16K -> ok|ENOMEM");
	op = (struct op){.code = OP_SLEEP, .arg0 = 10000000};
	assert_prints(&op, "sleep 10ms");
	op = (struct op){.code = OP_REPEAT, .arg0 = 1024};
	assert_prints(&op, "repeat 1024 {");
	op = (struct op){.code = OP_EXPECT,
			 .expect = {.metric = METRIC_MAPPED, .relation = REL_GE, .value = -4096}};
	assert_prints(&op, "expect mapped >= -4K");
	op = (struct op){.code = OP_END, .thread = 1};
	assert_prints(&op, "}");
}

/* Each comes back as it was written. */
static void mapping_lines_are_canonical(void **state)
{
	static const char *const lines[] = {
		"mmap m[0] 4K rw shared,of=m[3],offset=16K,hint=m[4]+4K",
		"mmap m[0] 4K rw hint=m[4]",
		"mmap m[0] 4K rw offset=1",
		"mmap m[0] 4K rw none",
		"mmap m[0] 4K rw private,shm,fixed_noreplace=m[1]",
		"mremap m[0] 16K maymove,dontunmap,fixed=m[3]+16K,to=m[5] 4K 0 -> ok|ENOMEM",
		"mremap m[0] 16K to=m[5]",
		"mremap m[0] 16K 0 4K",
		"msync m[0] sync,invalidate 0 4K -> EBUSY",
		"msync m[0] none",
		"mlock m[0:8:2] 0 4K",
		"munlock m[0]",
		"truncate m[0] 12K",
		"check m[0] 4K 4K -> SIGBUS",
		"add m[0] 1048576 0 4K -> ok|SIGSEGV",
		"touch m[0] -> ok|SIGSEGV|SIGBUS",
		"when thp == always {",
		"when thp < 7 {",
		"when memlock >= 64K {",
		"when max_map_count >= 65536 {",
		"expect locked == 64K",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		static struct prog_reader reader;
		char text[256];
		struct prog_error err;
		struct op op;
		int len = snprintf(text, sizeof(text), "allocrig 1\n%s\n", lines[i]);
		int fd = text_file(text, (size_t)len);

		if (prog_reader_init(&reader, fd, &err) || prog_reader_next(&reader, &op, &err))
			fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
		assert_prints(&op, lines[i]);
		close(fd);
	}
}

static void headers_are_canonical(void **state)
{
	struct prog_header h = {
		.nneeds = 3,
		.needs = {{.fact = FACT_ROOT, .relation = REL_NE},
			  {.fact = FACT_THP, .relation = REL_EQ, .value = 1},
			  {.fact = FACT_RAM, .relation = REL_GE, .value = 1 << 30}}};
	char buf[256];

	(void)state;
	assert_true(prog_header_print(&h, buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "allocrig 1\nneeds root\nneeds thp == madvise\n"
				 "needs ram >= 1G\n");
	h.needs[1].relation = REL_GE + 1;
	assert_int_equal(prog_header_print(&h, buf, sizeof(buf)), -EINVAL);
	h.needs[1] = (struct op_fact){.fact = FACT_COUNT, .relation = REL_NE};
	assert_int_equal(prog_header_print(&h, buf, sizeof(buf)), -EINVAL);
	h.nneeds = PROG_MAX_NEEDS + 1;
	assert_int_equal(prog_header_print(&h, buf, sizeof(buf)), -EINVAL);
}

/* What has no text is refused, not printed as something else. */
static void unprintable_ops_are_refused(void **state)
{
	struct random r = {.state = 3};
	struct op op;
	char buf[4096];

	(void)state;
	op = (struct op){.code = OP_CODES};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_MPROTECT);
	op.map.prot = PROT_WRITE;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_MADVISE);
	op.map.advice = 99;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_MMAP);
	op.map.flags = MAP_PRIVATE | MAP_FIXED;
	op.map.has_target = 0;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op.map.flags = MAP_PRIVATE | 0x200;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op.map.flags = MAP_PRIVATE;
	op.map.source = SOURCE_ANON;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = (struct op){.code = OP_CHECKPOINT};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	snprintf(op.name, sizeof(op.name), "a b");
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_FREE);
	op.slice = (struct slice){.start = 0, .stop = 2, .step = 1, .single = 1};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op.slice = (struct slice){.start = 0, .stop = 2};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_FREE);
	op.outcomes = (struct outcomes){.present = 1};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op.outcomes = (struct outcomes){.present = 1, .nerr = 1, .err = {OUTCOME_SIGBUS}};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_CHECK);
	op.outcomes = (struct outcomes){.present = 1, .nerr = 1, .err = {ENOMEM}};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_TOUCH);
	op.space = SPACE_BLOCK;
	op.outcomes = (struct outcomes){.present = 1, .ok = 1};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_MREMAP);
	op.map = (struct op_map){.has_target = 1};
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_MSYNC);
	op.map.flags = 8;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
	op = random_op(&r, OP_WHEN);
	op.fact.fact = FACT_COUNT;
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
}

static struct prog_header random_header(struct random *r)
{
	struct prog_header h = {.nfaults = (uint32_t)random_below(r, PROG_MAX_FAULTS + 1)};

	h.nneeds = (uint32_t)random_below(r, PROG_MAX_NEEDS + 1);
	for (uint32_t i = 0; i < h.nneeds; i++)
		h.needs[i] = random_op(r, OP_WHEN).fact;
	h.has_ballast = (uint32_t)random_below(r, 2);
	if (h.has_ballast)
		h.ballast = random_u64(r);
	for (uint32_t i = 0; i < h.nfaults; i++) {
		struct fault_plan *f = &h.faults[i];

		f->call = (uint32_t)random_below(r, KCALL_COUNT);
		f->err = 1 + (uint32_t)random_below(r, 40);
		f->nth = 1 + random_below(r, 3);
		f->count = random_below(r, 3);
		f->every = 1 + random_below(r, 3);
		f->from_stmt = random_below(r, 3);
		f->to_stmt = random_below(r, 2) ? UINT64_MAX : f->from_stmt + random_below(r, 9);
	}
	return h;
}

static void parse_undoes_header_print(void **state)
{
	static struct prog_reader reader;
	struct random r = {.state = 4};
	struct prog_error err;
	char buf[4096];

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct prog_header h = random_header(&r);
		int len = prog_header_print(&h, buf, sizeof(buf));

		assert_true(len > 0);
		int fd = text_file(buf, (size_t)len);

		if (prog_reader_init(&reader, fd, &err))
			fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, buf);
		assert_memory_equal(&reader.header, &h, sizeof(h));
		close(fd);
		assert_int_equal(prog_header_print(&h, buf, (size_t)len), -ENOSPC);
	}
}

/* Together their bits are a third size, or none. */
static void two_huge_page_sizes_have_no_text(void **state)
{
	struct op op = {.code = OP_MMAP, .space = SPACE_MAP};
	char buf[4096];

	(void)state;
	op.slice = (struct slice){.stop = 1, .step = 1, .single = 1};
	op.map.flags = (int)(16u << 26); /* huge_64kb */
	assert_true(op_print(&op, 0, buf, sizeof(buf)) > 0);
	op.map.flags = (int)(17u << 26); /* huge_64kb,uninitialized */
	assert_true(op_print(&op, 0, buf, sizeof(buf)) > 0);
	op.map.flags = (int)((34u | 16u) << 26); /* huge_16gb,huge_64kb */
	assert_int_equal(op_print(&op, 0, buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_undoes_print),
		cmocka_unit_test(every_op_fits_its_buffer),
		cmocka_unit_test(print_is_canonical),
		cmocka_unit_test(mapping_lines_are_canonical),
		cmocka_unit_test(headers_are_canonical),
		cmocka_unit_test(unprintable_ops_are_refused),
		cmocka_unit_test(parse_undoes_header_print),
		cmocka_unit_test(two_huge_page_sizes_have_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
