#include "harness/cli/fault_rule.h"

#include <errno.h>

#include "harness/cli/syscall_name.h"
#include "harness/prog/names.h"
#include "harness/prog/text.h"

_Static_assert(PROG_FAULT_CALLS <= FAULT_CALLS, "a rule has room for what can be written");

bool fault_rule_to_plan(const struct fault_rule *rule, struct fault_plan *ret_plan)
{
	uint32_t call = 0;

	while (call < KCALL_COUNT && kcall_nr(call) != rule->nr[0])
		call++;
	if (rule->ncalls != 1 || call == KCALL_COUNT)
		return false;
	*ret_plan = (struct fault_plan){
		.call = call,
		.err = (uint32_t)rule->err,
		.nth = rule->nth,
		.count = rule->count,
		.every = rule->every,
		.from_stmt = rule->from,
		.to_stmt = rule->to,
	};
	return true;
}

int fault_rule_parse(const char *text, struct fault_rule *ret_rule, struct prog_error *err)
{
	struct prog_fault fault;
	int ret = prog_fault_parse(text, &fault, err);

	if (ret)
		return ret;
	fault_rule_of_plan(&fault.plan, ret_rule);
	ret_rule->ncalls = fault.ncalls;
	for (uint32_t i = 0; i < fault.ncalls; i++)
		ret_rule->nr[i] = kcall_nr(fault.call[i]);
	return 0;
}

static void put_option(struct text *t, const char *word, uint64_t value, uint64_t default_value)
{
	if (value == default_value)
		return;
	text_str(t, word);
	text_u64(t, value);
}

struct fault_words fault_rule_words(const struct fault_rule *rule)
{
	struct fault_words w;
	struct text t;
	const char *err = errno_name(rule->err);

	text_init(&t, w.s, sizeof(w.s));
	for (uint32_t i = 0; i < rule->ncalls && i < FAULT_CALLS; i++) {
		text_str(&t, i ? "," : "");
		text_str(&t, syscall_word(rule->nr[i]).s);
	}
	text_str(&t, " ");
	text_str(&t, err ? err : "?");
	text_str(&t, " nth=");
	text_u64(&t, rule->nth);
	put_option(&t, " count=", rule->count, 1);
	put_option(&t, " every=", rule->every, 1);
	put_option(&t, " from=", rule->from, 0);
	put_option(&t, " to=", rule->to, UINT64_MAX);
	return w;
}
