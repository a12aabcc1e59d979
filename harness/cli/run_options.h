/*
 * run_options.h - the options that every command which runs programs has, as one argp child.
 */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <argp.h>

#include "harness/cli/runner.h"

struct run_options {
	char **allocators; /* -a, in order; owned */
	size_t nallocators;
	const char *json; /* NULL: none */
	struct runner_options runner;
};

extern const struct argp run_options_argp; /* input: struct run_options * */

void run_options_release(struct run_options *o);

/* A plain decimal of 64 bits; 0 or -EINVAL. */
int parse_number(const char *text, uint64_t *ret_n);

/* The number from `least` on that `option` was given; anything else is a misuse, which exits. */
uint64_t option_number(const char *option, const char *arg, uint64_t least,
		       const struct argp_state *state);

/* "10s", "250ms" into nanoseconds; 0 or -EINVAL. */
int parse_duration(const char *text, uint64_t *ret_ns);

#endif
