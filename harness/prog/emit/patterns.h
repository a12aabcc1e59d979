/*
 * patterns.h - the bytes that are put into blocks and looked for again. The byte at an offset
 * depends on a number of the block and on the offset alone, and is never 0.
 */
#ifndef EMIT_PATTERNS_H
#define EMIT_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was written: n bytes from `off` on, or n words of 8 bytes, one a page. */
struct extent {
	uint64_t off;
	uint64_t n;
	bool is_words;
};

#define EXTENTS 9 /* three touches of large ranges; what does not fit is not looked at */

struct pattern {
	uint64_t id;
	unsigned n;
	struct extent extent[EXTENTS];
};

/* Writes [off, off + len) of a block: all of it up to 64 KiB, else its ends and a word a page. */
void pattern_write(struct pattern *p, unsigned char *base, uint64_t off, uint64_t len);
/* What lies behind `size` is forgotten. */
void pattern_cut(struct pattern *p, uint64_t size);
/* Whether all is there; else the first offset that is not. */
bool pattern_is_there(const struct pattern *p, const unsigned char *base, uint64_t *ret_off);
/* The first byte that is not 0, of those that would be written; or len. */
uint64_t pattern_first_dirty(const unsigned char *base, uint64_t len);

#endif
