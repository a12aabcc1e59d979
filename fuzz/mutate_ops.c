#include "fuzz/mutate_ops.h"

#include <string.h>

#include "fuzz/mutate_numbers.h"
#include "harness/prog/wire_value.h"

#define WIDE_SHAPE 16 /* a bit of a shape code: 17 blocks or more (wire_value.c) */

/* splitmix64 */
uint64_t random_next(struct mutant *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t random_under(struct mutant *m, uint64_t n)
{
	uint64_t value = random_next(m);

	return n ? value % n : 0;
}

struct wire_bytes mutant_bytes(const struct mutant *m)
{
	return (struct wire_bytes){.bytes = m->bytes, .len = m->len};
}

/* The op at `at`: its record, and the extensions up to the next one's. */
static struct piece piece_from(struct wire_bytes in, size_t at)
{
	struct piece p = {.at = at, .end = at};

	if (in.len < WIRE_RECORD_BYTES || at > in.len - WIRE_RECORD_BYTES)
		return p;
	do
		p.end += WIRE_RECORD_BYTES;
	while (p.end + WIRE_RECORD_BYTES <= in.len &&
	       wire_kind_of(in.bytes[p.end]) == WIRE_EXTENSION);
	return p;
}

size_t ops_count(struct wire_bytes in)
{
	struct piece p = piece_from(in, 0);
	size_t n = 0;

	for (; p.end > p.at; p = piece_from(in, p.end))
		n++;
	return n;
}

struct piece ops_at(struct wire_bytes in, size_t index)
{
	struct piece p = piece_from(in, 0);

	while (index-- && p.end > p.at)
		p = piece_from(in, p.end);
	return p;
}

struct piece ops_next(struct wire_bytes in, struct piece p)
{
	return piece_from(in, p.end);
}

bool random_op_piece(struct mutant *m, struct piece *ret_piece)
{
	size_t n = ops_count(mutant_bytes(m));

	if (n == 0)
		return false;
	*ret_piece = ops_at(mutant_bytes(m), random_under(m, n));
	return true;
}

bool piece_replace(struct mutant *m, struct piece p, const void *bytes, size_t len)
{
	size_t behind = m->len - p.end;

	if (p.at + behind > m->max_len || len > m->max_len - p.at - behind)
		return false;
	memmove(m->bytes + p.at + len, m->bytes + p.end, behind);
	memcpy(m->bytes + p.at, bytes, len);
	m->len = p.at + len + behind;
	return true;
}

/* The bits of bytes that are alike in most records are thinned out: single slots, no threads. */
struct wire_record random_record(struct mutant *m, unsigned kind)
{
	struct wire_record r;
	uint64_t words[2] = {random_next(m), random_next(m)};

	memcpy(&r, words, sizeof(r));
	r.kind = wire_kind_code(kind);
	r.tag = 0;
	if (random_under(m, 2))
		r.thread &= 127;
	if (random_under(m, 2))
		r.shape &= 127;
	/* Of slices a few wide ones: they take the time of dozens of programs. */
	if (random_under(m, 4))
		r.shape &= (uint8_t)~WIDE_SHAPE;
	if (random_under(m, 2))
		r.len &= 127;
	return r;
}

/* An op that is being changed. */
struct edit {
	struct piece piece;
	struct wire_record record;
	struct wire_item item;
};

static bool edit_begin(struct mutant *m, struct edit *ret_edit)
{
	struct edit e;

	if (!random_op_piece(m, &e.piece))
		return false;
	size_t at = e.piece.at;

	memcpy(&e.record, m->bytes + at, sizeof(e.record));
	if (!wire_item_next(mutant_bytes(m), &at, &e.item) || e.item.kind == WIRE_EXTENSION)
		return false;
	*ret_edit = e;
	return true;
}

/* Puts the item back, where it is another one now and still fits. */
static bool edit_end(struct mutant *m, struct edit *e)
{
	struct wire_record records[WIRE_OP_RECORDS];
	uint8_t tag = e->record.tag ? e->record.tag : (uint8_t)(1 + random_under(m, 255));

	wire_item_settle(&e->item);
	size_t bytes = wire_item_records(&e->item, tag, records) * sizeof(records[0]);

	if (bytes == e->piece.end - e->piece.at &&
	    memcmp(m->bytes + e->piece.at, records, bytes) == 0)
		return false;
	return piece_replace(m, e->piece, records, bytes);
}

static bool op_kind(struct mutant *m)
{
	struct piece p;

	if (!random_op_piece(m, &p))
		return false;
	uint8_t code = (uint8_t)random_next(m);

	if (wire_kind_of(code) == WIRE_EXTENSION ||
	    wire_kind_of(code) == wire_kind_of(m->bytes[p.at]))
		return false;
	m->bytes[p.at] = code;
	return true;
}

static bool op_tweak(struct mutant *m)
{
	struct piece p;

	if (!random_op_piece(m, &p))
		return false;
	/* Of extensions too. Neither the kind nor the tag, which the values have to keep. */
	size_t record = random_under(m, (p.end - p.at) / WIRE_RECORD_BYTES);
	size_t at = p.at + record * WIRE_RECORD_BYTES + 1 + random_under(m, WIRE_RECORD_BYTES - 2);
	uint8_t by = (uint8_t)(1 << random_under(m, 8));

	if (random_under(m, 2))
		m->bytes[at] ^= by;
	else
		m->bytes[at] = (uint8_t)(m->bytes[at] + (random_under(m, 2) ? 1 : -1));
	return true;
}

/* The first slot of another op, or one of the first ones. */
static uint32_t other_slot(struct mutant *m)
{
	struct edit other;

	if (random_under(m, 4) && edit_begin(m, &other) && other.item.kind < OP_CODES &&
	    other.item.op.space != SPACE_NONE)
		return other.item.op.slice.start + (uint32_t)random_under(m, 2);
	return wire_slot((uint8_t)random_next(m));
}

static void move_slice(struct slice *s, uint32_t start)
{
	uint32_t width = s->stop > s->start ? s->stop - s->start : 0;

	s->start = start;
	s->stop = start + width;
}

static bool names_other_slots(unsigned kind)
{
	return kind == OP_MMAP || kind == OP_MREMAP;
}

static bool op_retarget(struct mutant *m)
{
	struct edit e;

	if (!edit_begin(m, &e) || e.item.kind >= OP_CODES || e.item.op.space == SPACE_NONE)
		return false;
	uint32_t slot = other_slot(m);
	struct op_map *map = &e.item.op.map;

	if (!names_other_slots(e.item.kind) || random_under(m, 2)) {
		move_slice(&e.item.op.slice, slot);
	} else {
		map->target = map->has_target ? slot : 0;
		map->of = map->source == SOURCE_SLOT ? slot : 0;
		map->to = map->has_to ? slot : 0;
	}
	return edit_end(m, &e);
}

/* The numbers of ops and refusals that are sizes or counts: from a random one on, the first. */
static bool op_resize(struct mutant *m)
{
	static const uint8_t fields[] = {ARG0, 7, 8,  ARG0, 9,	7,  12, ARG0,
					 13,   7, 16, 17,   23, 24, 25};
	size_t n = sizeof(fields), first = random_under(m, n);
	uint64_t value = 0;
	struct edit e;

	if (!edit_begin(m, &e))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned field = fields[(first + i) % n];

		if (!wire_field_get(&e.item, field, &value))
			continue;
		value = number_other(m, &e.item, field, value);
		wire_field_set(&e.item, field, value);
		return edit_end(m, &e);
	}
	return false;
}

static bool op_widen(struct mutant *m)
{
	struct edit e;

	if (!edit_begin(m, &e) || e.item.kind >= OP_CODES || e.item.op.space == SPACE_NONE)
		return false;
	struct slice *s = &e.item.op.slice;
	uint32_t width = s->stop > s->start ? s->stop - s->start : 1;
	static const uint32_t widths[] = {2, 8, 64, 1024, 65530, 65536};

	s->single = 0;
	switch (random_under(m, 8)) {
	case 0:
		s->single = 1;
		break;
	case 1:
		s->step = 1 + (uint32_t)random_under(m, 4);
		break;
	case 2:
	case 3:
		s->stop = s->start + widths[random_under(m, 6)];
		break;
	case 4:
		s->stop = s->start + width + 1;
		break;
	default:
		s->stop = s->start +
			  (width < PROG_MAX_SLOTS / 16 ? width << random_under(m, 5) : width);
	}
	return edit_end(m, &e);
}

static bool op_thread(struct mutant *m)
{
	struct edit e;

	if (!edit_begin(m, &e) || e.item.kind >= OP_CODES || e.item.kind == OP_END)
		return false;
	e.item.has_thread = (uint8_t)random_under(m, 4) != 0;
	e.item.op.thread = e.item.has_thread ? (uint8_t)random_under(m, 4) : 0;
	e.item.lane = e.item.has_thread ? 0 : (uint8_t)random_under(m, 4);
	return edit_end(m, &e);
}

bool mutate_op(struct mutant *m, enum mutation kind)
{
	switch (kind) {
	case MUTATE_KIND:
		return op_kind(m);
	case MUTATE_TWEAK:
		return op_tweak(m);
	case MUTATE_RETARGET:
		return op_retarget(m);
	case MUTATE_RESIZE:
		return op_resize(m);
	case MUTATE_WIDEN:
		return op_widen(m);
	case MUTATE_THREAD:
		return op_thread(m);
	default:
		return false;
	}
}
