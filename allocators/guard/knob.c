#include "allocators/guard/knob.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "allocators/guard/line.h"

/* NULL: absent or empty. */
static const char *knob_text(const char *name)
{
	size_t len = strlen(name);

	for (char **at = environ; at && *at; at++) {
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return (*at)[len + 1] ? *at + len + 1 : NULL;
	}
	return NULL;
}

_Noreturn static void knob_refuse(const char *name, const char *value, const char *expected)
{
	struct line l;

	line_begin(&l);
	line_text(&l, name);
	line_text(&l, "=");
	line_text(&l, value);
	line_text(&l, ": expected ");
	line_text(&l, expected);
	line_write(&l);
	_exit(KNOB_EXIT);
}

unsigned knob_word(const char *name, const struct knob_words *w)
{
	const char *value = knob_text(name);

	if (!value)
		return w->otherwise;
	for (unsigned i = 0; i < w->count; i++) {
		if (strcmp(value, w->words[i]) == 0)
			return i;
	}
	knob_refuse(name, value, w->expected);
}

/* The digits at *at, which moves behind them. False: none, or too many. */
static bool digits(const char **at, size_t *ret_value)
{
	const char *from = *at;
	size_t value = 0;

	for (; **at >= '0' && **at <= '9'; ++*at) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (size_t)(**at - '0'), &value))
			return false;
	}
	*ret_value = value;
	return *at > from;
}

static unsigned unit_shift(char c)
{
	return c == 'K' ? 10 : c == 'M' ? 20 : c == 'G' ? 30 : 0;
}

size_t knob_size(const char *name, size_t otherwise)
{
	const char *text = knob_text(name), *at = text;
	size_t value;

	if (!text)
		return otherwise;
	if (!digits(&at, &value))
		knob_refuse(name, text, "a number, with K, M or G behind it if need be");
	unsigned shift = unit_shift(*at);

	if (at[shift != 0] || value > SIZE_MAX >> shift)
		knob_refuse(name, text, "a number, with K, M or G behind it if need be");
	return value << shift;
}
