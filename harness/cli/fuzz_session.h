/*
 * fuzz_session.h - one allocator fuzzed in one folder, from opening it to the last word.
 */
#ifndef CLI_FUZZ_SESSION_H
#define CLI_FUZZ_SESSION_H

#include "harness/cli/fuzz_climb.h"
#include "harness/cli/fuzz_command.h"
#include "harness/cli/fuzz_targets.h"
#include "harness/cli/fuzz_worker.h"

struct fuzz_session {
	const struct fuzz_command *cmd;
	const struct subject *subject;
	const char *path; /* the folder, as people know it */
	struct targets_plan targets_plan;
	struct worker_plan worker_plan;
	char target[PATH_MAX];
	struct fuzz_store store;
	struct fuzz_targets targets;
	struct filing filing;
	struct worker worker;
	struct climb_table climb;
	struct fuzz_totals before; /* of all sessions before this one */
	uint64_t begin_ns;
	uint64_t corpus; /* programs in it, at the end */
	bool interrupted;
	enum outcome outcome;
	char reason[640];
};

/*
 * Fuzzes `subject` for time_ns and shrinks for at most shrink_ns more. Tells and prints everything
 * but JSON, and fills outcome. Returns 0, or an exit code where nothing could be done, after it was
 * told. Released by session_release.
 */
int session_run(struct fuzz_session *s, uint64_t time_ns, uint64_t shrink_ns);
void session_release(struct fuzz_session *s);

/* What all sessions have counted, with what the targets have on their pages now. */
struct fuzz_totals session_totals(const struct fuzz_session *s);

/* The same of this session alone; heights are of all. */
struct fuzz_totals session_own(const struct fuzz_session *s);

#endif
