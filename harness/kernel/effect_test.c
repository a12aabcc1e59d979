#include "harness/kernel/effect.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define P     UINT64_C(4096)
#define A     UINT64_C(0x700000000000) /* some address */
#define B     UINT64_C(0x710000000000)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW    (PROT_READ | PROT_WRITE)
#define OK    0
#define AT(n) (A + (n)*P)
#define BT(n) (B + (n)*P)
#define TO(n)                                                                                      \
	{                                                                                          \
		A, AT(n)                                                                           \
	}
#define BTO(n)                                                                                     \
	{                                                                                          \
		B, BT(n)                                                                           \
	}

struct row {
	const char *what;
	struct kernel_call call;
	struct effect want;
};

static void check_span(const char *what, const char *member, struct span got, struct span want)
{
	if (got.start != want.start || got.end != want.end)
		print_error("%s: %s\n", what, member);
	assert_int_equal(got.start, want.start);
	assert_int_equal(got.end, want.end);
}

static void check_row(const struct row *row)
{
	struct effect e;

	memset(&e, 0xff, sizeof(e));
	effect_of(&row->call, P, &e);
	check_span(row->what, "touched[0]", e.touched[0], row->want.touched[0]);
	check_span(row->what, "touched[1]", e.touched[1], row->want.touched[1]);
	check_span(row->what, "gone", e.gone, row->want.gone);
	check_span(row->what, "fresh", e.fresh, row->want.fresh);
	check_span(row->what, "from", e.from, row->want.from);
	check_span(row->what, "to", e.to, row->want.to);
	check_span(row->what, "back", e.back, row->want.back);
	if (e.everything != row->want.everything || e.keeps_from != row->want.keeps_from ||
	    e.partly != row->want.partly || e.purge != row->want.purge ||
	    e.takes != row->want.takes)
		print_error("%s: flags\n", row->what);
	assert_int_equal(e.everything, row->want.everything);
	assert_int_equal(e.keeps_from, row->want.keeps_from);
	assert_int_equal(e.partly, row->want.partly);
	assert_int_equal(e.purge, row->want.purge);
	assert_int_equal(e.takes, row->want.takes);
}

#define CHECK_ROWS(rows)                                                                           \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < sizeof(rows) / sizeof(*(rows)); i_++)                     \
			check_row(&(rows)[i_]);                                                    \
	} while (0)

/* {.nr, .arg, .result, .err} */
#define CALL(nr_, result_, err_, ...)                                                              \
	{                                                                                          \
		.nr = SYS_##nr_, .result = (int64_t)(result_), .err = (err_),                      \
		.arg = { __VA_ARGS__ }                                                             \
	}

static void of_mmap(void **state)
{
	static const struct row rows[] = {
		{"plain",
		 CALL(mmap, A, OK, 0, 3 * P, RW, ANON),
		 {.touched = {TO(3)}, .fresh = TO(3), .takes = 1}},
		{"length is rounded up",
		 CALL(mmap, A, OK, 0, 2 * P + 1, RW, ANON),
		 {.touched = {TO(3)}, .fresh = TO(3), .takes = 1}},
		{"a hint is not the place",
		 CALL(mmap, A, OK, B, P, RW, ANON),
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"refused", CALL(mmap, 0, ENOMEM, 0, P, RW, ANON), {.takes = 1}},
		{"fixed",
		 CALL(mmap, A, OK, A, P, RW, ANON | MAP_FIXED),
		 {.touched = {TO(1)}, .gone = TO(1), .fresh = TO(1), .takes = 1}},
		{"fixed, refused: what was there may be gone",
		 CALL(mmap, 0, ENOMEM, A, P, RW, ANON | MAP_FIXED),
		 {.touched = {TO(1)}, .takes = 1}},
		{"fixed_noreplace",
		 CALL(mmap, A, OK, A, P, RW, ANON | MAP_FIXED_NOREPLACE | MAP_FIXED),
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"fixed_noreplace, refused",
		 CALL(mmap, 0, EEXIST, A, P, RW, ANON | MAP_FIXED_NOREPLACE),
		 {.takes = 1}},
		{"a reservation",
		 CALL(mmap, A, OK, 0, P, 0, ANON),
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"decommit",
		 CALL(mmap, A, OK, A, P, PROT_NONE, ANON | MAP_FIXED),
		 {.touched = {TO(1)}, .gone = TO(1), .fresh = TO(1), .back = TO(1), .purge = 1}},
		{"decommit, refused",
		 CALL(mmap, 0, ENOMEM, A, P, PROT_NONE, ANON | MAP_FIXED),
		 {.touched = {TO(1)}, .back = TO(1), .purge = 1}},
		{"huge pages of the default size",
		 CALL(mmap, A, OK, 0, P, RW, ANON | MAP_HUGETLB),
		 {.touched = {TO(512)}, .fresh = TO(512), .takes = 1}},
		{"huge pages of 1 GiB",
		 CALL(mmap, A, OK, 0, P, RW, ANON | MAP_HUGETLB | 30u << MAP_HUGE_SHIFT),
		 {.touched = {TO(512 * 512)}, .fresh = TO(512 * 512), .takes = 1}},
		{"no length", CALL(mmap, 0, EINVAL, A, 0, RW, ANON | MAP_FIXED), {.takes = 1}},
		{"no such length",
		 CALL(mmap, 0, ENOMEM, A, UINT64_MAX - 5, RW, ANON | MAP_FIXED),
		 {.takes = 1}},
		{"no such huge length",
		 CALL(mmap, 0, ENOMEM, A, UINT64_MAX - 5, RW, ANON | MAP_HUGETLB | MAP_FIXED),
		 {.takes = 1}},
		{"unaligned", CALL(mmap, 0, EINVAL, A + 1, P, RW, ANON | MAP_FIXED), {.takes = 1}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void of_munmap(void **state)
{
	static const struct row rows[] = {
		{"plain",
		 CALL(munmap, 0, OK, A, 2 * P),
		 {.touched = {TO(2)}, .gone = TO(2), .back = TO(2)}},
		{"rounded",
		 CALL(munmap, 0, OK, A, 1),
		 {.touched = {TO(1)}, .gone = TO(1), .back = TO(1)}},
		{"refused", CALL(munmap, 0, ENOMEM, A, P), {.touched = {TO(1)}, .back = TO(1)}},
		{"unaligned", CALL(munmap, 0, EINVAL, A + 8, P), {.back = {0, 0}}},
		{"nothing", CALL(munmap, 0, EINVAL, A, 0), {.back = {0, 0}}},
		{"around the world", CALL(munmap, 0, EINVAL, A, -P), {.back = {0, 0}}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define MAY   MREMAP_MAYMOVE
#define FIXED (MREMAP_MAYMOVE | MREMAP_FIXED)
#define LEAVE (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)

static void of_mremap(void **state)
{
	static const struct row rows[] = {
		{"grows in place",
		 CALL(mremap, A, OK, A, 2 * P, 5 * P, MAY),
		 {.touched = {TO(5)},
		  .from = TO(2),
		  .to = TO(2),
		  .fresh = {AT(2), AT(5)},
		  .takes = 1}},
		{"shrinks",
		 CALL(mremap, A, OK, A, 5 * P, 2 * P, 0),
		 {.touched = {TO(5)},
		  .from = TO(2),
		  .to = TO(2),
		  .gone = {AT(2), AT(5)},
		  .back = {AT(2), AT(5)}}},
		{"stays",
		 CALL(mremap, A, OK, A, P, P, 0),
		 {.touched = {TO(1)}, .from = TO(1), .to = TO(1)}},
		{"moves to grow",
		 CALL(mremap, B, OK, A, 2 * P, 3 * P, MAY),
		 {.touched = {TO(2), BTO(3)},
		  .from = TO(2),
		  .to = BTO(2),
		  .fresh = {BT(2), BT(3)},
		  .takes = 1}},
		{"onto something, shrinking",
		 CALL(mremap, B, OK, A, 3 * P, P, FIXED, B),
		 {.touched = {TO(3), BTO(1)},
		  .gone = BTO(1),
		  .from = TO(3),
		  .to = BTO(1),
		  .back = {AT(1), AT(3)}}},
		{"onto something, growing",
		 CALL(mremap, B, OK, A, P, 2 * P, FIXED, B),
		 {.touched = {TO(1), BTO(2)},
		  .gone = BTO(2),
		  .from = TO(1),
		  .to = BTO(1),
		  .fresh = {BT(1), BT(2)},
		  .takes = 1}},
		{"leaves the old range",
		 CALL(mremap, B, OK, A, P, P, LEAVE),
		 {.touched = {TO(1), BTO(1)}, .from = TO(1), .to = BTO(1), .keeps_from = 1}},
		{"a shared one again",
		 CALL(mremap, B, OK, A, 0, 2 * P, MAY),
		 {.touched = {BTO(2)},
		  .fresh = BTO(2),
		  .from = TO(2),
		  .to = BTO(2),
		  .keeps_from = 1,
		  .takes = 1}},
		{"refused",
		 CALL(mremap, 0, ENOMEM, A, P, 2 * P, MAY),
		 {.touched = {TO(1)}, .takes = 1}},
		{"shrink refused",
		 CALL(mremap, 0, ENOMEM, A, 2 * P, P, 0),
		 {.touched = {TO(2)}, .back = {AT(1), AT(2)}}},
		{"refused onto something",
		 CALL(mremap, 0, ENOMEM, A, 2 * P, P, FIXED, B),
		 {.touched = {TO(2), BTO(1)}, .back = {AT(1), AT(2)}}},
		{"refused, perhaps half way",
		 CALL(mremap, 0, ENOMEM, A, 2 * P, 2 * P, FIXED, B),
		 {.touched = {TO(2), BTO(2)}, .from = TO(2), .to = BTO(2), .partly = 1}},
		{"no new length", CALL(mremap, 0, EINVAL, A, P, 0, MAY), {.touched = {TO(1)}}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

#define BREAK(before, want, result_, err_)                                                         \
	{                                                                                          \
		.nr = SYS_brk, .arg = {want}, .break_before = (before),                            \
		.result = (int64_t)(result_), .err = (err_)                                        \
	}

static void of_brk(void **state)
{
	static const struct row rows[] = {
		{"asks", BREAK(A + 5, 0, A + 5, OK), {.takes = 0}},
		{"asks, told as one that did not move",
		 BREAK(A + 5, 0, A + 5, ENOMEM),
		 {.takes = 0}},
		{"up",
		 BREAK(A, AT(2) + 1, AT(2) + 1, OK),
		 {.touched = {TO(3)}, .fresh = TO(3), .takes = 1}},
		{"up in its page", BREAK(A + 5, A + 9, A + 9, OK), {.takes = 1}},
		{"up from within a page",
		 BREAK(A - 5, AT(1), AT(1), OK),
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"refused", BREAK(A, AT(2), A, ENOMEM), {.takes = 1}},
		{"down",
		 BREAK(AT(3), A, A, OK),
		 {.touched = {TO(3)}, .gone = TO(3), .back = TO(3)}},
		{"down in its page", BREAK(A + 9, A + 5, A + 5, OK), {.takes = 0}},
		{"down, refused",
		 BREAK(AT(3), A, AT(3), ENOMEM),
		 {.touched = {TO(3)}, .back = TO(3)}},
		{"to where it is", BREAK(A, A, A, OK), {.takes = 0}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void of_protection_and_advice(void **state)
{
	static const struct row rows[] = {
		{"mprotect rw", CALL(mprotect, 0, OK, A, P, RW), {.touched = {TO(1)}, .takes = 1}},
		{"mprotect none", CALL(mprotect, 0, OK, A, P, PROT_NONE), {.touched = {TO(1)}}},
		{"refused", CALL(mprotect, 0, ENOMEM, A, P, PROT_READ), {.touched = {TO(1)}}},
		{"pkey",
		 CALL(pkey_mprotect, 0, OK, A, P, RW, -1),
		 {.touched = {TO(1)}, .takes = 1}},
		{"dontneed",
		 CALL(madvise, 0, OK, A, P, MADV_DONTNEED),
		 {.back = TO(1), .purge = 1}},
		{"free", CALL(madvise, 0, EINVAL, A, 1, MADV_FREE), {.back = TO(1), .purge = 1}},
		{"remove", CALL(madvise, 0, OK, A, P, MADV_REMOVE), {.back = TO(1), .purge = 1}},
		{"willneed", CALL(madvise, 0, OK, A, P, MADV_WILLNEED), {.takes = 0}},
		{"guard install", CALL(madvise, 0, OK, A, P, 102), {.takes = 0}},
		{"guard remove", CALL(madvise, 0, OK, A, P, 103), {.takes = 0}},
		{"populate", CALL(madvise, 0, OK, A, P, 23), {.takes = 0}},
		{"dontfork", CALL(madvise, 0, OK, A, P, MADV_DONTFORK), {.touched = {TO(1)}}},
		{"hugepage", CALL(madvise, 0, OK, A, P, MADV_HUGEPAGE), {.touched = {TO(1)}}},
		{"refused", CALL(madvise, 0, EAGAIN, A, P, MADV_DONTFORK), {.touched = {TO(1)}}},
		{"advice of tomorrow", CALL(madvise, 0, OK, A, P, 400), {.touched = {TO(1)}}},
		{"of a process",
		 CALL(process_madvise, P, OK, 3, B, 1, MADV_DONTNEED),
		 {.takes = 0}},
		{"of a process, splitting",
		 CALL(process_madvise, P, OK, 3, B, 1, MADV_DONTFORK),
		 {.everything = 1}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void of_other_calls(void **state)
{
	static const struct row rows[] = {
		{"mlock rounds out", CALL(mlock, 0, OK, A + P - 1, 2), {.touched = {TO(2)}}},
		{"mlock2", CALL(mlock2, 0, ENOMEM, A, P, 1), {.touched = {TO(1)}}},
		{"munlock", CALL(munlock, 0, OK, A + 1, P), {.touched = {TO(2)}}},
		{"mlock of nothing", CALL(mlock, 0, OK, A + 1, 0), {.takes = 0}},
		{"mlock of too much", CALL(mlock, 0, ENOMEM, A + 1, UINT64_MAX), {.takes = 0}},
		{"mlockall", CALL(mlockall, 0, OK, 1), {.everything = 1}},
		{"munlockall", CALL(munlockall, 0, OK), {.everything = 1}},
		{"a name", CALL(prctl, 0, OK, 0x53564d41, 0, A, P, B), {.touched = {TO(1)}}},
		{"another prctl", CALL(prctl, 0, OK, 15, 0, A, P, B), {.takes = 0}},
		{"memory merge", CALL(prctl, 0, OK, 67, 1), {.everything = 1}},
		{"mbind", CALL(mbind, 0, OK, A, P), {.touched = {TO(1)}}},
		{"home node", CALL(set_mempolicy_home_node, 0, OK, A, P), {.touched = {TO(1)}}},
		{"remap_file_pages",
		 CALL(remap_file_pages, 0, OK, A + 1, P + 1),
		 {.touched = {TO(1)}}},
		{"shmat",
		 CALL(shmat, A, OK, 1, 0, 0),
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"shmat refused", CALL(shmat, 0, EINVAL, 1, A, 0), {.takes = 1}},
		{"shmat over something, refused",
		 CALL(shmat, 0, ENOMEM, 1, A + 1, SHM_REMAP),
		 {.touched = {TO(1)}, .takes = 1}},
		{"shmdt", CALL(shmdt, 0, OK, A), {.everything = 1}},
		{"shmdt of nothing", CALL(shmdt, 0, EINVAL, A), {.takes = 0}},
		{"userfaultfd", CALL(ioctl, 0, OK, 3, 0xc020aa00u, B), {.everything = 1}},
		{"another ioctl", CALL(ioctl, 0, OK, 3, 0x5401, B), {.takes = 0}},
		{"exec that failed", CALL(execve, 0, ENOENT, A), {.takes = 0}},
		{"msync", CALL(msync, 0, OK, A, P, 1), {.takes = 0}},
		{"futex", CALL(futex, 0, EAGAIN, A, 0, 1), {.takes = 0}},
		{"read", CALL(read, 0, OK, 0, A, P), {.takes = 0}},
		{"mseal", {.nr = 462, .arg = {A, P}}, {.touched = {TO(1)}}},
		{"shadow stack",
		 {.nr = 453, .arg = {0, P}, .result = (int64_t)A},
		 {.touched = {TO(1)}, .fresh = TO(1), .takes = 1}},
		{"a call of tomorrow", {.nr = 1000}, {.everything = 1}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void of_injected(void **state)
{
	static const struct row rows[] = {
		{"munmap",
		 {.nr = SYS_munmap, .arg = {A, P}, .err = ENOMEM, .injected = true},
		 {.back = TO(1)}},
		{"mmap",
		 {.nr = SYS_mmap, .arg = {A, P, 0, MAP_FIXED}, .err = ENOMEM, .injected = true},
		 {.back = TO(1), .purge = 1}},
		{"brk",
		 {.nr = SYS_brk, .arg = {A}, .break_before = AT(1), .injected = true},
		 {.back = TO(1)}},
		{"mremap",
		 {.nr = SYS_mremap, .arg = {A, P, P, FIXED, B}, .err = ENOMEM, .injected = true},
		 {.takes = 0}},
		{"mlockall", {.nr = SYS_mlockall, .err = ENOMEM, .injected = true}, {.takes = 0}},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void tells_refusals_from_wrong_calls(void **state)
{
	static const struct {
		struct kernel_call call;
		bool want;
	} rows[] = {
		{CALL(munmap, 0, ENOMEM, A, P), true},
		{CALL(munmap, 0, EINVAL, A, P), false},
		{CALL(munmap, 0, EPERM, A, P), true},
		{CALL(munmap, 0, OK, A, P), false},
		{CALL(mmap, 0, ENOMEM, 0, P, RW, ANON), true},
		{CALL(mmap, 0, EAGAIN, 0, P, RW, ANON), true},
		{CALL(mmap, 0, EEXIST, A, P, RW, ANON), false},
		{CALL(mmap, 0, EBADF, A, P, RW, MAP_PRIVATE), false},
		{CALL(madvise, 0, EAGAIN, A, P, MADV_DONTFORK), true},
		{CALL(madvise, 0, EINVAL, A, P, MADV_DONTFORK), false},
		{CALL(mremap, 0, EFAULT, A, P, P), false},
		{CALL(futex, 0, EAGAIN, A, 0, 1), false},
		{CALL(read, 0, EAGAIN, 0, A, P), false},
		{BREAK(A, AT(1), A, ENOMEM), true},
		{BREAK(A, 0, A, ENOMEM), false},
		{{.nr = SYS_munmap, .arg = {A, P}, .err = EINVAL, .injected = true}, true},
		{{.nr = SYS_futex, .err = EAGAIN, .injected = true}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (effect_is_refusal(&rows[i].call) != rows[i].want)
			print_error("row %zu\n", i);
		assert_int_equal(effect_is_refusal(&rows[i].call), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_mmap),
		cmocka_unit_test(of_munmap),
		cmocka_unit_test(of_mremap),
		cmocka_unit_test(of_brk),
		cmocka_unit_test(of_protection_and_advice),
		cmocka_unit_test(of_other_calls),
		cmocka_unit_test(of_injected),
		cmocka_unit_test(tells_refusals_from_wrong_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
