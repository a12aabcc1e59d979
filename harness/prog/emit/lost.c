#include "harness/prog/emit/lost.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/prog/emit/ballast.h"
#include "harness/prog/emit/blocks.h"
#include "harness/prog/emit/say.h"

#define GONE_MAX 1024

struct gone {
	char *p;
	size_t size;
};
static struct gone gone[GONE_MAX], again[2 * GONE_MAX];
static unsigned ngone;

static void lost_note(void *p, size_t size)
{
	unsigned i = __atomic_fetch_add(&ngone, 1, __ATOMIC_RELAXED);

	if (i < GONE_MAX)
		gone[i] = (struct gone){p, size};
}

void lost_start(void)
{
	block_goes = lost_note;
}

static bool lost_meets(const char *from, const char *to, const char *p, size_t size)
{
	return p && p < to && from < p + size;
}

static bool lost_is_owned(const char *from, const char *to, unsigned n)
{
	for (unsigned i = 0; i < block_slots; i++)
		if (lost_meets(from, to, b[i].p, b[i].size))
			return true;
	for (unsigned i = 0; i < n; i++)
		if (lost_meets(from, to, again[i].p, again[i].size))
			return true;
	return false;
}

/* The kernel says whether it can read there, and nothing is read. */
static bool page_can_be_read(const char *page)
{
	return access(page, F_OK) == 0 || errno != EFAULT;
}

/* All its whole pages. */
static bool lost_is(const struct gone *g, unsigned n)
{
	char *from = g->p + (-(uintptr_t)g->p & (PAGE - 1)), *end = g->p + g->size;
	char *to = end - ((uintptr_t)end & (PAGE - 1));

	if (from >= to || lost_is_owned(from, to, n))
		return false;
	while (from < to && page_can_be_read(from))
		from += PAGE;
	return from >= to;
}

void lost_judge(void)
{
	unsigned n = ngone < GONE_MAX ? ngone : GONE_MAX;

	ballast_drop();
	trim_heap(0, 0, 0);
	for (unsigned i = 0; i < 2 * n; i++)
		again[i] = (struct gone){malloc(gone[i % n].size), gone[i % n].size};
	for (unsigned i = 0; i < n; i++)
		if (lost_is(&gone[i], 2 * n))
			wrong("%zu bytes at %p were given back, are still mapped, and are not "
			      "handed out again",
			      gone[i].size, (void *)gone[i].p);
}
