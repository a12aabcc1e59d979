/*
 * hunt.h - one finding, and whether a program still shows it: each time in a fresh child.
 *
 * A finding is known by its signature, of what stands still without the frames. What does not show
 * every time is asked for until it is known whether it still shows as often; a finding that does
 * must show several times in a row in what is kept, so that nothing drifts from always to
 * sometimes. A suspicion of growth costs long runs to confirm: while `suspect` is set the suspicion
 * is enough.
 *
 * What shows only behind other programs is asked for in a fresh child that is fed those first.
 *
 * What a program says itself is right only as long as the program is the one that was meant: where
 * `->` or `expect` names the finding, a smaller program must also be clean on a reference.
 */
#ifndef CLI_HUNT_H
#define CLI_HUNT_H

#include "harness/cli/hunt_rate.h"
#include "harness/cli/runner.h"
#include "harness/exec/feed.h"

struct hunt {
	const struct subject *subject;
	const struct subject *reference; /* NULL: none */
	struct runner_options options;
	const struct feed_text *history; /* the programs before it, the oldest first */
	uint32_t nhistory;
	char signature[256];
	uint8_t kind;	 /* enum finding_kind */
	bool known;	 /* the profile knows it */
	bool by_program; /* `->` or `expect` names it */
	bool suspect;
	/* How often it has to show, where that is not each time; else all 0, and by `tries`. */
	struct hunt_rate wanted;
	unsigned tries;	      /* runs until it must have shown */
	unsigned in_a_row;    /* runs that must all show it; 1 where tries is more */
	uint64_t deadline_ns; /* of CLOCK_MONOTONIC; 0: none */
	uint64_t runs;	      /* made so far, all */
	uint64_t cut_runs;    /* which were no answer: too long, or the harness could not */
	uint64_t longest_ns;  /* of the runs that showed it */
};

bool hunt_is_growth(const struct hunt *h);
bool hunt_is_stuck(const struct hunt *h);

/*
 * Runs the program until a finding shows, at most `tries` times, and chooses what is hunted: the
 * one with that signature, or without (NULL) the gravest that is not known, or else the gravest.
 * `text` is for people. Returns 0, or the exit code with one line said.
 */
int hunt_choose(struct hunt *h, const char *name, const char *text, size_t len,
		const char *signature);

/* What is hunted, where it is known. A run of it is limited once hunt_limit was called. */
void hunt_set(struct hunt *h, const char *signature, uint8_t kind);
/* By the longest of the runs that showed it. */
void hunt_limit(struct hunt *h);

/*
 * How much of a signature says which finding it is: all, but of what stands still not the frames.
 * Where in its loop that is caught is chance.
 */
size_t hunt_key_length(const char *signature);

/* Whether two signatures mean the same finding. */
bool hunt_is_same(const char *signature, const char *other);

/* One run: 1 it shows, 0 it does not, -EINTR, -ETIME behind the deadline, -errno. */
int hunt_once(struct hunt *h, const char *text, size_t len);

/*
 * So many runs, or fewer where they take long; behind the deadline one. Returns 0, or as hunt_once
 * but for -ETIME.
 */
int hunt_measure(struct hunt *h, const char *text, size_t len, struct hunt_rate *rate);

/* As shrink_fires_fn: with all tries, and on the reference. */
int hunt_fires(struct hunt *h, const char *text, size_t len);

/* One run on another subject: 1 it is clean there, 0 it is not, or as hunt_once. */
int hunt_is_clean(struct hunt *h, const struct subject *on, const char *text, size_t len);

uint64_t hunt_now_ns(void);

#endif
