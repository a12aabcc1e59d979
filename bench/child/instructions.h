/*
 * instructions.h - instructions in user mode of all threads, where the machine counts them.
 */
#ifndef BENCH_CHILD_INSTRUCTIONS_H
#define BENCH_CHILD_INSTRUCTIONS_H

#include <stdint.h>

/* Counts this thread and all that it makes from now on. */
void instructions_open(void);
/* UINT64_MAX: they are not counted here. */
uint64_t instructions_read(void);

#endif
