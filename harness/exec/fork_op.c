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
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"

#define FORK_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

FORK_LOCAL struct child *forking; /* a fork block begins; NULL: whoever forks, it is not us */
FORK_LOCAL bool seen;		  /* the calls of this thread, up to the fork */

/*
 * Told before the fork, so that a child that never comes back from the allocator's atfork handlers
 * has a place.
 */
static void await_child(struct child *c)
{
	c->shared->pos[c->proc + 1] = (struct position){
		.phase = PHASE_CALL,
		.stmt = c->pos->stmt,
		.op_code = c->pos->op_code,
		.thread = c->pos->thread,
		.iteration = c->pos->iteration,
	};
}

/* What they note on the shared page and on the tape is one process's at a time. */
static void await_parent(struct child *c)
{
	_Atomic uint32_t *may_run = &c->shared->pos[c->proc + 1].may_run;

	while (!atomic_load(may_run))
		syscall(SYS_futex, may_run, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void let_child_run(struct child *c, pid_t pid)
{
	struct position *child = &c->shared->pos[c->proc + 1];

	atomic_store(&child->pid, pid);
	atomic_store(&child->may_run, 1);
	syscall(SYS_futex, &child->may_run, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void become_child(struct child *c)
{
	struct run_shared *shared = c->shared;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A parent that died before sends no signal. */
	if (getppid() != atomic_load(&c->pos->pid))
		_exit(0);
	await_parent(c);
	c->proc++;
	c->pos = &shared->pos[c->proc];
	c->pos->phase = PHASE_HARNESS;
	atomic_store(&c->pos->pid, getpid());
	crash_after_fork(c->proc);
	int err = accounts_after_fork(c->accounts);

	if (!err)
		err = kcalls_after_fork(c);
	if (err)
		child_failed(c, err, "a fork child could not set up its accounts");
}

static void before_fork(void)
{
	seen = trap_selector;
}

/* Also where the allocator forks in a call of its own. */
static void behind_fork_in_parent(void)
{
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
	c->pos->phase = PHASE_CALL;
	if (seen)
		(void)trap_passed_by();
	if (c->trapping)
		trap_on();
}

int fork_op_follow(void)
{
	return -pthread_atfork(before_fork, behind_fork_in_parent, behind_fork_in_child);
}

/* Runs up to the end of the block. Blocks inside are consumed by fork_op_run. */
static void run_body(struct child *c)
{
	while (interp_advance(c) && c->op->code != OP_END)
		interp_execute(c, c->op);
}

static void child_body(struct child *c, const struct op *op)
{
	run_body(c);
	if (c->model) {
		struct call_event e = child_event(c, op, 0);

		touch_enter(c);
		oracle_end(c->model, &e, &c->shared->findings);
		touch_leave(c);
	}
	atomic_store(&c->pos->finished, 1);
	_exit(0);
}

static void report_end(struct child *c, const struct op *op, unsigned proc, int status)
{
	const struct position *pos = &c->shared->pos[proc];
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
	finding_add(&c->shared->findings, &f);
}

static void wait_for(struct child *c, const struct op *op, pid_t pid)
{
	struct position *child = &c->shared->pos[c->proc + 1];
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	atomic_store(&child->pid, 0);
	bool told = atomic_load(&child->killed);
	bool finished = atomic_load(&child->finished) && WIFEXITED(status);

	/* An exit in the middle of the block is wrong whatever its status. */
	if (got == pid && !told && !finished)
		report_end(c, op, c->proc + 1, status);
}

void fork_op_run(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);
	pid_t pid = -1;
	int err = EAGAIN;

	if (c->proc + 1 < RUN_PROCS) {
		await_child(c);
		forking = c;
		allocator_enter(c);
		pid = fork();
		err = errno;
		allocator_leave(c);
		if (pid == 0)
			child_body(c, op);
		forking = NULL;
	}
	struct prog_error ignored;
	int rc = program_file_check(c->program);

	if (!rc)
		rc = cursor_skip_block(c->cursor, &ignored);
	if (rc)
		child_failed(c, rc, "the program could not be read on");
	if (pid < 0) {
		child_outcome(c, &e, err);
		return;
	}
	let_child_run(c, pid);
	wait_for(c, op, pid);
	child_outcome(c, &e, 0);
}
