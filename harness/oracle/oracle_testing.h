/*
 * oracle_testing.h - an allocator that is acted: tests say what a call returned, the oracles judge.
 *
 * A stage has a model of 64 block slots, and a pool of zeroed memory that the acted
 * blocks lie in. Slots remember the last pointer, as exec does.
 */
#ifndef ORACLE_TESTING_H
#define ORACLE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/oracle/model.h"

#define STAGE_SLOTS 64
#define STAGE_PAGE  4096
#define STAGE_POOL  (4u << 20)

struct stage {
	struct arena arena;
	struct model *model;
	struct range_set *program; /* the program's mappings, as exec keeps them */
	struct finding_sink sink;
	unsigned char *pool;	    /* page-aligned */
	void *pointer[STAGE_SLOTS]; /* what each slot holds */
	uint32_t stmt;
};

/* One acted call. errno before it is 0. */
struct act {
	uint8_t code; /* enum op_code */
	uint64_t arg0, arg1;
	uint32_t slot;
	void *ret;
	void *memptr_after; /* posix_memalign that failed: what it left; NULL as before */
	int result, errno_after;
	bool usable_known;
	uint64_t usable;	/* after the call; of the old block for free and usable */
	uint64_t usable_before; /* realloc: of the old block; 0: what it was */
	enum null_cause cause;
	bool in_fork;
};

void stage_start(struct stage *s);
void stage_start_full(struct stage *s); /* with check_full */
void stage_end(struct stage *s);

/* Runs oracle_before and oracle_after, and follows the slot's pointer. */
void stage_act(struct stage *s, struct act a);
/* The two halves, for what happens inside the call. */
void stage_before(struct stage *s, struct act a);
void stage_after(struct stage *s, struct act a);
void stage_malloc(struct stage *s, uint32_t slot, void *ret, uint64_t size);
void stage_free(struct stage *s, uint32_t slot);
void stage_touch(struct stage *s, uint32_t slot);
void stage_finish(struct stage *s); /* oracle_end */

/* A mapping of the program's own. */
void stage_map(struct stage *s, uint32_t slot, uintptr_t start, size_t len);
void stage_unmap(struct stage *s, uintptr_t start, size_t len);

/* No finding since the last look. */
void assert_clean(struct stage *s);
/* Exactly one finding since the last look, this one; returns it. */
struct finding assert_found(struct stage *s, enum finding_kind kind, enum finding_rule rule);

#endif
