/*
 * fuzz_filing.h - findings: taken out of the inbox, filed once each, told.
 *
 * A folder is on the disk before it is moved, moved before it is told, and told before skip.txt
 * names it. So what was told is there, and what a killed session moved and did not tell is told by
 * the next one.
 */
#ifndef CLI_FUZZ_FILING_H
#define CLI_FUZZ_FILING_H

#include <stdio.h>

#include "harness/cli/finding_folder.h"
#include "harness/cli/fuzz_store.h"

struct filed {
	char *name; /* of the folder in findings/ */
	char *signature, *message;
	enum folder_state state;
	bool is_new; /* told in this session */
	bool known;  /* to the profile: --strict filed it */
	/* In this session: how often work on it was begun, and how often that ended by a signal. */
	unsigned rounds, deaths;
};

struct filing {
	struct fuzz_store *store;
	FILE *out;	    /* where findings are told */
	struct filed *list; /* those of earlier sessions first */
	size_t n, nnew;
	char **refused; /* names in the inbox that were complained about */
	size_t nrefused;
};

/* Reads findings/, tells what was not, and makes skip.txt anew. Returns 0 or -errno. */
int filing_begin(struct filing *f, struct fuzz_store *store, FILE *out);

/* Takes in what lies in the inbox. What cannot be taken in stays there, and is told once. */
void filing_take(struct filing *f);

/* Reads again how far a folder is. */
void filing_look(struct filing *f, size_t i);

/* Whether there is work to do on it. */
bool filed_is_open(const struct filed *filed);

struct files_path filing_path(const struct filing *f, size_t i); /* absolute */

void filing_release(struct filing *f);

#endif
