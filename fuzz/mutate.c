#include "fuzz/mutate.h"

#include <string.h>

#include "fuzz/mutate_idioms.h"
#include "fuzz/mutate_numbers.h"
#include "fuzz/mutate_ops.h"

#define TRIES 64 /* random kinds until one applies */

/* How often each kind is tried, in the order of the enum. */
static const uint8_t weights[MUTATIONS] = {
	[MUTATE_INSERT] = 16,	  [MUTATE_DELETE] = 14,	     [MUTATE_DUPLICATE] = 8,
	[MUTATE_MOVE] = 6,	  [MUTATE_SWAP] = 6,	     [MUTATE_KIND] = 8,
	[MUTATE_TWEAK] = 12,	  [MUTATE_RETARGET] = 14,    [MUTATE_RESIZE] = 16,
	[MUTATE_WIDEN] = 8,	  [MUTATE_THREAD] = 4,	     [MUTATE_LIFE] = 26,
	[MUTATE_CHURN] = 16,	  [MUTATE_REFUSED_LIFE] = 4, [MUTATE_SIDE_BY_SIDE] = 3,
	[MUTATE_WRAP_REPEAT] = 4, [MUTATE_WRAP_FORK] = 1,    [MUTATE_WRAP_PARALLEL] = 2,
	[MUTATE_ADD_FAULT] = 3,	  [MUTATE_MOVE_FAULT] = 2,   [MUTATE_BALLAST] = 2,
	[MUTATE_TOUCHING] = 1,	  [MUTATE_SWEEP] = 18,
};

/* Between two ops, or before or behind all of them. */
static size_t random_place(struct mutant *m)
{
	size_t n = ops_count(mutant_bytes(m));

	return ops_at(mutant_bytes(m), random_under(m, n + 1)).at;
}

static bool insert_record(struct mutant *m, size_t at, struct wire_record r)
{
	return piece_replace(m, (struct piece){.at = at, .end = at}, &r, sizeof(r));
}

static bool insert_one(struct mutant *m)
{
	unsigned kind;

	do
		kind = wire_kind_of((uint8_t)random_next(m));
	while (kind == WIRE_EXTENSION);
	return insert_record(m, random_place(m), random_record(m, kind));
}

/* Handing a program over costs as much as some ops: one half of the time one, else up to 8. */
static bool insert(struct mutant *m)
{
	uint64_t more = random_under(m, 2) ? random_under(m, 8) : 0;
	bool any = insert_one(m);

	while (any && more-- && insert_one(m))
		;
	return any;
}

/* Some ops in a row: one half of the time one, else up to 16. */
static bool random_run(struct mutant *m, struct piece *ret_run)
{
	size_t n = ops_count(mutant_bytes(m));

	if (n == 0)
		return false;
	size_t first = random_under(m, n);
	size_t count = 1 + (random_under(m, 2) ? random_under(m, 16) : 0);
	size_t last = count > n - first ? n - 1 : first + count - 1;

	ret_run->at = ops_at(mutant_bytes(m), first).at;
	ret_run->end = ops_at(mutant_bytes(m), last).end;
	return true;
}

static bool delete_run(struct mutant *m)
{
	struct piece run;

	return random_run(m, &run) && piece_replace(m, run, "", 0);
}

static void reverse(uint8_t *bytes, struct piece p)
{
	while (p.at + 1 < p.end) {
		uint8_t byte = bytes[p.at];

		bytes[p.at++] = bytes[--p.end];
		bytes[p.end] = byte;
	}
}

/* What stands from `middle` up to `end` goes before what stands from `at` on. */
static void rotate(uint8_t *bytes, size_t at, size_t middle, size_t end)
{
	reverse(bytes, (struct piece){at, middle});
	reverse(bytes, (struct piece){middle, end});
	reverse(bytes, (struct piece){at, end});
}

static bool duplicate(struct mutant *m)
{
	struct piece run;

	if (!random_run(m, &run))
		return false;
	size_t len = run.end - run.at, place = random_place(m);

	if (len > m->max_len - m->len)
		return false;
	/* Behind everything first, then to its place. */
	memcpy(m->bytes + m->len, m->bytes + run.at, len);
	m->len += len;
	rotate(m->bytes, place, m->len - len, m->len);
	return true;
}

static bool move_run(struct mutant *m, struct piece run)
{
	size_t place = random_place(m);

	if (place >= run.at && place <= run.end)
		return false;
	if (place < run.at)
		rotate(m->bytes, place, run.at, run.end);
	else
		rotate(m->bytes, run.at, run.end, place);
	return true;
}

static bool move(struct mutant *m)
{
	struct piece run;

	return random_run(m, &run) && move_run(m, run);
}

static bool swap(struct mutant *m)
{
	struct piece a, b;

	if (!random_op_piece(m, &a) || !random_op_piece(m, &b) || a.at == b.at)
		return false;
	struct piece first = a.at < b.at ? a : b, second = a.at < b.at ? b : a;
	size_t behind = first.at + (second.end - second.at);

	/* second first between -> second between first */
	rotate(m->bytes, first.at, second.at, second.end);
	rotate(m->bytes, behind, behind + (first.end - first.at), second.end);
	return true;
}

static bool wrap(struct mutant *m, unsigned kind)
{
	struct wire_record open = random_record(m, kind), end = {.kind = wire_kind_code(OP_END)};
	struct piece run;

	if (m->max_len - m->len < 2 * sizeof(end) || !random_run(m, &run))
		return false;
	/* Up to some hundred rounds, mostly: more leave the body no work. */
	if (random_under(m, 4))
		open.arg0[1] &= 63;
	return insert_record(m, run.end, end) && insert_record(m, run.at, open);
}

/* The first record of a kind that stands alone. */
static bool find(const struct mutant *m, unsigned kind, struct piece *ret_piece)
{
	struct wire_bytes in = mutant_bytes(m);

	for (struct piece p = ops_at(in, 0); p.end > p.at; p = ops_next(in, p))
		if (wire_kind_of(in.bytes[p.at]) == kind) {
			*ret_piece = p;
			return true;
		}
	return false;
}

static bool move_fault(struct mutant *m)
{
	struct piece p;

	return find(m, WIRE_FAULT, &p) && move_run(m, p);
}

static bool ballast(struct mutant *m)
{
	struct wire_record r = random_record(m, WIRE_BALLAST);
	struct piece p = {0};

	/* The first one counts. */
	find(m, WIRE_BALLAST, &p);
	return piece_replace(m, p, &r, sizeof(r));
}

static bool touching(struct mutant *m)
{
	struct piece p;

	if (find(m, WIRE_TOUCHING, &p))
		return piece_replace(m, p, "", 0);
	return insert_record(m, 0, (struct wire_record){.kind = wire_kind_code(WIRE_TOUCHING)});
}

bool mutate_as(struct mutant *m, enum mutation kind)
{
	m->len -= m->len % WIRE_RECORD_BYTES;
	switch (kind) {
	case MUTATE_INSERT:
		return insert(m);
	case MUTATE_DELETE:
		return delete_run(m);
	case MUTATE_DUPLICATE:
		return duplicate(m);
	case MUTATE_MOVE:
		return move(m);
	case MUTATE_SWAP:
		return swap(m);
	case MUTATE_SWEEP:
		return number_sweep(m);
	case MUTATE_LIFE:
	case MUTATE_CHURN:
	case MUTATE_REFUSED_LIFE:
	case MUTATE_SIDE_BY_SIDE:
		return mutate_idiom(m, kind);
	case MUTATE_WRAP_REPEAT:
		return wrap(m, OP_REPEAT);
	case MUTATE_WRAP_FORK:
		return wrap(m, OP_FORK);
	case MUTATE_WRAP_PARALLEL:
		return wrap(m, OP_PARALLEL);
	case MUTATE_ADD_FAULT:
		return insert_record(m, random_place(m), random_record(m, WIRE_FAULT));
	case MUTATE_MOVE_FAULT:
		return move_fault(m);
	case MUTATE_BALLAST:
		return ballast(m);
	case MUTATE_TOUCHING:
		return touching(m);
	default:
		return mutate_op(m, kind);
	}
}

static enum mutation random_kind(struct mutant *m)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < MUTATIONS; kind++)
		sum += weights[kind];
	uint64_t at = random_under(m, sum);
	unsigned kind = 0;

	while (at >= weights[kind])
		at -= weights[kind++];
	return (enum mutation)kind;
}

enum mutation mutate_once(struct mutant *m)
{
	for (int i = 0; i < TRIES; i++) {
		enum mutation kind = random_kind(m);

		if (mutate_as(m, kind))
			return kind;
	}
	return MUTATIONS;
}

void mutate_some(struct mutant *m)
{
	/* One half of the time one, a quarter two, and so on. */
	do
		mutate_once(m);
	while (random_under(m, 2));
	/* Nothing at all is no input that a fuzzer takes. */
	if (m->len == 0)
		mutate_as(m, MUTATE_INSERT);
}

size_t mutate(uint8_t *bytes, size_t len, size_t max_len, unsigned seed)
{
	struct mutant m = {.bytes = bytes, .len = len, .max_len = max_len, .random = seed};

	mutate_some(&m);
	return m.len;
}

static bool append(struct mutant *out, struct wire_bytes in, struct piece p)
{
	size_t len = p.end - p.at;

	if (len > out->max_len - out->len)
		return false;
	memcpy(out->bytes + out->len, in.bytes + p.at, len);
	out->len += len;
	return true;
}

/* Op by op, so that what does not fit any more is left out whole. */
static void append_ops(struct mutant *out, struct wire_bytes in, size_t first, size_t behind)
{
	struct piece p = ops_at(in, first);

	for (size_t i = first; i < behind && p.end > p.at; i++) {
		if (!append(out, in, p))
			return;
		p = ops_next(in, p);
	}
}

size_t mutate_cross(struct wire_bytes a, struct wire_bytes b, struct mutant *out)
{
	size_t na = ops_count(a), nb = ops_count(b);
	size_t from = random_under(out, na + 1), first = random_under(out, nb + 1);
	size_t behind = first + random_under(out, nb - first + 1);
	/* In their place, or between. */
	size_t to = random_under(out, 2) ? from : from + random_under(out, na - from + 1);

	out->len = 0;
	append_ops(out, a, 0, from);
	append_ops(out, b, first, behind);
	append_ops(out, a, to, na);
	return out->len;
}
