/*
 * fault_rule.h - refusals as people write them, and as the executor takes them.
 */
#ifndef CLI_FAULT_RULE_H
#define CLI_FAULT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/exec/plan.h"
#include "harness/kernel/fault.h"
#include "harness/prog/parse.h"

/* The plan that says the rule; false for what no line of a program says: several calls, or one
 * without a word. */
bool fault_rule_to_plan(const struct fault_rule *rule, struct fault_plan *ret_plan);

/* "munmap ENOMEM nth=3", "mmap,brk,mremap ENOMEM nth=5 count=0". 0, or -EINVAL with the error. */
int fault_rule_parse(const char *text, struct fault_rule *ret_rule, struct prog_error *err);

/* The words that fault_rule_parse takes; nth always among them. */
struct fault_words {
	char s[256];
};
struct fault_words fault_rule_words(const struct fault_rule *rule);

#endif
