/*
 * tape_print.h - one kernel call as a line for people, as strace writes it:
 *
 *   [4 free b[3]] munmap(0x7f01a2b3c000, 135168) = -1 ENOMEM (injected)  maps 41
 *   [7 @1 malloc b[0] iteration 3 in fork 1 again] ...
 *   [8 munmap m[0]] (program) munmap(0x7f01a2b3c000, 4096) = 0  maps 40
 *
 * In brackets the op (its number, thread, name, slot) that was running. Addresses are hexadecimal,
 * lengths decimal. `maps` is the map count behind the call, as a difference from the start.
 */
#ifndef CLI_TAPE_PRINT_H
#define CLI_TAPE_PRINT_H

#include <stddef.h>

#include "harness/exec/shared.h"

/* Without newline. Returns the length, or -ENOSPC; TAPE_LINE bytes suffice. */
#define TAPE_LINE 2048
int tape_print(const struct tape_entry *e, char *buf, size_t size);

#endif
