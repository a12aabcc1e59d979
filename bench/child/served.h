/*
 * served.h - who serves the calls of this process, proven by address.
 */
#ifndef BENCH_CHILD_SERVED_H
#define BENCH_CHILD_SERVED_H

#include "bench/child/bench.h"

/*
 * Each function that a workload may call has to lie in the file of page->in.file. Fills
 * page->served; ends the process where another file serves one.
 */
void served_prove(struct bench *b);

/* Run by hand: whoever has malloc is the one that was meant. */
void served_accept(struct bench_page *page);

/* The allocator's own purge; served_prove has seen that it has one where page->in.after wants it.
 */
void served_purge(void);

#endif
