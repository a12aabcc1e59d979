/*
 * parse_op.h - one line of text into one op.
 */
#ifndef PROG_PARSE_OP_H
#define PROG_PARSE_OP_H

#include "harness/prog/lex.h"
#include "harness/prog/op.h"

/*
 * Parses the statement of a line that is neither empty nor a header. `at` says in which blocks it
 * stands; its own opening or closing of a block is the caller's to follow. `*op` comes in zeroed.
 */
int parse_op(struct lexer *l, const struct prog_mark *at, struct op *op);

#endif
