/*
 * fork_op.c - a fork block: the child runs it, the parent waits and goes on behind it.
 *
 * The child is made by libc's fork(), so the allocator's atfork handlers run. It shares the result
 * page and nothing else with its parent; its own position there tells the controller where it is.
 * When it hangs or crashes the controller records that and kills it; the parent only reports ends
 * that the controller cannot have seen.
 *
 * The system call itself cannot be trapped, and behind it libc runs the atfork handlers. Ours is
 * registered before all others, so of each kind that runs behind the call it runs first: from there
 * on the calls of the others are seen, in both processes. First the parent leaves fork(), then the
 * child goes on.
 *
 * In a parallel section other threads go on meanwhile. The child gets a whole model and ledger, as
 * the page lock is taken right before the system call, when all handlers that wait for locks of the
 * allocator or of libc are through, and dropped by the first handler behind it. What the other
 * threads were in the middle of is lost to the child, as it is to any program.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_access.h"
#include "harness/exec/parallel.h"
#include "harness/exec/residency.h"

#define FORK_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

FORK_LOCAL struct child *forking;  /* a fork block begins; NULL: whoever forks, it is not us */
FORK_LOCAL struct position *place; /* of the child that it makes */
FORK_LOCAL bool seen;		   /* the calls of this thread, up to the fork */
FORK_LOCAL bool locked;		   /* it has the page lock */

/*
 * Told before the fork, so that a child that never comes back from the allocator's atfork handlers
 * has a place. NULL where all are taken.
 */
static struct position *place_take(struct child *c)
{
	for (unsigned i = 1; i < RUN_PROCS; i++) {
		struct position *p = &c->shared->pos[i];
		uint32_t expected = 0;

		if (!atomic_compare_exchange_strong(&p->taken, &expected, c->proc + 1))
			continue;
		atomic_store(&p->killed, 0);
		atomic_store(&p->finished, 0);
		atomic_store(&p->may_run, 0);
		atomic_store(&p->trap_ip, 0);
		p->serial = atomic_fetch_add(&c->shared->forks, 1) + 1;
		position_phase(p, PHASE_CALL);
		position_op(p, c->pos->stmt, c->pos->op_code);
		p->thread = c->pos->thread;
		p->iteration = c->pos->iteration;
		p->has_slot = 0;
		p->beside = 0;
		crash_before_fork(i);
		return p;
	}
	return NULL;
}

static void forget_pages(struct child *c, const struct position *p, bool cut)
{
	if (!c->pages)
		return;
	shared_enter(c);
	pages_child_gone(c->pages, p->serial, cut);
	shared_leave(c);
}

/*
 * With it go those of its own fork children, should it have ended before them: they are killed.
 * `cut`: it did not come to the end of its block.
 */
static void place_drop(struct child *c, struct position *p, bool cut)
{
	struct position *pos = c->shared->pos;
	unsigned proc = (unsigned)(p - pos);

	for (unsigned i = 1; i < RUN_PROCS; i++) {
		if (atomic_load(&pos[i].taken) == proc + 1)
			place_drop(c, &pos[i], true);
	}
	page_lock_bury(&c->shared->lock, atomic_load(&p->pid));
	forget_pages(c, p, cut);
	atomic_store(&p->pid, 0);
	atomic_store(&p->taken, 0);
}

/* Waits until there are places for one more fork child of a section, and for those below it. */
static void join_the_queue(struct child *c)
{
	_Atomic uint32_t *forks = &c->main->forks;
	uint32_t there = atomic_load(forks);

	while (there >= c->shared->config.forks_beside ||
	       !atomic_compare_exchange_weak(forks, &there, there + 1)) {
		if (there >= c->shared->config.forks_beside)
			syscall(SYS_futex, forks, FUTEX_WAIT_PRIVATE, there, NULL, NULL, 0);
		there = atomic_load(forks);
	}
}

static void leave_the_queue(struct child *c)
{
	atomic_fetch_sub(&c->main->forks, 1);
	syscall(SYS_futex, &c->main->forks, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* What they note on the shared page and on the tape is one process's at a time. */
static void await_parent(struct position *own)
{
	while (!atomic_load(&own->may_run))
		syscall(SYS_futex, &own->may_run, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void let_child_run(struct position *child, pid_t pid)
{
	atomic_store(&child->pid, pid);
	atomic_store(&child->may_run, 1);
	syscall(SYS_futex, &child->may_run, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void become_child(struct child *c)
{
	struct run_shared *shared = c->shared;

	page_lock_after_fork();
	locked = false;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A parent that died before sends no signal. */
	if (getppid() != atomic_load(&shared->pos[c->proc].pid))
		_exit(0);
	await_parent(place);
	c->pos = place;
	c->proc = (unsigned)(place - shared->pos);
	position_phase(c->pos, PHASE_HARNESS);
	atomic_store(&c->pos->pid, getpid());
	crash_after_fork(c->proc);
	if (c->lane)
		parallel_after_fork(c);
	int err = accounts_after_fork(c->accounts);

	if (!err)
		err = kcalls_after_fork(c);
	shared_enter(c);
	if (c->pages)
		pages_forked(c->pages, place->serial);
	shared_leave(c);
	if (err)
		child_failed(c, err, "a fork child could not set up its accounts");
}

/* Should the child hang: who may have held the lock. */
static void note_beside(struct child *c)
{
	for (uint32_t i = 0; i < c->shared->config.threads; i++) {
		const struct position *p = &c->shared->lane[i];

		if (p == c->pos || !atomic_load(&p->taken) || p->phase != PHASE_CALL)
			continue;
		place->beside = i + 1;
		place->beside_op = p->op_code;
		place->beside_stmt = p->stmt;
		return;
	}
}

static void lock_page(void)
{
	if (!forking || !forking->lane || locked)
		return;
	page_lock_take(&forking->shared->lock);
	locked = true;
	note_beside(forking);
}

/* The fork's own, not that of a thread which a handler starts. */
static void on_pass(void *ctx, const struct kernel_call *call)
{
	(void)ctx;
	if (call->nr == SYS_fork || (call->nr == SYS_clone && !(call->arg[0] & CLONE_VM)))
		lock_page();
}

static void before_fork(void)
{
	seen = trap_selector;
	/* Where nothing is trapped nobody takes it in an allocator call. */
	if (!seen)
		lock_page();
}

/* Also where the allocator forks in a call of its own. */
static void behind_fork_in_parent(void)
{
	if (locked)
		page_lock_drop(&forking->shared->lock);
	locked = false;
	if (!seen)
		return;
	if (forking)
		(void)trap_passed_by();
	trap_on();
}

static void behind_fork_in_child(void)
{
	struct child *c = forking;

	forking = NULL;
	if (!c)
		return;
	become_child(c);
	position_phase(c->pos, PHASE_CALL);
	if (seen)
		(void)trap_passed_by();
	if (c->trapping)
		trap_on();
}

int fork_op_follow(void)
{
	trap_tell_passed(on_pass);
	return -pthread_atfork(before_fork, behind_fork_in_parent, behind_fork_in_child);
}

/* Runs up to the end of the block. Blocks inside are consumed by fork_op_run. */
static void run_body(struct child *c)
{
	while (interp_advance(c) && c->op->code != OP_END)
		interp_execute(c, c->op);
}

static void judge_end(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);

	shared_enter(c);
	residency_judge_now(c);
	touch_enter(c);
	oracle_end(c->model, &e, &c->shared->findings);
	touch_leave(c);
	map_content_end(c, &e);
	shared_leave(c);
}

static void child_body(struct child *c, const struct op *op)
{
	run_body(c);
	if (c->model)
		judge_end(c, op);
	if (c->lane) {
		shared_enter(c);
		run_counts_add(&c->shared->counts, c->counts);
		shared_leave(c);
	}
	atomic_store(&c->pos->finished, 1);
	_exit(0);
}

static void report_end(struct child *c, const struct op *op, const struct position *pos, int status)
{
	struct finding f = {
		.kind = FINDING_FORK_BROKEN,
		.rule = RULE_FORK_EXIT,
		.op_code = (uint8_t)pos->op_code,
		.thread = op->thread,
		.in_fork = 1,
		.has_slot = (uint8_t)pos->has_slot,
		.stmt = pos->stmt,
		.slot = pos->slot,
		.iteration = pos->iteration,
		.count = 1,
		.n = {(uint64_t)WEXITSTATUS(status)},
	};

	if (WIFSIGNALED(status)) {
		f.rule = RULE_FORK_SIGNAL;
		f.n[0] = (uint64_t)WTERMSIG(status);
	}
	shared_enter(c);
	finding_add(&c->shared->findings, &f);
	shared_leave(c);
}

/* Returns whether it came to the end of its block. */
static bool wait_for(struct child *c, const struct op *op, struct position *child, pid_t pid)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	page_lock_bury(&c->shared->lock, pid);
	bool told = atomic_load(&child->killed);
	bool finished = atomic_load(&child->finished) && WIFEXITED(status);

	/* An exit in the middle of the block is wrong whatever its status. */
	if (got == pid && !told && !finished)
		report_end(c, op, child, status);
	return finished;
}

static pid_t fork_child(struct child *c, const struct op *op, int *ret_err)
{
	forking = c;
	allocator_enter(c);
	pid_t pid = fork();

	*ret_err = errno;
	allocator_leave(c);
	if (pid == 0)
		child_body(c, op);
	forking = NULL;
	return pid;
}

void fork_op_run(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);
	struct prog_error ignored;
	int err = EAGAIN;
	bool queues = c->lane && c->proc == 0;

	if (queues)
		join_the_queue(c);
	place = place_take(c);
	struct position *child = place;
	pid_t pid = child ? fork_child(c, op, &err) : -1;
	int rc = program_file_check(c->program);

	if (!rc)
		rc = cursor_skip_block(c->cursor, &ignored);
	if (rc)
		child_failed(c, rc, "the program could not be read on");
	bool finished = pid < 0;

	if (pid >= 0) {
		let_child_run(child, pid);
		finished = wait_for(c, op, child, pid);
	}
	if (child)
		place_drop(c, child, !finished);
	crash_before_fork(0);
	if (queues)
		leave_the_queue(c);
	child_outcome(c, &e, pid < 0 ? err : 0);
}
