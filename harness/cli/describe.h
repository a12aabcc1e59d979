/*
 * describe.h - what an allocator does, measured by small programs, one fresh child each.
 *
 * Every fact comes from a run. One that could not be measured stays at its `unknown` value and
 * `note` says why (a crash on the way there is such a reason, not a failure of the command).
 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include <stdio.h>

#include "harness/cli/left_behind.h"
#include "harness/cli/rule.h"
#include "harness/cli/runner.h"

/* Requests from `first` to `last` bytes give usable sizes that rise in steps of `step`. */
struct class_range {
	uint32_t first, last, step;
};

#define DESCRIBE_RANGES	  512
#define DESCRIBE_OVERHEAD 7

struct overhead {
	uint64_t size; /* requested */
	double bytes;  /* resident bytes per block beyond it; negative: not measured */
};

struct answer {
	const struct rule *rule; /* of the rulebook */
	struct answer_word value;
};

#define DESCRIBE_ANSWERS 64

struct description {
	char version_by_itself[128];
	/* Usable sizes of requests 1 .. 65536; 0 ranges: no malloc_usable_size. */
	uint32_t nclasses, nranges;
	struct class_range range[DESCRIBE_RANGES];
	uint64_t min_block; /* usable bytes of malloc(1) */
	/* Smallest request, to a page, whose blocks each get a mapping of their own; 0: none found.
	 */
	uint64_t mmap_threshold;
	int64_t mmap_maps_per_block; /* maps that eight such blocks cost, divided by eight */
	struct overhead overhead[DESCRIBE_OVERHEAD];
	struct left_behind freed, purged, idle; /* of 300000 blocks of 0.5 to 2 KiB */
	struct answer answer[DESCRIBE_ANSWERS];
	uint32_t nanswers;
	char note[256];
};

/*
 * Measures everything; `book` has the rules that are asked and lives longer. Returns 0, or -errno
 * when runs cannot be made at all.
 */
int describe_measure(const struct subject *s, const struct runner_options *o,
		     const struct rulebook *book, struct description *ret_d);

/*
 * Runs the rules and writes what was measured as a first profile: answers, retention, and what was
 * found as comments, which a person has to decide. profile_load reads it. Returns 0, or -EINTR.
 */
int describe_profile(FILE *out, const struct subject *s, const struct runner_options *o,
		     const struct rulebook *book, const struct description *d);

/* describe_sizes.c, describe_rules.c, describe_kept.c: one group of facts each. */
int describe_classes(const struct subject *s, const struct runner_options *o,
		     struct description *d);
int describe_threshold(const struct subject *s, const struct runner_options *o,
		       struct description *d);
int describe_overhead(const struct subject *s, const struct runner_options *o,
		      struct description *d);
int describe_kept(const struct subject *s, const struct runner_options *o, struct description *d);
void describe_rules(const struct subject *s, const struct runner_options *o,
		    const struct rulebook *book, struct description *d);

/*
 * Runs a made-up program. `options` as in runner_options. Returns 0 with a result that the caller
 * releases, or -errno. `ran` tells whether the program came to its end.
 */
struct described_run {
	struct program program;
	struct outcome_of_run run;
	bool ran;
};
int describe_run(const struct subject *s, const struct runner_options *o, const char *text,
		 struct described_run *ret_run);
void described_run_release(struct described_run *r);

#endif
