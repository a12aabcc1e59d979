/*
 * finding_folder.h - a folder for each thing that fuzzing found: what was found, the proof made
 * small, and what a person needs to see it again.
 *
 *	found.json    allocrig.found/1: signature, kind, allocator, load mode, when, how; and as far
 *		      as is known: state, rates in both modes, what shrinking did
 *	found.prog    the program as it was found
 *	history/NNN.prog  where it shows only behind other programs in one child: those, in order
 *	program.prog  the smallest so far that shows it
 *	repro.c       the same as C, for `cc` (emit_c.h)
 *	verdict.json  the run object of DESIGN.md, of program.prog in a fresh child
 *	tape.txt      the kernel calls of that run
 *	README.md     what was called, what came back, which rule says otherwise, how often it
 *		      shows, in which load modes, and the commands that show it
 *
 * A folder is made whole under another name, one with a dot before it, and then renamed, and each
 * file in it is replaced by renaming: whenever everything is killed, all that is there is valid.
 * What was not done yet is done by the next folder_work. Errors: 0 or -errno.
 */
#ifndef CLI_FINDING_FOLDER_H
#define CLI_FINDING_FOLDER_H

#include "harness/cli/runner.h"

struct found_text {
	char *text;
	size_t len;
};

struct found {
	char signature[256];
	char message[1536];	  /* one sentence or more, without newline */
	char allocator[PATH_MAX]; /* as -a takes it: a built-in's name or a path */
	uint8_t kind;		  /* enum finding_kind */
	bool known;		  /* the profile knows it (--strict alone files it then) */
	enum load_mode load;	  /* that found it */
	uint64_t hang_ns;
	uint64_t input; /* number of the input, and seconds, until it was found */
	double seconds;
	struct found_text program;
	uint32_t nhistory;	    /* 0: it shows in a fresh child */
	struct found_text *history; /* the oldest first */
};

enum folder_state {
	FOLDER_FOUND,	  /* shown once more, in a fresh child or with its history */
	FOLDER_CONFIRMED, /* the rates are known */
	FOLDER_SHRUNK,	  /* minimal, and all files are there */
	FOLDER_LEFT	  /* what shrinking there was time for, and all files are there */
};

/*
 * Makes folder `name` in `parent`, with found.json, found.prog, program.prog, history and a
 * README.md that says how far it is. -EEXIST where it is there.
 */
int folder_create(const char *parent, const char *name, const struct found *f);

/* -EINVAL for a folder that is none. Released by found_release. */
int folder_read(const char *path, struct found *ret_found, enum folder_state *ret_state);
void found_release(struct found *f);

/* "lost-mapping-free-munmap-3fa91c": of the signature alone, fit for a file's name. */
void folder_name(const char *signature, char *buf, size_t size);

/*
 * Confirms in fresh children in both load modes, measures rates, shrinks and writes all files, as
 * far as that was not done. `subject` is found.allocator, opened. `deadline_ns` of CLOCK_MONOTONIC
 * (0: none) bounds the shrinking alone. `on_step` is told what is going on, in a few words; NULL:
 * nobody. -EINTR after an interrupt.
 */
struct folder_work {
	const char *path;
	const struct subject *subject;
	struct runner_options options; /* hang_ns, seed, strict, wrong_rule */
	uint64_t deadline_ns;
	void (*on_step)(void *ctx, const char *what);
	void *ctx;
};
int folder_work(const struct folder_work *w);

#endif
