/*
 * parse_items.h - the items of a statement (see form.h), each from the lexer into an op.
 *
 * Errors: 0, or -EINVAL with the lexer's prog_error filled.
 */
#ifndef PROG_PARSE_ITEMS_H
#define PROG_PARSE_ITEMS_H

#include "harness/prog/lex.h"
#include "harness/prog/op.h"

/* `space`: SPACE_BLOCK or SPACE_MAP, or SPACE_NONE where either will do. */
int parse_slots(struct lexer *l, enum op_space space, struct op *op);
int parse_prot(struct lexer *l, struct op *op);
int parse_advice(struct lexer *l, struct op *op);
int parse_map_flags(struct lexer *l, struct op *op);
int parse_mremap_flags(struct lexer *l, struct op *op);
int parse_range(struct lexer *l, struct op *op);
int parse_outcomes(struct lexer *l, struct op *op);
int parse_name(struct lexer *l, struct op *op);
int parse_expect(struct lexer *l, struct op *op);

/* `b[5]` or `m[5]` alone: the slot's number. */
int parse_map_slot(const struct lexer *l, struct word w, uint32_t *ret_slot);

/* An optional item is absent: the line ends here, or the outcomes follow. */
bool parse_no_more(const struct lexer *l);

#endif
