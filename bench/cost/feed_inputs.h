/*
 * feed_inputs.h - random programs as a fuzzer makes them: bytes that are decoded (prog/wire.h).
 */
#ifndef BENCH_FEED_INPUTS_H
#define BENCH_FEED_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
	char text[16384];
	size_t len;
};

/* The same for the same seed. `kernel`: of mapping ops alone. Not what takes a child of its own. */
void feed_input(uint64_t seed, bool kernel, struct input *ret_input);

#endif
