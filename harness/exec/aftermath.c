/*
 * aftermath.c - when the program is over: what was refused in it, is it back?
 *
 * The headroom comes back (ballast and the program's own mappings go, the fault plan is off), what
 * lives is freed, the allocator is purged, and the program's allocator calls are made once more, by
 * the threads that made them. It is asked for some more memory (press.c). What is still outstanding
 * then is lost. None of it is counted, sampled or compared with `->`; calls that misbehave in it
 * are findings as ever, and say so. What is refused in a fork child alone is not judged: the child
 * is gone, and its memory with it.
 */
#include <sys/syscall.h>

#include "harness/exec/child.h"
#include "harness/exec/facts.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_files.h"
#include "harness/exec/sampler.h"
#include "harness/exec/threads.h"

#define LEAST_HEADROOM 1024 /* maps */
#define UNMAP_PASSES   3    /* what the map limit refused goes when its neighbours are gone */

static struct run_counts uncounted;

static void unmap_range(struct child *c, const struct range *r)
{
	struct kernel_call call = {.nr = SYS_munmap, .arg = {r->start, r->end - r->start}};

	kcalls_program(c, &call, (uint32_t)r->tag);
}

static void unmap_program(struct child *c)
{
	const struct range_set *ranges = ledger_program(c->ledger);
	struct range r;

	for (int pass = 0; pass < UNMAP_PASSES && range_set_count(ranges); pass++)
		for (uintptr_t at = 0; range_set_first(ranges, at, UINTPTR_MAX, &r); at = r.end)
			unmap_range(c, &r);
	for (uint32_t i = 0; i < c->shared->config.map_slots; i++)
		c->m[i].start = 0;
}

/* An op of nobody's text: what it leads to is said of the last statement. */
static struct op own_op(const struct child *c, uint8_t code)
{
	return (struct op){
		.code = code,
		.space = code == OP_FREE ? SPACE_BLOCK : SPACE_NONE,
		.stmt = (uint32_t)c->pos->stmt,
	};
}

static void free_all(struct child *c)
{
	struct op op = own_op(c, OP_FREE);

	if (!c->alloc->free)
		return;
	c->pos->op_code = OP_FREE;
	c->pos->has_slot = SPACE_BLOCK;
	for (uint32_t i = 0; i < c->shared->config.block_slots; i++) {
		if (!c->b[i].p)
			continue;
		c->pos->slot = i;
		child_beat(c);
		block_op_run(c, &op, i);
	}
	c->pos->has_slot = 0;
}

static void purge(struct child *c)
{
	struct op op = own_op(c, OP_TRIM);

	c->pos->op_code = OP_TRIM;
	child_beat(c);
	block_trim(c, &op);
}

static uint64_t pieces_outstanding(const struct child *c)
{
	struct lost_range r;
	uint64_t n = 0;

	for (uintptr_t at = 0; lost_next(c->lost, at, &r); at = r.end)
		n++;
	return n;
}

/*
 * All of it, but in a child that has to raise the ballast again soon: there as much as the program
 * has had, and what is outstanding may need, twice.
 */
static int give_back_headroom(struct child *c)
{
	const struct run_watch *w = &c->shared->watch;

	if (c->shared->config.fed && ledger_is_exact(c->ledger)) {
		uint64_t had = (uint64_t)(w->peak.maps - w->start.maps);

		return child_lower_ballast(c, 2 * (had + pieces_outstanding(c)) + LEAST_HEADROOM);
	}
	int rc = ballast_drop(&c->ballast);

	return rc ? rc : kcalls_reconcile(c);
}

bool aftermath_begin(struct child *c)
{
	struct prog_error err = {.message = "the program could not be read once more"};

	c->again = true;
	c->reached = NULL;
	if (!c->lost || !lost_any(c->lost) || c->shared->harness_error)
		return false;
	c->counts = &uncounted;
	c->shared->findings.again = 1;
	c->faults->off = true;
	lost_close(c->lost);
	int rc = give_back_headroom(c);

	if (rc) {
		child_failed(c, rc, "the ballast could not be dropped");
		return false;
	}
	unmap_program(c);
	free_all(c);
	purge(c);
	c->shared->lost.again = 1;
	rc = program_file_check(c->program);
	if (!rc)
		rc = cursor_rewind(c->cursor, &err);
	if (rc)
		child_failed(c, rc, err.message);
	return !rc;
}

bool aftermath_runs(struct child *c, const struct op *op)
{
	struct prog_error err;

	/* Lines of a parallel section run one after the other. */
	if (op->code == OP_FORK || (op->code == OP_WHEN && !facts_enter(c, op))) {
		int rc = cursor_skip_block(c->cursor, &err);

		if (rc)
			child_failed(c, rc, err.message);
		return false;
	}
	return (op->space == SPACE_BLOCK && op->code != OP_TOUCH) || op->code == OP_TRIM;
}

void aftermath_end(struct child *c)
{
	struct run_lost *lost = &c->shared->lost;
	bool again = lost->again;

	if (!c->lost)
		return;
	if (again) {
		aftermath_press(c);
		free_all(c);
		threads_end(c);
		purge(c);
	}
	c->shared->findings.again = 0;
	int err = kcalls_outstanding(c, true, lost);

	lost->again = again;
	if (err)
		child_failed(c, err, "what is resident could not be read");
	else
		lost_judge(c->lost, &c->shared->findings);
}

/* After these the heap, or what is mapped, may be in any state. */
static bool is_grave(const struct finding *f)
{
	const uint32_t grave =
		FINDING_BIT(FINDING_OVERLAP) | FINDING_BIT(FINDING_CORRUPTED) |
		FINDING_BIT(FINDING_LOST_CONTENT) | FINDING_BIT(FINDING_SHORT_USABLE) |
		FINDING_BIT(FINDING_ACCEPTED_OVERFLOW) | FINDING_BIT(FINDING_CRASH) |
		FINDING_BIT(FINDING_WRONG_ACCESS) | FINDING_BIT(FINDING_WRONG_RESIDENCY);

	return grave & FINDING_BIT(f->kind);
}

static bool is_sane(const struct child *c)
{
	const struct finding_sink *sink = &c->shared->findings;

	for (uint32_t i = 0; i < sink->n && i < FINDING_MAX; i++)
		if (is_grave(&sink->v[i]))
			return false;
	return !c->shared->harness_error && !c->threads_ended;
}

static void note_kept(struct child *c)
{
	const struct ledger_counts *now = ledger_now(c->ledger), *start = &c->shared->watch.start;
	struct run_feed *feed = &c->shared->feed;

	feed->kept_maps = now->maps - start->maps;
	feed->kept_mapped_bytes = now->mapped_bytes - start->mapped_bytes;
	feed->kept_rss_bytes = sampler_rss_since_start(c->sampler);
}

bool aftermath_undo(struct child *c)
{
	if (!is_sane(c))
		return false;
	c->again = true;
	c->reached = NULL;
	c->lost = NULL;
	c->counts = &uncounted;
	c->shared->findings.again = 1;
	c->faults->off = true;
	unmap_program(c);
	free_all(c);
	map_files_close(c);
	c->shared->findings.again = 0;
	note_kept(c);
	return is_sane(c) && range_set_count(ledger_program(c->ledger)) == 0;
}
