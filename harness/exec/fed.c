#include "harness/exec/fed.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/exec/reached.h"

static void tell(struct run_feed *f)
{
	atomic_store(&f->done, atomic_load(&f->taken));
	syscall(SYS_futex, &f->done, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void await(struct run_feed *f, uint32_t seen)
{
	while (atomic_load(&f->given) == seen)
		syscall(SYS_futex, &f->given, FUTEX_WAIT, seen, NULL, NULL, 0);
}

bool fed_next(struct child *c)
{
	struct run_feed *f = &c->shared->feed;
	bool fed = c->shared->config.fed, first = atomic_load(&f->taken) == 0;

	if (first)
		atomic_store(&f->taken, 1);
	if (!fed)
		return first;
	if (first)
		tell(f);
	await(f, atomic_load(&f->taken));
	atomic_store(&f->taken, atomic_load(&f->given));
	c->program->len = f->text_bytes;
	/* Of the program before: a new one is made. */
	if (c->program->copied)
		close(c->program->fd);
	c->program->copied = false;
	return true;
}

bool fed_end(struct child *c, enum run_state state)
{
	struct run_feed *f = &c->shared->feed;
	bool fed = c->shared->config.fed;
	bool more = fed && (state == RUN_REFUSED || aftermath_undo(c));

	if (fed)
		reached_end(c);
	f->spent = !more;
	atomic_store(&c->shared->state, state);
	if (fed)
		tell(f);
	return more;
}
