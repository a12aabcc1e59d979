/* Each misuse that fence mode finds: what it says, and how the process ends. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/guard/guard.h"
#include "allocators/guard/test_child.h"
#include "allocators/guard/test_fence.h"

#define MIB ((size_t)1 << 20)

/* Whatever the compiler can prove of these accesses, they are made. */
static volatile unsigned char *volatile block;
static volatile unsigned char sink;

/* The first thing that each child does. */
static unsigned char *take(size_t size)
{
	fence_handlers_again();
	block = guard_malloc(size);
	return (unsigned char *)block;
}

static void write_behind(void)
{
	take(32);
	block[32] = 1;
}

static void read_behind(void)
{
	take(24);
	sink = block[32];
}

static void write_behind_large(void)
{
	take(3 * MIB + 1);
	block[3 * MIB + 100] = 1;
}

static void write_behind_aligned(void)
{
	take(1);
	block = guard_memalign(MIB, 100);
	block[4096] = 1;
}

static void write_far_before(void)
{
	take(100);
	block[-4096] = 1;
}

static void write_before_large(void)
{
	take(MIB);
	block[-1] = 1;
}

static void write_to_nothing(void)
{
	take(0);
	block[0] = 1;
}

static void write_after_free(void)
{
	guard_free(take(24));
	block[23] = 1;
}

static void read_after_free(void)
{
	guard_free(take(24));
	sink = block[0];
}

static void read_after_free_large(void)
{
	guard_free(take(MIB));
	sink = block[MIB / 2];
}

static void write_after_realloc(void)
{
	take(24);
	if (guard_realloc((void *)block, 25))
		block[0] = 1;
}

static void write_after_shrink(void)
{
	take(5000);
	block = guard_reallocarray((void *)block, 10, 10);
	block[112] = 1;
}

static void run_freed(void)
{
	guard_free(take(16));
	((void (*)(void))(uintptr_t)block)();
}

/* The record outlives the quarantine until others take its pages. */
static void write_after_trim(void)
{
	void *keep = take(1);

	guard_free(take(24));
	guard_malloc_trim(0);
	block[1] = 1;
	guard_free(keep);
}

struct fault {
	void (*misuse)(void);
	const char *words[6]; /* the last one NULL */
};

static void test_faults(void **state)
{
	static const struct fault faults[] = {
		{write_behind,
		 {"write of 0x", ": 1 byte behind block 0x",
		  " of 32 bytes, allocated by malloc, call "}},
		{read_behind,
		 {"read of 0x", ": 9 bytes behind block 0x", " of 24 bytes, allocated by malloc"}},
		{write_behind_large,
		 {"write of 0x", " bytes behind block 0x",
		  " of 3145729 bytes, allocated by malloc"}},
		{write_behind_aligned,
		 {"write of 0x", ": 3997 bytes behind block",
		  " of 100 bytes, allocated by memalign"}},
		{write_far_before,
		 {"write of 0x", ": 4096 bytes before block 0x",
		  " of 100 bytes, allocated by malloc"}},
		{write_before_large,
		 {"write of 0x", ": 1 byte before block 0x",
		  " of 1048576 bytes, allocated by malloc"}},
		{write_to_nothing,
		 {"write of 0x", ": 1 byte behind block 0x", " of 0 bytes, allocated by malloc"}},
		{write_after_free,
		 {"write of 0x", ": inside block 0x", " of 24 bytes, freed by free, call ",
		  " (allocated by malloc, call ", ")"}},
		{read_after_free,
		 {"read of 0x", ": inside block 0x", " of 24 bytes, freed by free, call "}},
		{read_after_free_large,
		 {"read of 0x", ": inside block 0x", " of 1048576 bytes, freed by free, call "}},
		{write_after_realloc,
		 {"write of 0x", ": inside block 0x", " of 24 bytes, freed by realloc, call ",
		  "(allocated by malloc"}},
		{write_after_shrink,
		 {"write of 0x", ": 13 bytes behind block 0x",
		  " of 100 bytes, allocated by reallocarray"}},
		{run_freed,
		 {"execution of 0x", ": inside block 0x", " of 16 bytes, freed by free"}},
		{write_after_trim,
		 {"write of 0x", ": inside block 0x", " of 24 bytes, freed by free, call "}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct ending e = child_run(faults[i].misuse);

		expect_line(&e, faults[i].words);
		expect_signal(&e, SIGSEGV);
	}
}

static void free_twice(void)
{
	guard_free(take(24));
	guard_free((void *)block);
}

static void free_large_twice(void)
{
	guard_free(take(2 * MIB));
	guard_free((void *)block);
}

static void realloc_freed(void)
{
	guard_free(take(24));
	guard_free(guard_realloc((void *)block, 10));
}

static void resize_freed_to_same(void)
{
	guard_free(take(24));
	guard_free(guard_realloc((void *)block, 24));
}

static void usable_of_freed(void)
{
	guard_free(take(24));
	guard_malloc_usable_size((void *)block);
}

static void free_after_realloc(void)
{
	take(24);
	if (guard_realloc((void *)block, 2 * MIB))
		guard_free((void *)block);
}

static void free_trimmed(void)
{
	void *keep = take(1);

	guard_free(take(24));
	guard_malloc_trim(0);
	guard_free((void *)block);
	guard_free(keep);
}

static void free_inside(void)
{
	guard_free(take(100) + 16);
}

static void free_inside_large(void)
{
	guard_free(take(MIB) + 4096);
}

static void free_stack(void)
{
	int x[8];

	take(1);
	guard_free(x + 4);
}

static void free_wild(void)
{
	take(1);
	guard_free((void *)0xdead00000000beefu);
}

static void free_page_of_block(void)
{
	guard_free((void *)((uintptr_t)take(100) & ~(uintptr_t)4095));
}

static void free_fence(void)
{
	guard_free(take(32) + 32);
}

static void overflow_found(void)
{
	take(24);
	block[24] = 0;
	guard_free((void *)block);
}

static void overflow_of_aligned_found(void)
{
	take(1);
	block = guard_aligned_alloc(4096, 100);
	block[4095] = 0xff;
	guard_free((void *)block);
}

static void underflow_found(void)
{
	take(24);
	block[-3] = 0;
	guard_realloc((void *)block, 1000);
}

static void underflow_far_found(void)
{
	take(MIB + 1);
	block[-4000] = 7;
	guard_free((void *)block);
}

static void sized_wrong(void)
{
	guard_free_sized(take(24), 25);
}

static void sized_of_aligned(void)
{
	take(1);
	guard_free_sized(guard_aligned_alloc(64, 128), 128);
}

static void aligned_sized_of_plain(void)
{
	guard_free_aligned_sized(take(24), 16, 24);
}

static void aligned_sized_wrong(void)
{
	take(1);
	guard_free_aligned_sized(guard_aligned_alloc(64, 128), 32, 128);
}

static void test_aborts(void **state)
{
	static const struct fault aborts[] = {
		{free_twice,
		 {"guard: free of 0x", ": already freed: block 0x",
		  " of 24 bytes, freed by free, call ", " (allocated by malloc, call "}},
		{free_large_twice,
		 {"guard: free of 0x", ": already freed: block 0x",
		  " of 2097152 bytes, freed by free"}},
		{realloc_freed, {"guard: realloc of 0x", ": already freed: block 0x"}},
		{resize_freed_to_same, {"guard: realloc of 0x", ": already freed: block 0x"}},
		{usable_of_freed, {"guard: malloc_usable_size of 0x", ": already freed: block 0x"}},
		{free_after_realloc,
		 {"guard: free of 0x", ": already freed: block 0x", "freed by realloc"}},
		{free_trimmed,
		 {"guard: free of 0x", ": already freed: block 0x", " of 24 bytes, freed by free"}},
		{free_inside,
		 {"guard: free of 0x", ": not a block, inside block 0x",
		  " of 100 bytes, allocated by malloc"}},
		{free_inside_large,
		 {"guard: free of 0x", ": not a block, inside block 0x", " of 1048576 bytes"}},
		{free_stack, {"guard: free of 0x", ": not a block\n"}},
		{free_wild, {"guard: free of 0xdead00000000beef: not a block\n"}},
		{free_page_of_block, {"guard: free of 0x", ": not a block"}},
		{free_fence, {"guard: free of 0x", ": not a block"}},
		{overflow_found,
		 {"guard: free of 0x", ": found a write of 0x", ": 1 byte behind block 0x",
		  " of 24 bytes, allocated by malloc"}},
		{overflow_of_aligned_found,
		 {"guard: free of 0x", ": found a write of 0x", ": 3996 bytes behind block 0x",
		  " of 100 bytes, allocated by aligned_alloc"}},
		{underflow_found,
		 {"guard: realloc of 0x", ": found a write of 0x", ": 3 bytes before block 0x",
		  " of 24 bytes, allocated by malloc"}},
		{underflow_far_found,
		 {"guard: free of 0x", ": found a write of 0x", ": 4000 bytes before block 0x"}},
		{sized_wrong,
		 {"guard: free_sized of 0x", " with size 25: block 0x",
		  " of 24 bytes, allocated by malloc"}},
		{sized_of_aligned,
		 {"guard: free_sized of 0x", " with size 128: block 0x",
		  " with alignment 64, allocated by aligned_alloc"}},
		{aligned_sized_of_plain,
		 {"guard: free_aligned_sized of 0x", " with size 24 and alignment 16: block 0x",
		  " of 24 bytes, allocated"}},
		{aligned_sized_wrong,
		 {"guard: free_aligned_sized of 0x", " with size 128 and alignment 32: block",
		  " with alignment 64,"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(aborts) / sizeof(aborts[0]); i++) {
		struct ending e = child_run(aborts[i].misuse);

		expect_line(&e, aborts[i].words);
		expect_signal(&e, SIGABRT);
	}
}

/* A number for each call. */
static void count_calls(void)
{
	void *p = take(1);

	guard_free(guard_realloc(p, 2));
	guard_free(p);
}

static void test_call_numbers(void **state)
{
	unsigned long freed, made;
	struct ending e = child_run(count_calls);
	const char *at = strstr(e.said, "freed by realloc, call ");

	(void)state;
	assert_non_null(at);
	assert_int_equal(sscanf(at, "freed by realloc, call %lu (allocated by malloc, call %lu)",
				&freed, &made),
			 2);
	assert_int_equal(freed, made + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FENCE_TEST(test_faults),
		FENCE_TEST(test_aborts),
		FENCE_TEST(test_call_numbers),
	};

	fence_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
