#include <errno.h>
#include <unistd.h>

#include "harness/prog/lex.h"

/*
 * The digits at the front of w. Returns how many there are, 0 for none; a number of more than 64
 * bits is -ERANGE.
 */
static int leading_digits(struct word w, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < w.len && w.text[n] >= '0' && w.text[n] <= '9'; n++) {
		unsigned digit = (unsigned)(w.text[n] - '0');

		/* Nineteen digits always fit. */
		if (n < 19)
			value = value * 10 + digit;
		else if (__builtin_mul_overflow(value, 10, &value) ||
			 __builtin_add_overflow(value, digit, &value))
			return -ERANGE;
	}
	*ret_value = value;
	return (int)n;
}

int lex_number(const struct lexer *l, struct word w, uint64_t max, const char *expected,
	       uint64_t *ret_number)
{
	uint64_t value = 0;
	int n = leading_digits(w, &value);

	if (n <= 0 || (size_t)n != w.len || value > max)
		return lex_fail(l, w, expected);
	*ret_number = value;
	return 0;
}

/* Bytes of one unit of a size; 0 when there is no such unit. */
static uint64_t size_unit(struct word w)
{
	if (w.len == 0)
		return 1;
	if (w.len > 1)
		return 0;
	switch (w.text[0]) {
	case 'K':
		return 1ull << 10;
	case 'M':
		return 1ull << 20;
	case 'G':
		return 1ull << 30;
	case 'T':
		return 1ull << 40;
	case 'p':
		return (uint64_t)sysconf(_SC_PAGESIZE);
	default:
		return 0;
	}
}

/* Returns 0, -ERANGE, or -EINVAL when w is no size; the error is the caller's. */
static int size_value(struct word w, uint64_t *ret_bytes)
{
	uint64_t value = 0;
	int n = leading_digits(w, &value);

	if (n == 0)
		return -EINVAL;
	if (n < 0)
		return n;
	uint64_t unit = size_unit((struct word){.text = w.text + n, .len = w.len - (size_t)n});

	if (unit == 0)
		return -EINVAL;
	return __builtin_mul_overflow(value, unit, ret_bytes) ? -ERANGE : 0;
}

int lex_size(const struct lexer *l, struct word w, uint64_t *ret_bytes)
{
	uint64_t bytes;
	int ret = size_value(w, &bytes);

	if (ret == -ERANGE)
		return lex_fail(l, w, "a size that fits 64 bits");
	if (ret && w.len && w.text[0] == '-')
		return lex_fail(l, w, "a size, which is never negative");
	if (ret)
		return lex_fail(l, w, "a size such as 24, 4K, 1M, 2G, 1T or 257p");
	*ret_bytes = bytes;
	return 0;
}

int lex_signed_size(const struct lexer *l, struct word w, int64_t *ret_value)
{
	bool negative = w.len && w.text[0] == '-';
	struct word magnitude = {.text = w.text + negative, .len = w.len - negative};
	uint64_t bytes = 0;
	int ret = size_value(magnitude, &bytes);

	if (ret == -EINVAL)
		return lex_fail(l, w, "a value such as 0, -1, 24, 4K, 1M, 2G, 1T or 257p");
	if (ret || bytes > (uint64_t)INT64_MAX + negative)
		return lex_fail(l, w, "a value that fits 64 bits with its sign");
	*ret_value = (int64_t)(negative ? 0 - bytes : bytes);
	return 0;
}

static uint64_t time_unit(struct word w)
{
	if (word_is(w, "ns"))
		return 1;
	if (word_is(w, "us"))
		return 1000;
	if (word_is(w, "ms"))
		return 1000ull * 1000;
	if (word_is(w, "s"))
		return 1000ull * 1000 * 1000;
	return 0;
}

int lex_time(const struct lexer *l, struct word w, uint64_t *ret_ns)
{
	uint64_t value = 0, ns, unit = 0;
	int n = leading_digits(w, &value);

	if (n > 0)
		unit = time_unit((struct word){.text = w.text + n, .len = w.len - (size_t)n});
	if (n >= 0 && unit == 0)
		return lex_fail(l, w, "a time such as 100ns, 50us, 10ms or 2s");
	if (n < 0 || __builtin_mul_overflow(value, unit, &ns))
		return lex_fail(l, w, "a time whose nanoseconds fit 64 bits");
	*ret_ns = ns;
	return 0;
}
