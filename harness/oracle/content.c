#include "harness/oracle/content.h"

#include <string.h>

#define NO_ZERO_BYTES UINT64_C(0x0101010101010101)

/* splitmix64's finaliser, shortened: neighbouring words and neighbouring ids look unrelated. */
static inline uint64_t pattern(uint64_t id, uint64_t index)
{
	uint64_t x = id + index * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ (x >> 31)) | NO_ZERO_BYTES;
}

uint8_t content_byte(uint64_t id, uint64_t off)
{
	uint64_t word = pattern(id, off / 8);
	uint8_t bytes[8];

	memcpy(bytes, &word, 8);
	return bytes[off % 8];
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bytes from `off` to the next word of the pattern, or to the end. */
static uint64_t ragged_len(uint64_t off, uint64_t len)
{
	return min_u64(len, -off & 7);
}

static void fill_bytes(const struct content *c, uint64_t off, uint64_t len)
{
	for (uint64_t o = off; o < off + len; o++)
		c->base[o] = content_byte(c->id, o);
}

void content_fill(const struct content *c, uint64_t off, uint64_t len)
{
	uint64_t head = ragged_len(off, len), words = (len - head) / 8;
	uint64_t index = (off + head) / 8, tail = off + head + words * 8;
	unsigned char *at = c->base + off + head;

	fill_bytes(c, off, head);
	for (uint64_t i = 0; i < words; i++) {
		uint64_t word = pattern(c->id, index + i);

		memcpy(at + i * 8, &word, 8);
	}
	fill_bytes(c, tail, off + len - tail);
}

void content_fill_words(const struct content *c, const struct content_words *w)
{
	for (uint64_t i = 0; i < w->count; i++)
		content_fill(c, w->first + i * w->step, 8);
}

static void check_bytes(const struct content *c, uint64_t off, uint64_t len,
			struct content_diff *diff)
{
	for (uint64_t o = off; o < off + len; o++) {
		uint8_t want = content_byte(c->id, o), found = c->base[o];

		if (found == want)
			continue;
		if (diff->changed++ == 0) {
			diff->offset = o;
			diff->expected = want;
			diff->found = found;
		}
	}
}

/* 512 bytes at a time without a branch: this loop is what checking costs. */
static uint64_t words_wrong(const unsigned char *at, uint64_t id, uint64_t index, uint64_t n)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t word;

		memcpy(&word, at + i * 8, 8);
		wrong |= word ^ pattern(id, index + i);
	}
	return wrong;
}

void content_check(const struct content *c, uint64_t off, uint64_t len, struct content_diff *diff)
{
	uint64_t head = ragged_len(off, len), end = off + len, o = off + head;

	check_bytes(c, off, head, diff);
	while (end - o >= 8) {
		uint64_t n = min_u64((end - o) / 8, 64);

		if (words_wrong(c->base + o, c->id, o / 8, n))
			check_bytes(c, o, n * 8, diff);
		o += n * 8;
	}
	check_bytes(c, o, end - o, diff);
}

void content_check_words(const struct content *c, const struct content_words *w, bool all,
			 struct content_diff *diff)
{
	uint64_t looks = all ? w->count : min_u64(w->count, CONTENT_SAMPLES);

	for (uint64_t i = 0; i < looks; i++) {
		/* Below 2^48 words and 2^12 looks: no overflow. */
		uint64_t which = looks == w->count ? i : i * w->count / looks;

		content_check(c, w->first + which * w->step, 8, diff);
	}
}

uint64_t content_first_nonzero(const unsigned char *base, uint64_t off, uint64_t len)
{
	uint64_t o = off, end = off + len;

	for (; end - o >= 64; o += 64) {
		uint64_t words[8], any = 0;

		memcpy(words, base + o, 64);
		for (int i = 0; i < 8; i++)
			any |= words[i];
		if (any)
			break;
	}
	while (o < end && base[o] == 0)
		o++;
	return o;
}

struct content_words content_middle(const struct content *c, uint64_t off, uint64_t len,
				    size_t page_bytes)
{
	uintptr_t start = (uintptr_t)c->base;
	uintptr_t page = (start + off + CONTENT_WHOLE + page_bytes - 1) & ~(page_bytes - 1);
	uint64_t first = page - start, end = off + len - CONTENT_WHOLE;

	return (struct content_words){
		.first = first,
		.count = first < end ? (end - first + page_bytes - 1) / page_bytes : 0,
		.step = page_bytes,
	};
}
