#include "harness/cli/growth_again.h"

#include <sys/sysinfo.h>

#include "harness/oracle/growth.h"

#define LONGEST (GROWTH_STRETCH * GROWTH_STRETCH)
/* A run longer than GROWTH_STRETCH times is worth so much. */
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

/* What a leak leaves resident in the longer run must find room in the machine. */
static bool has_room(const struct run_result *first, uint32_t times)
{
	struct sysinfo host;

	if (sysinfo(&host) != 0)
		return true;
	return resident_at_end(first->shared) <=
	       (uint64_t)host.totalram * host.mem_unit / 2 / times;
}

static bool is_cheap(const struct run_result *first, uint32_t times)
{
	const struct growth_line *line = &first->shared->growth.line;

	return first->wall_ns <= LONGEST_NS / times &&
	       (line->metric != GROWTH_MAPS || line->risen <= MOST_MAPS / times);
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

	if (first->end != RUN_END_NORMAL || !g->suspected || !has_room(first, GROWTH_STRETCH) ||
	    !goes_on(req, first, GROWTH_STRETCH))
		return;
	if (has_room(first, LONGEST) && is_cheap(first, LONGEST) && !goes_on(req, first, LONGEST))
		return;
	growth_finding(g->stmt, &g->line, &f);
	finding_add(&first->shared->findings, &f);
}
