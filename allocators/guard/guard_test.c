/* What guard's entry points promise, one by one, in a process with one thread. */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/size_class.h"
#include "allocators/guard/slab.h"
#include "allocators/guard/test_maps.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static const size_t edge_sizes[] = {
	0,
	1,
	15,
	16,
	17,
	127,
	128,
	129,
	1000,
	4095,
	4096,
	4097,
	8192,
	32767,
	32768,
	32769,
	36864,
	65535,
	65536,
	65537,
	131071,
	131072,
	131073,
	135168,
	MIB - 1,
	MIB,
	MIB + 1,
	5 * MIB,
	33 * MIB,
	2 * MIB,
	2 * MIB + 4096,
};
#define EDGES (sizeof(edge_sizes) / sizeof(edge_sizes[0]))

static bool is_filled(const unsigned char *p, size_t size, unsigned char with)
{
	return size == 0 || (p[0] == with && memcmp(p, p + 1, size - 1) == 0);
}

static struct maps at_start;

static int remember_maps(void **state)
{
	(void)state;
	at_start = maps_read();
	assert_true(at_start.lines > 0);
	return 0;
}

static int expect_maps_back(void **state)
{
	struct maps now = maps_read();

	(void)state;
	assert_int_equal(now.lines, at_start.lines);
	assert_int_equal(now.bytes, at_start.bytes);
	return 0;
}

static void test_classes(void **state)
{
	(void)state;
	for (size_t size = 0; size <= SMALL_MAX; size++) {
		unsigned class = class_of(size);

		assert_true(class < CLASS_RECORD);
		assert_true(class_size(class) >= size);
		if (class > 0)
			assert_true(class_size(class - 1) < size);
		if (size > 128)
			assert_true((class_size(class) - size) * 8 <= class_size(class));
	}
	assert_int_equal(class_size(class_of(SMALL_MAX)), SMALL_MAX);
}

static void test_span_shapes(void **state)
{
	(void)state;
	for (unsigned class = 0; class < CLASS_COUNT; class ++) {
		size_t size = class_size(class);
		struct span_shape s = span_shape(size);
		uint64_t inverse = (((uint64_t)1 << 32) + size - 1) / size;

		assert_int_equal(size % MIN_BLOCK, 0);
		assert_in_range(s.pages, 1, 32);
		assert_in_range(s.blocks, 1, 1024);
		assert_true(s.blocks * size <= s.pages * OS_PAGE);
		assert_true((s.pages * OS_PAGE - s.blocks * size) * 16 <= s.pages * OS_PAGE);
		for (uint64_t i = 0; i < s.blocks; i++)
			assert_int_equal(i * size * inverse >> 32, i);
	}
}

static void test_sizes(void **state)
{
	unsigned char *p[EDGES];

	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		p[i] = guard_malloc(edge_sizes[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		assert_true(guard_malloc_usable_size(p[i]) >= edge_sizes[i]);
		memset(p[i], (int)i, guard_malloc_usable_size(p[i]));
	}
	for (size_t i = 0; i < EDGES; i++) {
		assert_true(is_filled(p[i], guard_malloc_usable_size(p[i]), (unsigned char)i));
		guard_free(p[i]);
	}
	assert_int_equal(guard_malloc_usable_size(NULL), 0);
	guard_free(NULL);
}

static void test_zero_sized_are_distinct(void **state)
{
	void *a = guard_malloc(0), *b = guard_malloc(0), *c = guard_calloc(0, 5);

	(void)state;
	assert_non_null(a);
	assert_non_null(c);
	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(b, c);
	guard_free(a);
	guard_free(b);
	guard_free(c);
}

static void test_too_large(void **state)
{
	static const size_t sizes[] = {
		(size_t)PTRDIFF_MAX, PTRDIFF_MAX - 4096, (size_t)PTRDIFF_MAX + 1,
		SIZE_MAX - 4096,     SIZE_MAX - 1,	 SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *p = guard_malloc(10);

		memset(p, 7, 10);
		errno = 0;
		assert_null(guard_malloc(sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_calloc(1, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_realloc(p, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_pvalloc(sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(guard_memalign(1 << 20, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		assert_true(is_filled(p, 10, 7));
		guard_free(p);
	}
}

static void test_products_that_overflow(void **state)
{
	unsigned char *p = guard_malloc(100);

	(void)state;
	memset(p, 9, 100);
	errno = 0;
	assert_null(guard_calloc(SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(guard_reallocarray(p, (size_t)1 << 33, (size_t)1 << 33));
	assert_int_equal(errno, ENOMEM);
	assert_true(is_filled(p, 100, 9));
	p = guard_reallocarray(p, 100, 100);
	assert_true(is_filled(p, 100, 9));
	guard_free(p);
}

/* Recycled memory is cleared, and the whole of it, also what trim purged in between. */
static void test_calloc_is_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		size_t size = edge_sizes[i];
		void *keep = guard_malloc(size);
		unsigned char *p[8];

		for (int round = 0; round < 3; round++) {
			for (int k = 0; k < 8; k++) {
				p[k] = guard_calloc(1, size);
				assert_true(is_filled(p[k], size, 0));
				memset(p[k], 0xa5, guard_malloc_usable_size(p[k]));
			}
			for (int k = 0; k < 8; k++)
				guard_free(p[k]);
			if (round == 1)
				guard_malloc_trim(0);
		}
		guard_free(keep);
	}
}

static void test_alignments(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 5000, 131072, 131073, 3 << 20};

	(void)state;
	for (size_t align = 1; align <= (size_t)1 << 32; align *= 2) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned char *a = guard_aligned_alloc(align, sizes[i]);
			unsigned char *b = guard_memalign(align, sizes[i]);

			assert_non_null(a);
			assert_non_null(b);
			assert_int_equal((uintptr_t)a % align, 0);
			assert_int_equal((uintptr_t)b % align, 0);
			memset(a, 1, guard_malloc_usable_size(a));
			memset(b, 2, guard_malloc_usable_size(b));
			assert_true(is_filled(a, guard_malloc_usable_size(a), 1));
			guard_free_aligned_sized(a, align, sizes[i]);
			guard_free_sized(b, sizes[i]);
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
		assert_ptr_equal(p, &mark);
	}
	assert_int_equal(guard_posix_memalign(&p, 4, 8), EINVAL);
	assert_int_equal(guard_posix_memalign(&p, 4096, (size_t)-4096), ENOMEM);
	assert_int_equal(guard_posix_memalign(&p, (size_t)1 << 63, 1), ENOMEM);
	assert_int_equal(guard_posix_memalign(&p, (size_t)1 << 46, PTRDIFF_MAX), ENOMEM);
	assert_int_equal(errno, 77);
	assert_ptr_equal(p, &mark);
	assert_int_equal(guard_posix_memalign(&p, 8, 0), 0);
	guard_free(p);
}

static void test_pages(void **state)
{
	void *a = guard_valloc(1), *b = guard_pvalloc(0), *c = guard_pvalloc(4097);

	(void)state;
	assert_int_equal((uintptr_t)a % 4096, 0);
	assert_int_equal((uintptr_t)b % 4096, 0);
	assert_int_equal((uintptr_t)c % 4096, 0);
	assert_true(guard_malloc_usable_size(b) >= 4096);
	assert_true(guard_malloc_usable_size(c) >= 8192);
	guard_free(a);
	guard_free(b);
	guard_free(c);
}

/* From every size to every other: the common head is kept and the rest is writable. */
static void test_realloc_between_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < EDGES; i++) {
		for (size_t k = 0; k < EDGES; k++) {
			size_t from = edge_sizes[i], to = edge_sizes[k];
			unsigned char *p = guard_realloc(NULL, from);

			memset(p, 0x5a, from);
			p = guard_realloc(p, to);
			if (!to) {
				assert_null(p);
				continue;
			}
			assert_true(is_filled(p, from < to ? from : to, 0x5a));
			assert_true(guard_malloc_usable_size(p) >= to);
			memset(p, 1, guard_malloc_usable_size(p));
			guard_free(p);
		}
	}
}

static void test_realloc_to_nothing(void **state)
{
	(void)state;
	errno = 42;
	assert_null(guard_realloc(guard_malloc(100), 0));
	assert_null(guard_reallocarray(guard_malloc(MIB), 0, 5));
	assert_int_equal(errno, 42);
}

static void test_shrinking_gives_pages_back(void **state)
{
	size_t before = maps_read().bytes;
	unsigned char *p = guard_malloc(64 * MIB);

	(void)state;
	memset(p, 3, 64 * MIB);
	for (size_t size = 32 * MIB; size >= 256 * KIB; size /= 2) {
		assert_ptr_equal(guard_realloc(p, size), p);
		assert_int_equal(guard_malloc_usable_size(p), size);
		assert_int_equal(maps_read().bytes - before, size + 4096);
		assert_int_equal(maps_read().lines, at_start.lines + 2);
		assert_true(is_filled(p, size, 3));
	}
	guard_free(p);
}

static void test_growing_keeps_the_block(void **state)
{
	unsigned char *p = guard_malloc(MIB), *neighbour = guard_malloc(MIB);

	(void)state;
	memset(p, 6, MIB);
	for (size_t size = 2 * MIB; size <= 64 * MIB; size *= 2) {
		p = guard_realloc(p, size);
		assert_true(is_filled(p, size / 2, 6));
		memset(p, 6, size);
		assert_int_equal(maps_read().lines, at_start.lines + 4);
	}
	guard_free(p);
	guard_free(neighbour);
}

static void test_trim_tells_the_truth(void **state)
{
	(void)state;
	assert_int_equal(guard_malloc_trim(0), 0);
	void *keep = guard_malloc(100);
	char *p = guard_malloc(100 * KIB);

	guard_malloc_trim(0);
	assert_int_equal(guard_malloc_trim(0), 0);
	memset(p, 1, 100 * KIB);
	guard_free(p);
	assert_int_equal(guard_malloc_trim(0), 1);
	assert_int_equal(guard_malloc_trim(0), 0);
	guard_free(keep);
	assert_int_equal(guard_malloc_trim(0), 0);
}

/* Trim takes the idle pages of a span that is in use, and nothing else. */
static void test_trim_keeps_live_blocks(void **state)
{
	static unsigned char *p[500];

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		p[i] = guard_malloc(1000 + i * 10);
		memset(p[i], (int)i, 1000 + i * 10);
	}
	for (size_t i = 0; i < 500; i++) {
		if (i % 5)
			guard_free(p[i]);
	}
	assert_int_equal(guard_malloc_trim(0), 1);
	for (size_t i = 0; i < 500; i += 5) {
		assert_true(is_filled(p[i], 1000 + i * 10, (unsigned char)i));
		guard_free(p[i]);
	}
}

/* Runs `misuse` in a child and expects it to abort, with this on fd 2. */
static void expect_abort(void (*misuse)(void), const char *message)
{
	const struct sigaction fatal = {.sa_handler = SIG_DFL};
	char said[256] = {0};
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		sigaction(SIGABRT, &fatal, NULL); /* cmocka's handler would go on */
		dup2(fds[1], STDERR_FILENO);
		misuse();
		_exit(0);
	}
	close(fds[1]);
	ssize_t n = read(fds[0], said, sizeof(said) - 1);

	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(n > 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(said, message));
	assert_ptr_equal(strchr(said, '\n'), said + n - 1);
}

static void free_twice(void)
{
	void *keep = guard_malloc(100), *p = guard_malloc(100);

	guard_free(p);
	guard_free(p);
	guard_free(keep);
}

/* No block of that class lives, but one of the slab. */
static void free_idle(void)
{
	void *keep = guard_malloc(5000), *p = guard_malloc(100);

	guard_free(p);
	guard_free(p);
	guard_free(keep);
}

static void free_idle_inside(void)
{
	void *keep = guard_malloc(5000), *p = guard_malloc(100);

	guard_free(p);
	guard_free((char *)p + 16);
	guard_free(keep);
}

static void free_drained(void)
{
	void *p = guard_malloc(100);

	guard_free(p);
	guard_free(p);
}

static void free_inside(void)
{
	guard_free((char *)guard_malloc(100) + 16);
}

static void free_header(void)
{
	guard_free((void *)((uintptr_t)guard_malloc(100) & ~(MIB - 1)));
}

static void free_large_twice(void)
{
	void *p = guard_malloc(MIB);

	guard_free(p);
	guard_free(p);
}

static void free_large_inside(void)
{
	guard_free((char *)guard_malloc(MIB) + 4096);
}

static void free_stack(void)
{
	int x[8];

	guard_free(x + 4);
}

static void free_wild(void)
{
	guard_free((void *)0xdead00000000beefu);
}

static void realloc_freed(void)
{
	void *keep = guard_malloc(100), *p = guard_malloc(100);

	guard_free(p);
	guard_free(guard_realloc(p, 10));
	guard_free(keep);
}

static void test_misuse(void **state)
{
	(void)state;
	expect_abort(free_twice, ": the block is already free");
	expect_abort(free_idle, ": the block is already free");
	expect_abort(free_idle_inside, ": not the start of a block");
	expect_abort(free_drained, "guard: free 0x");
	expect_abort(free_inside, ": not the start of a block");
	expect_abort(free_header, ": not a live block");
	expect_abort(free_large_twice, ": not a live block");
	expect_abort(free_large_inside, ": not a live block");
	expect_abort(free_stack, ": not a live block");
	expect_abort(free_wild, "guard: free 0xdead00000000beef: not a live block");
	expect_abort(realloc_freed, "guard: realloc 0x");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, remember_maps, expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_classes),
		TEST(test_span_shapes),
		TEST(test_sizes),
		TEST(test_zero_sized_are_distinct),
		TEST(test_too_large),
		TEST(test_products_that_overflow),
		TEST(test_calloc_is_zero),
		TEST(test_alignments),
		TEST(test_bad_alignments),
		TEST(test_pages),
		TEST(test_realloc_between_sizes),
		TEST(test_realloc_to_nothing),
		TEST(test_shrinking_gives_pages_back),
		TEST(test_growing_keeps_the_block),
		TEST(test_trim_tells_the_truth),
		TEST(test_trim_keeps_live_blocks),
		TEST(test_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
