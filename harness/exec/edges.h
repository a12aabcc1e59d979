/*
 * edges.h - the 8-bit counters of instrumented files that are loaded into the child.
 *
 * Files say where their counters are when they are loaded (sancov.c). The counters stay where they
 * are, and are copied to the shared page, one file's behind the other's in the order of loading,
 * when a program is over: they need not be page aligned, nor belong to the harness.
 *
 * Child only: no allocation, no locks. A file that is unloaded again must not have counters.
 */
#ifndef EXEC_EDGES_H
#define EXEC_EDGES_H

#include "harness/exec/feedback.h"

#define EDGES_FILES 64

/* [start, stop) are counters. The same again, and an empty range, are nothing new. */
void edges_add(uint8_t *start, uint8_t *stop);

/* All counters, and those on the page, are 0. */
void edges_clear(struct run_feedback *f);

/* The counters go to the page, as far as there is room. */
void edges_copy(struct run_feedback *f);

#endif
