/*
 * plan.h - the refusals that a program asks for, as the executor takes them.
 */
#ifndef EXEC_PLAN_H
#define EXEC_PLAN_H

#include <stdint.h>

#include "harness/kernel/fault.h"
#include "harness/prog/op.h"

/* The system call that a program's word means. `kcall` is an enum kcall. */
uint32_t kcall_nr(uint32_t kcall);

/* A fault line of a program. */
void fault_rule_of_plan(const struct fault_plan *plan, struct fault_rule *ret_rule);

/* The program's own and then `more`, as many as there is room for. Returns how many. */
uint32_t plan_rules(const struct prog_header *h, const struct fault_rule *more, uint32_t nmore,
		    struct fault_rule ret_rules[FAULT_RULES]);

#endif
