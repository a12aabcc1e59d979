/*
 * size_class.h - the sizes that blocks inside spans have.
 *
 * 16, 32 ... 128 bytes, then eight classes per power of two up to 128 KiB, so that above 128 bytes
 * a block is at most 1/9 larger than what was asked. One more class, used by nobody outside, holds
 * the records of large blocks beyond the first 32768.
 */
#ifndef GUARD_SIZE_CLASS_H
#define GUARD_SIZE_CLASS_H

#include <stddef.h>

#include "allocators/guard/os.h"

#define SMALL_MAX    ((size_t)128 << 10)
#define CLASS_COUNT  89
#define CLASS_RECORD 88 /* internal */
#define RECORD_SIZE  96 /* bytes */

/* The smallest class that holds `size` bytes, 0 included; size <= SMALL_MAX. */
static inline unsigned class_of(size_t size)
{
	if (size <= 128)
		return size ? (unsigned)(size - 1) / 16 : 0;
	unsigned top = 63 - (unsigned)__builtin_clzl(size - 1);

	return 8 + (top - 7) * 8 + ((unsigned)((size - 1) >> (top - 3)) & 7);
}

static inline size_t class_size(unsigned class)
{
	if (class < 8)
		return 16 * (class + 1);
	if (class == CLASS_RECORD)
		return RECORD_SIZE;
	unsigned top = 7 + (class - 8) / 8;

	return ((size_t)1 << top) + ((class & 7) + 1) * ((size_t)1 << (top - 3));
}

/* The smallest class for `size` whose blocks are all aligned to `align`, at most a page. */
static inline unsigned class_of_aligned(size_t size, size_t align)
{
	unsigned class = class_of(size > align ? size : align);

	while (class_size(class) & (align - 1))
		class ++;
	return class;
}

#define SPAN_PAGES_MIN 4u
#define SPAN_PAGES_MAX 32u

struct span_shape {
	unsigned pages, blocks;
};

/*
 * How many pages a span of this block size takes: one block if it is of pages and large, else four
 * pages and four blocks at least, and no more than 1/16 of the span left over.
 */
static inline struct span_shape span_shape(size_t size)
{
	struct span_shape s = {(unsigned)(size / OS_PAGE), 1};

	if (size > 8 * OS_PAGE)
		return s;
	for (s.pages = SPAN_PAGES_MIN; s.pages < SPAN_PAGES_MAX; s.pages++) {
		size_t bytes = s.pages * OS_PAGE;

		s.blocks = (unsigned)(bytes / size);
		if (s.blocks >= 4 && bytes % size <= bytes / 16)
			return s;
	}
	s.blocks = (unsigned)(s.pages * OS_PAGE / size);
	return s;
}

#endif
