/*
 * limit_program.h - the program of `allocrig bench maps`, and how much is live at each of its ops.
 *
 *   mmap   m[0:L] 1p       the table half full of others, where that is asked for
 *   munmap m[0:L:2]
 *   malloc b[0:N] S        N: more than the map table has room for, twice
 *   free   b[1:N:2]        holes, so that neighbours cannot merge
 *   malloc b[1:N:2] 2*S    what fits none of them
 *   checkpoint full
 *   free   b[0:N:2]
 *   free   b[1:N:2]
 *   checkpoint freed
 *
 * Nothing is written into the blocks: an allocator's own headers alone are resident.
 */
#ifndef BENCH_LIMIT_PROGRAM_H
#define BENCH_LIMIT_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit_program {
	uint64_t blocks, block_bytes;
	int32_t first; /* statement of the first malloc */
	char text[512];
	size_t len;
};

/* `max_map_count` of the machine. */
void limit_program_make(struct limit_program *p, uint64_t block_bytes, int64_t max_map_count,
			bool half_full);

/* What is live before the op on `slot` in statement `stmt`, when all went well up to there. */
struct limit_live {
	uint64_t blocks, bytes;
};
struct limit_live limit_program_live(const struct limit_program *p, int32_t stmt, uint64_t slot);

/* The statement that has no op of the allocator's: between what is had and what is given back. */
int32_t limit_program_full(const struct limit_program *p);

/* "malloc" or "free" of a statement; "" of others. */
const char *limit_program_op(const struct limit_program *p, int32_t stmt);

#endif
