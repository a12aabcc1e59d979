/*
 * emit_parts.h - the helper parts of emitted programs, as text. They are C sources of this tree, in
 * emit/: built, checked and tested there, and put into a table by emit/parts.py.
 */
#ifndef PROG_EMIT_PARTS_H
#define PROG_EMIT_PARTS_H

#include <stdint.h>

struct emit_part {
	const char *name;
	uint32_t needs;	     /* set of 1 << index, of parts before it */
	const char *headers; /* of the system: "<errno.h> <fcntl.h>" */
	const char *text;
};

extern const struct emit_part emit_parts[];
extern const unsigned emit_parts_count;

#endif
