#include "allocators/guard/line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void line_text(struct line *l, const char *text)
{
	size_t room = sizeof(l->text) - 1 - l->len, len = strlen(text);

	if (len > room)
		len = room;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

void line_begin(struct line *l)
{
	l->len = 0;
	line_text(l, "guard: ");
}

static void line_digits(struct line *l, uint64_t value, unsigned base)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	line_text(l, digits + at);
}

void line_hex(struct line *l, uintptr_t value)
{
	line_text(l, "0x");
	line_digits(l, value, 16);
}

void line_number(struct line *l, uint64_t value)
{
	line_digits(l, value, 10);
}

void line_bytes(struct line *l, uint64_t count)
{
	line_number(l, count);
	line_text(l, count == 1 ? " byte" : " bytes");
}

void line_write(struct line *l)
{
	int saved = errno;
	size_t done = 0;

	l->text[l->len++] = '\n';
	while (done < l->len) {
		ssize_t n = write(STDERR_FILENO, l->text + done, l->len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	errno = saved;
}
