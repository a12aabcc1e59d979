/* Who owns which addresses: two sets of ranges, of which only the program's has tags. */
#include "harness/kernel/ledger_priv.h"

#define NO_TAG 0

static struct span overlap(struct range r, struct span s)
{
	return (struct span){r.start > s.start ? r.start : s.start, r.end < s.end ? r.end : s.end};
}

static int64_t excluded_bytes(const struct ledger *l, struct span s)
{
	struct exclusions_cursor c = exclusions_at(&l->accounts->exclusions, s.start);
	int64_t bytes = (int64_t)(s.end - s.start);
	struct span part;

	while (exclusions_next_owned(&c, &s, &part))
		bytes -= (int64_t)(part.end - part.start);
	return bytes;
}

/* Of what the program has in `s`. */
static int64_t program_excluded(const struct ledger *l, struct span s)
{
	int64_t bytes = 0;
	struct range r;

	if (!excluded_bytes(l, s))
		return 0;
	for (uintptr_t at = s.start; range_set_first(l->program, at, s.end, &r); at = r.end)
		bytes += excluded_bytes(l, overlap(r, s));
	return bytes;
}

static int program_remove(struct ledger *l, struct span s)
{
	if (!range_set_count(l->program))
		return 0;
	int64_t excluded = program_excluded(l, s);
	int err = range_set_remove(l->program, s.start, s.end);

	if (!err)
		l->program_excluded -= excluded;
	return err;
}

static int program_insert(struct ledger *l, struct span s, uint64_t tag)
{
	int64_t excluded = excluded_bytes(l, s) - program_excluded(l, s);
	int err = range_set_insert(l->program, s.start, s.end, tag);

	if (!err)
		l->program_excluded += excluded;
	return err;
}

/* What the program has of it is cut away before. */
static int allocator_insert(struct ledger *l, struct span s)
{
	struct exclusions_cursor c = exclusions_at(&l->accounts->exclusions, s.start);
	struct span part;
	int err = 0;

	while (!err && exclusions_next_owned(&c, &s, &part))
		err = range_set_join(l->allocator, part.start, part.end, NO_TAG);
	return err;
}

int ledger_own(struct ledger *l, enum caller caller, uint32_t slot, struct span s)
{
	int err;

	if (s.start >= s.end)
		return 0;
	if (caller == CALLER_PROGRAM) {
		err = range_set_remove(l->allocator, s.start, s.end);
		return err ? err : program_insert(l, s, slot);
	}
	err = program_remove(l, s);
	return err || !l->exact ? err : allocator_insert(l, s);
}

int ledger_drop(struct ledger *l, struct span s)
{
	if (s.start >= s.end)
		return 0;
	int err = program_remove(l, s);

	return err ? err : range_set_remove(l->allocator, s.start, s.end);
}

int ledger_claim(struct ledger *l, struct span s)
{
	struct range r;
	int err = 0;

	for (uintptr_t at = s.start; !err && at < s.end; at = r.end) {
		bool found = range_set_first(l->program, at, s.end, &r);
		uintptr_t end = !found ? s.end : r.start > at ? r.start : at;

		err = allocator_insert(l, (struct span){at, end});
		if (!found)
			break;
	}
	return err;
}

int ledger_copy_program(struct ledger *l, struct span from, uintptr_t to)
{
	struct range r;
	int err = 0;

	for (uintptr_t at = from.start; !err && range_set_first(l->program, at, from.end, &r);
	     at = r.end) {
		struct span part = overlap(r, from);
		uintptr_t start = to + (part.start - from.start);

		err = program_insert(l, (struct span){start, start + (part.end - part.start)},
				     r.tag);
	}
	return err;
}

int ledger_retag(struct ledger *l, uintptr_t start, uintptr_t end, uint32_t tag)
{
	const struct span all = {start, end};
	struct range r;
	int err = 0;

	for (uintptr_t at = start; !err && range_set_first(l->program, at, end, &r); at = r.end) {
		struct span part = overlap(r, all);

		err = range_set_insert(l->program, part.start, part.end, tag);
	}
	return err;
}

/* Whether the program has a page in it that is not excluded. */
static bool program_has(const struct ledger *l, struct span s)
{
	struct range r;

	for (uintptr_t at = s.start; range_set_first(l->program, at, s.end, &r); at = r.end) {
		struct span part = overlap(r, s);

		if (!l->program_excluded ||
		    excluded_bytes(l, part) < (int64_t)(part.end - part.start))
			return true;
	}
	return false;
}

uint32_t ledger_owners(const struct ledger *l, struct span s)
{
	struct range r;
	uint32_t owners = 0;

	if (range_set_first(l->allocator, s.start, s.end, &r))
		owners |= 1u << CALLER_ALLOCATOR;
	if (program_has(l, s))
		owners |= 1u << CALLER_PROGRAM;
	return owners;
}

void ledger_recount_own(struct ledger *l)
{
	const struct exclusions *ex = &l->accounts->exclusions;

	range_set_clear(l->allocator);
	l->program_excluded = 0;
	for (uint32_t i = 0; i < ex->n; i++)
		l->program_excluded += program_excluded(l, ex->v[i]);
}
