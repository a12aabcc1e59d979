/*
 * emit_parts.h - the helper parts of emitted programs, as text. They are C sources of this tree, in
 * emit/: built, checked and tested there, and put into these tables by emit/parts.py.
 *
 * A piece is one function, type, macro, variable or comment. Whoever uses a name gets all pieces
 * that declare it, and those that they need.
 */
#ifndef PROG_EMIT_PARTS_H
#define PROG_EMIT_PARTS_H

#include <stdint.h>

#define EMIT_PIECES_MAX 1024
#define EMIT_PARTS_MAX	32
#define EMIT_END	UINT16_MAX

struct emit_piece {
	uint16_t group; /* pieces of one group stand together, without a blank line */
	uint16_t part;
	const uint16_t *needs; /* indices of pieces, up to EMIT_END */
	const char *text;
};

/* One of a name's pieces; names are in order, and may come several times. */
struct emit_name {
	const char *name;
	uint16_t piece;
};

extern const struct emit_piece emit_pieces[]; /* in the order of the file */
extern const unsigned emit_pieces_count;
extern const char *const emit_part_headers[]; /* of the system: "<errno.h> <fcntl.h>" */
extern const unsigned emit_parts_count;
extern const struct emit_name emit_names[];
extern const unsigned emit_names_count;

#endif
