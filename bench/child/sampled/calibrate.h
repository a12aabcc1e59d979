/*
 * calibrate.h - what timing and seeing cost here, in ticks: medians of some hundred times.
 */
#ifndef BENCH_CHILD_CALIBRATE_H
#define BENCH_CHILD_CALIBRATE_H

#include <stdint.h>

/* Against CLOCK_MONOTONIC_RAW, for `ns` of it. */
uint64_t calibrate_ticks_per_ms(uint64_t ns);
/* Of a measurement with nothing in it. */
uint64_t calibrate_timer(void);
/* What a kernel call costs more that is seen, on a thread that is armed. */
uint64_t calibrate_trap(void);

#endif
