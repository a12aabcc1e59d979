#include "harness/exec/baton.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void baton_arrive(struct baton *b)
{
	atomic_fetch_add(&b->arrived, 1);
	futex_wake_all(&b->arrived);
}

void baton_wait_arrived(struct baton *b, uint32_t threads)
{
	for (;;) {
		uint32_t seen = atomic_load(&b->arrived);

		if (seen >= threads)
			return;
		futex_wait(&b->arrived, seen);
	}
}

enum baton_call baton_wait(struct baton *b, uint32_t self, uint32_t *section)
{
	for (;;) {
		uint32_t holder = atomic_load_explicit(&b->holder, memory_order_acquire);

		if (holder == self)
			return b->over ? BATON_OVER : BATON_TURN;
		if (holder & BATON_ALL && (holder & ~BATON_ALL) != *section) {
			*section = holder & ~BATON_ALL;
			return BATON_SECTION;
		}
		futex_wait(&b->holder, holder);
	}
}

uint32_t baton_open(struct baton *b, uint32_t threads)
{
	atomic_store(&b->running, threads);
	b->section = (b->section + 1) & ~BATON_ALL;
	baton_pass(b, BATON_ALL | b->section);
	return b->section;
}

void baton_leave(struct baton *b)
{
	if (atomic_fetch_sub(&b->running, 1) == 1)
		futex_wake_all(&b->running);
}

void baton_close(struct baton *b, uint32_t self)
{
	for (;;) {
		uint32_t running = atomic_load(&b->running);

		if (running == 0)
			break;
		futex_wait(&b->running, running);
	}
	/* Whoever sleeps on another holder is woken when the turn is passed on. */
	atomic_store_explicit(&b->holder, self, memory_order_release);
}

void baton_pass(struct baton *b, uint32_t next)
{
	atomic_store_explicit(&b->holder, next, memory_order_release);
	futex_wake_all(&b->holder);
}

void baton_finish(struct baton *b)
{
	b->over = true;
	baton_pass(b, 0);
}

void baton_begin(struct baton *b, uint32_t first)
{
	b->over = false;
	baton_pass(b, first);
}
