/*
 * metrics.h - what the program has, as differences from the moment before its first statement:
 * maps (VMAs that hold a page of its own), bytes mapped, bytes resident. Its own is all that was
 * not there before; the break counts.
 */
#ifndef EMIT_METRICS_H
#define EMIT_METRICS_H

#include <stdint.h>

void metrics_start(void);

int64_t maps(void);
int64_t mapped(void);
int64_t rss(void);

/* What the kernel has refused to give back to the allocator: nothing, where there is none. */
int64_t lost(void);

/* The highest so far, at the ends of statements and after as many calls as can be looked at. */
int64_t maps_peak(void);
int64_t mapped_peak(void);
int64_t rss_peak(void);
void peaks_start(void);
void peaks_sample(void); /* a statement has ended */

/* Says the numbers on standard output. */
void checkpoint(const char *name);

#endif
