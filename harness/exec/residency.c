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

static bool is_swapped(struct child *c)
{
	int64_t bytes;

	return accounts_swapped(c->accounts, &bytes) != 0 || bytes != 0;
}

void residency_judge(struct child *c, int64_t rss_bytes)
{
	bool judged = c->kernel && c->pages && !c->residency_wrong && !c->again && rss_bytes >= 0;
	int64_t measured = judged ? programs_own(c, rss_bytes) : -1;
	struct pages_resident r;

	if (measured < 0)
		return;
	pages_resident(c->pages, &r);
	bool low = (uint64_t)measured < r.low_bytes, swapped = low && is_swapped(c);

	if (!low && (uint64_t)measured <= r.high_bytes)
		return;
	struct op op = {.code = (uint8_t)c->pos->op_code,
			.thread = (uint8_t)c->pos->thread,
			.stmt = (uint32_t)c->pos->stmt};
	struct call_event e = child_event(c, &op, 0);

	pages_judge_resident(c->pages, (uint64_t)measured, swapped, &e, &c->shared->findings);
	c->residency_wrong = !swapped;
}

void residency_judge_now(struct child *c)
{
	struct snapshot now;

	if (!c->kernel || !c->pages)
		return;
	if (accounts_take(c->accounts, SNAPSHOT_RSS, &now) == 0)
		residency_judge(c, now.rss_bytes);
}
