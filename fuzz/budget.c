#include "fuzz/budget.h"

#include <string.h>

#include "harness/prog/wire_item.h"

#define MARK_PART 14
#define MARK_ALL  15

/* Kernel calls take as long as dozens of ops. */
#define LITTLE_MAPPING_WORK 5
#define PART_WORK	    16384
#define ALL_WORK	    200000 /* 65,536 maps, every second of them given back, and some more */
/* They take as long as so many ops. */
#define BALLAST_OPS	4096
#define KERNEL_CALL_OPS 24

enum budget budget_of(size_t len)
{
	switch (len % WIRE_RECORD_BYTES) {
	case MARK_ALL:
		return BUDGET_ALL;
	case MARK_PART:
		return BUDGET_PART;
	default:
		return BUDGET_LITTLE;
	}
}

void budget_limits(enum budget b, struct wire_limits *ret_limits)
{
	struct wire_limits l = wire_fuzz_limits;

	l.work = ALL_WORK;
	if (b == BUDGET_LITTLE) {
		l.work = BUDGET_LITTLE_WORK;
		l.mapping_work = LITTLE_MAPPING_WORK;
		l.rounds = BUDGET_LITTLE_WORK;
		l.forks = 2;
		l.sleep_ns = 100000;
		l.size_bytes = UINT64_C(64) << 20;
		l.align_bytes = UINT64_C(16) << 20;
		l.resident_bytes = UINT64_C(1) << 20;
	} else if (b == BUDGET_PART) {
		l.work = PART_WORK;
		l.rounds = PART_WORK;
		l.forks = 4;
		l.sleep_ns = 1000000;
		l.resident_bytes = UINT64_C(64) << 20;
	}
	*ret_limits = l;
}

size_t budget_strip(size_t len)
{
	return len - len % WIRE_RECORD_BYTES;
}

size_t budget_mark(uint8_t *bytes, size_t len, size_t max_len, enum budget b)
{
	size_t mark = b == BUDGET_ALL ? MARK_ALL : b == BUDGET_PART ? MARK_PART : 0;

	if (len % WIRE_RECORD_BYTES || mark > max_len - len)
		return len;
	memset(bytes + len, 0, mark);
	return len + mark;
}

bool budget_has_ballast(enum budget b)
{
	return b != BUDGET_LITTLE;
}

void budget_count(struct budget_account *a, enum budget b, const struct budget_cost *c)
{
	a->ops[b] += c->ops + c->kernel_calls * KERNEL_CALL_OPS + (c->ballast ? BALLAST_OPS : 0);
}

enum budget budget_needed(const uint8_t *bytes, size_t len, enum budget of)
{
	const struct wire_bytes in = {.bytes = bytes, .len = len};
	struct wire_item item;
	size_t at = 0;

	while (of == BUDGET_LITTLE && wire_item_next(in, &at, &item))
		if (item.kind == OP_REPEAT && item.op.arg0 * 2 > BUDGET_LITTLE_WORK)
			of = BUDGET_PART;
	return of;
}

/* Of all ops one half under the smallest, and a quarter under each other. */
static bool is_affordable(const struct budget_account *a, enum budget b)
{
	return a->ops[b] * 2 <= a->ops[BUDGET_LITTLE];
}

enum budget budget_choose(const struct budget_account *a, enum budget of, unsigned random)
{
	/* Now and then more than the input had. */
	enum budget b = random % 64 == 0 ? BUDGET_ALL : random % 16 == 1 ? BUDGET_PART : of;

	while (b > BUDGET_LITTLE && !is_affordable(a, b))
		b--;
	return b;
}
