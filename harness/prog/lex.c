#include "harness/prog/lex.h"

#include <errno.h>
#include <string.h>

#include "harness/prog/text.h"

#define FOUND_MAX 32 /* bytes of the text that an error repeats */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct word lex_word(struct lexer *l)
{
	const char *at = l->at;

	while (at < l->end && is_blank(*at))
		at++;
	struct word w = {.text = at};

	while (at < l->end && !is_blank(*at) && *at != '#')
		at++;
	w.len = (size_t)(at - w.text);
	l->at = at;
	return w;
}

struct word lex_peek(const struct lexer *l)
{
	struct lexer ahead = *l;

	return lex_word(&ahead);
}

int lex_end(struct lexer *l)
{
	struct word w = lex_word(l);

	return w.len ? lex_fail(l, w, "the end of the line") : 0;
}

bool word_is(struct word w, const char *text)
{
	return w.len == strlen(text) && memcmp(w.text, text, w.len) == 0;
}

bool word_starts_with(struct word w, const char *text)
{
	size_t n = strlen(text);

	return w.len >= n && memcmp(w.text, text, n) == 0;
}

struct word word_cut(struct word w, char separator, struct word *ret_rest)
{
	struct word head = w;

	head.len = 0;
	while (head.len < w.len && w.text[head.len] != separator)
		head.len++;
	if (head.len < w.len)
		*ret_rest =
			(struct word){.text = w.text + head.len + 1, .len = w.len - head.len - 1};
	else
		*ret_rest = (struct word){0};
	return head;
}

int lex_fail_near(const struct lexer *l, struct word w, const char *expected, const char *meant)
{
	struct text message;

	l->err->line = l->number;
	l->err->column = (uint32_t)(w.text - l->line) + 1;
	text_init(&message, l->err->message, sizeof(l->err->message));
	text_str(&message, "found ");
	if (w.len == 0 && w.text < l->end && *w.text != '#')
		w.len = 1; /* an empty piece of a word: show what stands in its place */
	if (w.len)
		text_quoted(&message, w.text, w.len < FOUND_MAX ? w.len : FOUND_MAX);
	else
		text_str(&message, "the end of the line");
	text_str(&message, ", expected ");
	text_str(&message, expected);
	if (meant) {
		text_str(&message, "; perhaps ");
		text_str(&message, meant);
	}
	return -EINVAL;
}

int lex_fail(const struct lexer *l, struct word w, const char *expected)
{
	return lex_fail_near(l, w, expected, NULL);
}
