#include "harness/cli/growth_again.h"

#include "harness/oracle/growth.h"

/* The same metric, and a slope within a factor of 2. */
static bool confirms(const struct run_growth *first, const struct run_growth *second)
{
	double a = first->line.per_round, b = second->line.per_round;

	return second->suspected && first->stmt == second->stmt &&
	       first->line.metric == second->line.metric && a > 0 && b >= a / 2 && b <= a * 2;
}

static struct finding finding_of(const struct run_growth *g)
{
	static const uint8_t rule[GROWTH_METRICS] = {RULE_GROWTH_MAPS, RULE_GROWTH_MAPPED,
						     RULE_GROWTH_RSS};
	const struct growth_line *line = &g->line;

	return (struct finding){
		.kind = line->metric == GROWTH_MAPS ? FINDING_MAP_GROWTH : FINDING_FOOTPRINT_GROWTH,
		.rule = rule[line->metric],
		.op_code = OP_REPEAT,
		.stmt = g->stmt,
		.n = {(uint64_t)(line->per_round * 1000), (uint64_t)line->risen, line->rounds},
	};
}

void growth_again(const struct run_request *req, struct run_result *first)
{
	struct run_request longer = *req;
	struct run_result second;
	const struct run_growth *g = &first->shared->growth;

	if (first->end != RUN_END_NORMAL || !g->suspected)
		return;
	longer.stretch = GROWTH_STRETCH;
	longer.on_tape = NULL;
	if (run_program(&longer, &second) != 0)
		return;
	if (second.end == RUN_END_INTERRUPTED) {
		first->end = RUN_END_INTERRUPTED;
	} else if (second.end == RUN_END_NORMAL && confirms(g, &second.shared->growth)) {
		struct finding f = finding_of(g);

		finding_add(&first->shared->findings, &f);
	}
	run_result_release(&second);
}
