#include "harness/cli/fuzz_targets.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_spawn.h"
#include "harness/cli/print.h"

/* Ends in a row without one input, and then it is of no use. */
#define BARREN_MAX 5
/* One that ends by itself so shortly before the time is over has done its work. */
#define NEARLY_NS (3 * (uint64_t)FUZZ_NS_PER_S / 2)
/* It is not worth starting one for less; and an engine that counts whole seconds is so late. */
#define LITTLE_NS (6 * (uint64_t)FUZZ_NS_PER_S / 10)
/* What was running when the time was over may be confirming a finding: some runs of a hang. */
#define CONFIRM_NS(hang) (10 * ((uint64_t)FUZZ_NS_PER_S + (hang)))
/* Between SIGTERM and SIGKILL. */
#define KILL_NS (3 * (uint64_t)FUZZ_NS_PER_S)
#define TOLD	5

static const char *end_words(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "ended with exit code %d", WEXITSTATUS(status));
	return buf;
}

/* A target that ends all the time would fill the screen: the first few, then ever fewer. */
static bool is_told(uint64_t restarts)
{
	return restarts <= TOLD || (restarts & (restarts - 1)) == 0;
}

static void give_up(struct fuzz_targets *t, int status, const char *said)
{
	bool unsupported = (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNSUPPORTED) ||
			   strstr(said, "unsupported") != NULL;
	char buf[128];

	if (t->code)
		return;
	t->code = unsupported ? EXIT_UNSUPPORTED : EXIT_BROKEN;
	snprintf(t->reason, sizeof(t->reason), "%s before its first input: %.480s",
		 end_words(status, buf, sizeof(buf)), *said ? said : "it said nothing");
	print_progress_clear();
	cli_complain("%s %s", t->plan->target, t->reason);
	targets_interrupt(t);
}

static void listen_to(struct fuzz_targets *t, struct fuzz_target *target)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(target->output, buf, sizeof(buf))) > 0) {
		int err = log_feed(&target->log, buf, (size_t)n);

		if (err)
			store_trouble(t->store, "jobs", err);
	}
	const struct fuzz_totals said = {.coverage = target->log.coverage,
					 .features = target->log.features};

	totals_add(&t->store->totals, &said);
}

/* What moves while it is at work, be it inputs or the confirming of a finding. */
static uint64_t progress(const struct job_stats *page)
{
	return atomic_load(&page->inputs) + atomic_load(&page->children) +
	       atomic_load(&page->ns_confirming) + atomic_load(&page->refused);
}

static int spawn(struct fuzz_targets *t, unsigned job)
{
	struct fuzz_target *target = &t->target[job];
	int err = target_spawn(t, job);

	target->page_seen = 0;
	target->seen_ns = fuzz_now_ns();
	log_begin(&target->log);
	if (err) {
		t->code = EXIT_BROKEN;
		snprintf(t->reason, sizeof(t->reason), "cannot be started: %s", strerror(-err));
		cli_complain("%s %s", t->plan->target, t->reason);
		targets_interrupt(t);
	}
	return err;
}

static void end_is_told(struct fuzz_targets *t, unsigned job, int status)
{
	char buf[128];

	t->store->totals.restarts++;
	t->restarts++;
	if (!is_told(t->restarts))
		return;
	print_progress_clear();
	cli_complain("target %u %s and is started again; its last words: %s", job,
		     end_words(status, buf, sizeof(buf)), t->target[job].log.last);
}

static void reap(struct fuzz_targets *t, unsigned job, int status)
{
	struct fuzz_target *target = &t->target[job];
	uint64_t inputs = atomic_load(&target->page->inputs);
	bool unsupported = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNSUPPORTED;

	listen_to(t, target);
	/* What it started and did not end itself. */
	kill(-target->pid, SIGKILL);
	t->counted_inputs += inputs;
	store_count_page(t->store, job, target->page);
	target_close(target);
	target->barren = inputs ? 0 : target->barren + 1;
	bool died = !WIFEXITED(status) || WEXITSTATUS(status);

	if (t->over || fuzz_now_ns() + (died ? LITTLE_NS : NEARLY_NS) >= t->plan->end_ns)
		return;
	if (!inputs && (unsupported || target->barren == BARREN_MAX)) {
		give_up(t, status, target->log.last);
		return;
	}
	end_is_told(t, job, status);
	spawn(t, job);
}

static void signal_all(const struct fuzz_targets *t, int sig)
{
	for (unsigned i = 0; i < t->plan->jobs; i++)
		if (t->target[i].pid)
			kill(-t->target[i].pid, sig);
}

static void time_is_over(struct fuzz_targets *t, uint64_t now)
{
	t->over = true;
	t->term_ns = now + CONFIRM_NS(t->plan->hang_ns);
	for (unsigned i = 0; i < t->plan->jobs; i++)
		if (t->target[i].pid)
			t->target[i].inputs_at_end = atomic_load(&t->target[i].page->inputs);
}

/* Those that go on with other inputs are ended; one that is still at the same is waited for. */
static void end_late(const struct fuzz_targets *t)
{
	for (unsigned i = 0; i < t->plan->jobs; i++) {
		const struct fuzz_target *target = &t->target[i];

		if (target->pid && atomic_load(&target->page->inputs) > target->inputs_at_end)
			kill(-target->pid, SIGTERM);
	}
}

static void keep_time(struct fuzz_targets *t, uint64_t now)
{
	if (!t->over && now >= t->plan->end_ns)
		time_is_over(t, now);
	if (t->termed) {
		if (now >= t->kill_ns)
			signal_all(t, SIGKILL);
	} else if (t->over && now >= t->term_ns) {
		targets_interrupt(t);
	} else if (t->over && now >= t->plan->end_ns + LITTLE_NS) {
		end_late(t);
	}
}

static void watch(struct fuzz_targets *t, unsigned job, uint64_t now)
{
	struct fuzz_target *target = &t->target[job];
	uint64_t seen = progress(target->page);

	if (seen != target->page_seen) {
		target->page_seen = seen;
		target->seen_ns = now;
	} else if (now - target->seen_ns > t->plan->stall_ns) {
		print_progress_clear();
		cli_complain("target %u stands still, and is killed", job);
		target->seen_ns = now;
		kill(-target->pid, SIGKILL);
	}
}

void targets_tend(struct fuzz_targets *t)
{
	uint64_t now = fuzz_now_ns();
	int status;

	keep_time(t, now);
	for (unsigned i = 0; i < t->plan->jobs; i++) {
		struct fuzz_target *target = &t->target[i];

		if (!target->pid)
			continue;
		listen_to(t, target);
		store_take_worst(t->store, i, atomic_load(&target->page->worst_milli));
		if (waitpid(target->pid, &status, WNOHANG) == target->pid)
			reap(t, i, status);
		else if (!t->over)
			watch(t, i, now);
	}
}

int targets_start(struct fuzz_targets *t, struct fuzz_store *store, const struct targets_plan *plan)
{
	*t = (struct fuzz_targets){.plan = plan, .store = store};
	t->target = calloc(plan->jobs, sizeof(*t->target));
	if (!t->target) {
		t->code = EXIT_BROKEN;
		snprintf(t->reason, sizeof(t->reason), "no memory");
		return t->code;
	}
	for (unsigned i = 0; i < plan->jobs; i++) {
		struct fuzz_target *target = &t->target[i];

		target->output = target->pidfd = target->page_fd = target->log.fd = -1;
		files_folder(store_file(store, "jobs/%u", i).s);
		int err = log_open(&target->log, store_file(store, "jobs/%u/log", i).s);

		if (err)
			store_trouble(store, "jobs", err);
	}
	for (unsigned i = 0; i < plan->jobs && !t->code; i++)
		spawn(t, i);
	return t->code;
}

nfds_t targets_fds(const struct fuzz_targets *t, struct pollfd *fds)
{
	nfds_t n = 0;

	for (unsigned i = 0; t->target && i < t->plan->jobs; i++) {
		if (!t->target[i].pid)
			continue;
		fds[n++] = (struct pollfd){.fd = t->target[i].output, .events = POLLIN};
		fds[n++] = (struct pollfd){.fd = t->target[i].pidfd, .events = POLLIN};
	}
	return n;
}

bool targets_run(const struct fuzz_targets *t)
{
	for (unsigned i = 0; t->target && i < t->plan->jobs; i++)
		if (t->target[i].pid)
			return true;
	return false;
}

void targets_interrupt(struct fuzz_targets *t)
{
	t->over = true;
	if (t->termed)
		return;
	t->termed = true;
	t->kill_ns = fuzz_now_ns() + KILL_NS;
	signal_all(t, SIGTERM);
}

void targets_add(const struct fuzz_targets *t, struct fuzz_totals *totals)
{
	for (unsigned i = 0; i < t->plan->jobs; i++)
		if (t->target[i].page)
			totals_add_page(totals, t->target[i].page);
}

uint64_t targets_corpus(const struct fuzz_targets *t)
{
	uint64_t most = 0;

	for (unsigned i = 0; t->target && i < t->plan->jobs; i++)
		if (t->target[i].log.corpus > most)
			most = t->target[i].log.corpus;
	return most;
}

void targets_release(struct fuzz_targets *t)
{
	for (unsigned i = 0; t->target && i < t->plan->jobs; i++) {
		struct fuzz_target *target = &t->target[i];

		if (target->pid) {
			kill(-target->pid, SIGKILL);
			waitpid(target->pid, NULL, 0);
			store_count_page(t->store, i, target->page);
		}
		target_close(target);
		log_close(&target->log);
	}
	free(t->target);
	t->target = NULL;
}
