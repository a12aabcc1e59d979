/*
 * process.h - numbers of the whole process as /proc tells them, as differences from the moment
 * before the first statement; NOT_KNOWN where this kernel has no such line.
 */
#ifndef EMIT_PROCESS_H
#define EMIT_PROCESS_H

#include <stdint.h>

void process_start(void);

int64_t anonhuge(void); /* AnonHugePages */
int64_t lazyfree(void); /* LazyFree */
int64_t locked(void);	/* VmLck */
int64_t vmdata(void);	/* VmData */

#endif
