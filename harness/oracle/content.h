/*
 * content.h - the bytes that are put into blocks and looked for again.
 *
 * The byte at offset o of a block is a function of (id, o) alone, so writing a part twice changes
 * nothing. No byte is ever 0: memory that was zeroed, given back or never written is told apart
 * with certainty, not with a chance of 255 in 256.
 */
#ifndef ORACLE_CONTENT_H
#define ORACLE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_WHOLE	4096	   /* bytes at the head and at the tail of a larger range */
#define CONTENT_LIMIT	(64 << 10) /* ranges up to this many bytes are filled and checked whole */
#define CONTENT_SAMPLES 4096	   /* words looked at in the middle of a larger range */

/* A block's content: offsets count from `base`. */
struct content {
	unsigned char *base;
	uint64_t id;
};

/* The first byte found wrong, and how many were. */
struct content_diff {
	uint64_t offset;
	uint64_t changed; /* 0: nothing found yet */
	uint8_t expected, found;
};

/* Words of 8 bytes at first, first + step, ...; the steps need not be multiples of 8. */
struct content_words {
	uint64_t first, count, step;
};

uint8_t content_byte(uint64_t id, uint64_t off);

void content_fill(const struct content *c, uint64_t off, uint64_t len);
void content_fill_words(const struct content *c, const struct content_words *w);

/* Both add to `diff`. */
void content_check(const struct content *c, uint64_t off, uint64_t len, struct content_diff *diff);
/* Looks at CONTENT_SAMPLES words, evenly spaced, unless `all`. */
void content_check_words(const struct content *c, const struct content_words *w, bool all,
			 struct content_diff *diff);

/* The offset of the first byte of [off, off + len) that is not 0, or off + len. */
uint64_t content_first_nonzero(const unsigned char *base, uint64_t off, uint64_t len);

/*
 * One word at the start of every page between head and tail of [off, off + len), which is larger
 * than CONTENT_LIMIT.
 */
struct content_words content_middle(const struct content *c, uint64_t off, uint64_t len,
				    size_t page_bytes);

#endif
