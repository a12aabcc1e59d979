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
int parse_msync_flags(struct lexer *l, struct op *op);
int parse_range(struct lexer *l, struct op *op);
int parse_outcomes(struct lexer *l, struct op *op);
int parse_access(struct lexer *l, struct op *op);
int parse_name(struct lexer *l, struct op *op);
int parse_expect(struct lexer *l, struct op *op);
int parse_relation(const struct lexer *l, struct word w, uint32_t *ret_relation);

/* FACT REL VALUE; where the line may end behind FACT (`short_form`) that is FACT != 0. */
int parse_fact(struct lexer *l, bool short_form, struct op_fact *ret_fact);

/* `m[5]` alone: the slot's number. `expected` is the error's text where w is no such thing. */
int parse_map_slot(const struct lexer *l, struct word w, const char *expected, uint32_t *ret_slot);

/* A word by its index: NULL behind the last. */
typedef const char *word_at_fn(unsigned index);

/* The word that is at most two letters (of a word of four: one) away from w, or NULL. */
const char *parse_nearest(struct word w, word_at_fn *word_at);

/* An optional item is absent: the line ends here, or the outcomes follow. */
bool parse_no_more(const struct lexer *l);

#endif
