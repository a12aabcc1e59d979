/*
 * Fence mode where the kernel refuses: each call once, in series, and at the map limit. Whatever
 * was refused, blocks that were handed out have their fences, and trim leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/guard.h"
#include "allocators/guard/test_fence.h"
#include "allocators/guard/test_work.h"

#define KIB  ((size_t)1 << 10)
#define MIB  ((size_t)1 << 20)
#define PAGE ((size_t)4096)

/* It shrank in its place, which need not cut it: that takes a call, and must not fail. */
static bool uncut[WORK_SLOTS];

static void expect_fence(size_t i)
{
	if (uncut[i])
		return;
	uintptr_t end = ((uintptr_t)slots[i] + sizes[i] + PAGE - 1) & ~(PAGE - 1);

	assert_false(is_accessible((void *)end));
	assert_false(is_accessible((void *)(((uintptr_t)slots[i] & ~(PAGE - 1)) - 1)));
}

/* Small blocks as a whole, large ones here and there: the pages that were not closed show. */
static void expect_zero_and_fill(size_t i)
{
	size_t step = sizes[i] <= 4 * PAGE ? 1 : 64 * KIB - 16;

	for (size_t at = 0; at < sizes[i]; at += step) {
		assert_int_equal(slots[i][at], 0);
		slots[i][at] = (unsigned char)i;
	}
	slot_mark(i);
}

/* NULL is for those alone who were refused something. */
static void take(size_t i, size_t size, size_t align)
{
	size_t refused = refuse_count();

	errno = 0;
	uncut[i] = false;
	slots[i] = align ? guard_memalign(align, size) : guard_calloc(1, size);
	sizes[i] = size;
	if (!slots[i]) {
		assert_true(refuse_count() > refused);
		assert_int_equal(errno, ENOMEM);
		return;
	}
	assert_int_equal((uintptr_t)slots[i] % (align ? align : 1), 0);
	expect_fence(i);
	expect_zero_and_fill(i);
}

static void resize(size_t i, size_t size)
{
	size_t refused = refuse_count(), old_size = sizes[i];
	unsigned char *p = guard_realloc(slots[i], size);

	if (!slots[i]) {
		guard_free(p);
		return;
	}
	if (!p) {
		assert_true(size > old_size && refuse_count() > refused);
		slot_check(i);
		return;
	}
	assert_int_equal(p[0], (unsigned char)i);
	assert_int_equal(guard_malloc_usable_size(p), size);
	uncut[i] = p == slots[i];
	slots[i] = p;
	sizes[i] = size;
	slot_mark(i);
}

/* Shared and single chunks, filled, drained and filled again. */
static void work(void)
{
	for (size_t i = 0; i < 30; i++)
		take(i, i * 150, 0);
	for (size_t i = 30; i < 40; i++)
		take(i, 300 * KIB + i, 0);
	for (size_t i = 40; i < 50; i++)
		take(i, 400 * KIB + i * 32 * KIB, 0);
	for (size_t i = 50; i < 56; i++)
		take(i, 1000 * i, (size_t)4096 << (i - 50));
	for (size_t i = 0; i < 56; i += 3)
		slot_free(i);
	for (size_t i = 1; i < 56; i += 3)
		resize(i, i % 2 ? sizes[i] / 2 + 1 : sizes[i] * 2 + 1);
	for (size_t i = 0; i < 56; i += 6)
		take(i, 600 * KIB, 0);
	guard_malloc_trim(0);
	for (size_t i = 3; i < 56; i += 6)
		take(i, 3000, 0);
	for (size_t i = 2; i < 56; i += 3)
		slot_free(i);
}

static void drop_all(void)
{
	for (size_t i = 0; i < 56; i++)
		slot_free(i * 37 % 56);
}

static void expect_nothing_left(void)
{
	size_t n;

	guard_malloc_trim(0);
	const struct refused_range *r = refused_ranges(&n);

	for (size_t i = 0; i < n; i++)
		assert_false(range_is_mapped(&r[i]));
	work_expect_maps_back(NULL);
}

/* With a plan in force; what is left of the work is freed under it, or after it. */
static size_t work_through(bool drop_refused)
{
	work();
	if (drop_refused)
		drop_all();
	size_t refused = refuse_end();

	for (size_t i = 0; i < 56; i++) {
		slot_check(i);
		if (slots[i])
			expect_fence(i);
	}
	drop_all();
	expect_nothing_left();
	work();
	drop_all();
	expect_nothing_left();
	return refused;
}

static const unsigned kinds[] = {REFUSE_MMAP, REFUSE_MUNMAP, REFUSE_MPROTECT, REFUSE_MADVISE,
				 REFUSE_ALL};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void sweep(unsigned calls, size_t count)
{
	for (size_t nth = 1;; nth += count) {
		refuse(calls, nth, count);
		if (!work_through(nth % 2))
			break;
	}
}

static void test_each_call_once(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		sweep(kinds[k], 1);
}

static void test_series(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		sweep(kinds[k], 3);
		for (size_t nth = 1; nth < 300; nth += 23) {
			refuse(kinds[k], nth, 40);
			work_through(nth % 2);
		}
	}
}

static void test_each_second_call(void **state)
{
	(void)state;
	for (unsigned calls = 1; calls < 16; calls++) {
		for (size_t each = 1; each <= 3; each++) {
			refuse_each(calls, each);
			work_through(true);
			refuse_each(calls, each);
			work_through(false);
		}
	}
}

struct ballast {
	char *at;
	size_t len;
};

/* vm.max_map_count less the maps that count; [vsyscall] is a line, but counts for none. */
static ssize_t headroom_now(void)
{
	char text[32] = {0};
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (ssize_t)strtoul(text, NULL, 10) - (ssize_t)(maps_read().lines - 1);
}

/* Every second page opened until the kernel refuses, and some closed again. */
static struct ballast ballast_new(size_t headroom)
{
	struct ballast b = {.len = (size_t)200000 * PAGE};
	size_t page = 1;

	b.at = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(b.at, MAP_FAILED);
	while ((page + 2) * PAGE < b.len && mprotect(b.at + page * PAGE, PAGE, PROT_READ) == 0)
		page += 2;
	if ((page + 2) * PAGE >= b.len) {
		munmap(b.at, b.len);
		print_message("vm.max_map_count is beyond what this test fills\n");
		skip();
	}
	mprotect(b.at + page * PAGE, b.len - page * PAGE, PROT_NONE);
	for (; headroom_now() < (ssize_t)headroom; page -= 2)
		assert_int_equal(mprotect(b.at + (page - 2) * PAGE, PAGE, PROT_NONE), 0);
	return b;
}

/* Not at the limit: a block of any size and alignment, if four maps are free. */
static void expect_blocks(void)
{
	for (int kind = 0; kind < 4; kind++) {
		size_t size = kind == 0 ? 1 : kind == 1 ? 128 * KIB : MIB;
		unsigned char *p = kind == 3 ? guard_memalign(2 * MIB, size) : guard_malloc(size);

		assert_non_null(p);
		memset(p, 1, size);
		guard_free(p);
		guard_malloc_trim(0);
	}
}

static void test_work_at_the_limit(void **state)
{
	(void)state;
	for (size_t headroom = 0; headroom < 20; headroom += headroom < 8 ? 1 : 4) {
		struct ballast b = ballast_new(headroom);
		struct maps before = maps_read();

		for (int round = 0; round < 2; round++) {
			work_mixed(1000, 200);
			guard_malloc_trim(0);
			assert_int_equal(maps_read().bytes, before.bytes);
			assert_int_equal(maps_read().lines, before.lines);
		}
		if (headroom >= 2 + (fence_by_protection() ? 3 : 1))
			expect_blocks();
		munmap(b.at, b.len);
	}
}

/* Blocks first, then the table fills up, then all is freed. */
static void test_frees_at_the_limit(void **state)
{
	struct maps full;

	(void)state;
	for (size_t i = 0; i < WORK_SLOTS; i++) {
		slots[i] = guard_malloc(sizes[i] = i % 8 ? i * 4 : 150000 + i * 200);
		slot_mark(i);
	}
	size_t ours = maps_read().bytes - at_start.bytes;
	struct ballast b = ballast_new(0);

	full = maps_read();
	for (size_t i = 0; i < WORK_SLOTS; i++) {
		size_t at = i * 37 % WORK_SLOTS;

		slot_check(at);
		slot_free(at);
	}
	guard_malloc_trim(0);
	assert_int_equal(maps_read().bytes, full.bytes - ours);
	munmap(b.at, b.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FENCE_TEST(test_each_call_once),     FENCE_TEST(test_series),
		FENCE_TEST(test_each_second_call),   FENCE_TEST(test_work_at_the_limit),
		FENCE_TEST(test_frees_at_the_limit),
	};

	fence_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
