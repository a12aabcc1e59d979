#include "harness/prog/text.h"

#include <errno.h>
#include <string.h>

void text_init(struct text *t, char *buf, size_t size)
{
	*t = (struct text){.buf = buf, .size = size, .cut = size == 0};
	if (size)
		buf[0] = '\0';
}

void text_bytes(struct text *t, const char *bytes, size_t n)
{
	if (t->cut)
		return;
	if (n > t->size - t->len - 1) {
		n = t->size - t->len - 1;
		t->cut = true;
	}
	memcpy(t->buf + t->len, bytes, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
	text_bytes(t, s, strlen(s));
}

void text_u64(struct text *t, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_bytes(t, digits + at, sizeof(digits) - at);
}

void text_size(struct text *t, uint64_t bytes)
{
	static const char suffixes[] = "KMGT";
	size_t n = 0;

	while (bytes && bytes % 1024 == 0 && n < strlen(suffixes)) {
		bytes /= 1024;
		n++;
	}
	text_u64(t, bytes);
	if (n)
		text_bytes(t, &suffixes[n - 1], 1);
}

void text_rounded_size(struct text *t, uint64_t bytes)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
	unsigned unit = 0;

	while (unit < 6 && bytes >> (10 * (unit + 1)))
		unit++;
	uint64_t one = UINT64_C(1) << (10 * unit), half = unit ? one / 2 : 0;
	uint64_t tenths = bytes / one * 10 + (bytes % one * 10 + half) / one;
	/* In EiB there are fewer than 16: nothing is added up beyond 64 bits. */
	uint64_t whole = unit && tenths >= 1000 ? (bytes + half) / one : tenths / 10;

	/* 1023.9 KiB rounds to a whole MiB. */
	if (whole == 1024) {
		unit++;
		whole = 1;
		tenths = 10;
	}
	text_u64(t, whole);
	if (unit && tenths < 1000) {
		text_str(t, ".");
		text_u64(t, tenths % 10);
	}
	text_str(t, units[unit]);
}

void text_time(struct text *t, uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t n = 0;

	while (ns && ns % 1000 == 0 && n < 3) {
		ns /= 1000;
		n++;
	}
	text_u64(t, ns);
	text_str(t, units[n]);
}

void text_quoted(struct text *t, const char *bytes, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	text_str(t, "'");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char escaped[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};

		if (c == '\'' || c == '\\')
			text_bytes(t, "\\", 1);
		if (c >= ' ' && c < 0x7f)
			text_bytes(t, &bytes[i], 1);
		else
			text_bytes(t, escaped, sizeof(escaped));
	}
	text_str(t, "'");
}

int text_result(const struct text *t)
{
	return t->cut ? -ENOSPC : (int)t->len;
}
