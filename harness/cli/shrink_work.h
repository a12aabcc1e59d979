/*
 * shrink_work.h - a finding made small: how often it shows, what has to be clean, what is left.
 *
 * What `allocrig shrink` and finding folders have in common. Nothing is printed.
 */
#ifndef CLI_SHRINK_WORK_H
#define CLI_SHRINK_WORK_H

#include "harness/cli/hunt.h"
#include "harness/cli/shrink.h"

struct shrink_work {
	struct hunt *hunt; /* what is hunted is chosen */
	const char *text;  /* a program that showed it */
	size_t len;
	unsigned tries; /* 0: as is measured */
	unsigned shown; /* runs that showed it already, each of them */
	/* Told of each answer of the hunt; -errno from it ends it all. NULL: nobody. */
	int (*told)(void *ctx, const char *text, size_t len, bool fired);
	void *ctx;
	/* What came of it. */
	struct hunt_rate before, after, other; /* other: loaded in the other mode */
	struct shrink_result result;
};

/*
 * How often it shows, which decides how often a smaller program is tried. -EAGAIN where it did not
 * show again, and `before` says in how many runs; or as hunt_once.
 */
int shrink_measure(struct shrink_work *w);
/* The same where it is known how often it shows. */
void shrink_try_as(struct shrink_work *w, struct hunt_rate rate);

/*
 * Opens `name` (NULL: guard), which has to be clean wherever the program is, if it is on the whole
 * program. 1: it is, and the hunt has it; 0: it is not; -errno; -ENOENT where it cannot be opened,
 * with a line said and the exit code in *ret_code.
 */
int shrink_choose_reference(struct shrink_work *w, const char *name, struct subject *reference,
			    int *ret_code);

/*
 * Shrinks, until hunt.deadline_ns. Fills `result`, which is the caller's to release. Returns 0,
 * also when it was stopped softly (result.stopped: -EINTR, -ETIME); else -errno.
 */
int shrink_minimize(struct shrink_work *w);

/*
 * How often a program shows it, in as many runs as `as`; in more where it shows sometimes and has
 * not yet. Returns 0 or as hunt_measure.
 */
int shrink_measure_as(struct hunt *h, const char *text, size_t len, struct hunt_rate as,
		      struct hunt_rate *ret_rate);

/* How often the result shows, in this mode and in the other, as far as no interrupt comes. */
void shrink_measure_again(struct shrink_work *w);

enum load_mode shrink_other_load(enum load_mode load);
bool shrink_has_other_load(const struct subject *s);

#endif
