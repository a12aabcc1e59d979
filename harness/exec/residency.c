#include "harness/exec/residency.h"

#include "harness/exec/child.h"

/*
 * Of what is owned all is the program's that is not libc's own, which the ledger has as an
 * allocator's. Less than 0: without a ledger the two cannot be told apart.
 */
static int64_t programs_own(const struct child *c, int64_t rss_bytes)
{
	int64_t others;

	if (ledger_resident(c->ledger, &others) != 0)
		return -1;
	return rss_bytes - others;
}

/* Whether pages of this process are in swap; asked only where too little is resident. */
static bool is_swapped(struct child *c, uint64_t measured_bytes)
{
	struct pages_resident r;
	int64_t bytes;

	pages_resident(c->pages, &r);
	if (measured_bytes >= r.low_bytes)
		return false;
	return accounts_swapped(c->accounts, &bytes) != 0 || bytes != 0;
}

void residency_judge(struct child *c, int64_t rss_bytes)
{
	int64_t measured =
		c->kernel && c->pages && rss_bytes >= 0 ? programs_own(c, rss_bytes) : -1;

	if (measured < 0 || c->again)
		return;
	struct op op = {.code = (uint8_t)c->pos->op_code,
			.thread = (uint8_t)c->pos->thread,
			.stmt = (uint32_t)c->pos->stmt};
	struct call_event e = child_event(c, &op, 0);

	pages_judge_resident(c->pages, (uint64_t)measured, is_swapped(c, (uint64_t)measured), &e,
			     &c->shared->findings);
}

void residency_judge_now(struct child *c)
{
	struct snapshot now;

	if (!c->kernel || !c->pages)
		return;
	if (accounts_take(c->accounts, SNAPSHOT_RSS, &now) == 0)
		residency_judge(c, now.rss_bytes);
}
