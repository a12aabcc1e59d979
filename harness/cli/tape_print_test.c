#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "harness/cli/fault_rule.h"
#include "harness/cli/syscall_name.h"
#include "harness/cli/tape_call.h"
#include "harness/cli/tape_print.h"

/* free(b[3]) in statement 4, with nothing known of the accounts. */
static struct tape_entry entry_of(uint32_t nr, int64_t result)
{
	return (struct tape_entry){
		.stmt = 4,
		.slot = 3,
		.op_code = OP_FREE,
		.has_slot = SPACE_BLOCK,
		.call = {.nr = nr, .result = result},
		.maps = INT64_MIN,
		.mapped_bytes = INT64_MIN,
	};
}

static void assert_prints(const struct tape_entry *e, const char *expected)
{
	char line[TAPE_LINE];

	assert_int_equal(tape_print(e, line, sizeof(line)), strlen(expected));
	assert_string_equal(line, expected);
}

static void set_args(struct tape_entry *e, const uint64_t *arg, size_t n)
{
	memcpy(e->call.arg, arg, n * sizeof(*arg));
}

#define ARGS(e, ...)                                                                               \
	set_args((e), (const uint64_t[]){__VA_ARGS__},                                             \
		 sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void a_refusal_says_who_refused(void **state)
{
	struct tape_entry e = entry_of(SYS_munmap, -ENOMEM);

	(void)state;
	ARGS(&e, 0x7f01a2b3c000, 135168, 77);
	e.maps = 41;
	assert_prints(&e, "[4 free b[3]] munmap(0x7f01a2b3c000, 135168) = -1 ENOMEM  maps 41");
	e.call.injected = true;
	e.maps = -2;
	assert_prints(
		&e, "[4 free b[3]] munmap(0x7f01a2b3c000, 135168) = -1 ENOMEM (injected)  maps -2");
}

static void the_place_is_in_front(void **state)
{
	struct tape_entry e = entry_of(SYS_munmap, 0);

	(void)state;
	ARGS(&e, 0x1000, 4096);
	e.thread = 2;
	e.iteration = 12;
	e.proc = 1;
	e.again = 1;
	assert_prints(&e, "[4 @2 free b[3] iteration 12 in fork 1 again] munmap(0x1000, 4096) = 0");
	e = entry_of(SYS_sched_yield, 0);
	e.stmt = -1;
	e.op_code = OP_CODES;
	e.has_slot = SPACE_NONE;
	assert_prints(&e, "[start] sched_yield() = 0");
	e.stmt = 9;
	e.op_code = OP_TRIM;
	assert_prints(&e, "[9 trim] sched_yield() = 0");
	e.op_code = OP_MUNMAP;
	e.has_slot = SPACE_MAP;
	e.call.caller = CALLER_PROGRAM;
	assert_prints(&e, "[9 munmap m[3]] (program) sched_yield() = 0");
}

static void mmap_is_decoded(void **state)
{
	struct tape_entry e = entry_of(SYS_mmap, 0x7f0000000000);

	(void)state;
	ARGS(&e, 0, 135168, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0);
	assert_prints(&e, "[4 free b[3]] mmap(NULL, 135168, PROT_READ|PROT_WRITE, "
			  "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000");
	ARGS(&e, 0x1000, 0, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | 0x40000000u,
	     0xffffffff, 0x2000);
	assert_prints(&e, "[4 free b[3]] mmap(0x1000, 0, PROT_NONE, "
			  "MAP_PRIVATE|MAP_FIXED|MAP_NORESERVE|MAP_HUGE_64KB, -1, 0x2000) = "
			  "0x7f0000000000");
	ARGS(&e, 0, 4096, 0x48, 0, 3, 0);
	assert_prints(&e, "[4 free b[3]] mmap(NULL, 4096, 0x48, 0, 3, 0) = 0x7f0000000000");
}

static void the_other_calls_of_memory_are_decoded(void **state)
{
	struct tape_entry e = entry_of(SYS_mremap, 0x7000);

	(void)state;
	ARGS(&e, 0x1000, 4096, 8192, MREMAP_MAYMOVE, 0xdead);
	assert_prints(&e, "[4 free b[3]] mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE) = 0x7000");
	ARGS(&e, 0x1000, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, 0x7000);
	assert_prints(&e, "[4 free b[3]] mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, "
			  "0x7000) = 0x7000");
	e = entry_of(SYS_mprotect, 0);
	ARGS(&e, 0x1000, 4096, PROT_READ | PROT_EXEC | 0x100);
	assert_prints(&e, "[4 free b[3]] mprotect(0x1000, 4096, PROT_READ|PROT_EXEC|0x100) = 0");
	e = entry_of(SYS_madvise, -EINVAL);
	ARGS(&e, 0x1000, 4096, MADV_DONTNEED);
	assert_prints(&e, "[4 free b[3]] madvise(0x1000, 4096, MADV_DONTNEED) = -1 EINVAL");
	ARGS(&e, 0x1000, 4096, 9999);
	assert_prints(&e, "[4 free b[3]] madvise(0x1000, 4096, 0x270f) = -1 EINVAL");
	e = entry_of(SYS_process_madvise, 4096);
	ARGS(&e, 5, 0x7ffc1000, 2, MADV_FREE, 0);
	assert_prints(&e, "[4 free b[3]] process_madvise(5, 0x7ffc1000, 2, MADV_FREE, 0) = 4096");
}

static void brk_tells_of_its_refusal_by_the_break(void **state)
{
	struct tape_entry e = entry_of(SYS_brk, 0x5000);

	(void)state;
	assert_prints(&e, "[4 free b[3]] brk(NULL) = 0x5000");
	ARGS(&e, 0x9000);
	e.call.err = ENOMEM;
	e.call.injected = true;
	assert_prints(&e, "[4 free b[3]] brk(0x9000) = 0x5000 ENOMEM (injected)");
}

static void any_other_call_has_its_name_and_its_words(void **state)
{
	struct tape_entry e = entry_of(SYS_io_uring_setup, 7);

	(void)state;
	ARGS(&e, 1, 0, 0xabc, UINT64_MAX, 5, 6);
	assert_prints(&e, "[4 free b[3]] io_uring_setup(0x1, 0, 0xabc, 0xffffffffffffffff, 0x5, "
			  "0x6) = 7");
	e = entry_of(100000, -4000);
	assert_prints(&e, "[4 free b[3]] syscall_100000(0, 0, 0, 0, 0, 0) = -1 errno 4000");
	e = entry_of(SYS_openat, 3);
	ARGS(&e, (uint64_t)AT_FDCWD, 0x4000, O_CLOEXEC, 0);
	assert_prints(&e, "[4 free b[3]] openat(AT_FDCWD, 0x4000, 0x80000, 0) = 3");
}

/* The longest that can be: all flags, all numbers at their ends. */
static void a_line_always_fits(void **state)
{
	struct tape_entry e = {
		.stmt = INT32_MAX,
		.slot = UINT32_MAX,
		.iteration = UINT64_MAX,
		.op_code = OP_POSIX_MEMALIGN,
		.thread = 255,
		.has_slot = SPACE_MAP,
		.proc = 255,
		.again = 1,
		.call = {.nr = SYS_mmap,
			 .caller = CALLER_PROGRAM,
			 .result = INT64_MAX,
			 .err = 4000,
			 .injected = true},
		.maps = INT64_MIN + 1,
	};
	char line[TAPE_LINE];

	(void)state;
	memset(e.call.arg, 0xff, sizeof(e.call.arg));
	for (uint32_t nr = 0; nr < 600; nr++) {
		e.call.nr = nr;
		assert_true(tape_print(&e, line, sizeof(line)) > 0);
	}
	assert_int_equal(tape_print(&e, line, 40), -ENOSPC);
	assert_int_equal(strlen(line), 39);
}

static void names_come_from_the_headers(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(SYS_mmap), "mmap");
	assert_string_equal(syscall_name(SYS_membarrier), "membarrier");
	assert_null(syscall_name(UINT32_MAX));
	assert_string_equal(syscall_word(UINT32_MAX).s, "syscall_4294967295");
	for (uint32_t i = 0; i < KCALL_COUNT; i++)
		assert_int_equal(call_form(kcall_nr(i))->nr, kcall_nr(i));
}

static void rules_survive_being_written(void **state)
{
	static const char *const rules[] = {
		"munmap ENOMEM nth=17",
		"mmap,brk,mremap ENOMEM nth=5 count=0",
		"process_madvise EAGAIN nth=1 count=3 every=4 from=5 to=6",
	};
	struct fault_rule rule;
	struct prog_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		assert_int_equal(fault_rule_parse(rules[i], &rule, &err), 0);
		assert_string_equal(fault_rule_words(&rule).s, rules[i]);
	}
	assert_int_equal(rule.nr[0], SYS_process_madvise);
	assert_int_equal(rule.ncalls, 1);
	assert_int_equal(fault_rule_parse("munmap", &rule, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_says_who_refused),
		cmocka_unit_test(the_place_is_in_front),
		cmocka_unit_test(mmap_is_decoded),
		cmocka_unit_test(the_other_calls_of_memory_are_decoded),
		cmocka_unit_test(brk_tells_of_its_refusal_by_the_break),
		cmocka_unit_test(any_other_call_has_its_name_and_its_words),
		cmocka_unit_test(a_line_always_fits),
		cmocka_unit_test(names_come_from_the_headers),
		cmocka_unit_test(rules_survive_being_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
