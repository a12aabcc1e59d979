/*
 * shrink_priv.h - inside of shrink*.c: the best program so far, the trial, and the passes.
 *
 * A pass makes every step of its kind, each by changing a copy of the best program (shrink_trial)
 * and asking (shrink_try). It says whether any was kept. Once `stop` is set nothing is asked.
 */
#ifndef CLI_SHRINK_PRIV_H
#define CLI_SHRINK_PRIV_H

#include "harness/cli/shrink.h"
#include "harness/prog/program.h"

#define SHRINK_PAGE 4096

/* Texts that did not fire, by their hash: none is asked about twice. */
struct seen {
	uint64_t *slot; /* 0: free */
	size_t n, size; /* size: a power of two */
};

struct shrink {
	const struct shrink_request *req;
	struct program best, trial; /* statements are numbered */
	size_t *starts;		    /* scratch for a list of statements: max_ops + 1 */
	uint64_t *values;	    /* scratch for numbers: 4 * max_ops */
	char *text;		    /* of the trial */
	size_t text_size;
	struct seen seen;
	uint64_t asked, kept;
	int stop;
};

/* A program in memory: `ops` is the caller's to free. -EINVAL, -ENOMEM. */
int shrink_read(const char *text, size_t len, struct program *ret_program);
/* The length of the text in *buf, which is made as large as it must be (*size is 0 or its), or
 * -errno. */
int shrink_write_text(const struct program *p, char **buf, size_t *size);

/* A copy of the best program, to be changed. */
struct program *shrink_trial(struct shrink *s);

/* Whether the trial is a valid program that fires; then it is the best. */
bool shrink_try(struct shrink *s);

/* Changes the trial so that a number which is `now` becomes `value`. */
typedef void shrink_put_fn(struct program *trial, const void *what, uint64_t now, uint64_t value);

/*
 * Looks for the least value from `least` on that fires, by bisection: it ends where one less does
 * not. Whether it found any below `now`.
 */
typedef bool shrink_find_fn(struct shrink *s, shrink_put_fn *put, const void *what,
			    const uint64_t range[2] /* least, now */);
shrink_find_fn shrink_least;
/* The least or else halves, as long as they fire: what is left is at most twice as much. */
shrink_find_fn shrink_halves;

/*
 * An op with this code is dropped by shrink_compact, which numbers the statements again and moves
 * the from= and to= of faults along. A fault whose statements are all gone goes too.
 */
#define SHRINK_DEAD OP_CODES
void shrink_compact(struct program *p);

/* The index behind the statement at `i`: of a block behind its end. */
size_t shrink_behind(const struct program *p, size_t i);

/* Whether every op may stand where it stands. */
bool shrink_places_are_right(const struct program *p);

/*
 * Where the statements of a list begin that starts at op `begin`, in s->starts, with the end behind
 * the last. Returns how many.
 */
size_t shrink_list(struct shrink *s, size_t begin);

/* Whether two ops differ at most in slots, numbers, and which call fills the slots with blocks. */
bool shrink_ops_are_alike(const struct op *a, const struct op *b);

bool shrink_pass_costs(struct shrink *s);
bool shrink_drop_header(struct shrink *s);
/* Slots between those where a slice begins or ends, where there are `most` or more. */
bool shrink_narrow(struct shrink *s, unsigned space, uint64_t most, shrink_find_fn *find);
bool shrink_pass_drop_chunks(struct shrink *s);
bool shrink_pass_drop(struct shrink *s);
bool shrink_pass_unwrap(struct shrink *s);
bool shrink_pass_header(struct shrink *s);
bool shrink_pass_slots(struct shrink *s);
bool shrink_pass_threads(struct shrink *s);
bool shrink_pass_ops(struct shrink *s);
bool shrink_pass_equal_numbers(struct shrink *s);
bool shrink_pass_join(struct shrink *s);
bool shrink_pass_spread(struct shrink *s);
bool shrink_pass_roll(struct shrink *s);

/*
 * The numbers of an op that are sizes, counts or offsets, and the least that each may become. An
 * op has at most SHRINK_NUMBERS.
 */
#define SHRINK_NUMBERS 5
struct shrink_number {
	size_t offset; /* of a uint64_t in struct op */
	uint64_t least, unit;
	bool is_size; /* of memory: it may have to be the same as others */
};
unsigned shrink_numbers(const struct op *op, struct shrink_number number[SHRINK_NUMBERS]);
/* Makes those of an op smaller that `wanted` names, by its value; NULL: all. */
typedef bool shrink_wanted_fn(const struct op *op, const struct shrink_number *n, uint64_t value);
bool shrink_op_numbers(struct shrink *s, size_t op, shrink_wanted_fn *wanted, shrink_find_fn *find);
uint64_t *shrink_number_in(struct op *op, const struct shrink_number *number);

#endif
