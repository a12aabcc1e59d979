#include "bench/child/words.h"

#include <unistd.h>

void words_init(struct words *w, char *buf, size_t size)
{
	*w = (struct words){.text = buf, .size = size};
	buf[0] = '\0';
}

static void add_char(struct words *w, char c)
{
	if (w->used + 1 >= w->size)
		return;
	w->text[w->used++] = c;
	w->text[w->used] = '\0';
}

void words_add(struct words *w, const char *text)
{
	while (*text)
		add_char(w, *text++);
}

void words_number(struct words *w, uint64_t n)
{
	char digits[20];
	unsigned len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	while (len)
		add_char(w, digits[--len]);
}

void words_ratio(struct words *w, uint64_t n, uint64_t unit)
{
	if (!unit) {
		add_char(w, '-');
		return;
	}
	uint64_t tenths = (uint64_t)(((__uint128_t)n * 10 + unit / 2) / unit);

	words_number(w, tenths / 10);
	add_char(w, '.');
	words_number(w, tenths % 10);
}

void words_pad(struct words *w, size_t column)
{
	while (w->used < column && w->used + 1 < w->size)
		add_char(w, ' ');
}

void words_write(struct words *w, int fd)
{
	for (size_t done = 0; done < w->used;) {
		ssize_t n = write(fd, w->text + done, w->used - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	words_init(w, w->text, w->size);
}
