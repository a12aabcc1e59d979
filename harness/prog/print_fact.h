/*
 * print_fact.h - comparisons as text: what `when` and `needs` ask, and the end of an `expect`.
 */
#ifndef PROG_PRINT_FACT_H
#define PROG_PRINT_FACT_H

#include <stdbool.h>

#include "harness/prog/op.h"
#include "harness/prog/text.h"

/* " == -4K". 0, or -EINVAL for what is no relation. */
int print_comparison(struct text *t, unsigned relation, int64_t value, bool bytes);

/* "overcommit != 1". The same. */
int print_fact(struct text *t, const struct op_fact *fact);

#endif
