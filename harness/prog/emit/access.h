/*
 * access.h - reads and writes the program's pages, and looks whether they are as they must be. An
 * access that must fault does so here, and the program goes on.
 */
#ifndef EMIT_ACCESS_H
#define EMIT_ACCESS_H

#include <stdint.h>

enum access {
	READ,  /* the page is what it must be */
	WRITE, /* a new word at its start */
	ADD    /* to the word, which is what it must be */
};

/* Before any other: the handlers of signals that say that something crashed. */
void access_start(void);

/* One page after the other of [from, to); `add`: of ADD. OK, or FAULT(what the first one does). */
int access_pages(enum access kind, uint64_t from, uint64_t to, uint64_t add);

/* Whether all that was written in [from, to) and can be read is there. Costs no memory. */
void access_look_at_written(uint64_t from, uint64_t to);

/* The first `pages` that the program has, also those that it never touched. */
void access_read_all(uint64_t pages);

#endif
