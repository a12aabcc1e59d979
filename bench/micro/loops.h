/*
 * loops.h - what is timed: these loops call the allocator and nothing else, which a test reads out
 * of their machine code. They do not look at what they get; free(NULL) is fine.
 */
#ifndef BENCH_MICRO_LOOPS_H
#define BENCH_MICRO_LOOPS_H

#include <stddef.h>
#include <stdint.h>

void loop_malloc_free(size_t size, uint64_t n);
void loop_calloc_free(size_t size, uint64_t n);
void loop_aligned_free(size_t align, size_t size, uint64_t n);

/* n blocks that grow from 16 bytes until `top` is passed: by half, or by 16 bytes a step. */
void loop_realloc_half(size_t top, uint64_t n);
void loop_realloc_step(size_t top, uint64_t n);

void loop_fill(void **blocks, size_t count, size_t size);
/* In this order of indices. */
void loop_drop(void **blocks, const uint32_t *order, size_t count);

#endif
