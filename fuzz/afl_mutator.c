/*
 * Mutations by whole ops for afl-fuzz, which loads this (AFL_CUSTOM_MUTATOR_LIBRARY) and calls what
 * its docs/custom_mutators.md lists. For targets whose inputs are on the wire.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/afl_mutator.h"
#include "fuzz/mutate_ops.h"

/* Of afl-fuzz: larger inputs it cuts off. */
#define INPUT_MAX (1u << 20)
/* One in so many is crossed with another input of the queue. */
#define CROSSED 4

struct afl_mutator {
	struct mutant random; /* its state alone */
	uint8_t out[INPUT_MAX];
};

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

	*ret_out = m->out;
	if (other && other_len && random_under(&m->random, CROSSED) == 0) {
		struct mutant crossed = {.bytes = m->out, .max_len = max, .random = random};

		return mutate_cross((struct wire_bytes){.bytes = buf, .len = len},
				    (struct wire_bytes){.bytes = other, .len = other_len},
				    &crossed);
	}
	if (len > max)
		len = max;
	memcpy(m->out, buf, len);
	return mutate(m->out, len, max, (unsigned)random);
}

void afl_custom_deinit(void *data)
{
	free(data);
}
