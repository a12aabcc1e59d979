/*
 * describe_rules.c - the answers to the implementation-defined rules, one run each, so that a crash
 * answers one rule and spares the others.
 */
#include "harness/cli/describe.h"

void describe_rules(const struct subject *s, const struct runner_options *o,
		    const struct rulebook *book, struct description *d)
{
	struct runner_options quiet = *o;

	quiet.sampling = false;
	quiet.oplog_capacity = ANSWER_OPLOG;
	for (size_t i = 0; i < book->n && d->nanswers < DESCRIBE_ANSWERS; i++) {
		const struct rule *rule = &book->rule[i];
		struct outcome_of_run r;

		if (!rule->profile || runner_interrupted())
			continue;
		runner_run(s, &rule->program, &quiet, &r);
		d->answer[d->nanswers++] = (struct answer){
			.rule = rule,
			.value = answer_measure(&r.result, rule->form, rule->statement),
		};
		runner_release(&r);
	}
}
