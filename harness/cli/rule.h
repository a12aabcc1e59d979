/*
 * rule.h - the programs of corpus/conformance: one sentence of a standard or a manual each.
 *
 * A rule is a file NN-short-name.prog. The comment at its head says which sentence it holds an
 * allocator to, and where that stands:
 *
 *   # Rule 7: an alignment that is no power of two is refused. [glibc manual, 3.2.3.6]
 *   # profile: aligned-alloc-3 call 0
 *
 * The second line makes it a rule that implementations decide: the answer is what the calls of
 * statement 0 did, put into a word as the form `call` says (answer.h), and an allocator's profile
 * has the word that is right for it.
 *
 * The function that the sentence mentions first is what the rule is about: an allocator that lacks
 * it is neither right nor wrong.
 */
#ifndef CLI_RULE_H
#define CLI_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/cli/answer.h"
#include "harness/cli/program.h"
#include "harness/prog/op.h"

struct rule {
	struct program program;
	unsigned number; /* NN; 0 where the name has none */
	char *sentence;	 /* without "Rule N:" and source; "" where the program has none */
	char *source;	 /* what stands in the brackets at its end, or "" */
	char *profile;	 /* the rule's name in profiles; NULL: the same for every allocator */
	enum answer_form form;
	unsigned statement;
	char question[96];   /* the call that answers, "aligned_alloc(3, 64)" */
	bool asks[OP_CODES]; /* the functions that it is about: absent when the allocator has none
			      */
};

struct rulebook {
	struct rule *rule;
	size_t n;
};

/*
 * Reads the rules of a folder, by number and then name; `dir` NULL: corpus/conformance. `only`
 * are names or numbers, and each must be there; none: all. On failure prints one line and returns
 * an exit code; 0 on success.
 */
int rulebook_open(const char *dir, char *const *only, size_t nonly, struct rulebook *ret_book);
void rulebook_release(struct rulebook *book);

/* One of them. Complains and returns as rulebook_open does. */
int rule_open(const char *path, struct rule *ret_rule);

/*
 * The head alone: fills sentence, source, profile, form and statement. Returns 0, -ENOMEM, or
 * -EINVAL with "LINE: what" in err.
 */
int rule_parse_head(const char *text, struct rule *rule, char *err, size_t err_size);
void rule_release(struct rule *rule);

/* Below 0, 0 or above 0: the order of two file names. */
int rule_compare_names(const char *a, const char *b);

#endif
