#include "harness/cli/sweep_plan.h"

#include <errno.h>
#include <string.h>

#include "harness/cli/fault_rule.h"
#include "harness/prog/names.h"

static int add_call(struct sweep_plan *p, const char *word, size_t len, const char **ret_why)
{
	int call = kcall_by_name(word, len);

	if (call < 0) {
		*ret_why = "takes calls such as munmap or mmap,brk, or oom";
		return -EINVAL;
	}
	for (uint32_t i = 0; i < p->ncalls; i++) {
		if (p->call[i] == (uint32_t)call) {
			*ret_why = "takes each call once";
			return -EINVAL;
		}
	}
	if (p->ncalls == FAULT_CALLS) {
		*ret_why = "takes at most 4 calls";
		return -EINVAL;
	}
	p->call[p->ncalls++] = (uint32_t)call;
	return 0;
}

int sweep_plan_parse(struct sweep_plan *p, const char *words, const char **ret_why)
{
	static const uint32_t taking[] = {KCALL_MMAP, KCALL_BRK, KCALL_MREMAP};
	struct sweep_plan plan = {.err = p->err, .max = p->max, .oom = strcmp(words, "oom") == 0};
	int ret = 0;

	if (plan.oom) {
		memcpy(plan.call, taking, sizeof(taking));
		plan.ncalls = sizeof(taking) / sizeof(taking[0]);
	}
	while (!plan.oom && !ret) {
		size_t len = strcspn(words, ",");

		ret = add_call(&plan, words, len, ret_why);
		if (!words[len])
			break;
		words += len + 1;
	}
	if (!ret)
		*p = plan;
	return ret;
}

uint64_t sweep_made(const struct sweep_plan *p, const struct run_counts *counts)
{
	uint64_t made = 0;

	for (uint32_t i = 0; i < p->ncalls; i++)
		made += counts->call[p->call[i]].by_allocator;
	return made;
}

uint64_t sweep_tries(const struct sweep_plan *p, uint64_t made)
{
	return made < p->max ? made : p->max;
}

uint64_t sweep_nth(uint64_t i, uint64_t tries, uint64_t made)
{
	if (tries < 2)
		return 1;
	/* Beyond 64 bits for counts that nobody has, but the page they stand on is anybody's. */
	return 1 + (uint64_t)((unsigned __int128)i * (made - 1) / (tries - 1));
}

void sweep_rule(const struct sweep_plan *p, uint64_t nth, struct fault_rule *ret_rule)
{
	*ret_rule = (struct fault_rule){
		.ncalls = p->ncalls,
		.err = p->err,
		.nth = nth,
		.count = p->oom ? 0 : 1,
		.every = 1,
		.to = UINT64_MAX,
	};
	for (uint32_t i = 0; i < p->ncalls; i++)
		ret_rule->nr[i] = kcall_nr(p->call[i]);
}
