/*
 * A free large block waits until so many others were freed. No defect: the footprint grows evenly,
 * up to a bound.
 */
#include "allocators/canary/canary_core.h"

#define WAITING 1100

static void *waiting[WAITING];
static unsigned at;

static void free_the_oldest(void *p)
{
	if (!p || core_usable(p) <= CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	core_free(waiting[at]);
	waiting[at] = p;
	at = (at + 1) % WAITING;
}

const struct canary canary = {.free = free_the_oldest};
