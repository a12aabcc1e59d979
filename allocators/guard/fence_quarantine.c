#include "allocators/guard/fence_quarantine.h"

static struct {
	size_t blocks_max, bytes_max, blocks, bytes;
	struct run *oldest, *newest;
} quarantine;

void quarantine_bound(size_t blocks, size_t bytes)
{
	quarantine.blocks_max = blocks;
	quarantine.bytes_max = bytes;
}

static size_t run_bytes(const struct run *r)
{
	return (r->pages + 1) * OS_PAGE;
}

static void let_oldest_go(void)
{
	struct run *r = quarantine.oldest;

	quarantine.oldest = r->next;
	if (!quarantine.oldest)
		quarantine.newest = NULL;
	quarantine.blocks--;
	quarantine.bytes -= run_bytes(r);
	run_retire(r, RUN_GONE);
}

static void append(struct run *r)
{
	r->next = NULL;
	if (quarantine.newest)
		quarantine.newest->next = r;
	else
		quarantine.oldest = r;
	quarantine.newest = r;
	quarantine.blocks++;
	quarantine.bytes += run_bytes(r);
}

void quarantine_add(struct run *r)
{
	r->state = RUN_FREED;
	if (quarantine.blocks_max == 0 || run_bytes(r) > quarantine.bytes_max) {
		run_retire(r, RUN_GONE);
		return;
	}
	run_close(r);
	append(r);
	while (quarantine.blocks > quarantine.blocks_max || quarantine.bytes > quarantine.bytes_max)
		let_oldest_go();
}

bool quarantine_flush(void)
{
	bool any = quarantine.oldest;

	while (quarantine.oldest)
		let_oldest_go();
	return any;
}
