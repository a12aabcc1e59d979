/* The words that pages hold. */
#include "harness/oracle/pages_internal.h"

/* Of neighbouring numbers no two results have anything in common (splitmix64's finish). */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* What is written is never 0: a page that lost it would not be told from one that kept it. */
static uint64_t touch_word(uint64_t seed, uint32_t stamp, uint64_t place)
{
	uint64_t word = mixed(mixed(seed + stamp * UINT64_C(0x9e3779b97f4a7c15)) + place);

	return word ? word : 1;
}

uint64_t content_word(const struct pages *p, const struct page_content *c, uint64_t page)
{
	uint64_t word = c->stamp ? touch_word(p->options.seed, c->stamp, page - c->delta) : 0;

	return word + c->plus;
}

struct page_content content_unknown(void)
{
	return (struct page_content){.unknown = 1};
}

struct page_content content_moved(const struct page_content *c, uint64_t by)
{
	struct page_content moved = *c;

	if (c->stamp)
		moved.delta += by;
	return moved;
}

bool content_is_zero(const struct page_content *c)
{
	return !c->unknown && c->stamp == 0 && c->plus == 0;
}
