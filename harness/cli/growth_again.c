#include "harness/cli/growth_again.h"

#include <sys/sysinfo.h>

#include "harness/oracle/growth.h"

/*
 * How long the last run should be: so many times, and in all so many rounds. Caches of real
 * allocators fill evenly for thousands of rounds, however short the loop was.
 */
#define LONGEST	       (GROWTH_STRETCH * GROWTH_STRETCH)
#define LONGEST_ROUNDS 4096
/* It is worth so much time. */
#define LONGEST_NS 20000000000u
/* Far below any map limit. */
#define MOST_MAPS 16384

static uint64_t resident_at_end(const struct run_shared *s)
{
	uint32_t n = atomic_load(&s->ncheckpoints);

	if (n < 2 || n > CHECKPOINT_MAX)
		return 0;
	int64_t rss = s->checkpoint[n - 1].at.rss_bytes;

	return rss > 0 ? (uint64_t)rss : 0;
}

/* How many times what a leak leaves resident finds room in the machine. */
static uint64_t room_for(const struct run_result *first)
{
	struct sysinfo host;
	uint64_t resident = resident_at_end(first->shared);

	if (sysinfo(&host) != 0 || resident == 0)
		return UINT64_MAX;
	return (uint64_t)host.totalram * host.mem_unit / 2 / resident;
}

/* How many times as long the last run is: as is wanted, or as can be afforded. */
static uint64_t longest(const struct run_result *first)
{
	const struct growth_line *line = &first->shared->growth.line;
	/* A quarter of the loop is warm-up. */
	uint64_t rounds = line->rounds * 4 / 3 + 1, times = LONGEST_ROUNDS / rounds + 1;
	const uint64_t most[] = {
		room_for(first),
		first->wall_ns ? LONGEST_NS / first->wall_ns : UINT64_MAX,
		line->metric == GROWTH_MAPS && line->risen > 0 ? MOST_MAPS / (uint64_t)line->risen
							       : UINT64_MAX,
	};

	if (times < LONGEST)
		times = LONGEST;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		if (times > most[i])
			times = most[i];
	return times;
}

static bool goes_on(const struct run_request *req, struct run_result *first, uint32_t times)
{
	const struct run_growth *g = &first->shared->growth;
	struct run_request longer = *req;
	struct run_result second;

	longer.stretch = times;
	longer.stretch_stmt = (uint32_t)g->stmt;
	longer.stretch_metric = g->line.metric;
	longer.on_tape = NULL;
	if (run_program(&longer, &second) != 0)
		return false;
	if (second.end == RUN_END_INTERRUPTED)
		first->end = RUN_END_INTERRUPTED;
	bool on = second.end == RUN_END_NORMAL && second.shared->growth.suspected &&
		  growth_confirms(&g->line, &second.shared->growth.line);

	run_result_release(&second);
	return on;
}

void growth_again(const struct run_request *req, struct run_result *first)
{
	const struct run_growth *g = &first->shared->growth;
	struct finding f;

	if (first->end != RUN_END_NORMAL || !g->suspected)
		return;
	growth_finding(g->stmt, &g->line, &f);
	if (req->without & FINDING_BIT(f.kind) || room_for(first) < GROWTH_STRETCH ||
	    !goes_on(req, first, GROWTH_STRETCH))
		return;
	uint64_t times = longest(first);

	if (times > GROWTH_STRETCH && !goes_on(req, first, (uint32_t)times))
		return;
	finding_add(&first->shared->findings, &f);
}
