/*
 * proof.h - shows again, without the past of the child that showed it first, what a fed program has
 * shown.
 *
 * In this order: the program in a fresh child; the same with its blocks freed at its end, as a fed
 * child does; the programs before it and it, handed to another child, as few of them as will do;
 * and where that shows it, all of them as one program in a fresh child, which is the better proof.
 * Of what goes on side by side a fresh child is asked more often. The longer runs that a growth
 * asks for belong to it.
 *
 * A long past is poor proof and takes long, and most of what is wrong shows again soon with less
 * before it. So proof_find looks at a few programs alone, and a past that is longer may be kept
 * until it is clear that nothing better comes.
 */
#ifndef FUZZ_PROOF_H
#define FUZZ_PROOF_H

#include "fuzz/feeding.h"

struct proof {
	const struct verdict_finding *finding;
	const struct input_text *program;
	const struct input_text *history; /* programs before it, the oldest first */
	unsigned nhistory;		  /* 0: it shows in a fresh child */
};

struct proof_search {
	const struct feeding *feeding;
	struct input *input;
	const struct input_text *program;
	const char *signature; /* what was seen */
	/* Gets all findings of each fresh run, known ones too, and what a history shows. */
	void (*on_proof)(void *ctx, const struct proof *p);
	void *ctx;
};

/* Whether the signature was shown again. What could not even be run shows nothing. */
bool proof_find(const struct proof_search *s);

/* The programs that the fed child has had, the last one with them. NULL: none, or no memory. */
struct past;
struct past *past_copy(const struct feeding *f);
void past_free(struct past *p);

/* The same with as many of these programs as it takes; search.program is not looked at. */
bool proof_find_behind(const struct proof_search *s, const struct past *past);

#endif
