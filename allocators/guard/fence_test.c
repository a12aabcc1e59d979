/* What the entry points promise in fence mode, one by one, in a process with one thread. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/fence_chunk.h"
#include "allocators/guard/guard.h"
#include "allocators/guard/test_child.h"
#include "allocators/guard/test_fence.h"
#include "allocators/guard/test_work.h"

#define KIB	   ((size_t)1 << 10)
#define MIB	   ((size_t)1 << 20)
#define PAGE	   ((size_t)4096)
#define SHARED_MAX (SHARED_PAGES_MAX * PAGE)
#define BLOCKS	   4096 /* and 64 MiB: the quarantine's default bounds */

static const size_t edge_sizes[] = {
	0,	    1,
	2,	    3,
	4,	    7,
	8,	    9,
	15,	    16,
	17,	    24,
	31,	    32,
	100,	    4079,
	4080,	    4095,
	4096,	    4097,
	8191,	    8192,
	12345,	    65536,
	131072,	    300000,
	524287,	    SHARED_MAX - 1,
	SHARED_MAX, SHARED_MAX + 1,
	MIB,	    3 * MIB - 5,
	4 * MIB,    33 * MIB + 1,
};
#define EDGES (sizeof(edge_sizes) / sizeof(edge_sizes[0]))

static bool is_filled(const unsigned char *p, size_t size, unsigned char with)
{
	return size == 0 || (p[0] == with && memcmp(p, p + 1, size - 1) == 0);
}

/* Exactly its size is usable, its pages are accessible, the pages around them are not. */
static void expect_fenced(const unsigned char *p, size_t size, size_t align)
{
	uintptr_t start = (uintptr_t)p & ~(PAGE - 1);
	uintptr_t end = ((uintptr_t)p + size + PAGE - 1) & ~(PAGE - 1);

	assert_int_equal((uintptr_t)p % align, 0);
	assert_int_equal(guard_malloc_usable_size((void *)p), size);
	assert_true(end - ((uintptr_t)p + size) < (align < PAGE ? align : PAGE));
	assert_false(is_accessible((void *)end));
	assert_false(is_accessible((void *)(start - 1)));
	for (uintptr_t at = start; size && at < end; at += PAGE)
		assert_true(is_accessible((void *)at));
}

static size_t natural(size_t size)
{
	size_t align = 1;

	while (align < 16 && align * 2 <= size)
		align *= 2;
	return align;
}

static void test_sizes(void **state)
{
	unsigned char *p[EDGES];

	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		errno = 1234;
		p[i] = guard_malloc(edge_sizes[i]);
		assert_int_equal(errno, 1234);
		assert_non_null(p[i]);
		expect_fenced(p[i], edge_sizes[i], natural(edge_sizes[i]));
		memset(p[i], (int)i, edge_sizes[i]);
	}
	for (size_t i = 0; i < EDGES; i++) {
		assert_true(is_filled(p[i], edge_sizes[i], (unsigned char)i));
		errno = 1234;
		guard_free_sized(p[i], edge_sizes[i]);
		assert_int_equal(errno, 1234);
	}
	assert_int_equal(guard_malloc_usable_size(NULL), 0);
	guard_free(NULL);
	guard_free_sized(NULL, 7);
	guard_free_aligned_sized(NULL, 64, 7);
}

static void test_zero_sized_are_distinct(void **state)
{
	void *a = guard_malloc(0), *b = guard_calloc(0, 5), *c = guard_memalign(PAGE * 4, 0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_ptr_not_equal(a, b);
	assert_int_equal((uintptr_t)c % (PAGE * 4), 0);
	assert_false(is_accessible(a));
	assert_false(is_accessible(c));
	a = guard_realloc(a, 10);
	expect_fenced(a, 10, 8);
	guard_free(a);
	guard_free(b);
	guard_free(c);
}

static void test_too_large(void **state)
{
	static const size_t of[] = {
		(size_t)PTRDIFF_MAX, PTRDIFF_MAX - 4096, (size_t)PTRDIFF_MAX + 1,
		SIZE_MAX - 4096,     SIZE_MAX - 1,	 SIZE_MAX};
	void *waiting = guard_malloc(10);

	(void)state;
	guard_free(waiting);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		unsigned char *p = guard_malloc(10);

		memset(p, 7, 10);
		errno = 0;
		assert_null(guard_malloc(of[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_calloc(1, of[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_realloc(p, of[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_pvalloc(of[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_memalign(1 << 20, of[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_reallocarray(p, of[i], 3));
		assert_int_equal(errno, ENOMEM);
		assert_true(is_filled(p, 10, 7));
		guard_free(p);
	}
	/* None of these cost the quarantine its oldest block. */
	assert_ptr_not_equal(waiting, guard_malloc(10));
}

static void test_alignments(void **state)
{
	static const size_t of[] = {0, 1, 100, 4096, 5000, 131073, 3 << 20};

	(void)state;
	for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
		for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
			size_t size = of[i], least = natural(size);
			unsigned char *a = guard_aligned_alloc(align, size);
			unsigned char *b = guard_memalign(align, size);
			void *c = NULL;

			expect_fenced(a, size, align > least ? align : least);
			expect_fenced(b, size, align > least ? align : least);
			if (align >= sizeof(void *)) {
				assert_int_equal(guard_posix_memalign(&c, align, size), 0);
				expect_fenced(c, size, align > least ? align : least);
			}
			memset(a, 1, size);
			memset(b, 2, size);
			assert_true(is_filled(a, size, 1));
			guard_free_aligned_sized(a, align, size);
			guard_free(b);
			guard_free(c);
		}
	}
}

static void test_bad_alignments(void **state)
{
	static const size_t bad[] = {0, 3, 12, 4095, SIZE_MAX, SIZE_MAX - 4095};
	int mark;
	void *p = &mark;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(guard_aligned_alloc(bad[i], 8));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_null(guard_memalign(bad[i], 8));
		assert_int_equal(errno, EINVAL);
		errno = 77;
		assert_int_equal(guard_posix_memalign(&p, bad[i], 8), EINVAL);
		assert_int_equal(errno, 77);
	}
	assert_int_equal(guard_posix_memalign(&p, 4, 8), EINVAL);
	assert_int_equal(guard_posix_memalign(&p, 4096, (size_t)-4096), ENOMEM);
	assert_int_equal(guard_posix_memalign(&p, (size_t)1 << 63, 1), ENOMEM);
	assert_int_equal(guard_posix_memalign(&p, (size_t)1 << 46, PTRDIFF_MAX), ENOMEM);
	assert_int_equal(errno, 77);
	assert_ptr_equal(p, &mark);
}

static void test_pages(void **state)
{
	unsigned char *a = guard_valloc(1), *b = guard_pvalloc(0), *c = guard_pvalloc(4097);

	(void)state;
	expect_fenced(a, 1, PAGE);
	expect_fenced(b, PAGE, PAGE);
	expect_fenced(c, 2 * PAGE, PAGE);
	guard_free(a);
	guard_free(b);
	guard_free(c);
}

/* Pages are zero again after each way back: through the quarantine, and pushed out of it. */
static void test_calloc_is_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		size_t size = edge_sizes[i], rounds = size > MIB ? 8 : 5000;

		for (size_t round = 0; round < rounds; round += round + 1 < BLOCKS ? 1000 : 1) {
			unsigned char *p = guard_calloc(1, size);

			assert_true(is_filled(p, size, 0));
			memset(p, 0xa5, size);
			guard_free(p);
			if (round % 16 == 3)
				guard_malloc_trim(0);
		}
	}
}

/* From every size to every other. What moved is inaccessible at its old place. */
static void test_realloc_between_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		for (size_t k = 0; k < EDGES; k++) {
			size_t from = edge_sizes[i], to = edge_sizes[k];
			unsigned char *old = guard_realloc(NULL, from), *p;

			memset(old, 0x5a, from);
			errno = 1234;
			p = guard_realloc(old, to);
			assert_int_equal(errno, 1234);
			if (from == to && to)
				assert_ptr_equal(p, old);
			else
				assert_false(is_accessible(old));
			if (!to) {
				assert_null(p);
				continue;
			}
			expect_fenced(p, to, natural(to));
			assert_true(is_filled(p, from < to ? from : to, 0x5a));
			memset(p, 1, to);
			guard_free(p);
		}
	}
}

/* A block of which one page was written does not become resident as a whole. */
static void test_realloc_stays_sparse(void **state)
{
	unsigned char *p = guard_malloc(16 * MIB);

	(void)state;
	p[5 * MIB] = 1;
	p = guard_realloc(p, 16 * MIB + 100);
	assert_int_equal(p[5 * MIB], 1);
	size_t resident = 0;

	for (size_t at = 100; at < 16 * MIB; at += 2 * MIB)
		resident += resident_pages((void *)((uintptr_t)(p + at) & ~(PAGE - 1)), 2 * MIB);
	assert_in_range(resident, 1, 3);
	guard_free(p);
}

/* Freed: inaccessible, not resident, and handed out again when as many others were freed. */
static void test_quarantine_in_blocks(void **state)
{
	static size_t freed_at[65536]; /* by page number */
	size_t reused = 0;
	void *keep = guard_malloc(1);

	(void)state;
	memset(freed_at, 0, sizeof(freed_at));
	for (size_t i = 1; i <= 2 * BLOCKS; i++) {
		char *p = guard_malloc(40);
		char *page = (char *)((uintptr_t)p & ~(PAGE - 1));
		size_t *last = &freed_at[(uintptr_t)p / PAGE % 65536];

		assert_true(*last == 0 || i - *last > BLOCKS);
		reused += *last != 0;
		memset(p, 1, 40);
		guard_free(p);
		*last = i;
		assert_false(is_accessible(p));
		assert_int_equal(resident_pages(page, PAGE), 0);
	}
	assert_true(reused > BLOCKS / 2);
	guard_free(keep);
}

static void test_quarantine_in_bytes(void **state)
{
	size_t before = maps_read().bytes, most = 0;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		char *p = guard_malloc(MIB);

		p[0] = 1;
		guard_free(p);
		assert_false(is_accessible(p));
		size_t now = maps_read().bytes - before;

		most = now > most ? now : most;
	}
	assert_in_range(most, 60 * MIB, 65 * MIB);
	/* What is larger than the bound goes at once, and pushes nothing out. */
	before = maps_read().bytes;
	char *p = guard_malloc(65 * MIB);

	guard_free(p);
	assert_int_equal(maps_read().bytes, before);
}

static void test_trim_tells_the_truth(void **state)
{
	void *p = guard_malloc(100), *large = guard_malloc(MIB);

	(void)state;
	assert_int_equal(guard_malloc_trim(0), 0);
	guard_free(p);
	assert_int_equal(guard_malloc_trim(0), 1);
	assert_int_equal(guard_malloc_trim(0), 0);
	guard_free(large);
	assert_int_equal(guard_malloc_trim(0), 1);
	work_expect_maps_back(NULL);
}

/* With guard regions two maps a chunk, whatever is in it; else two more for each block. */
static void test_maps_of_blocks(void **state)
{
	const size_t per_chunk = (CHUNK_PAGES - 1) / 2;
	static void *p[2000];

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		p[i] = guard_malloc(100);
		memset(p[i], 1, 100);
		size_t chunks = i / per_chunk + 1, blocks = fence_by_protection() ? 2 * (i + 1) : 0;

		assert_int_equal(maps_read().lines - at_start.lines, 2 * chunks + blocks);
		assert_int_equal(maps_read().bytes - at_start.bytes, CHUNK_BYTES * chunks);
	}
	for (size_t i = 0; i < 2000; i++)
		guard_free(p[i * 37 % 2000]);
	assert_in_range(maps_read().lines - at_start.lines, 2 * 4, 2 * 4);
	void *large = guard_malloc(MIB);

	assert_in_range(maps_read().lines - at_start.lines, 2 * 5,
			fence_by_protection() ? 2 * 5 + 2 : 2 * 5);
	guard_free(large);
}

/* Blocks come and go at random: whatever was opened and closed, the maps merge again. */
static void test_maps_after_churn(void **state)
{
	size_t live = 0;

	(void)state;
	for (size_t n = 0; n < 20000; n++) {
		size_t i = n * 7919 % 311;

		if (slots[i] && n % 3) {
			slot_free(i);
		} else if (!slots[i]) {
			slots[i] = guard_malloc(sizes[i] = n * 104729 % 9000);
			slot_mark(i);
		}
	}
	for (size_t i = 0; i < 311; i++)
		live += slots[i] && sizes[i];
	assert_true(live > 20);
	size_t chunks = (maps_read().bytes - at_start.bytes) / CHUNK_BYTES;
	size_t most = 2 * chunks + (fence_by_protection() ? 2 * live : 0);

	assert_in_range(maps_read().lines - at_start.lines, 2, most);
	for (size_t i = 0; i < 311; i++)
		slot_free(i);
}

static void test_mixed_work_drains(void **state)
{
	(void)state;
	work_mixed(20000, 1000);
}

static void child_of_fork(void)
{
	for (size_t i = 0; i < 300; i++) {
		slot_check(i);
		guard_free(slots[i]);
		slots[i] = NULL;
	}
	for (size_t i = 0; i < 300; i++) {
		slots[i] = guard_malloc(sizes[i] = i * 50);
		slot_mark(i);
	}
	work_mixed(2000, 300);
	guard_malloc_trim(0);
	struct maps now = maps_read();

	_exit(now.lines == at_start.lines && now.bytes == at_start.bytes ? 7 : 8);
}

/* The child frees what the parent had, and both go on. */
static void test_fork(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 300; i++) {
			slots[i] = guard_malloc(sizes[i] = i * 100);
			slot_mark(i);
		}
		struct ending e = child_run(child_of_fork);

		expect_exit(&e, 7);
		for (size_t i = 0; i < 300; i++)
			expect_fenced(slots[i], sizes[i], natural(sizes[i]));
		for (size_t i = 0; i < 300; i++)
			slot_free(i);
	}
}

/* Locked memory takes no guard regions, and cannot be purged. */
static void work_locked(void)
{
	if (mlockall(MCL_CURRENT) != 0)
		_exit(77);
	for (size_t i = 0; i < 300; i++) {
		slots[i] = guard_malloc(sizes[i] = i * 100);
		slot_mark(i);
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		_exit(77);
	work_mixed(1500, 300);
	unsigned char *p = guard_malloc(100);

	expect_fenced(p, 100, 16);
	guard_free(p);
	if (is_accessible(p))
		_exit(9);
	guard_malloc_trim(0);
	struct maps now = maps_read();

	_exit(now.lines == at_start.lines && now.bytes == at_start.bytes ? 7 : 8);
}

static void test_locked_memory(void **state)
{
	struct ending e = child_run(work_locked);

	(void)state;
	if (WIFEXITED(e.status) && WEXITSTATUS(e.status) == 77)
		skip();
	expect_exit(&e, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FENCE_TEST(test_sizes),
		FENCE_TEST(test_zero_sized_are_distinct),
		FENCE_TEST(test_alignments),
		FENCE_TEST(test_bad_alignments),
		FENCE_TEST(test_pages),
		FENCE_TEST(test_calloc_is_zero),
		FENCE_TEST(test_realloc_between_sizes),
		FENCE_TEST(test_realloc_stays_sparse),
		FENCE_TEST(test_quarantine_in_blocks),
		FENCE_TEST(test_quarantine_in_bytes),
		FENCE_TEST(test_trim_tells_the_truth),
		FENCE_TEST(test_maps_of_blocks),
		FENCE_TEST(test_maps_after_churn),
		FENCE_TEST(test_mixed_work_drains),
		FENCE_TEST(test_fork),
		FENCE_TEST(test_locked_memory),
		cmocka_unit_test(test_too_large), /* keeps a block */
	};

	fence_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
