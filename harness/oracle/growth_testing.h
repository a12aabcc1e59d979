/*
 * growth_testing.h - loops that are acted: a curve says what a metric is after each round.
 */
#ifndef ORACLE_GROWTH_TESTING_H
#define ORACLE_GROWTH_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "harness/oracle/growth.h"
#include "harness/prog/op.h"

#define PAGE 4096.0
#define KIB  1024.0
#define MIB  (1024.0 * KIB)

struct fixture {
	struct arena arena;
	struct growth *g;
	uint64_t seed;
};

/* Where a curve is, and what it remembers. */
struct at {
	struct fixture *f;
	uint64_t i, n;		/* round, of how many */
	double level, most[64]; /* zero at first */
};

/* The value of a metric after a round. */
typedef double (*curve)(struct at *at);

int start(void **state);
int end(void **state);

/* In [0, 1), the same in every run. */
double chance(struct fixture *f);

/* A round after which the program holds what it always holds. Other metrics are not measured. */
struct growth_sample sample(uint64_t round, enum growth_metric metric, double value);

/* A whole loop of n rounds. */
void feed(struct fixture *f, enum growth_metric metric, curve c, uint64_t n);
/* Of mapped bytes, and judged. */
bool bytes_grow(struct fixture *f, curve c, uint64_t n, struct growth_line *ret_line);
/* As the controller asks: in a run, and again in one that is longer. */
bool found(struct fixture *f, curve c, uint64_t n);

#endif
