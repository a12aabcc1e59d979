/*
 * fuzz_store.h - the folder that `allocrig fuzz --out DIR` works in, over many calls.
 *
 *	lock             flock: one supervisor at a time
 *	fuzz.json        allocrig.fuzz-dir/1: whose it is, and what all sessions counted
 *	corpus/          libFuzzer's, as wire (harness/prog/wire.h); all targets read and add
 *	inbox/           folders that targets made (finding_folder.h) and nobody has taken in yet
 *	findings/NAME/   one for each signature
 *	skip.txt         signatures that are filed and told, one a line
 *	jobs/N/          of each target: stats.G (fuzz_job.h) of its start number G, log, log.1,
 *			 died-on (the input it died on itself), worst.prog
 *	jobs/shrink/log  what confirming and shrinking complained about
 *	worst/GOAL.prog  of --climb: the worst program of all
 *
 * With several allocators each has such a folder below DIR, by its name, and DIR itself has `lock`
 * and a fuzz.json that says so.
 *
 * Invariants, at any moment, whoever is killed: each file is whole; a finding is in inbox/ or in
 * findings/; what skip.txt names is in findings/ and was told. What fuzz.json counts is of pages
 * before `counted` of their job, each page once; the next session adds those behind.
 */
#ifndef CLI_FUZZ_STORE_H
#define CLI_FUZZ_STORE_H

#include <stdbool.h>

#include "harness/cli/fuzz_files.h"
#include "harness/cli/fuzz_totals.h"

#define FUZZ_JOBS_MAX 256

enum fuzz_goal {
	FUZZ_GOAL_MAPS,
	FUZZ_GOAL_RETAINED,
	FUZZ_GOAL_LOST,
	FUZZ_GOAL_LATENCY,
	FUZZ_GOALS
};

/* "maps"; -1 for what is no goal's name. */
const char *fuzz_goal_name(enum fuzz_goal goal);
int fuzz_goal_by_name(const char *name);

/* Whose findings these are: a folder keeps to one. */
struct store_key {
	const char *allocator; /* name; NULL: of several, with a folder for each in this one */
	const char *other;     /* of a comparison; NULL: none */
};

struct fuzz_store {
	const char *path;	    /* as given; the caller's */
	char real[PATH_MAX];	    /* absolute: targets get paths that are no options */
	int lock;		    /* -1: not opened */
	int goal;		    /* enum fuzz_goal of the present session; -1: none */
	struct fuzz_totals totals;  /* as in fuzz.json */
	uint64_t worst[FUZZ_GOALS]; /* in thousandths, of worst/GOAL.prog */
	uint64_t counted[FUZZ_JOBS_MAX];
	struct store_key key;
	bool trouble; /* it was told that something cannot be written */
};

/*
 * Opens or makes the folder, with the folders above it, and adds what a killed session left
 * uncounted. Complains and returns an exit code: a folder that is something else, somebody else's
 * or in use is a misuse.
 */
int store_open(struct fuzz_store *s, const char *path, const struct store_key *key);
void store_close(struct fuzz_store *s);

/* Only what takes the lock may write: for a forked process that does not. */
void store_forget_lock(struct fuzz_store *s);

/* DIR/FORMAT, absolute. */
__attribute__((format(printf, 2, 3))) struct files_path store_file(const struct fuzz_store *s,
								   const char *format, ...);

/* Writes fuzz.json. Where that fails it is told once, and the next save has everything. */
void store_save(struct fuzz_store *s);

/* The target with page counted[job] is over: counts it, saves, and removes its file. */
void store_count_page(struct fuzz_store *s, unsigned job, const struct job_stats *page);

/* jobs/JOB/worst.prog is so bad: it becomes the worst of all if it is. */
void store_take_worst(struct fuzz_store *s, unsigned job, uint64_t milli);

/* "cannot write FILE: why; going on", once until something could be written again. err: -errno. */
void store_trouble(struct fuzz_store *s, const char *file, int err);

#endif
