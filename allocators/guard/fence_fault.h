/*
 * fence_fault.h - SIGSEGV and SIGBUS: explains faults on pages of fence mode.
 *
 * The handler writes one line for an address of its own and passes the signal on to whatever was
 * there before: the action that the first block found, as if this one had never been. A handler
 * that the program installs later takes its place; then nothing is explained.
 */
#ifndef GUARD_FENCE_FAULT_H
#define GUARD_FENCE_FAULT_H

/* Once, by the first block. errno is kept. */
void fence_fault_install(void);

#endif
