/*
 * Records and their pieces. A record is one refused range, or several that the same op asked for in
 * one call later on; its pieces are the parts of it that are still outstanding. Pieces of mappings
 * and of purges stand in two sets that never share an address.
 */
#include "harness/oracle/lost.h"

#include <errno.h>

#include "harness/base/range_set.h"

#define NO_RECORD UINT32_MAX

struct record {
	struct lost_at at;    /* of the first refusal */
	uint64_t serial;      /* which refusal that was */
	uint64_t left;	      /* bytes of its pieces; without any the entry is free */
	uintptr_t start, end; /* its pieces lie in here */
	uint64_t calls, injected;
	uint64_t ranges, bytes, resident_bytes, maps; /* as measured */
	uint32_t nr, next_free;
	bool purge;
};

/* Records of one op and call. */
struct sum {
	struct record r; /* `at` of the first, the numbers added up */
	uintptr_t start; /* the lowest address */
};

struct lost {
	struct range_set *pieces[2]; /* by `purge`; tag: index of the record */
	struct record *records;
	uint32_t capacity, freed;
	uint32_t fresh;	      /* records[fresh..] were never used: their pages stay untouched */
	uint64_t outstanding; /* bytes */
	uint64_t refusals, forgotten;
	bool closed;
	struct sum sums[FINDING_MAX];
};

/* Calls that give back the middle of a piece make two of one. */
static uint32_t piece_capacity(uint32_t capacity)
{
	return capacity < UINT32_MAX / 2 ? 2 * capacity : UINT32_MAX;
}

size_t lost_arena_bytes(uint32_t capacity)
{
	return sizeof(struct lost) + (size_t)capacity * sizeof(struct record) +
	       2 * _Alignof(max_align_t) + 2 * range_set_arena_bytes(piece_capacity(capacity));
}

int lost_new(struct arena *a, uint32_t capacity, struct lost **ret_lost)
{
	const size_t align = _Alignof(max_align_t);
	struct lost *l = arena_take(a, sizeof(*l), align);
	struct record *records = arena_take_raw(a, (size_t)capacity * sizeof(*records), align);
	int err = 0;

	if (!l || !records)
		return -ENOMEM;
	*l = (struct lost){.records = records, .capacity = capacity, .freed = NO_RECORD};
	for (int purge = 0; purge < 2 && !err; purge++)
		err = range_set_new(a, piece_capacity(capacity), &l->pieces[purge]);
	if (!err)
		*ret_lost = l;
	return err;
}

static uint32_t record_take(struct lost *l)
{
	uint32_t id = l->freed;

	if (id != NO_RECORD)
		l->freed = l->records[id].next_free;
	else if (l->fresh < l->capacity)
		id = l->fresh++;
	return id;
}

static void record_free(struct lost *l, uint32_t id)
{
	l->records[id].next_free = l->freed;
	l->freed = id;
}

/* Part of a piece of this record is outstanding no more. */
static void record_shrink(struct lost *l, uint32_t id, uint64_t bytes)
{
	l->outstanding -= bytes;
	l->records[id].left -= bytes;
	if (l->records[id].left == 0)
		record_free(l, id);
}

/* Two records that become one finding. */
static bool records_alike(const struct record *a, const struct record *b)
{
	return a->at.stmt == b->at.stmt && a->nr == b->nr && a->purge == b->purge;
}

static uint64_t maps_sum(uint64_t a, uint64_t b)
{
	return a == LOST_MAPS_UNKNOWN || b == LOST_MAPS_UNKNOWN ? LOST_MAPS_UNKNOWN : a + b;
}

static void record_merge(struct record *into, const struct record *r)
{
	if (r->serial < into->serial) {
		into->serial = r->serial;
		into->at = r->at;
	}
	into->calls += r->calls;
	into->injected += r->injected;
	into->ranges += r->ranges;
	into->bytes += r->bytes;
	into->resident_bytes += r->resident_bytes;
	into->maps = maps_sum(into->maps, r->maps);
}

/* A piece that would fall in two, where there is room for one, is dropped whole. */
static void cut(struct lost *l, bool purge, struct span s)
{
	struct range_set *set = l->pieces[purge];
	struct range r;

	while (range_set_first(set, s.start, s.end, &r)) {
		uintptr_t from = r.start > s.start ? r.start : s.start;
		uintptr_t to = r.end < s.end ? r.end : s.end;

		if (range_set_remove(set, from, to) != 0) {
			from = r.start;
			to = r.end;
			range_set_remove(set, from, to);
			l->forgotten++;
		}
		record_shrink(l, (uint32_t)r.tag, to - from);
	}
}

/*
 * Records of the same op and call that lie in the range go into `merged`, their pieces with them.
 * An allocator that joins what it frees asks for [A, B), [A, C), [A, D)...: each time there is one
 * piece to look at. Returns a record that stays and counts the same refusals, or NULL.
 */
static struct record *absorb(struct lost *l, struct record *merged, struct span s)
{
	struct range_set *set = l->pieces[merged->purge];
	struct record *stays = NULL;
	struct range p;

	for (uintptr_t at = s.start; range_set_first(set, at, s.end, &p); at = p.end) {
		struct record *r = &l->records[p.tag];

		if (r->nr != merged->nr)
			continue;
		if (!records_alike(r, merged) || r->start < s.start || r->end > s.end) {
			stays = stays ? stays : r;
			continue;
		}
		record_merge(merged, r);
		r->calls = r->injected = 0; /* added once, for the first of its pieces */
		range_set_remove(set, p.start, p.end);
		record_shrink(l, (uint32_t)p.tag, p.end - p.start);
	}
	return stays;
}

static void add_piece(struct lost *l, uint32_t id, uintptr_t start, uintptr_t end)
{
	struct record *r = &l->records[id];

	if (range_set_insert(l->pieces[r->purge], start, end, id) != 0) {
		l->forgotten++;
		return;
	}
	if (!r->left)
		r->start = start;
	r->end = end;
	r->left += end - start;
	l->outstanding += end - start;
}

/* The parts of the range that are not outstanding yet become the pieces of a new record. Returns
 * whether there were any. */
static bool add_gaps(struct lost *l, const struct record *new, struct span s)
{
	uint32_t id = NO_RECORD;
	struct lost_range next;

	for (uintptr_t at = s.start; at < s.end; at = next.end) {
		if (!lost_next(l, at, &next) || next.start > s.end)
			next = (struct lost_range){.start = s.end, .end = s.end};
		if (next.start <= at)
			continue;
		if (id == NO_RECORD) {
			id = record_take(l);
			if (id == NO_RECORD) {
				l->forgotten++;
				return true;
			}
			l->records[id] = *new;
		}
		add_piece(l, id, at, next.start);
	}
	if (id != NO_RECORD && !l->records[id].left)
		record_free(l, id);
	return id != NO_RECORD;
}

static void refused(struct lost *l, const struct kernel_call *call, const struct effect *effect,
		    const struct lost_at *at)
{
	struct record new = {.at = *at,
			     .serial = l->refusals++,
			     .calls = 1,
			     .injected = call->injected,
			     .nr = call->nr,
			     .purge = effect->purge};

	/* To lose the mapping is more than to lose its pages. */
	if (!effect->purge)
		cut(l, true, effect->back);
	struct record *stays = absorb(l, &new, effect->back);

	if (!add_gaps(l, &new, effect->back) && stays) {
		stays->calls++;
		stays->injected += call->injected;
	}
}

static void cut_both(struct lost *l, struct span s)
{
	cut(l, false, s);
	cut(l, true, s);
}

void lost_call(struct lost *l, const struct kernel_call *call, const struct effect *effect,
	       const struct lost_at *at)
{
	if (call->caller != CALLER_ALLOCATOR)
		return;
	if (call->err) {
		if (!l->closed && effect->back.start < effect->back.end && effect_is_refusal(call))
			refused(l, call, effect, at);
		return;
	}
	if (!lost_any(l))
		return;
	/* Also one that maps PROT_NONE over the range: that gives back the pages, not the map. */
	if (effect->purge) {
		cut(l, true, effect->back);
		return;
	}
	cut_both(l, effect->gone);
	cut_both(l, effect->fresh);
	if (effect->from.start == effect->to.start)
		return;
	cut_both(l, effect->to);
	if (!effect->keeps_from)
		cut_both(l, effect->from);
}

static void settle(struct lost *l, uint32_t id)
{
	struct record r = l->records[id];
	struct range_set *set = l->pieces[r.purge];
	struct range p;

	for (uintptr_t at = r.start; range_set_first(set, at, r.end, &p); at = p.end) {
		if (p.tag != id)
			continue;
		range_set_remove(set, p.start, p.end);
		record_shrink(l, id, p.end - p.start);
	}
}

void lost_handed_out(struct lost *l, uintptr_t start, uint64_t len)
{
	uint64_t bytes = len ? len : 1; /* a block of 0 bytes has its address */
	uintptr_t end = bytes < UINTPTR_MAX - start ? start + bytes : UINTPTR_MAX;
	struct range p;

	for (int purge = 0; lost_any(l) && purge < 2; purge++)
		while (range_set_first(l->pieces[purge], start, end, &p))
			settle(l, (uint32_t)p.tag);
}

void lost_close(struct lost *l)
{
	l->closed = true;
}

bool lost_next(const struct lost *l, uintptr_t at, struct lost_range *ret_range)
{
	bool found = false;
	struct range r;

	for (int purge = 0; purge < 2; purge++) {
		if (!range_set_first(l->pieces[purge], at, UINTPTR_MAX, &r) ||
		    (found && r.start > ret_range->start))
			continue;
		*ret_range = (struct lost_range){r.start, r.end, purge, (uint32_t)r.tag};
		found = true;
	}
	return found;
}

bool lost_any(const struct lost *l)
{
	return l->outstanding != 0;
}

uint64_t lost_forgotten(const struct lost *l)
{
	return l->forgotten;
}

void lost_measured(struct lost *l, const struct lost_piece *piece)
{
	struct record *r = &l->records[piece->record];

	if (piece->bytes == 0)
		return;
	r->ranges++;
	r->bytes += piece->bytes;
	r->resident_bytes += piece->resident_bytes;
	r->maps = maps_sum(r->maps, piece->maps);
}

static void report(const struct sum *s, struct finding_sink *sink)
{
	const struct record *r = &s->r;
	struct finding f = {
		.kind = FINDING_LOST_MAPPING,
		.rule = r->purge ? RULE_LOST_PAGES : RULE_LOST_MAPPING,
		.op_code = r->at.op_code,
		.thread = r->at.thread,
		.in_fork = r->at.in_fork,
		.has_slot = r->at.has_slot,
		.stmt = r->at.stmt,
		.slot = r->at.slot,
		.iteration = r->at.iteration,
		.count = r->calls,
		.n = {r->nr | r->injected << 32, r->ranges, r->bytes, r->resident_bytes, r->maps,
		      s->start},
	};

	finding_add(sink, &f);
}

/* Whether there was room: more sums than findings are not told apart. */
static bool add_to_sums(struct lost *l, uint32_t *n, const struct record *r, uintptr_t start)
{
	uint32_t i = 0;

	while (i < *n && !records_alike(&l->sums[i].r, r))
		i++;
	if (i == FINDING_MAX)
		return false;
	if (i < *n) {
		record_merge(&l->sums[i].r, r);
	} else {
		l->sums[i] = (struct sum){*r, start};
		++*n;
	}
	return true;
}

/* In the order in which the kernel first refused. */
static void report_sums(struct lost *l, uint32_t n, struct finding_sink *sink)
{
	while (n) {
		uint32_t first = 0;

		for (uint32_t i = 1; i < n; i++)
			if (l->sums[i].r.serial < l->sums[first].r.serial)
				first = i;
		report(&l->sums[first], sink);
		l->sums[first] = l->sums[--n];
	}
}

void lost_judge(struct lost *l, struct finding_sink *sink)
{
	struct lost_range p;
	uint32_t n = 0, more = 0;

	for (uintptr_t at = 0; lost_next(l, at, &p); at = p.end) {
		struct record *r = &l->records[p.record];

		if (r->bytes == 0) /* not lost, or added already */
			continue;
		if (!add_to_sums(l, &n, r, p.start))
			more++;
		r->ranges = r->bytes = r->resident_bytes = r->maps = 0;
	}
	report_sums(l, n, sink);
	sink->dropped += more;
}
