#include "harness/cli/fuzz_climb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocators/registry.h"
#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_process.h"
#include "harness/cli/fuzz_seeds.h"

#define RUN_NS	(60 * (uint64_t)FUZZ_NS_PER_S)
#define POLL_MS 100

static const char *const units[FUZZ_GOALS] = {
	[FUZZ_GOAL_MAPS] = "maps per live MiB",
	[FUZZ_GOAL_RETAINED] = "kept MiB per live MiB",
	[FUZZ_GOAL_LOST] = "KiB lost",
	[FUZZ_GOAL_LATENCY] = "us of the slowest call",
};

const char *climb_unit(enum fuzz_goal goal)
{
	return units[goal];
}

/* One input, and the page says how bad it was. Findings go where nobody looks. */
static void add_words(struct process_args *a, const struct fuzz_store *s,
		      const struct targets_plan *p, const char *allocator)
{
	const char *goal = fuzz_goal_name((enum fuzz_goal)s->goal);

	args_add(a, "%s", p->target);
	args_add(a, "--allocator=%s", allocator);
	args_add(a, "--load=%s", p->load);
	args_add(a, "--climb=%s", goal);
	args_add(a, "--hang-after=%" PRIu64 "ns", p->hang_ns);
	args_add(a, "--inbox=%s", store_file(s, "worst/inbox").s);
	args_add(a, "--stats=%s", store_file(s, "worst/stats").s);
	args_add(a, "%s", store_file(s, "worst/%s.wire", goal).s);
}

/* Until it ends by itself, or is ended; what it says is its last words. Its wait status. */
static int listen_to(pid_t pid, int output, struct fuzz_log *said)
{
	uint64_t until = fuzz_now_ns() + RUN_NS;
	struct pollfd fd = {.fd = output, .events = POLLIN};
	char buf[4096];
	int status;

	fcntl(output, F_SETFL, O_NONBLOCK);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		ssize_t n;

		poll(&fd, 1, POLL_MS);
		while ((n = read(output, buf, sizeof(buf))) > 0)
			log_feed(said, buf, (size_t)n);
		if (n == 0)
			fd.fd = -1;
		if (fuzz_now_ns() > until || runner_interrupted())
			kill(-pid, SIGKILL);
	}
	kill(-pid, SIGKILL);
	return status;
}

static int run(const struct fuzz_store *s, const struct process_args *a, struct climb_row *row)
{
	struct files_path page = store_file(s, "worst/stats");
	struct fuzz_log said;
	struct fuzz_totals of_run = {0};
	int output, err = files_replace(page.s, (const char[sizeof(struct job_stats)]){0},
					sizeof(struct job_stats));
	pid_t pid;

	if (!err)
		err = process_start(a, &pid, &output);
	if (err)
		return err;
	log_open(&said, store_file(s, "jobs/shrink/log").s);
	int status = listen_to(pid, output, &said);

	close(output);
	totals_add_file(&of_run, page.s);
	row->measured = of_run.inputs > 0;
	row->milli = of_run.worst_milli;
	row->peak_maps = of_run.peak_maps;
	if (!row->measured)
		snprintf(row->why_not, sizeof(row->why_not), "%.200s",
			 said.last[0]	       ? said.last
			 : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
					       : "it did not run");
	log_close(&said);
	return 0;
}

static int measure(const struct fuzz_store *s, const struct targets_plan *p, const char *allocator,
		   struct climb_row *row)
{
	struct process_args a = {0};

	add_words(&a, s, p, allocator);
	int err = run(s, &a, row);

	args_release(&a);
	return err;
}

static int add_row(struct climb_table *t, const struct fuzz_store *s, const struct targets_plan *p,
		   const struct allocator_ref *ref, const char *allocator)
{
	if (t->n == CLIMB_ROWS || runner_interrupted())
		return 0;
	struct climb_row *row = &t->row[t->n++];

	*row = (struct climb_row){0};
	snprintf(row->name, sizeof(row->name), "%s", ref ? ref->name : allocator);
	return measure(s, p, allocator, row);
}

static int add_others(struct climb_table *t, const struct fuzz_store *s,
		      const struct targets_plan *p, const struct subject *subject)
{
	int err = 0;

	for (size_t i = 0; i < plugin_count() && !err; i++)
		if (!plugin_at(i)->inside && plugin_at(i) != subject->ref.plugin)
			err = add_row(t, s, p, NULL, plugin_at(i)->name);
	return err;
}

int climb_compare(const struct fuzz_store *store, const struct targets_plan *plan,
		  const struct subject *subject, struct climb_table *ret_table)
{
	const char *goal = fuzz_goal_name((enum fuzz_goal)store->goal);
	struct files_path text = store_file(store, "worst/%s.prog", goal);
	struct files_path inbox = store_file(store, "worst/inbox");

	ret_table->n = 0;
	if (access(text.s, R_OK) != 0)
		return 0;
	int err = seed_convert(text.s, store_file(store, "worst/%s.wire", goal).s);

	if (!err)
		err = files_folder(inbox.s);
	if (!err)
		err = add_row(ret_table, store, plan, &subject->ref, plan->allocator);
	if (!err && !subject_is_kernel(subject))
		err = add_others(ret_table, store, plan, subject);
	files_remove(inbox.s);
	unlink(store_file(store, "worst/stats").s);
	unlink(store_file(store, "worst/%s.wire", goal).s);
	return err;
}

void climb_print(FILE *out, const struct fuzz_store *store, const struct climb_table *t)
{
	enum fuzz_goal goal = (enum fuzz_goal)store->goal;

	if (!t->n) {
		fprintf(out, "  no program was bad by %s\n", fuzz_goal_name(goal));
		return;
	}
	fprintf(out, "  the worst program, %s/worst/%s.prog, %.3f when it was found, on each:\n",
		store->path, fuzz_goal_name(goal), (double)store->worst[goal] / 1000);
	fprintf(out, "  %-24s  %24s  %9s\n", "ALLOCATOR", climb_unit(goal), "PEAK MAPS");
	for (unsigned i = 0; i < t->n; i++) {
		const struct climb_row *r = &t->row[i];

		if (r->measured)
			fprintf(out, "  %-24s  %24.3f  %9" PRIu64 "\n", r->name,
				(double)r->milli / 1000, r->peak_maps);
		else
			fprintf(out, "  %-24s  %24s  %9s  %s\n", r->name, "-", "-", r->why_not);
	}
}
