#include "allocators/guard/record.h"

#include "allocators/guard/size_class.h"
#include "allocators/guard/span.h"

#define RECORDS 32768u
#define WORDS	(RECORDS / 64)

_Static_assert(sizeof(struct large) <= RECORD_SIZE, "records have a size class");

static struct large records[RECORDS];
static uint64_t used[WORDS]; /* one bit per record */
static unsigned hint;	     /* no word before this one has a free record */

struct large *record_new(void)
{
	bool zero;

	while (hint < WORDS && !~used[hint])
		hint++;
	if (hint == WORDS)
		return span_alloc(CLASS_RECORD, &zero);
	unsigned bit = (unsigned)__builtin_ctzl(~used[hint]);

	used[hint] |= (uint64_t)1 << bit;
	return &records[hint * 64 + bit];
}

void record_free(struct large *l)
{
	if (l < records || l >= records + RECORDS) {
		span_free(slab_at((uintptr_t)l), l, "record");
		return;
	}
	size_t i = (size_t)(l - records);

	used[i / 64] &= ~((uint64_t)1 << (i % 64));
	if (i / 64 < hint)
		hint = (unsigned)(i / 64);
}
