#include "harness/exec/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/tls.h"
#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/parallel.h"

#define STACK_BYTES (512u << 10) /* beside what static TLS takes of it */
#define YIELDS	    64
#define NAP_NS	    20000
#define PAGE	    4096

struct program_thread {
	struct child *child; /* what it works with first: main, or its lane's */
	uint32_t self;
	uint32_t section; /* the last one that it has run */
	bool follows;	  /* a thread that ends is to be joined */
	bool made;	  /* while the program ran */
	uint8_t at;	  /* which stack it is on */
	void *stack[2];	  /* one where threads do not end */
	pthread_t id, before;
	pid_t tid_before;
};

static unsigned stacks_each(const struct run_config *cfg)
{
	return cfg->exits ? 2 : 1;
}

/*
 * libc puts the static TLS of all images on the stack of a thread: of a library with a sanitizer
 * in it that alone is more than a stack. Asked once: images that are loaded later get none.
 */
static size_t stack_bytes(void)
{
	static size_t bytes;

	if (!bytes)
		bytes = (STACK_BYTES + tls_static_bytes() + PAGE - 1) & ~(size_t)(PAGE - 1);
	return bytes;
}

size_t threads_arena_bytes(const struct run_config *cfg)
{
	return (size_t)cfg->threads *
	       (sizeof(struct program_thread) + stacks_each(cfg) * stack_bytes() + PAGE);
}

/* Until the kernel knows it no more: what it still does is its own and is trapped. */
static void await_end(pid_t tid)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	for (unsigned tries = 0; syscall(SYS_tgkill, getpid(), tid, 0) == 0; tries++) {
		if (tries < YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
}

/* A thread that was number `self` and ends; from then on the calling one stands in for it. */
static void join(struct child *c, uint32_t self, pthread_t id, pid_t tid)
{
	await_end(tid);
	atomic_store(&c->pos->trap_ip, 0);
	c->shared->tid[self] = gettid();
	allocator_enter(c);
	pthread_join(id, NULL);
	allocator_leave(c);
	child_beat(c);
}

static void join_before(struct child *c, struct program_thread *t)
{
	join(c, t->self, t->before, t->tid_before);
	t->follows = false;
}

uint32_t thread_of(const struct op *op)
{
	return op->code == OP_PARALLEL ? 0 : op->thread;
}

/* Runs ops while it is this thread's turn. False when this thread ends. */
static bool take_turn(struct child *c, uint32_t self)
{
	bool more = true;

	if (c->ending) {
		c->ending = false;
		more = child_advance(c);
	}
	while (more && thread_of(c->op) == self) {
		interp_execute(c, c->op);
		if (c->ending)
			return false;
		more = child_advance(c);
	}
	if (more)
		baton_pass(&c->baton, thread_of(c->op));
	else
		baton_finish(&c->baton);
	return true;
}

/* False when this thread ends in the middle of its lines. */
static bool run_lane(struct child *lane)
{
	bool through = parallel_lane_run(lane);

	if (through)
		baton_leave(&lane->main->baton);
	return through;
}

static void run_turns(struct child *c, struct program_thread *t)
{
	for (;;) {
		switch (baton_wait(&c->baton, t->self, &t->section)) {
		case BATON_OVER:
			return;
		case BATON_TURN:
			if (!take_turn(c, t->self))
				return;
			break;
		case BATON_SECTION:
			if (!run_lane(parallel_lane(c, t->self)))
				return;
			break;
		}
	}
}

/* Its destructors run behind this, trapped. */
static void *leave_thread(struct child *c)
{
	position_phase(c->pos, PHASE_CALL);
	if (c->trapping)
		trap_on();
	return NULL;
}

static void *thread_main(void *arg)
{
	struct program_thread *t = arg;
	struct child *c = t->child, *main = c->main;

	crash_thread_stack(t->self);
	if (kcalls_arm_thread(main) != 0)
		child_failed(main, -EPERM, "a thread could not be armed");
	kcalls_work_with(c);
	if (t->follows) {
		join_before(c, t);
	} else {
		main->shared->tid[t->self] = gettid();
		baton_arrive(&main->baton);
	}
	if (c->lane && !run_lane(c))
		return leave_thread(c);
	run_turns(main, t);
	return leave_thread(kcalls_works_with());
}

static int start(struct child *c, struct program_thread *t)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (!err)
		err = pthread_attr_setstack(&attr, t->stack[t->at], stack_bytes());
	t->child = c;
	if (!err)
		err = pthread_create(&t->id, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	return -err;
}

void thread_exit_op(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);
	struct program_thread *t = &c->threads[op->thread], kept = *t;

	t->before = pthread_self();
	t->tid_before = gettid();
	t->follows = true;
	t->made = true;
	t->at = !t->at;
	c->ending = true;
	allocator_enter(c);
	int err = start(c, t);

	trap_off();
	/* The call that makes the thread is libc's, and no allocator call comes behind it. */
	bool unseen = trap_passed_by() > 1;

	allocator_leave(c);
	if (unseen)
		kcalls_passed_by(c);
	if (err) {
		*t = kept;
		c->ending = false;
	}
	child_outcome(c, &e, -err);
}

void threads_end(struct child *c)
{
	for (uint32_t i = 1; i < c->shared->config.threads; i++) {
		struct program_thread *t = &c->threads[i];

		if (!t->made)
			continue;
		c->threads_ended = true;
		position_op(c->pos, c->pos->stmt, OP_EXIT);
		c->pos->thread = i;
		baton_pass(&c->baton, i);
		join(c, i, t->id, c->shared->tid[i]);
	}
	c->pos->thread = 0;
}

static int init_thread(struct child *c, struct arena *a, uint32_t self)
{
	struct program_thread *t = &c->threads[self];

	t->self = self;
	for (unsigned i = 0; i < stacks_each(&c->shared->config); i++) {
		t->stack[i] = arena_take(a, stack_bytes(), PAGE);
		if (!t->stack[i])
			return -ENOMEM;
	}
	return start(c, t);
}

int threads_init(struct child *c, struct arena *a)
{
	uint32_t n = c->shared->config.threads;

	c->threads = arena_take(a, n * sizeof(*c->threads), _Alignof(struct program_thread));
	if (!c->threads)
		return -ENOMEM;
	for (uint32_t i = 1; i < n; i++) {
		int err = init_thread(c, a, i);

		if (err)
			return err;
	}
	baton_wait_arrived(&c->baton, n - 1);
	return 0;
}

void threads_run_section(struct child *c)
{
	struct program_thread *t = &c->threads[0];

	t->section = baton_open(&c->baton, c->shared->config.threads);
	run_lane(parallel_lane(c, 0));
	baton_close(&c->baton, 0);
}

void threads_run(struct child *c)
{
	run_turns(c, &c->threads[0]);
}
