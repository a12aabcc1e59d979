/*
 * What hot_test.py has to find (bad_*) and to let pass (good_*).
 */
#include <stdlib.h>

#include "bench/child/bench.h"

void bad_call(int n);
void bad_indirect(void (*fn)(void));
int bad_tail_call(int n);
void bad_system_call(void);
void bad_neighbour(void *p);
void good_calls(void **blocks, size_t n);
void good_tail_call(void *p);
void elsewhere(int n);
int elsewhere_too(int n);

BENCH_HOT void bad_call(int n)
{
	for (int i = 0; i < n; i++)
		elsewhere(i);
}

BENCH_HOT void bad_indirect(void (*fn)(void))
{
	fn();
	fn();
}

BENCH_HOT int bad_tail_call(int n)
{
	return elsewhere_too(n);
}

BENCH_HOT void bad_system_call(void)
{
	__asm__ volatile("syscall" ::: "rax", "rcx", "r11", "memory");
}

BENCH_HOT void good_tail_call(void *p)
{
	free(p);
}

BENCH_HOT void bad_neighbour(void *p)
{
	good_tail_call(p);
	good_tail_call(NULL);
}

BENCH_HOT void good_calls(void **blocks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(i + 1);
		if (__builtin_expect(!blocks[i], 0))
			bench_refused(i);
	}
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
}
