/*
 * stack_testing.h - for tests: a process that reports where it is and then stands still, and what
 * its stack must hold. A check that fails prints the whole stack.
 */
#ifndef EXEC_STACK_TESTING_H
#define EXEC_STACK_TESTING_H

#include <stdint.h>
#include <sys/types.h>

#include "harness/exec/process_testing.h"
#include "harness/exec/stack.h"

/* Functions that stacks are searched for have external linkage so that no compiler renames them. */
#define NESTED __attribute__((noinline, noclone, noipa))
#ifdef __clang__
#undef NESTED
#define NESTED __attribute__((noinline))
#endif

/* Keeps the call above it from becoming a jump. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

struct word {
	pid_t tid;
	uint64_t ip; /* of the crash; 0 when there was none */
};

/*
 * Runs `body` in a process where every thread that crashes reports that; `body` may report by
 * itself. Only the first thread has a signal stack from the start.
 */
struct process reporter_start(void (*body)(void));

/* The next report. Waits for it. */
struct word reporter_word(const struct process *p);

/* In the process: a report from the calling thread, and a signal stack for it. */
void tell(uint64_t ip);
void use_alternate_stack(void);

void expect_symbol(const struct stack *s, unsigned i, const char *symbol);

/* The first frame with that symbol, which must be there. */
unsigned find_symbol(const struct stack *s, const char *symbol);

#endif
