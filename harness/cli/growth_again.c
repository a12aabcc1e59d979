#include "harness/cli/growth_again.h"

#include "harness/oracle/growth.h"

void growth_again(const struct run_request *req, struct run_result *first)
{
	struct run_request longer = *req;
	struct run_result second;
	const struct run_growth *g = &first->shared->growth;

	if (first->end != RUN_END_NORMAL || !g->suspected)
		return;
	longer.stretch = GROWTH_STRETCH;
	longer.stretch_stmt = (uint32_t)g->stmt;
	longer.stretch_metric = g->line.metric;
	longer.on_tape = NULL;
	if (run_program(&longer, &second) != 0)
		return;
	if (second.end == RUN_END_INTERRUPTED) {
		first->end = RUN_END_INTERRUPTED;
	} else if (second.end == RUN_END_NORMAL && second.shared->growth.suspected &&
		   growth_confirms(&g->line, &second.shared->growth.line)) {
		struct finding f;

		growth_finding(g->stmt, &g->line, &f);
		finding_add(&first->shared->findings, &f);
	}
	run_result_release(&second);
}
