#include "harness/prog/parse_header.h"

#include <string.h>

#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int parse_version(struct lexer *l)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	static const char version[] = "allocrig 1";
	struct word line = {.text = l->line, .len = (size_t)(l->end - l->line)};

	if (word_starts_with(line, byte_order_mark))
		return lex_fail(l, (struct word){.text = line.text, .len = 3},
				"'allocrig 1' without a byte order mark");
	bool known = word_starts_with(line, version);

	l->at = l->line + (known ? sizeof(version) - 1 : 0);
	struct word behind = lex_peek(l);
	bool longer = behind.len && behind.text == l->at; /* allocrig 10 */

	if (!known || longer)
		return lex_fail(l, line, "'allocrig 1', the first line of a program");
	return lex_end(l);
}

static int parse_ballast(struct lexer *l, struct word word, struct prog_header *h)
{
	if (h->has_ballast)
		return lex_fail(l, word, "at most one ballast line");
	h->has_ballast = 1;
	int ret = lex_number(l, lex_word(l), UINT64_MAX, "a count of maps", &h->ballast);

	return ret ? ret : lex_end(l);
}

/* One of the options of a fault line, and where its value goes. */
struct fault_option {
	const char *word;
	uint64_t *value;
	uint64_t least;
	bool given;
};

static int parse_fault_option(const struct lexer *l, struct word w, struct fault_option *options,
			      size_t n)
{
	struct word value;
	struct word key = word_cut(w, '=', &value);

	for (size_t i = 0; i < n; i++) {
		if (!value.text || !word_is(key, options[i].word))
			continue;
		if (options[i].given)
			return lex_fail(l, w, "each of nth, count, every, from and to once");
		options[i].given = true;
		int ret = lex_number(l, value, UINT64_MAX, "a number", options[i].value);

		if (ret)
			return ret;
		return *options[i].value < options[i].least
			       ? lex_fail(l, value, "a number from 1 on")
			       : 0;
	}
	return lex_fail(l, w, "nth=, count=, every=, from= or to= and a number");
}

static int parse_fault_options(struct lexer *l, struct fault_plan *plan)
{
	struct fault_option options[] = {
		{.word = "nth", .value = &plan->nth, .least = 1},
		{.word = "count", .value = &plan->count},
		{.word = "every", .value = &plan->every, .least = 1},
		{.word = "from", .value = &plan->from_stmt},
		{.word = "to", .value = &plan->to_stmt},
	};
	struct word w;

	for (w = lex_word(l); w.len; w = lex_word(l)) {
		int ret = parse_fault_option(l, w, options, COUNT_OF(options));

		if (ret)
			return ret;
	}
	if (plan->from_stmt > plan->to_stmt)
		return lex_fail(l, w, "a range of ops whose from= is not behind its to=");
	return 0;
}

/* One word that is a call, or several joined by commas where `most` allows it. */
static int parse_fault_calls(struct lexer *l, struct prog_fault *f, uint32_t most)
{
	struct word rest = lex_word(l);

	do {
		struct word call = most > 1 ? word_cut(rest, ',', &rest) : rest;
		int kcall = kcall_by_name(call.text, call.len);

		if (kcall < 0)
			return lex_fail(l, call, "a kernel call such as munmap, mmap or madvise");
		for (uint32_t i = 0; i < f->ncalls; i++)
			if (f->call[i] == (uint32_t)kcall)
				return lex_fail(l, call, "each call once");
		if (f->ncalls == PROG_FAULT_CALLS)
			return lex_fail(l, call, "at most 4 calls");
		f->call[f->ncalls++] = (uint32_t)kcall;
	} while (most > 1 && rest.text);
	f->plan.call = f->call[0];
	return 0;
}

/* What follows the word `fault`. */
static int parse_fault_rest(struct lexer *l, uint32_t most, struct prog_fault *f)
{
	*f = (struct prog_fault){.plan = {.nth = 1, .count = 1, .every = 1, .to_stmt = UINT64_MAX}};
	int ret = parse_fault_calls(l, f, most);

	if (ret)
		return ret;
	struct word name = lex_word(l);
	int err = errno_by_name(name.text, name.len);

	if (err < 0)
		return lex_fail(l, name, "the name of an errno such as ENOMEM");
	f->plan.err = (uint32_t)err;
	return parse_fault_options(l, &f->plan);
}

static int parse_fault(struct lexer *l, struct word word, struct prog_header *h)
{
	struct prog_fault fault;

	if (h->nfaults == PROG_MAX_FAULTS)
		return lex_fail(l, word, "at most 16 fault lines");
	int ret = parse_fault_rest(l, 1, &fault);

	if (ret == 0)
		h->faults[h->nfaults++] = fault.plan;
	return ret;
}

int prog_fault_parse(const char *text, struct prog_fault *ret_fault, struct prog_error *err)
{
	struct prog_fault fault;
	struct lexer l = {
		.line = text, .at = text, .end = text + strlen(text), .number = 1, .err = err};
	int ret = parse_fault_rest(&l, PROG_FAULT_CALLS, &fault);

	if (ret == 0)
		*ret_fault = fault;
	return ret;
}

static int parse_needs(struct lexer *l, struct word word, struct prog_header *h)
{
	struct op_fact fact;

	if (h->nneeds == PROG_MAX_NEEDS)
		return lex_fail(l, word, "at most 8 needs lines");
	int ret = parse_fact(l, true, &fact);

	if (ret == 0)
		ret = lex_end(l);
	if (ret == 0)
		h->needs[h->nneeds++] = fact;
	return ret;
}

int parse_header(struct lexer *l, struct prog_header *h)
{
	struct word w = lex_peek(l);

	if (word_is(w, "ballast"))
		return parse_ballast(l, lex_word(l), h);
	if (word_is(w, "fault"))
		return parse_fault(l, lex_word(l), h);
	if (word_is(w, "needs"))
		return parse_needs(l, lex_word(l), h);
	return 1;
}
