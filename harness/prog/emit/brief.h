/*
 * Blocks in few lines: of a program of one thread that allocates, writes and frees. It ends with 0:
 * all was right; 1: something was wrong, and it says what; 77: it cannot tell.
 */
#ifndef EMIT_BRIEF_H
#define EMIT_BRIEF_H

#include <stddef.h>

struct held {
	unsigned char *p;
	size_t size, usable;
	size_t kept, written; /* of so many bytes that were written the first that stay */
	unsigned id;	      /* of what was written */
};

/* Of the program: above main(). */
extern struct held held[];
extern const unsigned held_count;

extern volatile unsigned at_line;

/* It is wrong when a call takes two times as long. */
void begin_held(unsigned seconds);
int end_held(void);
/* Refusals need somebody between the program and the kernel. */
void leave_out_faults(void);

/* Behind each round: what the process has, whether it only grows. */
#define GROWTH_ROUNDS 64
void judge_growth(unsigned round);

void take_malloc(unsigned i, size_t size);
void take_calloc(unsigned i, size_t n, size_t size);
void take_realloc(unsigned i, size_t size);
void take_reallocarray(unsigned i, size_t n, size_t size);
void take_aligned_alloc(unsigned i, size_t align, size_t size);
void take_posix_memalign(unsigned i, size_t align, size_t size);
void take_memalign(unsigned i, size_t align, size_t size);
void take_valloc(unsigned i, size_t size);
void take_pvalloc(unsigned i, size_t size);
void give_free(unsigned i);
void ask_usable_of(unsigned i);
/* All of it, or in a large one both ends and a word in each page. */
void write_held(unsigned i);
void look_at_held(unsigned i);
void look_at_all_held(void);

#endif
