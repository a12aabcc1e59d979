/*
 * work.h - what a silent process has done, seen from outside.
 *
 * An op may be long and right: touching a terabyte, or a calloc that clears gigabytes, makes no
 * heartbeat for minutes. The watchdog tells it from a hang by a number that rises while such work
 * goes on and is bounded where it does not.
 */
#ifndef EXEC_WORK_H
#define EXEC_WORK_H

#include <stdint.h>
#include <sys/types.h>

/*
 * In an allocator call (PHASE_CALL) the highest resident size so far, in KiB: a loop without end
 * may burn processor time, but does not take memory for ever. Else, when the harness itself touches
 * or checks memory, the processor time used, in clock ticks. 0 when it cannot be had.
 */
uint64_t work_done(pid_t pid, unsigned phase);

/* Processes that the kernel has killed for want of memory since it started, or OOM_UNKNOWN. */
#define OOM_UNKNOWN UINT64_MAX
uint64_t oom_kills(void);

#endif
