#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/child/child.h"
#include "bench/child/sampling.h"
#include "harness/base/tls.h"

#define STACK_BYTES ((size_t)512 << 10) /* beside what static TLS takes of it */

#define PAGE ((size_t)4096)

typedef void (*thread_fn)(struct bench *, struct lane *, void *);

/*
 * One of a lane's two threads, which take turns: each joins the one before it, and then that one's
 * place is free. Their stacks are the benchmark's own, so that no map comes or goes with a thread.
 */
struct worker {
	void *stack;
	pthread_t thread;
	struct bench *bench;
	struct lane *lane;
	thread_fn fn;
	void *arg;
	struct worker *before; /* NULL: the first of its lane */
	bool succeeded;
};

/* A barrier, by a futex on the number of its round. */
struct meeting {
	unsigned n;
	_Atomic uint32_t here, round;
};

static struct {
	struct worker workers[BENCH_LANES][2];
	struct worker *current[BENCH_LANES];
	struct meeting meeting;
	_Atomic uint32_t running; /* lanes that have not ended */
} threads;

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void bench_meet(struct bench *b)
{
	struct meeting *m = &threads.meeting;
	uint32_t round = atomic_load(&m->round);

	(void)b;
	if (atomic_fetch_add(&m->here, 1) + 1 == m->n) {
		atomic_store(&m->here, 0);
		atomic_fetch_add(&m->round, 1);
		futex_wake(&m->round);
		return;
	}
	while (atomic_load(&m->round) == round)
		futex_wait(&m->round, round);
}

/* libc puts the static TLS of all images on the stack of a thread. */
static size_t stack_bytes(void)
{
	static size_t bytes;

	if (!bytes)
		bytes = (STACK_BYTES + tls_static_bytes() + PAGE - 1) & ~(PAGE - 1);
	return bytes;
}

void threads_prepare(struct bench *b, unsigned n)
{
	for (unsigned i = 1; i <= n && i < BENCH_LANES; i++) {
		sampling_lane(b, bench_lane(b, i));
		for (unsigned j = 0; j < 2; j++)
			if (!threads.workers[i][j].stack)
				threads.workers[i][j].stack = bench_memory(b, stack_bytes());
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	w->thread = pthread_self();
	if (w->before)
		pthread_join(w->before->thread, NULL);
	threads.current[w->lane->index] = w;
	sampling_thread_begin(w->bench, w->lane);
	if (!w->before)
		bench_meet(w->bench);
	w->fn(w->bench, w->lane, w->arg);
	if (!w->succeeded && atomic_fetch_sub(&threads.running, 1) == 1)
		futex_wake(&threads.running);
	sampling_thread_end(w->lane);
	return NULL;
}

static void worker_start(struct worker *w)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstack(&attr, w->stack, stack_bytes()) != 0 ||
	    pthread_create(&thread, &attr, worker_main, w) != 0)
		bench_end(w->bench, BENCH_END_BROKEN, "no thread could be made");
	pthread_attr_destroy(&attr);
}

void bench_succeed(struct bench *b, struct lane *l, thread_fn fn, void *arg)
{
	struct worker *pair = threads.workers[l->index], *self = threads.current[l->index];
	struct worker *w = &pair[self == pair];

	self->succeeded = true;
	*w = (struct worker){
		.stack = w->stack, .bench = b, .lane = l, .fn = fn, .arg = arg, .before = self};
	worker_start(w);
}

void bench_threads(struct bench *b, unsigned n, thread_fn fn, void *arg)
{
	uint32_t left;

	if (n >= BENCH_LANES)
		bench_end(b, BENCH_END_UNSUPPORTED, "more threads than there are lanes");
	threads_prepare(b, n);
	threads.meeting.n = n;
	threads.running = n;
	for (unsigned i = 1; i <= n; i++) {
		struct worker *w = &threads.workers[i][0];

		*w = (struct worker){.stack = w->stack,
				     .bench = b,
				     .lane = bench_lane(b, i),
				     .fn = fn,
				     .arg = arg};
		worker_start(w);
	}
	while ((left = atomic_load(&threads.running)) != 0)
		futex_wait(&threads.running, left);
	for (unsigned i = 1; i <= n; i++)
		pthread_join(threads.current[i]->thread, NULL);
}
