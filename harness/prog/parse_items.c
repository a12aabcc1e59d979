#include "harness/prog/parse_items.h"

#include <errno.h>
#include <string.h>

#include "harness/prog/names.h"

bool parse_no_more(const struct lexer *l)
{
	struct word w = lex_peek(l);

	return w.len == 0 || word_is(w, "->");
}

int parse_prot(struct lexer *l, struct op *op)
{
	struct word w = lex_word(l);
	int prot;

	if (prot_by_name(w.text, w.len, &prot))
		return lex_fail(l, w, "a protection: none, r, rw, rx or rwx");
	op->map.prot = prot;
	return 0;
}

int parse_advice(struct lexer *l, struct op *op)
{
	struct word w = lex_word(l);
	int advice;

	if (advice_by_name(w.text, w.len, &advice))
		return lex_fail_near(l, w, "an advice such as dontneed, free or hugepage",
				     parse_nearest(w, advice_at));
	op->map.advice = advice;
	return 0;
}

int parse_range(struct lexer *l, struct op *op)
{
	if (parse_no_more(l))
		return 0;
	op->has_range = 1;
	int ret = lex_size(l, lex_word(l), &op->range_off);

	if (ret)
		return ret;
	struct word len = lex_word(l);

	if (len.len == 0 || word_is(len, "->"))
		return lex_fail(l, len, "a length behind the offset");
	return lex_size(l, len, &op->range_len);
}

static bool outcome_is_new(const struct outcomes *o, int err)
{
	return !memchr(o->err, err, o->nerr);
}

/* The number of an outcome's word, of the kind that the op can have, or -ENOENT. */
static int outcome_number(struct word w, bool access)
{
	int outcome = ending_by_name(w.text, w.len);

	return access == (outcome > PROG_MAX_ERRNO) ? outcome : -ENOENT;
}

static int parse_outcome(const struct lexer *l, struct word w, bool access, struct outcomes *o)
{
	if (word_is(w, "ok")) {
		if (o->ok)
			return lex_fail(l, w, "each outcome once");
		o->ok = 1;
		return 0;
	}
	int err = outcome_number(w, access);

	if (err < 0)
		return lex_fail(l, w,
				access ? "'ok', SIGSEGV or SIGBUS"
				       : "'ok' or the name of an errno such as ENOMEM");
	if (!outcome_is_new(o, err))
		return lex_fail(l, w, "each outcome once");
	if (o->nerr == PROG_MAX_OUTCOMES)
		return lex_fail(l, w, "at most 15 errno names");
	o->err[o->nerr++] = (uint8_t)err;
	return 0;
}

static int parse_arrow(struct lexer *l, bool access, struct op *op)
{
	struct word w = lex_peek(l);

	if (!word_is(w, "->"))
		return w.len ? lex_fail(l, w, "'->' or the end of the line") : 0;
	lex_word(l);
	op->outcomes.present = 1;
	struct word rest = lex_word(l);

	do {
		struct word name = word_cut(rest, '|', &rest);
		int ret = parse_outcome(l, name, access, &op->outcomes);

		if (ret)
			return ret;
	} while (rest.text);
	return 0;
}

int parse_outcomes(struct lexer *l, struct op *op)
{
	return parse_arrow(l, false, op);
}

int parse_access(struct lexer *l, struct op *op)
{
	return op->space == SPACE_MAP ? parse_arrow(l, true, op) : lex_end(l);
}

int parse_name(struct lexer *l, struct op *op)
{
	struct word w = lex_word(l);

	if (w.len == 0)
		return lex_fail(l, w, "a name");
	if (w.len > PROG_NAME_MAX)
		return lex_fail(l, w, "a name of at most 31 bytes");
	for (size_t i = 0; i < w.len; i++)
		if (w.text[i] < '!' || w.text[i] > '~')
			return lex_fail(l, w, "a name of printable ASCII");
	memcpy(op->name, w.text, w.len);
	return 0;
}
