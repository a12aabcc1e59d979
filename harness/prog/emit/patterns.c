#include "harness/prog/emit/patterns.h"

#include <string.h>

#include "harness/prog/emit/say.h"

#define WHOLE_MAX (UINT64_C(64) << 10)
#define END_BYTES UINT64_C(4096)
#define NO_ZEROES UINT64_C(0x0101010101010101)

static uint64_t word_at(uint64_t id, uint64_t off)
{
	uint64_t x = id + off / 8 * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x ^ (x >> 31)) | NO_ZEROES;
}

/* How many bytes of one word lie in [off, end), off being the first. */
static size_t in_word(uint64_t off, uint64_t end)
{
	size_t n = 8 - off % 8;

	return end - off < n ? end - off : n;
}

static void fill(const struct pattern *p, unsigned char *base, uint64_t off, uint64_t len)
{
	for (uint64_t o = off, n; o < off + len; o += n) {
		uint64_t word = word_at(p->id, o);

		n = in_word(o, off + len);
		memcpy(base + o, (unsigned char *)&word + o % 8, n);
	}
}

static void note_extent(struct pattern *p, const struct extent *x)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct extent *y = &p->extent[i];

		if (y->off == x->off && y->n == x->n && y->is_words == x->is_words)
			return;
	}
	if (p->n < EXTENTS && x->n)
		p->extent[p->n++] = *x;
}

static void write_whole(struct pattern *p, unsigned char *base, uint64_t off, uint64_t len)
{
	fill(p, base, off, len);
	note_extent(p, &(struct extent){.off = off, .n = len});
}

/* The first page that begins behind the head, and how many do before the tail. */
static struct extent middle(const unsigned char *base, uint64_t off, uint64_t len)
{
	uintptr_t start = (uintptr_t)base;
	uint64_t first = (start + off + END_BYTES + PAGE - 1) / PAGE * PAGE - start;
	uint64_t end = off + len - END_BYTES;

	return (struct extent){.off = first,
			       .n = first < end ? (end - first + PAGE - 1) / PAGE : 0,
			       .is_words = true};
}

void pattern_write(struct pattern *p, unsigned char *base, uint64_t off, uint64_t len)
{
	if (len <= WHOLE_MAX) {
		write_whole(p, base, off, len);
		return;
	}
	struct extent words = middle(base, off, len);

	write_whole(p, base, off, END_BYTES);
	for (uint64_t i = 0; i < words.n; i++)
		fill(p, base, words.off + i * PAGE, 8);
	note_extent(p, &words);
	write_whole(p, base, off + len - END_BYTES, END_BYTES);
}

void pattern_cut(struct pattern *p, uint64_t size)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n; i++) {
		struct extent x = p->extent[i];
		uint64_t room = x.off < size ? size - x.off : 0;

		if (x.is_words)
			room = room < 8 ? 0 : (room - 8) / PAGE + 1;
		x.n = x.n < room ? x.n : room;
		if (x.n)
			p->extent[kept++] = x;
	}
	p->n = kept;
}

static bool is_there(uint64_t id, const unsigned char *base, uint64_t off, uint64_t len,
		     uint64_t *ret_off)
{
	for (uint64_t o = off, n; o < off + len; o += n) {
		uint64_t word = word_at(id, o);
		const unsigned char *want = (unsigned char *)&word + o % 8;

		n = in_word(o, off + len);
		for (uint64_t i = 0; i < n && memcmp(base + o, want, n) != 0; i++) {
			*ret_off = o + i;
			if (base[o + i] != want[i])
				return false;
		}
	}
	return true;
}

bool pattern_is_there(const struct pattern *p, const unsigned char *base, uint64_t *ret_off)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct extent *x = &p->extent[i];

		if (!x->is_words && !is_there(p->id, base, x->off, x->n, ret_off))
			return false;
		for (uint64_t w = 0; x->is_words && w < x->n; w++)
			if (!is_there(p->id, base, x->off + w * PAGE, 8, ret_off))
				return false;
	}
	return true;
}

static uint64_t first_dirty(const unsigned char *base, uint64_t off, uint64_t end)
{
	while (off < end && base[off] == 0)
		off++;
	return off;
}

uint64_t pattern_first_dirty(const unsigned char *base, uint64_t len)
{
	if (len <= WHOLE_MAX)
		return first_dirty(base, 0, len);
	struct extent words = middle(base, 0, len);
	uint64_t at = first_dirty(base, 0, END_BYTES);

	if (at < END_BYTES)
		return at;
	for (uint64_t i = 0; i < words.n; i++) {
		uint64_t off = words.off + i * PAGE;

		at = first_dirty(base, off, off + 8);
		if (at < off + 8)
			return at;
	}
	return first_dirty(base, len - END_BYTES, len);
}
