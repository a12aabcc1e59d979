#include "harness/exec/feed.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/exec/plan.h"
#include "harness/exec/salvage.h"
#include "harness/exec/spawn.h"
#include "harness/exec/watch.h"

#define THREADS 4
#define SLOTS	65536
#define HISTORY 64

struct feeder {
	struct feed_options options;
	struct run_request req;	 /* of the program that runs */
	struct prog_info widest; /* what the child has room for */
	struct prog_info info;
	struct fault_rule faults[FAULT_RULES];
	int program_fd;
	size_t text_bytes; /* of the file */
	bool alive;
	struct watch watch;
	struct run_result result;
	struct feed_counts counts;
	struct {
		char *text;
		size_t len, room;
	} * history;
};

/* Where no child has run anything. */
static struct run_feedback nothing_reached;

static uint32_t or_default(uint32_t n, uint32_t otherwise)
{
	return n ? n : otherwise;
}

/* A program that has all that a program can have. */
static struct prog_info widest_of(const struct feed_options *o)
{
	return (struct prog_info){
		.block_slots = or_default(o->block_slots, SLOTS),
		.map_slots = or_default(o->map_slots, SLOTS),
		.threads = or_default(o->threads, THREADS),
		.facts = UINT32_MAX,
		.has_parallel = true,
		.has_exit = true,
		.has_of = true,
	};
}

static bool is_watched(const struct run_request *run)
{
	return run->watch || run->nfaults || run->check_ledger;
}

int feeder_new(const struct feed_options *o, struct feeder **ret_feeder)
{
	/* What the harness does in a call, and takes for it, is not the allocator's. */
	if (o->timed && (o->run.oracles || is_watched(&o->run)))
		return -EINVAL;
	struct feeder *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->options = *o;
	f->options.history = or_default(o->history, HISTORY);
	f->widest = widest_of(o);
	f->history = calloc(f->options.history, sizeof(*f->history));
	f->program_fd = memfd_create("allocrig-feed", MFD_CLOEXEC);
	if (!f->history || f->program_fd < 0) {
		int err = f->history ? -errno : -ENOMEM;

		feeder_free(f);
		return err;
	}
	*ret_feeder = f;
	return 0;
}

/* The child ends, by itself or not; its page is a copy from then on. */
static void stop(struct feeder *f, bool kills)
{
	if (!f->alive)
		return;
	if (kills) {
		f->watch.killed = true;
		kill(f->watch.child.pid, SIGKILL);
	}
	watch_end(&f->watch);
	f->alive = false;
}

static void release(struct feeder *f)
{
	stop(f, true);
	run_result_release(&f->result);
}

void feeder_free(struct feeder *f)
{
	if (!f)
		return;
	release(f);
	for (uint32_t i = 0; f->history && i < f->options.history; i++)
		free(f->history[i].text);
	free(f->history);
	if (f->program_fd >= 0)
		close(f->program_fd);
	free(f);
}

void feeder_set_resident(struct feeder *f, bool resident)
{
	f->options.resident = resident;
}

struct feed_counts feeder_counts(const struct feeder *f)
{
	return f->counts;
}

pid_t feeder_child(const struct feeder *f)
{
	return f->alive ? f->watch.child.pid : 0;
}

bool feeder_history(const struct feeder *f, uint64_t back, struct feed_text *ret_text)
{
	if (back >= f->counts.programs || back >= f->options.history)
		return false;
	uint64_t at = (f->counts.programs - 1 - back) % f->options.history;

	*ret_text = (struct feed_text){f->history[at].text, f->history[at].len};
	return true;
}

/* Its number is counts.programs. */
static int remember(struct feeder *f, const char *text, size_t len)
{
	uint64_t at = f->counts.programs % f->options.history;

	if (f->history[at].room < len || !f->history[at].text) {
		char *room = realloc(f->history[at].text, len + 1);

		if (!room)
			return -ENOMEM;
		f->history[at].text = room;
		f->history[at].room = len;
	}
	memcpy(f->history[at].text, text, len);
	f->history[at].len = len;
	f->counts.programs++;
	return 0;
}

/* The file is read to its end: it is as long as the text. */
static int put_text(struct feeder *f, const char *text, size_t len)
{
	if (len > RUN_FEED_TEXT_BYTES)
		return -E2BIG;
	if (len < f->text_bytes && ftruncate(f->program_fd, (off_t)len) != 0)
		return -errno;
	f->text_bytes = len;
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(f->program_fd, text + done, len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static uint32_t raised(uint32_t to, uint32_t from)
{
	while (from < to && from < PROG_MAX_SLOTS)
		from *= 2;
	return from;
}

/* Whether the child has room for the program; what one has room for that will do. */
static bool make_room(struct feeder *f)
{
	const struct prog_info *i = &f->info;
	struct prog_info *w = &f->widest;
	bool fits = i->block_slots <= w->block_slots && i->map_slots <= w->map_slots &&
		    i->threads <= w->threads;

	w->block_slots = raised(i->block_slots, w->block_slots);
	w->map_slots = raised(i->map_slots, w->map_slots);
	w->threads = i->threads > w->threads ? i->threads : w->threads;
	return fits;
}

static uint32_t accounts_of(const struct feeder *f)
{
	const struct prog_info *i = &f->info;

	if (i->has_expect)
		return SNAPSHOT_ALL;
	return f->options.resident ? SNAPSHOT_RSS : 0;
}

static void prepare(struct feeder *f)
{
	const struct run_request *all = &f->options.run;
	const struct prog_header *h = &f->info.header;
	struct run_request *req = &f->req;

	*req = *all;
	req->program_fd = f->program_fd;
	req->fed = true;
	req->timed = f->options.timed;
	req->no_stacks = f->options.no_stacks;
	req->watch = is_watched(all);
	req->accounts = accounts_of(f);
	req->sampling = f->info.has_peak_metric;
	req->info = &f->info;
	req->has_ballast = all->has_ballast || h->has_ballast;
	req->ballast = all->has_ballast ? all->ballast : h->ballast;
	req->nfaults = plan_rules(h, all->faults, all->nfaults, f->faults);
	req->faults = f->faults;
	req->oplog_capacity = f->options.outcomes;
	req->on_tape = NULL;
	req->stretch = 0;
}

/* A child that is as wide as any program. */
static int start(struct feeder *f)
{
	release(f);
	struct run_request req = f->req;

	req.info = &f->widest;
	req.has_ballast = true; /* room for it */
	int err = watch_start(&f->watch, &req, &f->result);

	if (err)
		return err;
	f->watch.req = &f->req;
	f->alive = true;
	f->counts.children++;
	f->counts.programs = 0;
	return 0;
}

static struct run_feed *feed_of(struct feeder *f)
{
	return &f->result.shared->feed;
}

static void forget_last(struct feeder *f)
{
	struct run_result *r = &f->result;

	r->nstacks = 0;
	r->output_len = 0;
	r->broken[0] = '\0';
	r->end = RUN_END_NORMAL;
}

static void hand_over(struct feeder *f)
{
	struct run_shared *s = f->result.shared;
	struct run_config *cfg = &f->watch.config;

	forget_last(f);
	spawn_configure(&f->req, cfg);
	cfg->threads = f->widest.threads;
	if (memcmp(&s->config, cfg, sizeof(*cfg)) != 0)
		s->config = *cfg;
	atomic_store(&s->state, RUN_LOADING);
	feed_of(f)->text_bytes = f->text_bytes;
	atomic_fetch_add(&feed_of(f)->given, 1);
	syscall(SYS_futex, &feed_of(f)->given, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static bool through(const struct watch *w, int ms)
{
	struct run_feed *f = &w->result->shared->feed;
	uint32_t given = atomic_load(&f->given), done = atomic_load(&f->done);
	const struct timespec time = {.tv_nsec = ms * 1000000l};

	if (done != given)
		syscall(SYS_futex, &f->done, FUTEX_WAIT, done, &time, NULL, 0);
	return atomic_load(&f->done) == given;
}

static void collect_accounts(const struct run_shared *s, struct feed_result *ret)
{
	const struct run_watch *w = &s->watch;
	uint32_t n = atomic_load(&s->ncheckpoints);
	const struct snapshot *first = &s->checkpoint[0].at,
			      *last = n ? &s->checkpoint[n - 1].at : first;

	ret->exact = w->exact;
	ret->resident = first->rss_bytes >= 0 && last->rss_bytes >= 0;
	ret->peak = (struct feed_accounts){w->peak.maps - w->start.maps,
					   w->peak.mapped_bytes - w->start.mapped_bytes, 0};
	ret->end_at = (struct feed_accounts){last->maps - first->maps,
					     last->mapped_bytes - first->mapped_bytes,
					     last->rss_bytes - first->rss_bytes};
	ret->kept = (struct feed_accounts){s->feed.kept_maps, s->feed.kept_mapped_bytes,
					   s->feed.kept_rss_bytes};
}

static void collect_counts(const struct run_shared *s, struct feed_result *ret)
{
	ret->executed = s->counts.executed;
	ret->skipped = s->counts.skipped;
	ret->failed = s->counts.failed;
	ret->null_at_refusal = s->counts.null_at_refusal;
	for (int i = 0; i < KCALL_COUNT; i++) {
		ret->made[i] = s->counts.call[i].made;
		ret->refused[i] = s->counts.call[i].failed;
	}
	ret->lost = s->lost;
	ret->unmeasured = s->unmeasured;
	ret->run_ns = s->run_ns;
	ret->live_peak_bytes = s->live_peak_bytes;
	ret->live_bytes_at_peak = s->live_bytes_at_peak;
	ret->slowest_ns = s->slowest_ns;
	ret->slowest_stmt = s->slowest_stmt;
	ret->growth = s->growth;
	if (ret->growth.line.metric >= GROWTH_METRICS)
		ret->growth = (struct run_growth){0};
}

static void set_reason(struct feed_result *ret, const char *text, size_t most)
{
	size_t len = strnlen(text, most < sizeof(ret->reason) - 1 ? most : sizeof(ret->reason) - 1);

	memcpy(ret->reason, text, len);
	ret->reason[len] = '\0';
}

/* From the page, as it is or a copy. False: it was written over, and nothing on it is believed. */
static bool collect(const struct feeder *f, struct feed_result *ret)
{
	const struct run_shared *s = f->result.shared;

	if (salvage_findings(s, &f->watch.config, &ret->findings))
		return false;
	collect_accounts(s, ret);
	collect_counts(s, ret);
	if (s->harness_error) {
		ret->end = RUN_END_BROKEN;
		set_reason(ret, s->harness_text, sizeof(s->harness_text));
	} else if (ret->end == RUN_END_REFUSED) {
		ret->refusal = s->refusal < REFUSAL_UNSUPPORTED ? s->refusal : REFUSAL_UNSUPPORTED;
		set_reason(ret, s->refusal_text, sizeof(s->refusal_text));
	}
	return true;
}

static void collect_output(const struct run_result *r, struct feed_result *ret)
{
	memcpy(ret->output, r->output, r->output_len);
	ret->output_len = r->output_len;
}

/* The child is gone, in the middle of the program. */
static void collect_end(struct feeder *f, struct feed_result *ret)
{
	struct run_result *r = &f->result;

	stop(f, false);
	ret->end = r->end;
	if (!collect(f, ret))
		ret->end = RUN_END_CRASHED;
	if (r->end == RUN_END_BROKEN)
		set_reason(ret, r->broken, sizeof(r->broken));
	ret->nstacks = r->nstacks;
	memcpy(ret->stacks, r->stacks, r->nstacks * sizeof(r->stacks[0]));
	collect_output(r, ret);
}

/* A fork child may have ended with words while the program went on. */
static void collect_words(struct feeder *f, struct feed_result *ret)
{
	if (ret->findings.n) {
		watch_drain_output(&f->watch);
		collect_output(&f->result, ret);
	}
}

static void collect_through(struct feeder *f, struct feed_result *ret)
{
	struct run_result *r = &f->result;
	bool refused = atomic_load(&r->shared->state) == RUN_REFUSED;

	ret->end = refused ? RUN_END_REFUSED : RUN_END_NORMAL;
	ret->nstacks = r->nstacks;
	memcpy(ret->stacks, r->stacks, r->nstacks * sizeof(r->stacks[0]));
	bool sound = collect(f, ret);

	if (!sound)
		ret->end = RUN_END_CRASHED;
	collect_words(f, ret);
	if (!sound || feed_of(f)->spent)
		stop(f, true);
}

static void clear(struct feed_result *ret)
{
	ret->findings.n = ret->findings.dropped = 0;
	ret->nstacks = 0;
	ret->reason[0] = '\0';
	ret->refusal = REFUSAL_NONE;
	ret->output_len = 0;
	ret->exact = ret->resident = false;
	ret->live_peak_bytes = ret->live_bytes_at_peak = ret->slowest_ns = 0;
	ret->slowest_stmt = -1;
	ret->growth = (struct run_growth){0};
	ret->reached = &nothing_reached;
	ret->outcome = NULL;
	ret->noutcomes = 0;
}

/* What is here before any child is asked. */
static bool refuse_here(const struct feeder *f, struct feed_result *ret)
{
	const char *why = NULL;

	if (f->req.kernel && f->info.has_block_ops)
		why = "the program calls an allocator, and the kernel is none";
	else if (f->req.nfaults && !f->req.watch)
		why = "the program has kernel calls refused, and they are not watched";
	if (!why)
		return false;
	ret->end = RUN_END_REFUSED;
	ret->refusal = REFUSAL_UNSUPPORTED;
	set_reason(ret, why, strlen(why));
	return true;
}

/* Of the page, or of the copy that is left of it: what points there is set when all is over. */
static void collect_reached(struct feeder *f, struct feed_result *ret)
{
	struct run_shared *s = f->result.shared;
	uint64_t n = atomic_load(&s->oplog_used), most = f->options.outcomes;

	if (s->reached.nedges > FEEDBACK_EDGES)
		s->reached.nedges = FEEDBACK_EDGES;
	ret->reached = &s->reached;
	ret->outcome = s->oplog;
	ret->noutcomes = n < most ? n : most;
}

/* A child that was dead before it has seen the program says nothing about it. */
static bool was_taken(const struct feeder *f)
{
	const struct run_feed *feed = &f->result.shared->feed;

	return atomic_load(&feed->taken) == atomic_load(&feed->given);
}

static int run(struct feeder *f, const char *text, size_t len, struct feed_result *ret)
{
	for (int tries = 0;; tries++) {
		bool fresh = !f->alive;
		int err = fresh ? start(f) : 0;

		if (!err)
			err = remember(f, text, len);
		if (err)
			return err;
		ret->fresh = fresh;
		bool lives = !fresh || watch_wait(&f->watch, through);

		if (lives)
			hand_over(f);
		if (lives && watch_wait(&f->watch, through)) {
			collect_through(f, ret);
			return 0;
		}
		bool again = !fresh && tries == 0 && !was_taken(f);

		collect_end(f, ret);
		if (!again)
			return 0;
		clear(ret);
	}
}

int feeder_run(struct feeder *f, const char *text, size_t len, struct feed_result *ret)
{
	clear(ret);
	int err = put_text(f, text, len);

	if (!err)
		err = prog_scan(f->program_fd, &f->info, &ret->error);
	if (err)
		return err;
	prepare(f);
	if (refuse_here(f, ret))
		return 0;
	if (!make_room(f))
		stop(f, true);
	err = run(f, text, len, ret);
	if (!err)
		collect_reached(f, ret);
	return err;
}
