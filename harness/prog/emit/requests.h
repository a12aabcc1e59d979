/*
 * requests.h - what an allocating call is asked for, and whether what it says fits that:
 * C17 7.22.3, POSIX.1 (malloc, posix_memalign).
 */
#ifndef EMIT_REQUESTS_H
#define EMIT_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum by {
	MALLOC,
	CALLOC,
	REALLOC,
	REALLOCARRAY,
	ALIGNED_ALLOC,
	POSIX_MEMALIGN,
	MEMALIGN,
	VALLOC,
	PVALLOC,
	FREE,
	FREE_SIZED,
	FREE_ALIGNED_SIZED,
	USABLE
};

struct request {
	enum by call;
	size_t a, b; /* its arguments */
	uint64_t count, size, bytes, align;
	bool is_bad_align, is_odd_align, is_absurd, is_no_multiple;
	void *before, *ret;
	int err_before, err, result; /* `result`: of posix_memalign */
	void *out;		     /* what posix_memalign left behind */
};

/* From the call and its arguments all that follows from them. */
void request_read(struct request *r);

void request_judge_null(const struct request *r);
void request_judge_posix_memalign(const struct request *r);
void request_judge_accepted(const struct request *r);
void request_judge_alignment(const struct request *r);

const char *errno_word(int err);

#endif
