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
#define FOLDER_SAID 256
struct folder_proof {
	bool tried;	/* there was a compiler, and it took the file */
	bool has_plain; /* glibc is another allocator than the one that is judged */
	int exit_with;	/* under the allocator: its status; -1: it did not end in time; else
			   -signal - 1 */
	int exit_plain; /* on plain glibc */
	char said[FOLDER_SAID], said_plain[FOLDER_SAID]; /* the first line of what it printed */
	char why_not[FOLDER_SAID];			 /* why there is none, or was not tried */
};

struct folder {
	int dir; /* open, and locked by who works on it; -1: neither */
	struct found found;
	enum folder_state state;
	/* The files of the history that is still needed, found.nhistory names, each owned. */
	char **history_names;
	struct hunt_rate rate, rate_other; /* of found.load and the other; runs 0: not measured */
	struct hunt_rate rate_found;	   /* of found.prog */
	uint32_t joined; /* programs that program.prog began as; 0: found.prog alone */
	bool not_shown;	 /* it did not show again, in as many runs as that */
	uint64_t statements_before, statements, runs;
	int stopped;  /* what shrinking ended with */
	uint8_t rule; /* enum finding_rule, of the run in verdict.json; RULE_NONE: not known */
	bool alone;   /* that run shows it */
	char library[PATH_MAX]; /* for LD_PRELOAD; "": none */
	char build[512];	/* "name version, build id ..., sha256 ...": the allocator */
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

/* What a finding is wrong by, and where that stands. */
struct folder_rule {
	const char *sentence, *source;
};
const struct folder_rule *folder_rule(unsigned kind, unsigned rule);

/* Writes repro.c, runs it where there is a compiler, and notes in f->proof what came of it. */
int folder_prove(struct folder *f, const struct subject *subject, const struct found_text *text);
/* Whether that is what a program ends with that shows it. */
bool folder_proof_shows(int status);

/*
 * What is needed of the programs before it. Where a fresh child shows it alone, or all of them as
 * one program do, there is no history any more, and *ret_text is that program (else NULL). Else the
 * list, and then each of them, is made as small as there is time for. -EAGAIN: nothing shows it.
 */
int folder_shrink_history(struct folder *f, struct hunt *h, struct found_text *ret_text);

/* README.md, as far as it is. `text` is program.prog. */
int folder_put_readme(const struct folder *f, const struct found_text *text);

#endif
