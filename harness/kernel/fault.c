#include "harness/kernel/fault.h"

#include <errno.h>
#include <sys/syscall.h>

#define ERRNO_MAX 4095 /* larger ones are values to the kernel's callers */

int fault_add(struct fault_plan_state *f, const struct fault_rule *rule)
{
	if (rule->ncalls == 0 || rule->ncalls > FAULT_CALLS || rule->nth == 0 || rule->every == 0)
		return -EINVAL;
	if (rule->err <= 0 || rule->err > ERRNO_MAX)
		return -EINVAL;
	if (f->n == FAULT_RULES)
		return -ENOSPC;
	f->rule[f->n] = *rule;
	f->seen[f->n] = 0;
	f->refused[f->n] = 0;
	f->n++;
	return 0;
}

static bool rule_names(const struct fault_rule *r, uint32_t nr)
{
	for (uint32_t i = 0; i < r->ncalls; i++)
		if (r->nr[i] == nr)
			return true;
	return false;
}

/* Whether the rule's `seen`th call is one that it refuses. */
static bool rule_refuses(const struct fault_rule *r, uint64_t seen, uint64_t refused)
{
	if (seen < r->nth || (seen - r->nth) % r->every != 0)
		return false;
	return r->count == 0 || refused < r->count;
}

int fault_decide(struct fault_plan_state *f, const struct kernel_call *call, uint64_t op)
{
	bool asks_only = call->nr == SYS_brk && call->arg[0] == 0;
	int err = 0;

	if (f->off || call->caller != CALLER_ALLOCATOR || asks_only)
		return 0;
	for (uint32_t i = 0; i < f->n; i++) {
		const struct fault_rule *r = &f->rule[i];

		if (op < r->from || op > r->to || !rule_names(r, call->nr))
			continue;
		f->seen[i]++;
		/* A rule that comes second has not refused: its count is not used up. */
		if (!err && rule_refuses(r, f->seen[i], f->refused[i])) {
			f->refused[i]++;
			err = r->err;
		}
	}
	return err;
}
