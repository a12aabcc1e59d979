/*
 * Mutations by whole ops for afl-fuzz, which loads this (AFL_CUSTOM_MUTATOR_LIBRARY) and calls what
 * its docs/custom_mutators.md lists. For targets whose inputs are on the wire.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/afl_mutator.h"
#include "fuzz/budget.h"
#include "fuzz/mutate_ops.h"

/* Of afl-fuzz: larger inputs it cuts off. */
#define INPUT_MAX (1u << 20)
/* One in so many is crossed with another input of the queue. */
#define CROSSED 4

struct afl_mutator {
	struct mutant random; /* its state alone */
	uint8_t out[INPUT_MAX];
};

/* What was run so far is known to the target alone: all that is asked for is affordable. */
static size_t mark(struct afl_mutator *m, size_t len, size_t max, enum budget of)
{
	static const struct budget_account none;
	unsigned random = (unsigned)random_next(&m->random);

	return budget_mark(m->out, len, max, budget_choose(&none, of, random));
}

void *afl_custom_init(void *afl, unsigned seed)
{
	struct afl_mutator *m = calloc(1, sizeof(*m));

	(void)afl;
	if (m)
		m->random.random = seed;
	return m;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t len, uint8_t **ret_out, uint8_t *other,
		       size_t other_len, size_t max_len)
{
	struct afl_mutator *m = data;
	uint64_t random = random_next(&m->random);
	size_t max = max_len < INPUT_MAX ? max_len : INPUT_MAX;
	size_t room = max > WIRE_RECORD_BYTES ? max - (WIRE_RECORD_BYTES - 1) : max;
	enum budget of = budget_of(len);

	*ret_out = m->out;
	len = budget_strip(len);
	if (other && other_len && random_under(&m->random, CROSSED) == 0) {
		struct mutant crossed = {.bytes = m->out, .max_len = room, .random = random};
		const struct wire_bytes a = {.bytes = buf, .len = len};
		const struct wire_bytes b = {.bytes = other, .len = budget_strip(other_len)};

		return mark(m, mutate_cross(a, b, &crossed), max, of);
	}
	if (len > room)
		len = budget_strip(room);
	memcpy(m->out, buf, len);
	return mark(m, mutate(m->out, len, room, (unsigned)random), max, of);
}

void afl_custom_deinit(void *data)
{
	free(data);
}
