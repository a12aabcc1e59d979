#include "harness/exec/plan.h"

#include <sys/syscall.h>

uint32_t kcall_nr(uint32_t kcall)
{
	static const uint32_t nr[KCALL_COUNT] = {
		[KCALL_MMAP] = SYS_mmap,       [KCALL_MUNMAP] = SYS_munmap,
		[KCALL_MREMAP] = SYS_mremap,   [KCALL_MPROTECT] = SYS_mprotect,
		[KCALL_MADVISE] = SYS_madvise, [KCALL_PROCESS_MADVISE] = SYS_process_madvise,
		[KCALL_BRK] = SYS_brk,
	};

	return nr[kcall];
}

void fault_rule_of_plan(const struct fault_plan *plan, struct fault_rule *ret_rule)
{
	*ret_rule = (struct fault_rule){
		.nr = {kcall_nr(plan->call)},
		.ncalls = 1,
		.err = (int32_t)plan->err,
		.nth = plan->nth,
		.count = plan->count,
		.every = plan->every,
		.from = plan->from_stmt,
		.to = plan->to_stmt,
	};
}

uint32_t plan_rules(const struct prog_header *h, const struct fault_rule *more, uint32_t nmore,
		    struct fault_rule ret_rules[FAULT_RULES])
{
	uint32_t n = 0;

	while (n < h->nfaults && n < FAULT_RULES) {
		fault_rule_of_plan(&h->faults[n], &ret_rules[n]);
		n++;
	}
	for (uint32_t i = 0; i < nmore && n < FAULT_RULES; i++)
		ret_rules[n++] = more[i];
	return n;
}
