/*
 * shrink.h - makes a program smaller as long as somebody says that it still shows what it is for.
 *
 * A step is one change of a valid program into a smaller valid one: statements dropped, a block
 * unwrapped, two statements joined, a header line dropped, a number or a slice made smaller, a slot
 * or a thread renamed, a call replaced by a plainer one. A step is kept when `fires` says yes to
 * what came out. Chunks go first, fine steps later, and it ends with a pass over every step of
 * which none was kept: then the result is minimal, nothing more can be taken from it. Everything
 * depends on the program and on the answers alone.
 *
 * Programs are handed over as text, in canonical form and NUL-terminated. Nothing here runs or
 * prints anything. Memory is a few copies of the program.
 */
#ifndef CLI_SHRINK_H
#define CLI_SHRINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/op.h"

/* 1: it fires, and is the best so far from now on; 0: it does not; -errno: stop asking. */
typedef int shrink_fires_fn(void *ctx, const char *text, size_t len);

struct shrink_request {
	const char *text; /* a program that fires: this is not asked again */
	size_t len;
	shrink_fires_fn *fires;
	void *ctx;
};

struct shrink_result {
	char *text; /* owned: the last one that fired */
	size_t len;
	uint64_t statements_before, statements;
	uint64_t asked; /* calls of `fires` */
	uint64_t kept;	/* of them, answered with 1 */
	int stopped;	/* 0: the result is minimal; else what `fires` ended it with */
};

/* Returns 0; -EINVAL for a text that is no program; -ENOMEM. */
int shrink_program(const struct shrink_request *req, struct shrink_result *ret_result);
void shrink_result_release(struct shrink_result *r);

/*
 * The canonical text of the program in `fd`, with the fault lines of `more` behind its own, and its
 * ballast instead of the program's where `more` has one. Returns 0, -EINVAL for a program with an
 * error, -E2BIG for too many faults, -ENOMEM. *ret_text is the caller's to free.
 */
int shrink_text(int fd, const struct prog_header *more, char **ret_text, size_t *ret_len);

/*
 * The program with ballast instead of its faults, so many maps of headroom; where `between`, each
 * block that is used has one on either side. -ENOTSUP where there are other refusals than ENOMEM,
 * or none, or ballast already.
 */
struct shrink_ballast {
	uint64_t maps;
	bool between;
};
int shrink_with_ballast(const char *text, size_t len, const struct shrink_ballast *how,
			char **ret_text, size_t *ret_len);

/*
 * Several programs as one, in their order: behind each but the last its slots are emptied, as a fed
 * child does. Refusals, ballast and needs are the last one's. Errors as of shrink_text; -E2BIG
 * where it would be longer than `most` bytes.
 */
struct shrink_part {
	const char *text;
	size_t len;
};
int shrink_join(const struct shrink_part *parts, size_t n, size_t most, char **ret_text,
		size_t *ret_len);

#endif
