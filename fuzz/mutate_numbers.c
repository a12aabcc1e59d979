#include "fuzz/mutate_numbers.h"

#include <string.h>

#include "harness/prog/wire_value.h"

#define SWEEP_MOST 32 /* blocks */

static uint64_t beside(struct mutant *m, uint64_t size)
{
	switch (random_under(m, 8)) {
	case 0:
		return size + 1;
	case 1:
		return size - 1;
	case 2:
		return size * 2;
	case 3:
		return size / 2;
	case 4:
		return size + 4096;
	case 5:
		return size - 4096;
	case 6:
		return wire_edge_near(size, 0);
	default:
		return wire_edge_near(size, 1);
	}
}

static bool takes_product(unsigned kind)
{
	return kind == OP_CALLOC || kind == OP_REALLOCARRAY;
}

static bool takes_alignment(unsigned kind)
{
	return kind == OP_ALIGNED_ALLOC || kind == OP_POSIX_MEMALIGN || kind == OP_MEMALIGN;
}

/* Powers of two alone, of all lengths of an address, mostly up to that of a huge page. */
static uint64_t random_align(struct mutant *m)
{
	if (random_under(m, 8) == 0)
		return wire_align((uint16_t)(random_next(m) | 0xe000));
	return UINT64_C(1) << random_under(m, random_under(m, 4) ? 25 : 64);
}

/* Another number of the same sort, such as a product that wraps, or what is no alignment. */
static uint64_t anew(struct mutant *m, const struct wire_item *item, unsigned field)
{
	uint16_t code = (uint16_t)random_next(m);
	unsigned often = (unsigned)random_under(m, 2);

	if (field == ARG0 && takes_alignment(item->kind))
		return random_align(m);
	/* Rounded up to an alignment, or with a header, it is past the end. */
	if (random_under(m, 6) == 0)
		return -(UINT64_C(1) << random_under(m, 14)) - random_under(m, 2);
	if (field == ARG0 && takes_product(item->kind))
		return wire_product_count(often ? code | 0xf000 : code, item->op.arg1);
	return wire_scaled(&wire_bytes_scale, code);
}

static size_t count_sizes(const struct mutant *m, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < most; i++)
		n += m->sizes[i] != 0;
	return n;
}

uint64_t number_known(struct mutant *m)
{
	static const int8_t beside_end[] = {0, 0, 0, 1, 1, 1, -1, 8, -8, 16, -16, 17};
	/* Large ones are rounded to pages and many, small ones are few and in use all the time. */
	size_t most = random_under(m, 4) ? m->nsizes / 2 : m->nsizes, n = count_sizes(m, most);
	size_t nth = random_under(m, n), i = 0;

	if (n == 0)
		return 0;
	while (!m->sizes[i] || nth--)
		i++;
	return m->sizes[i] + (uint64_t)(int64_t)beside_end[random_under(m, 12)];
}

/* A number of some op, maybe of the same one: what is equal to another may be taken for it. */
static uint64_t other_number(struct mutant *m)
{
	struct wire_item other;
	uint64_t value = 0;
	struct piece p;

	if (!random_op_piece(m, &p) || !wire_item_next(mutant_bytes(m), &p.at, &other) ||
	    other.kind >= OP_CODES)
		return 0;
	wire_field_get(&other, ARG0 + (unsigned)random_under(m, 2), &value);
	return value;
}

uint64_t number_other(struct mutant *m, const struct wire_item *item, unsigned field, uint64_t old)
{
	bool of_block = item->kind < OP_CODES && op_is_block_call(item->kind);
	bool is_align = field == ARG0 && takes_alignment(item->kind);
	bool is_count = field == ARG0 && takes_product(item->kind);
	uint64_t value = 0, choice = random_under(m, 8);

	if (choice < 2 && of_block && !is_align && !is_count)
		value = number_known(m);
	else if (choice == 2)
		value = other_number(m);
	else if (choice == 3 && is_align)
		value = item->op.arg1;
	if (value)
		return value;
	return is_align ? random_align(m) : choice < 6 ? beside(m, old) : anew(m, item, field);
}

/* Mostly what takes no mapping of its own: those cost as much as some dozens of others. */
static uint64_t sweep_size(struct mutant *m)
{
	uint64_t size = random_under(m, 2) ? number_known(m) : 0;

	if (size)
		return size;
	size = wire_scaled(&wire_bytes_scale, (uint16_t)random_next(m));
	return size > 65536 && random_under(m, 8) ? size % 65536 : size;
}

static void sweep_item(struct mutant *m, struct wire_item *item, uint32_t slot)
{
	item->op.space = SPACE_BLOCK;
	item->op.slice = (struct slice){.start = slot, .stop = slot + 1, .step = 1, .single = 1};
	item->op.arg0 = item->op.arg1 = sweep_size(m);
	if (takes_product(item->kind))
		item->op.arg0 = 1 + random_under(m, 2);
	if (!takes_alignment(item->kind))
		return;
	item->op.arg0 = random_align(m);
	/* Not all allocators take a size that is no multiple. */
	if (random_under(m, 2) && item->op.arg0 <= 1u << 20)
		item->op.arg1 = item->op.arg0 * (1 + random_under(m, 2) * random_under(m, 4));
}

static size_t put_item(struct mutant *m, struct wire_item *item, struct wire_record *ret_records)
{
	if (item->kind < OP_CODES)
		item->op.code = item->kind;
	wire_item_settle(item);
	return wire_item_records(item, (uint8_t)(1 + random_under(m, 255)), ret_records);
}

bool number_sweep(struct mutant *m)
{
	static const uint8_t takes[] = {OP_MALLOC,	  OP_MALLOC,	     OP_CALLOC,
					OP_REALLOC,	  OP_REALLOCARRAY,   OP_ALIGNED_ALLOC,
					OP_ALIGNED_ALLOC, OP_POSIX_MEMALIGN, OP_MEMALIGN};
	static const uint8_t gives[] = {OP_FREE, OP_FREE_SIZED, OP_FREE_ALIGNED_SIZED, OP_TOUCH};
	struct wire_record records[(SWEEP_MOST + 1) * WIRE_OP_RECORDS];
	struct wire_item item = {.kind = takes[random_under(m, sizeof(takes))]};
	uint32_t blocks = 4 + (uint32_t)random_under(m, SWEEP_MOST - 3);
	uint32_t first = wire_slot((uint8_t)random_next(m));
	size_t n = 0, ops = ops_count(mutant_bytes(m));
	struct piece at = ops_at(mutant_bytes(m), random_under(m, ops + 1));

	for (uint32_t i = 0; i < blocks; i++) {
		sweep_item(m, &item, first + i);
		n += put_item(m, &item, records + n);
	}
	item = (struct wire_item){.kind = gives[random_under(m, sizeof(gives))]};
	item.op.slice = (struct slice){.start = first, .stop = first + blocks, .step = 1};
	item.op.space = SPACE_BLOCK;
	n += put_item(m, &item, records + n);
	at.end = at.at;
	return piece_replace(m, at, records, n * sizeof(records[0]));
}
