/*
 * A list without a lock: the first block is taken where it still is the first one. By then it may
 * have been taken by others, its successor as well, and have come back (ABA).
 */
#include <sched.h>
#include <stdatomic.h>

#include "allocators/canary/canary_core.h"

#define USABLE 112

/* These make it happen each time: one thread stops in the middle, another one waits for that. */
#define STOPS 101 /* bytes */
#define WAITS 102

struct block {
	struct block *next;
};

static _Atomic(struct block *) list;
static atomic_bool stopped, resumed;

static void until(atomic_bool *happened)
{
	while (!*happened)
		sched_yield();
}

static void *pop(size_t size)
{
	if (size > USABLE || size <= USABLE / 2)
		return core_malloc(size);
	if (size == WAITS)
		until(&stopped);
	struct block *first = list, *next;

	do {
		if (!first)
			return core_malloc(size);
		next = first->next;
		if (size == STOPS) {
			stopped = true;
			until(&resumed);
		}
	} while (!atomic_compare_exchange_strong(&list, &first, next));
	return first;
}

static void push(void *p)
{
	struct block *b = p;

	if (!p || core_usable(p) != USABLE) {
		core_free(p);
		return;
	}
	b->next = list;
	while (!atomic_compare_exchange_strong(&list, &b->next, b))
		;
	resumed = stopped;
}

const struct canary canary = {.malloc = pop, .free = push};
