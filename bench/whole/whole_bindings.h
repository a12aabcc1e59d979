/*
 * whole_bindings.h - what the loader says about who serves a program's malloc: the text that
 * LD_DEBUG=bindings writes, one file a process.
 *
 *     1234:	binding file lua5.4 [0] to /lib/libx.so [0]: normal symbol `malloc' [GLIBC_2.2.5]
 *
 * Lines that have another form are passed over: other threads may write into them.
 */
#ifndef BENCH_WHOLE_BINDINGS_H
#define BENCH_WHOLE_BINDINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/whole/whole_count.h"

/* Of one process. */
struct whole_bindings {
	bool is_server;	 /* the executable with this name is in it */
	uint64_t served; /* references to malloc, calloc or realloc that lead to the file */
	uint32_t by_server,
		through_server; /* masks of calls: from it to the file, from others to it */
	/* By another file, of the functions that the program calls: the first that was seen. */
	char call[24], by[PATH_MAX]; /* "": none */
};

struct whole_bindings_request {
	const char *server;    /* base name of the executable */
	const char *file;      /* real path of the allocator's */
	const uint64_t *calls; /* [WHOLE_CALLS]: that the program makes; malloc and free always */
};

/* Adds what the whole text of a process says. */
void whole_bindings_read(FILE *in, const struct whole_bindings_request *q,
			 struct whole_bindings *b);

#endif
