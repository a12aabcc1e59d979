#include "harness/prog/emit/threads.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/vmas.h"

#define THREADS_MAX 256
#define STACK_BYTES ((size_t)512 << 10)

static struct thread {
	sem_t asked, done;
	pthread_t id, before;
	bool ends, follows; /* `follows`: `before` is to be joined */
	unsigned stack;	    /* which of the two it is on */
	char *stacks;
	/* What it is asked for. */
	some_lines *lines;
	slot_call *call;
	unsigned slot, line;
	size_t a, b;
	struct allowed allowed;
	int result;
} threads[THREADS_MAX];

static void *serve(void *arg);

static void wait_for(sem_t *s)
{
	while (sem_wait(s) != 0 && errno == EINTR)
		;
}

/* On memory that is there before the program begins. */
static void make(struct thread *t)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	pthread_attr_setstack(&a, t->stacks + t->stack * STACK_BYTES, STACK_BYTES);
	errno = pthread_create(&t->id, &a, serve, t);
	if (errno)
		broken("a thread could not be started");
	pthread_attr_destroy(&a);
}

static void *serve(void *arg)
{
	struct thread *t = arg;

	if (t->follows) {
		pthread_join(t->before, NULL);
		sem_post(&t->done);
	}
	for (;;) {
		wait_for(&t->asked);
		at(t->line);
		allowing(t->allowed.outcome, t->allowed.n);
		if (t->ends)
			break;
		if (t->lines)
			t->lines();
		else
			t->result = t->call(t->slot, t->a, t->b);
		sem_post(&t->done);
	}
	t->ends = false;
	t->follows = true;
	t->before = t->id;
	t->stack = !t->stack;
	make(t);
	return NULL;
}

void threads_start(unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		struct thread *t = &threads[i];

		t->stacks = vmas_own(2 * STACK_BYTES, MAP_PRIVATE);
		sem_init(&t->asked, 0, 0);
		sem_init(&t->done, 0, 0);
		make(t);
	}
}

static void ask(struct thread *t)
{
	t->line = line_now();
	t->allowed = *allowed_now();
	sem_post(&t->asked);
}

int on(unsigned thread, slot_call *call, unsigned slot, size_t a, size_t b)
{
	struct thread *t = &threads[thread];

	if (thread == 0)
		return call(slot, a, b);
	t->lines = NULL;
	t->call = call;
	t->slot = slot;
	t->a = a;
	t->b = b;
	ask(t);
	wait_for(&t->done);
	return t->result;
}

static void begin_on(unsigned thread, some_lines *lines)
{
	threads[thread].lines = lines;
	if (thread == 0)
		lines();
	else
		ask(&threads[thread]);
}

void run_on(unsigned thread, some_lines *lines)
{
	begin_on(thread, lines);
	if (thread)
		wait_for(&threads[thread].done);
}

/* Thread 0 last: it is the one that asks the others. */
void run_side_by_side(some_lines *const *lines, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (lines[i])
			begin_on(i, lines[i]);
	if (lines[0])
		lines[0]();
	for (unsigned i = 1; i < n; i++)
		if (lines[i])
			wait_for(&threads[i].done);
}

void end_thread(unsigned thread)
{
	threads[thread].ends = true;
	ask(&threads[thread]);
	wait_for(&threads[thread].done);
}
