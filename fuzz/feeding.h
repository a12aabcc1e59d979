/*
 * feeding.h - an allocator that is being fed: its profile, the child that gets its inputs, and
 * fresh children for what that one cannot prove.
 *
 * The fed child is replaced before it has had more programs than are kept of it, so that whatever
 * it shows can be shown again from its start. Raising and lowering a ballast takes as long as
 * hundreds of programs: those with ballast have a child of their own, where it stands.
 */
#ifndef FUZZ_FEEDING_H
#define FUZZ_FEEDING_H

#include "fuzz/flags.h"
#include "fuzz/input.h"
#include "harness/exec/feed.h"

/* Some defects show in a new heap alone, and a short past is easier to show again. */
#define FEEDING_HISTORY 128

struct feeding {
	const char *name; /* as -a takes it */
	struct subject subject;
	struct runner_options run;   /* of fresh children */
	struct feed_options options; /* of fed ones */
	char child[PATH_MAX];
	struct feeder *feeder[2]; /* without ballast, and with; NULL: no such program yet */
	unsigned last;		  /* which had the last program */
	bool resident;		  /* resident bytes of each program, and not of some */
	uint64_t children_before; /* of feeders that were released */
};

/*
 * Resolves the allocator, runs nothing on it in a child of its own, and is ready to feed. Returns
 * 0, or an exit code with one line said: there is no such allocator, it cannot be run here.
 * `outcomes`: as feed_options has it.
 */
int feeding_open(struct feeding *f, const char *name, const struct target_flags *flags,
		 uint32_t outcomes);
void feeding_release(struct feeding *f);

/* That had the last program, or will have the first. */
struct feeder *feeding_feeder(const struct feeding *f);

/* As feeder_run. */
int feeding_run(struct feeding *f, const struct input_text *t, struct feed_result *ret);

/* The last program was the last one of its child: what that holds is damaged. 0 or -errno. */
int feeding_renew(struct feeding *f);

/* Children that were started to be fed. */
uint64_t feeding_children(const struct feeding *f);

/*
 * All findings of a fed program in words: those of the child, and the growth that it may be. At
 * most FINDING_MAX + 1, in `ret`; the one that is only suspected goes to `growth`.
 */
unsigned feeding_describe(const struct feeding *f, const struct feed_result *r,
			  struct finding *growth, struct verdict_finding *ret);

#endif
