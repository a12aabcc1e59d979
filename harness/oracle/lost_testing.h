/*
 * lost_testing.h - kernel calls that are acted: tests say what was asked for and how it ended.
 *
 * Addresses are pages, counted from BASE; nothing is mapped there.
 */
#ifndef ORACLE_LOST_TESTING_H
#define ORACLE_LOST_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/oracle/lost.h"
#include "harness/prog/op.h"

#define PAGE	 4096ul
#define BASE	 0x7f0000000000ul
#define CAPACITY 64

struct fixture {
	struct arena arena;
	struct lost *l;
	struct finding_sink sink;
	int32_t stmt; /* of the calls that are made */
	uint64_t calls;
};

void begin(struct fixture *f, uint32_t capacity);
/* Setup and teardown of a test with CAPACITY. */
int start(void **state);
int end(void **state);

struct span pages(unsigned from, unsigned n);

/* A call of the allocator's, in free on b[7]; its iteration counts the calls. */
void call(struct fixture *f, const struct kernel_call *c, const struct effect *e);
void unmap(struct fixture *f, struct span s, int err);
void purge(struct fixture *f, struct span s, int err);

#endif
