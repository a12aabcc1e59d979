#include "harness/cli/fuzz_session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_progress.h"
#include "harness/cli/fuzz_report.h"
#include "harness/cli/fuzz_seeds.h"
#include "harness/cli/jobs.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"

#define SAVE_NS (10 * (uint64_t)FUZZ_NS_PER_S)
/* Without an input: hangs are ended by the target's own watchdog, and confirmed in some runs. */
#define STALL_NS    (120 * (uint64_t)FUZZ_NS_PER_S)
#define STALL_HANGS 60

struct fuzz_totals session_totals(const struct fuzz_session *s)
{
	struct fuzz_totals t = s->store.totals;

	if (s->targets.target)
		targets_add(&s->targets, &t);
	return t;
}

struct fuzz_totals session_own(const struct fuzz_session *s)
{
	struct fuzz_totals t = session_totals(s);

	totals_since(&t, &s->before);
	return t;
}

/* What is fuzzed decides which target does it. */
static int find_target(struct fuzz_session *s)
{
	const struct fuzz_command *cmd = s->cmd;
	const char *name = cmd->other			   ? "fuzz_diff"
			   : subject_is_kernel(s->subject) ? "fuzz_mmap"
							   : "fuzz_alloc";
	char dir[PATH_MAX];
	int err = cmd->targets ? 0 : paths_own_dir(dir);

	if (err)
		return err;
	struct files_path path = files_join(cmd->targets ? cmd->targets : dir, name);

	memcpy(s->target, path.s, sizeof(s->target));
	if (access(s->target, X_OK) == 0)
		return 0;
	snprintf(s->reason, sizeof(s->reason),
		 "%.500s is not there: it is built where clang has libFuzzer", s->target);
	return -ENOENT;
}

/* As a target names it, from whatever folder. */
static const char *word_of(const struct subject *subject)
{
	return subject->ref.plugin ? subject->ref.plugin->name : subject->ref.path;
}

static void plan(struct fuzz_session *s, uint64_t time_ns, uint64_t shrink_ns)
{
	const struct fuzz_command *cmd = s->cmd;
	const struct runner_options *r = &cmd->options.runner;

	s->targets_plan = (struct targets_plan){
		.target = s->target,
		.allocator = word_of(s->subject),
		.other = cmd->other ? word_of(&cmd->other_subject) : NULL,
		.load = r->load == LOAD_DLOPEN ? "dlopen" : "preload",
		.jobs = cmd->jobs ? cmd->jobs : jobs_processors(),
		.seed = r->seed,
		.hang_ns = r->hang_ns,
		.stall_ns = cmd->stall_ns ? cmd->stall_ns : STALL_NS + STALL_HANGS * r->hang_ns,
		.end_ns = s->begin_ns + time_ns,
		.strict = r->strict,
	};
	if (s->targets_plan.jobs > FUZZ_JOBS_MAX)
		s->targets_plan.jobs = FUZZ_JOBS_MAX;
	s->worker_plan = (struct worker_plan){
		.subject = s->subject,
		.options = *r,
		.deadline_ns = s->targets_plan.end_ns + shrink_ns,
	};
}

static int open_store(struct fuzz_session *s)
{
	const struct store_key key = {
		.allocator = s->subject->ref.name,
		.other = s->cmd->other ? s->cmd->other_subject.ref.name : NULL,
	};
	int code = store_open(&s->store, s->path, &key);

	if (code)
		return code;
	s->before = s->store.totals;
	s->store.totals.sessions++;
	s->store.goal = s->cmd->goal;
	store_save(&s->store);
	return 0;
}

static int take_seeds(const struct fuzz_session *s)
{
	struct seeds_count count = {0};

	for (size_t i = 0; i < s->cmd->ncorpora; i++) {
		int code =
			seeds_take(s->cmd->corpora[i], store_file(&s->store, "corpus").s, &count);

		if (code)
			return code;
	}
	if (count.too_long)
		cli_complain("%zu of %zu programs are too long for an input and left out",
			     count.too_long, count.too_long + count.taken);
	return 0;
}

/* Waits until there is something to do, or to say. */
static void pause_for(const struct fuzz_session *s)
{
	struct pollfd fds[2 * FUZZ_JOBS_MAX + 1];
	nfds_t n = targets_fds(&s->targets, fds);

	if (s->worker.pid)
		fds[n++] = (struct pollfd){.fd = s->worker.pidfd, .events = POLLIN};
	poll(fds, n, progress_poll_ms());
}

/* fuzz.json as of now; pages that are not over are not in it. */
static void save(struct fuzz_session *s, uint64_t fuzzed_ns)
{
	s->store.totals.fuzzed_ns = s->before.fuzzed_ns + fuzzed_ns;
	store_save(&s->store);
}

static void fuzz(struct fuzz_session *s, struct fuzz_progress *progress)
{
	uint64_t saved_ns = s->begin_ns;

	while (targets_run(&s->targets)) {
		uint64_t now = fuzz_now_ns();

		if (runner_interrupted())
			targets_interrupt(&s->targets);
		targets_tend(&s->targets);
		filing_take(&s->filing);
		worker_tend(&s->worker, s->targets.code || runner_interrupted());
		if (now - saved_ns > SAVE_NS) {
			save(s, now - s->begin_ns);
			saved_ns = now;
		}
		progress_say(progress, s);
		if (targets_run(&s->targets))
			pause_for(s);
	}
	filing_take(&s->filing);
	save(s, fuzz_now_ns() - s->begin_ns);
}

/* What is left to shrink, until its time is over; behind an interrupt only the end of it. */
static void finish(struct fuzz_session *s, struct fuzz_progress *progress)
{
	bool stop = s->targets.code != 0;

	while (s->worker.pid || (!stop && !runner_interrupted() && worker_has_work(&s->worker))) {
		if (stop || runner_interrupted())
			worker_interrupt(&s->worker);
		worker_tend(&s->worker, stop || runner_interrupted());
		progress_say(progress, s);
		if (s->worker.pid)
			pause_for(s);
	}
}

static void conclude(struct fuzz_session *s)
{
	if (s->targets.code == EXIT_BROKEN)
		s->outcome = OUTCOME_BROKEN;
	else if (s->filing.nnew)
		s->outcome = OUTCOME_FINDING;
	else
		s->outcome = s->targets.code ? OUTCOME_UNSUPPORTED : OUTCOME_CLEAN;
	if (s->targets.code)
		snprintf(s->reason, sizeof(s->reason), "%s", s->targets.reason);
}

static void climb(struct fuzz_session *s)
{
	print_progress("comparing the worst program");
	int err = climb_compare(&s->store, &s->targets_plan, s->subject, &s->climb);

	print_progress_clear();
	if (err)
		cli_complain("cannot compare the worst program: %s", strerror(-err));
}

static int work(struct fuzz_session *s)
{
	struct fuzz_progress progress;
	int err = filing_begin(&s->filing, &s->store, s->cmd->text);

	if (!err)
		err = worker_init(&s->worker, &s->filing, &s->worker_plan);
	if (err) {
		cli_complain("%s: %s", s->path, strerror(-err));
		return EXIT_BROKEN;
	}
	filing_take(&s->filing);
	progress_begin(&progress, s);
	targets_start(&s->targets, &s->store, &s->targets_plan);
	fuzz(s, &progress);
	finish(s, &progress);
	print_progress_clear();
	s->interrupted = runner_interrupted();
	s->corpus = files_count(store_file(&s->store, "corpus").s);
	if (s->store.goal >= 0 && !s->interrupted && !s->targets.code)
		climb(s);
	conclude(s);
	return 0;
}

/* Not even begun: it stands in the results with the reason. */
static int not_here(struct fuzz_session *s, const char *reason)
{
	if (reason)
		snprintf(s->reason, sizeof(s->reason), "%s", reason);
	s->outcome = OUTCOME_UNSUPPORTED;
	cli_complain("%s cannot be fuzzed here: %s", s->subject->ref.name, s->reason);
	return 0;
}

int session_run(struct fuzz_session *s, uint64_t time_ns, uint64_t shrink_ns)
{
	const struct subject *other = s->cmd->other ? &s->cmd->other_subject : NULL;

	s->begin_ns = fuzz_now_ns();
	s->store.lock = s->worker.pidfd = -1;
	if (!s->subject->ref.available)
		return not_here(s, s->subject->ref.reason);
	if (other && !other->ref.available)
		return not_here(s, other->ref.reason);
	if (find_target(s) != 0)
		return not_here(s, NULL);
	plan(s, time_ns, shrink_ns);
	int code = open_store(s);

	if (!code)
		code = take_seeds(s);
	if (!code)
		code = work(s);
	if (!code)
		fuzz_report_print(s->cmd->text, s);
	return code;
}

void session_release(struct fuzz_session *s)
{
	worker_release(&s->worker);
	targets_release(&s->targets);
	filing_release(&s->filing);
	store_close(&s->store);
}
