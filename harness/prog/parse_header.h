/*
 * parse_header.h - the version line and the header lines.
 */
#ifndef PROG_PARSE_HEADER_H
#define PROG_PARSE_HEADER_H

#include "harness/prog/lex.h"
#include "harness/prog/op.h"

int parse_version(struct lexer *l);

/* Takes a `ballast`, `fault` or `needs` line. Returns 1 when the line is none of them. */
int parse_header(struct lexer *l, struct prog_header *h);

#endif
