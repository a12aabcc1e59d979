/*
 * fork_op.c - a fork block: the child runs it, the parent waits and goes on behind it.
 *
 * The child is made by libc's fork(), so the allocator's atfork handlers run. It shares the result
 * page and nothing else with its parent; its own position there tells the controller where it is.
 * When it hangs or crashes the controller records that and kills it; the parent only reports ends
 * that the controller cannot have seen.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/sampler.h"

static void become_child(struct child *c)
{
	struct run_shared *shared = c->shared;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	c->proc++;
	shared->pos[c->proc] = (struct position){
		.stmt = c->pos->stmt,
		.op_code = c->pos->op_code,
		.thread = c->pos->thread,
	};
	c->pos = &shared->pos[c->proc];
	atomic_store(&c->pos->pid, getpid());
	crash_after_fork(c->proc);
	sampler_after_fork(c->sampler);
	int err = accounts_after_fork(c->accounts);

	if (err)
		shared->harness_error = (uint32_t)-err;
}

/* Runs up to the end of the block. Blocks inside are consumed by fork_op_run. */
static void run_body(struct child *c)
{
	while (interp_advance(c) && c->op->code != OP_END)
		interp_execute(c, c->op);
}

static void child_body(struct child *c, const struct op *op)
{
	become_child(c);
	run_body(c);
	if (c->model) {
		struct call_event e = child_event(c, op, 0);

		c->pos->phase = PHASE_TOUCH;
		oracle_end(c->model, &e, &c->shared->findings);
	}
	_exit(0);
}

static void report_end(struct child *c, const struct op *op, unsigned proc, int status)
{
	struct finding f = {
		.kind = FINDING_FORK_BROKEN,
		.rule = RULE_FORK_EXIT,
		.op_code = c->shared->pos[proc].op_code,
		.thread = op->thread,
		.in_fork = 1,
		.stmt = c->shared->pos[proc].stmt,
		.iteration = c->pos->iteration,
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

	if (got == pid && !told && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		report_end(c, op, c->proc + 1, status);
}

void fork_op_run(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);
	pid_t pid = -1;
	int err = EAGAIN;

	if (c->proc + 1 < RUN_PROCS) {
		c->pos->phase = PHASE_CALL;
		pid = fork();
		err = errno;
		if (pid == 0)
			child_body(c, op);
		c->pos->phase = PHASE_HARNESS;
	}
	struct prog_error ignored;
	int rc = cursor_skip_block(c->cursor, &ignored);

	if (rc)
		c->shared->harness_error = (uint32_t)-rc;
	if (pid < 0) {
		child_outcome(c, &e, err);
		return;
	}
	wait_for(c, op, pid);
	child_outcome(c, &e, 0);
}
