/*
 * budget.h - how much work an input may ask for. A program of a few hundred ops tells as much as
 * one of a hundred thousand most of the time, and takes a thousandth of the time.
 *
 * The input says it itself, by bytes that no record needs: 15 behind the last whole record stand
 * for 65,536 maps and what can be done with them, 14 for a part, everything else for little.
 * Mutations choose; how often follows from what was run so far, so that long programs take about
 * half of all ops.
 */
#ifndef FUZZ_BUDGET_H
#define FUZZ_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_limits; /* harness/prog/wire.h */

/*
 * What an input that asks for nothing may do: struct wire_limits.work. More than 256 blocks, as
 * what is counted in a byte.
 */
#define BUDGET_LITTLE_WORK 320

enum budget { BUDGET_LITTLE, BUDGET_PART, BUDGET_ALL, BUDGETS };

enum budget budget_of(size_t len);
void budget_limits(enum budget b, struct wire_limits *ret_limits);

/* Ballast takes longer than any short program; refusals by plan cost nothing. */
bool budget_has_ballast(enum budget b);

/* The length without what says the budget; bytes that are left over count as such. */
size_t budget_strip(size_t len);

/* Writes what says it behind `len` bytes of whole records, if there is room. Returns the length. */
size_t budget_mark(uint8_t *bytes, size_t len, size_t max_len, enum budget b);

/* Ops that were run under each, and a choice that keeps them in balance. */
struct budget_account {
	uint64_t ops[BUDGETS];
};

struct budget_cost {
	uint64_t ops, kernel_calls;
	bool ballast;
};
void budget_count(struct budget_account *a, enum budget b, const struct budget_cost *c);

/*
 * What its records have need of, where they stand alone (no mark): a loop of more rounds than
 * little work allows for asks for a part. No less than `of`.
 */
enum budget budget_needed(const uint8_t *bytes, size_t len, enum budget of);

/* For what comes of an input of budget `of`. */
enum budget budget_choose(const struct budget_account *a, enum budget of, unsigned random);

#endif
