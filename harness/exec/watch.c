#include "harness/exec/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/exec/salvage.h"
#include "harness/exec/work.h"

#define POLL_MS	     50
#define POLL_TAPE_MS 5 /* the tape fills up while nobody reads it */
#define TAPE_BATCH   64
#define WORK_UNKNOWN UINT64_MAX
/* However hard it works: an op may be this many times as long as the watchdog's time. */
#define WORK_TIMES 60

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The process at a place of the page, or 0 where it is none of ours. */
static pid_t process_at(const struct watch *w, unsigned proc)
{
	pid_t pid = atomic_load(&w->result->shared->pos[proc].pid);

	if (proc == 0)
		return w->child.pid;
	return pid > 0 && salvage_is_descendant(pid, w->child.pid) ? pid : 0;
}

static struct finding finding_at(const struct position *pos, bool in_fork)
{
	return (struct finding){
		.op_code = (uint8_t)pos->op_code,
		.thread = (uint8_t)pos->thread,
		.in_fork = in_fork,
		.has_slot = (uint8_t)pos->has_slot,
		.stmt = pos->stmt,
		.slot = pos->slot,
		.iteration = pos->iteration,
		.count = 1,
	};
}

void watch_drain_output(struct watch *w)
{
	struct run_result *r = w->result;
	char extra[4096];

	for (;;) {
		size_t room = sizeof(r->output) - 1 - r->output_len;
		ssize_t n = room ? read(w->child.output_fd, r->output + r->output_len, room)
				 : read(w->child.output_fd, extra, sizeof(extra));

		if (n <= 0)
			return;
		if (room)
			r->output_len += (size_t)n;
	}
}

/* The stack of a thread, kept for the finding where there is room. */
static void keep_stack(struct run_result *r, const struct finding *f, const char *whose,
		       const struct stack *stack)
{
	if (r->nstacks == RUN_STACKS)
		return;
	struct run_stack *s = &r->stacks[r->nstacks++];

	*s = (struct run_stack){f->kind, f->rule, f->stmt, "", *stack};
	snprintf(s->whose, sizeof(s->whose), "%s", whose);
}

static bool is_harness_frame(const struct stack *s)
{
	return s->nframes == 0 || strcmp(s->frame[0].object, "allocrig-child") == 0;
}

/*
 * What the allocator may have written over is made safe to print. Whoever wrote over the counters
 * themselves has put an end to the tape.
 */
static void drain_tape(struct watch *w)
{
	struct run_shared *s = w->result->shared;
	uint64_t capacity = w->config.tape_capacity;
	uint64_t at = w->tape_read;
	uint64_t end = atomic_load_explicit(&s->tape.written, memory_order_acquire);
	struct tape_entry entries[TAPE_BATCH];

	if (!w->req->on_tape || end < at || end - at > capacity)
		return;
	while (at < end) {
		size_t n = 0;

		for (; n < TAPE_BATCH && at < end; n++, at++) {
			entries[n] = w->tape[at % capacity];
			if (entries[n].op_code > OP_CODES)
				entries[n].op_code = OP_CODES;
			if (entries[n].has_slot > SPACE_MAP)
				entries[n].has_slot = SPACE_NONE;
		}
		w->tape_read = at;
		atomic_store_explicit(&s->tape.read, at, memory_order_release);
		w->req->on_tape(w->req->tape_ctx, entries, n);
	}
}

static void end_by_kill(struct watch *w, enum run_end end)
{
	w->result->end = end;
	w->killed = true;
	kill(w->child.pid, SIGKILL);
}

static void kill_fork_child(struct watch *w, unsigned proc, pid_t pid)
{
	atomic_store(&w->result->shared->pos[proc].killed, 1);
	kill(pid, SIGKILL);
	atomic_store(&w->result->shared->pos[proc].pid, 0);
	w->last_progress_ns = w->silent_since_ns = now_ns();
	w->work = WORK_UNKNOWN;
}

static void on_crash(struct watch *w, unsigned proc)
{
	struct run_shared *shared = w->result->shared;
	struct crash_record *c = &shared->crash[proc];
	pid_t pid = atomic_load(&c->filled) ? process_at(w, proc) : 0;

	if (pid <= 0)
		return;
	struct stack stack = {.nframes = 0};
	uint32_t lane = c->lane;
	const struct position *pos =
		lane && lane <= PROG_MAX_THREADS ? &shared->lane[lane - 1] : &shared->pos[proc];

	/* Whether the harness itself is to blame only the stack says. */
	bool in_harness = pos->phase == PHASE_HARNESS;

	if (in_harness || !w->req->no_stacks)
		stack_capture(pid, c->tid, c->ip, &stack);
	struct finding f = finding_at(pos, proc != 0);

	f.kind = proc ? FINDING_FORK_BROKEN : FINDING_CRASH;
	f.rule = proc ? RULE_FORK_SIGNAL : RULE_SIGNAL;
	f.n[0] = (uint64_t)c->signal;
	f.n[1] = (uint64_t)c->code;
	f.n[2] = c->address;
	f.n[3] = c->ip;
	bool own = in_harness && is_harness_frame(&stack);

	if (own) {
		snprintf(w->result->broken, sizeof(w->result->broken),
			 "the harness itself got signal %d at statement %d", c->signal, f.stmt);
		end_by_kill(w, RUN_END_BROKEN);
		return;
	}
	if (!w->req->no_stacks)
		keep_stack(w->result, &f, "", &stack);
	finding_add(&shared->findings, &f);
	atomic_store(&c->filled, 0);
	if (proc)
		kill_fork_child(w, proc, pid);
	else
		end_by_kill(w, RUN_END_CRASHED);
}

static void on_notify(struct watch *w)
{
	unsigned char proc;

	while (read(w->child.notify_fd, &proc, 1) == 1)
		if (proc < RUN_PROCS)
			on_crash(w, proc);
}

/* A fork child that waits for none of its own; 0: there is no fork child. */
static unsigned innermost_process(const struct watch *w)
{
	const struct position *pos = w->result->shared->pos;
	unsigned proc = 0;

	for (unsigned i = 1; i < RUN_PROCS; i++)
		if (process_at(w, i) > 0 && (!proc || pos[i].taken == proc + 1))
			proc = i;
	return proc;
}

/* How many threads run lines of a section; the page may be written over. */
static uint32_t lanes(const struct watch *w)
{
	bool in_section = w->config.parallel && w->result->shared->pos[0].op_code == OP_PARALLEL;

	return in_section ? w->config.threads : 0;
}

/* Whether thread `i` is in the middle of its lines, in a call that does not return. */
static bool lane_is_stuck(const struct run_shared *s, uint32_t i)
{
	return atomic_load(&s->lane[i].taken) && s->lane[i].phase == PHASE_CALL;
}

/* The thread that a hang is told of: one inside an allocator call, where there is one. */
static const struct position *stuck_position(const struct watch *w)
{
	const struct run_shared *s = w->result->shared;
	const struct position *stuck = NULL;

	for (uint32_t i = 0; i < lanes(w); i++) {
		if (lane_is_stuck(s, i) && (!stuck || s->lane[i].op_code == OP_FORK))
			stuck = &s->lane[i];
	}
	for (uint32_t i = 0; !stuck && i < lanes(w); i++)
		stuck = atomic_load(&s->lane[i].taken) ? &s->lane[i] : NULL;
	return stuck ? stuck : &s->pos[0];
}

/* In a trapped call the handler and the trampoline stand above the allocator. */
static void capture(const struct watch *w, const struct position *pos, pid_t pid,
		    struct stack *ret_stack)
{
	pid_t tid = pid;

	if (pid == w->child.pid)
		tid = w->result->shared->tid[pos->thread % PROG_MAX_THREADS];
	stack_capture(pid, tid > 0 ? tid : pid, atomic_load(&pos->trap_ip), ret_stack);
}

/* The stacks of the threads that stand still with the one that a finding names. */
static void keep_others(struct watch *w, const struct finding *f, const struct position *named)
{
	const struct run_shared *s = w->result->shared;
	struct stack stack;
	char whose[40];

	for (uint32_t i = 0; i < lanes(w); i++) {
		if (&s->lane[i] == named || !atomic_load(&s->lane[i].taken))
			continue;
		capture(w, &s->lane[i], w->child.pid, &stack);
		snprintf(whose, sizeof(whose), "%sthread %u", f->in_fork ? "the parent's " : "", i);
		keep_stack(w->result, f, whose, &stack);
	}
	if (lanes(w) || !f->in_fork)
		return;
	capture(w, &s->pos[0], w->child.pid, &stack);
	keep_stack(w->result, f, "the parent", &stack);
}

static void on_hang(struct watch *w, uint64_t silent_ns)
{
	struct run_shared *shared = w->result->shared;
	unsigned proc = innermost_process(w);
	const struct position *pos = proc ? &shared->pos[proc] : stuck_position(w);
	pid_t pid = process_at(w, proc);
	struct finding f = finding_at(pos, proc != 0);
	bool in_fork = proc != 0 || f.op_code == OP_FORK;
	struct stack stack;

	capture(w, pos, pid, &stack);
	f.kind = in_fork ? FINDING_FORK_BROKEN : FINDING_HANG;
	f.rule = in_fork ? RULE_FORK_STUCK : RULE_STUCK;
	f.n[0] = silent_ns;
	if (proc && pos->beside) {
		f.n[1] = pos->beside;
		f.n[2] = pos->beside_op < OP_CODES ? pos->beside_op : OP_CODES - 1;
		f.n[3] = (uint64_t)pos->beside_stmt;
	}
	keep_stack(w->result, &f, "", &stack);
	keep_others(w, &f, pos);
	finding_add(&shared->findings, &f);
	if (proc)
		kill_fork_child(w, proc, pid);
	else
		end_by_kill(w, RUN_END_HUNG);
}

/* An allocator may have closed the descriptor that announces crashes. */
static bool crash_unannounced(struct watch *w)
{
	for (unsigned i = 0; i < RUN_PROCS; i++) {
		if (!atomic_load(&w->result->shared->crash[i].filled) || !process_at(w, i))
			continue;
		on_crash(w, i);
		return true;
	}
	return false;
}

/* Whether a process without a heartbeat has gone on with a long op since it was last asked. */
static bool still_working(struct watch *w)
{
	unsigned proc = innermost_process(w);
	const struct run_shared *s = w->result->shared;
	unsigned phase = proc ? s->pos[proc].phase : stuck_position(w)->phase;
	uint64_t work = work_done(process_at(w, proc), phase);
	uint64_t before = w->work;

	w->work = work;
	return before != WORK_UNKNOWN && work > before &&
	       w->last_progress_ns - w->silent_since_ns < WORK_TIMES * w->req->hang_ns;
}

static void check_progress(struct watch *w)
{
	const struct run_shared *shared = w->result->shared;
	uint64_t beat = 0, now = now_ns();

	for (unsigned i = 0; i < RUN_PROCS; i++)
		beat += atomic_load_explicit(&shared->pos[i].heartbeat, memory_order_relaxed);
	for (uint32_t i = 0; i < lanes(w); i++)
		beat += atomic_load_explicit(&shared->lane[i].heartbeat, memory_order_relaxed);
	if (beat != w->last_beat) {
		w->last_beat = beat;
		w->last_progress_ns = w->silent_since_ns = now;
		w->work = WORK_UNKNOWN;
	} else if (w->work == WORK_UNKNOWN) {
		still_working(w);
	} else if (now - w->last_progress_ns > w->req->hang_ns) {
		if (still_working(w))
			w->last_progress_ns = now;
		else
			on_hang(w, now - w->silent_since_ns);
	}
}

/* Whether the kernel killed processes for want of memory since the child was started. */
static bool memory_ran_out(const struct watch *w)
{
	uint64_t kills = oom_kills();

	return kills == OOM_UNKNOWN || kills != w->oom_kills_before;
}

/* SIGKILL inside an allocator call, and not by the kernel. */
static bool killed_itself(const struct watch *w)
{
	return stuck_position(w)->phase == PHASE_CALL && !memory_ran_out(w);
}

/* A fork child that got SIGKILL is no finding where the kernel may have sent it. */
static bool forget_killed_children(struct finding_sink *sink)
{
	uint32_t kept = 0, n = sink->n;

	for (uint32_t i = 0; i < n; i++) {
		const struct finding *f = &sink->v[i];

		if (f->rule != RULE_FORK_SIGNAL || f->n[0] != SIGKILL)
			sink->v[kept++] = *f;
	}
	sink->n = kept;
	return kept != n;
}

/* The child has ended: what its status says that its page does not. */
static void judge_status(struct watch *w, int status)
{
	struct run_result *r = w->result;
	uint32_t state = atomic_load(&r->shared->state);
	struct finding f = finding_at(stuck_position(w), false);

	if (w->killed)
		return;
	if (state == RUN_ENDED || state == RUN_REFUSED) {
		r->end = state == RUN_ENDED ? RUN_END_NORMAL : RUN_END_REFUSED;
		return;
	}
	if (state == RUN_STARTING && WIFEXITED(status)) {
		r->shared->refusal = REFUSAL_LINKER;
		r->end = RUN_END_REFUSED;
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !killed_itself(w)) {
		snprintf(r->broken, sizeof(r->broken),
			 "the child was killed by SIGKILL at statement %d (out of memory?)",
			 f.stmt);
		r->end = RUN_END_BROKEN;
		return;
	}
	f.kind = FINDING_CRASH;
	f.rule = WIFSIGNALED(status) ? RULE_SIGNAL : RULE_EXIT;
	f.n[0] = (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	finding_add(&r->shared->findings, &f);
	r->end = RUN_END_CRASHED;
}

/* From here on the page is a copy of our own, and sound. False when nothing was left on it. */
static bool salvage(struct watch *w)
{
	struct run_result *r = w->result;
	struct run_shared *copy;

	if (salvage_copy(r->shared, r->shared_bytes, &copy) == 0) {
		munmap(r->shared, r->shared_bytes);
		r->shared = copy;
	}
	return !salvage_page(r->shared, &w->config);
}

static void judge_memory(struct watch *w)
{
	struct run_result *r = w->result;

	if (!memory_ran_out(w) || !forget_killed_children(&r->shared->findings))
		return;
	snprintf(r->broken, sizeof(r->broken),
		 "a fork child was killed by SIGKILL (out of memory?)");
	r->end = RUN_END_BROKEN;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000;
}

static void reap(struct watch *w)
{
	int status = 0;
	struct rusage used = {0};

	/* Before the leader is reaped its group number cannot be anybody else's. */
	kill(-w->child.pid, SIGKILL);
	while (wait4(w->child.pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	w->result->cpu_ns = ns_of(used.ru_utime) + ns_of(used.ru_stime);
	w->result->most_resident_bytes = (uint64_t)used.ru_maxrss << 10;
	watch_drain_output(w);
	drain_tape(w);
	if (salvage(w)) {
		judge_status(w, status);
		judge_memory(w);
	} else if (w->result->end != RUN_END_INTERRUPTED) {
		w->result->end = RUN_END_CRASHED;
	}
}

static bool is_over_limit(const struct watch *w)
{
	return w->req->limit_ns && now_ns() - w->begin_ns > w->req->limit_ns;
}

bool watch_wait(struct watch *w, watch_through through)
{
	struct pollfd fds[] = {
		{.fd = w->child.pidfd, .events = POLLIN},
		{.fd = w->child.output_fd, .events = POLLIN},
		{.fd = w->child.notify_fd, .events = POLLIN},
	};

	w->begin_ns = w->last_progress_ns = w->silent_since_ns = now_ns();
	w->work = WORK_UNKNOWN;
	/*
	 * An exit wakes nobody who waits for a program's end: it is looked for often at first, so
	 * that it is noticed after about as long as the program took.
	 */
	for (int ms = through ? 1 : POLL_MS;; ms = 2 * ms < POLL_MS ? 2 * ms : POLL_MS) {
		if (w->req->on_tape)
			ms = POLL_TAPE_MS;
		if (through && !w->killed && through(w, ms))
			return true;
		int n = poll(fds, 3, through && !w->killed ? 0 : ms);

		drain_tape(w);
		if (n > 0 && fds[1].revents)
			watch_drain_output(w);
		if (n > 0 && (fds[1].revents & (POLLHUP | POLLERR)))
			fds[1].fd = -1;
		if (n > 0 && (fds[2].revents & POLLIN))
			on_notify(w);
		if (n > 0 && (fds[2].revents & (POLLHUP | POLLERR)))
			fds[2].fd = -1;
		if (n > 0 && fds[0].revents)
			return false;
		if ((run_interrupted || is_over_limit(w)) && !w->killed)
			end_by_kill(w, RUN_END_INTERRUPTED);
		if (!w->killed && !crash_unannounced(w))
			check_progress(w);
	}
}

int watch_start(struct watch *w, const struct run_request *req, struct run_result *result)
{
	int shared_fd;

	*w = (struct watch){.oom_kills_before = oom_kills(), .req = req, .result = result};
	*result = (struct run_result){0};
	int err = spawn_shared(req, &shared_fd, result);

	if (err)
		return err;
	w->config = result->shared->config;
	w->tape = run_tape(result->shared);
	err = spawn_child(req, shared_fd, &w->child);
	close(shared_fd);
	if (err) {
		run_result_release(result);
		return err;
	}
	atomic_store(&result->shared->pos[0].pid, w->child.pid);
	return 0;
}

void watch_end(struct watch *w)
{
	reap(w);
	spawned_release(&w->child);
}
