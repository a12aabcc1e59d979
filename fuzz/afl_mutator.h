/*
 * afl_mutator.h - what afl-fuzz calls in a mutator that it loads. Afl-fuzz has no header of it.
 */
#ifndef FUZZ_AFL_MUTATOR_H
#define FUZZ_AFL_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* `afl` is afl-fuzz's own state. Returns what the others are given; NULL: no memory. */
void *afl_custom_init(void *afl, unsigned seed);

/*
 * A mutation of `buf`, or a crossing with `other` (NULL: there is none), of at most `max_len`
 * bytes. It is the mutator's own until the next call.
 */
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t len, uint8_t **ret_out, uint8_t *other,
		       size_t other_len, size_t max_len);

void afl_custom_deinit(void *data);

#pragma GCC visibility pop

#endif
