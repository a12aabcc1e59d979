#include "harness/exec/stack.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/exec/tracee.h"
#include "harness/exec/unwind.h"

/* Beyond what stopping the thread may take; /proc of a process in trouble can block for ever. */
#define CAPTURE_LIMIT_S 10

/*
 * A capture runs in a thread of its own: the kernel lets go of what a thread traces when that
 * thread ends, whatever state it is in, and a capture that blocks can be left behind.
 */
struct capture {
	pid_t pid, tid;
	uint64_t crash_ip;
	int result;
	struct stack stack;
	sem_t done;
	atomic_int owners; /* the caller and the thread; the last one frees */
};

static int error_class(int r)
{
	if (r == -ESRCH || r == -EPERM)
		return r;
	return r == -EACCES ? -EPERM : -ENODATA;
}

/* Frame with the crash: those before it belong to the handler. 0 when it is not there. */
static size_t crash_frame(const struct unwind_frames *f, uint64_t crash_ip)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->frame[i].exact && f->frame[i].address == crash_ip)
			return i;
	return 0;
}

static int capture_frames(const struct capture *c, struct unwind *u, struct unwind_frames *ret)
{
	struct tracee t;
	int r = tracee_stop(c->pid, c->tid, &t);

	if (r < 0)
		return r;
	r = unwind_run(u, &t, ret);
	tracee_release(&t);
	return r;
}

static int capture(struct capture *c)
{
	struct unwind_frames frames;
	struct unwind *u;
	size_t i;
	int r;

	r = unwind_new(c->tid, &u);
	if (r < 0)
		return r;
	r = capture_frames(c, u, &frames);
	if (r < 0) {
		unwind_free(u);
		return r;
	}
	for (i = crash_frame(&frames, c->crash_ip); i < frames.n && c->stack.nframes < STACK_FRAMES;
	     i++)
		unwind_describe(u, frames.frame[i].address, &c->stack.frame[c->stack.nframes++]);
	unwind_free(u);
	return 0;
}

static void capture_unref(struct capture *c)
{
	if (atomic_fetch_sub(&c->owners, 1) > 1)
		return;
	sem_destroy(&c->done);
	free(c);
}

static void *capture_main(void *arg)
{
	struct capture *c = arg;

	c->result = capture(c);
	sem_post(&c->done);
	capture_unref(c);
	return NULL;
}

/* Signals stay with the caller's threads. */
static int thread_start(pthread_t *ret_thread, struct capture *c)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret_thread, NULL, capture_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

static int capture_wait(struct capture *c, pthread_t thread)
{
	struct timespec limit;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += CAPTURE_LIMIT_S;
	while (sem_clockwait(&c->done, CLOCK_MONOTONIC, &limit) < 0) {
		if (errno == EINTR)
			continue;
		pthread_detach(thread);
		return -ETIMEDOUT;
	}
	pthread_join(thread, NULL);
	return c->result;
}

int stack_capture(pid_t pid, pid_t tid, uint64_t crash_ip, struct stack *ret_stack)
{
	struct capture *c = calloc(1, sizeof(*c));
	pthread_t thread;
	int r;

	ret_stack->nframes = 0;
	if (!c)
		return -ENODATA;
	*c = (struct capture){.pid = pid, .tid = tid, .crash_ip = crash_ip, .owners = 2};
	sem_init(&c->done, 0, 0);
	r = thread_start(&thread, c);
	if (r < 0) {
		atomic_store(&c->owners, 1); /* no thread has come to share it */
	} else {
		r = capture_wait(c, thread);
		if (r == 0)
			*ret_stack = c->stack;
	}
	capture_unref(c);
	return r < 0 ? error_class(r) : 0;
}

struct text {
	char *buf;
	size_t len, size;
};

__attribute__((format(printf, 2, 3))) static bool text_add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->buf + t->len, t->size - t->len, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->size - t->len)
		return false;
	t->len += (size_t)n;
	return true;
}

static bool print_frame(struct text *t, const struct stack_frame *f)
{
	if (!f->object[0])
		return text_add(t, "0x%llx", (unsigned long long)f->address);
	if (!f->symbol[0])
		return text_add(t, "%s+0x%llx", f->object, (unsigned long long)f->offset);
	return text_add(t, "%s+0x%llx (%s)", f->symbol, (unsigned long long)f->offset, f->object);
}

int stack_print(const struct stack *s, unsigned max, char *buf, size_t size)
{
	struct text t = {.buf = buf, .size = size};
	unsigned i;

	if (!size)
		return -ENOSPC;
	buf[0] = 0;
	for (i = 0; i < s->nframes && i < max; i++)
		if ((i && !text_add(&t, " < ")) || !print_frame(&t, &s->frame[i]))
			return -ENOSPC;
	return (int)t.len;
}
