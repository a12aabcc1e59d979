/*
 * finding_folder_priv.h - inside of finding_folder*.c: all that found.json says.
 *
 * found.json is written last of what belongs together: what it does not say yet is done again.
 */
#ifndef CLI_FINDING_FOLDER_PRIV_H
#define CLI_FINDING_FOLDER_PRIV_H

#include "harness/cli/finding_folder.h"
#include "harness/cli/hunt.h"

/* What repro.c ended with when it was compiled and run. */
struct folder_proof {
	bool tried;    /* there was a compiler, and it took the file */
	int exit_with; /* under the allocator; -1: it did not end, -signal - 1 where one ended it */
	int exit_plain; /* on plain glibc */
	char why_not[160];
};

struct folder {
	int dir; /* open, and locked by who works on it; -1: neither */
	struct found found;
	enum folder_state state;
	/* The files of the history that is still needed, found.nhistory names, each owned. */
	char **history_names;
	struct hunt_rate rate, rate_other; /* of found.load and the other; runs 0: not measured */
	struct hunt_rate rate_found;	   /* of found.prog */
	bool not_shown;			   /* it did not show again, in as many runs as that */
	uint64_t statements_before, statements, runs;
	int stopped; /* what shrinking ended with */
	struct folder_proof proof;
};

#define FOLDER_HISTORY_MOST 100000

/* "history/007.prog" */
int folder_history_name(uint32_t i, uint32_t n, char buf[32]);

/* found.json. -EINVAL for what is none. `f` is filled but for the texts of the programs. */
int folder_put_json(const struct folder *f);
int folder_get_json(int dir, struct folder *f);

/* The whole of a folder that is there. Locked where `lock`: -EBUSY. Released also when it fails. */
int folder_open(const char *path, bool lock, struct folder *ret_folder);
void folder_release(struct folder *f);

/* README.md, as far as it is. */
int folder_put_readme(const struct folder *f);

#endif
