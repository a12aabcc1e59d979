/*
 * blocks.h - what the loops of several workloads share: tables of blocks, tags, how long to go on.
 *
 * A table says where a block is and how long it is; the block itself holds only a tag, which is
 * read when it is freed where that belongs to the pattern, and when a table is drained in any case.
 * The tag is read and compared on every allocator, the void one too, so that all do the same work;
 * whether a wrong one ends the run is up to b->verify, outside of the hot loop.
 */
#ifndef BENCH_WORKLOADS_BLOCKS_H
#define BENCH_WORKLOADS_BLOCKS_H

#include <calls.h>

#include "bench/child/bench.h"

/* Ops between two looks at the clock. */
#define BLOCKS_CHUNK 4096

struct block {
	void *p; /* NULL: none */
	size_t size;
};

/* The first block that was not as it was left. */
struct odd {
	bool seen;
	uint64_t slot;
	size_t size;
};

/* How many ops to do before asking again; 0: it is over. `left` is of fixed work. */
static inline uint64_t blocks_more(const struct bench *b, uint64_t *left)
{
	uint64_t n = *left < BLOCKS_CHUNK ? *left : BLOCKS_CHUNK;

	if (bench_is_over(b))
		return 0;
	if (b->stop_ns)
		return BLOCKS_CHUNK;
	*left -= n;
	return n;
}

BENCH_INLINE void odd_note(struct odd *o, uint64_t difference, uint64_t slot, size_t size)
{
	if (__builtin_expect(difference != 0, 0) && !o->seen)
		*o = (struct odd){.seen = true, .slot = slot, .size = size};
}

/* Of blocks of 4 bytes and more: their first word. */
BENCH_INLINE void block_tag(const struct block *k, uint64_t slot)
{
	*(volatile uint32_t *)k->p = (uint32_t)slot;
}

BENCH_INLINE void block_check(const struct block *k, uint64_t slot, struct odd *o)
{
	odd_note(o, *(volatile uint32_t *)k->p ^ (uint32_t)slot, slot, k->size);
}

/*
 * Words that differ from each other and from block to block. Volatile, as compilers make calls
 * of loops that copy.
 */
BENCH_INLINE void words_fill(void *p, size_t words, uint64_t first)
{
	volatile uint64_t *word = p;

	for (size_t i = 0; i < words; i++)
		word[i] = first + i;
}

/* 0: they are as words_fill left them. */
BENCH_INLINE uint64_t words_differ(const void *p, size_t words, uint64_t first)
{
	const volatile uint64_t *word = p;
	uint64_t differ = 0;

	for (size_t i = 0; i < words; i++)
		differ |= word[i] ^ (first + i);
	return differ;
}

/* Frees what is in a table whose blocks are tagged with their slots, and judges the tags. */
void blocks_drain(struct bench *b, struct lane *l, struct block *blocks, size_t n);

/* Ends the process where a block was not as it was left, and where that means something. */
void odd_judge(struct bench *b, const struct odd *o);

#endif
