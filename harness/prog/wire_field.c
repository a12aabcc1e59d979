#include <string.h>

#include "harness/prog/form.h"
#include "harness/prog/wire_item.h"
#include "harness/prog/wire_value.h"

#define EXTENSION_VALUE offsetof(struct wire_record, arg0)

/* Where a field lies in an item, and the form items of which one must be there. */
struct field {
	uint8_t offset, bytes;
	char forms[6];
};

_Static_assert(sizeof(struct wire_item) < 256, "offsets of fields are bytes");

#define AT(member) .offset = offsetof(struct wire_item, member)
#define SLOTS                                                                                      \
	{                                                                                          \
		ITEM_BLOCK, ITEM_MAP, ITEM_EITHER                                                  \
	}
#define ENDINGS                                                                                    \
	{                                                                                          \
		ITEM_OUTCOMES, ITEM_ACCESS                                                         \
	}
#define NUMBERS                                                                                    \
	{                                                                                          \
		ITEM_SIZE, ITEM_COUNT, ITEM_NUMBER, ITEM_TIME, 'B'                                 \
	}
#define PLACES                                                                                     \
	{                                                                                          \
		ITEM_MAP_FLAGS, ITEM_MREMAP_FLAGS                                                  \
	}

/* Field 0 is the thread, which every op has. What no row says, a record says exactly. */
static const struct field fields[WIRE_FIELDS] = {
	[1] = {AT(op.slice.start), 8, SLOTS}, /* start and stop */
	[2] = {AT(op.slice.step), 8, SLOTS},  /* step and single */
	[3] = {AT(op.outcomes), 8, ENDINGS},
	[4] = {AT(op.outcomes) + 8, 8, ENDINGS},
	[5] = {AT(op.outcomes) + 16, sizeof(struct outcomes) - 16, ENDINGS},
	[6] = {AT(op.arg0), 8, NUMBERS},
	[7] = {AT(op.arg1), 8, NUMBERS},
	[8] = {AT(op.range_off), 8, {ITEM_RANGE}},
	[9] = {AT(op.range_len), 8, {ITEM_RANGE}},
	[10] = {AT(op.map.flags), 4, {ITEM_MAP_FLAGS, ITEM_MREMAP_FLAGS, ITEM_MSYNC_FLAGS}},
	[11] = {AT(op.map.target), 4, PLACES},
	[12] = {AT(op.map.target_off), 8, PLACES},
	[13] = {AT(op.map.offset), 8, {ITEM_MAP_FLAGS}},
	[14] = {AT(op.map.of), 4, {ITEM_MAP_FLAGS}},
	[15] = {AT(op.map.to), 4, {ITEM_MREMAP_FLAGS}},
	[16] = {AT(op.expect.value), 8, {ITEM_EXPECT}},
	[17] = {AT(op.fact.value), 8, {ITEM_FACT}},
	[18] = {AT(op.name), 8, {ITEM_NAME}},
	[19] = {AT(op.name) + 8, 8, {ITEM_NAME}},
	[20] = {AT(op.name) + 16, 8, {ITEM_NAME}},
	[21] = {AT(op.name) + 24, 8, {ITEM_NAME}},
	[22] = {AT(fault.err), 4, {'!'}},
	[23] = {AT(fault.nth), 8, {'!'}},
	[24] = {AT(fault.count), 8, {'!'}},
	[25] = {AT(fault.every), 8, {'!'}},
	[26] = {AT(fault.from_stmt), 8, {'!'}},
	[27] = {AT(fault.to_stmt), 8, {'!'}},
};

static bool has_field(const struct wire_item *item, unsigned field)
{
	if (field == 0)
		return item->kind < OP_CODES;
	for (const char *form = wire_form(item->kind); *form; form++)
		if (memchr(fields[field].forms, *form, sizeof(fields[field].forms)))
			return true;
	return false;
}

bool wire_field_get(const struct wire_item *item, unsigned field, uint64_t *ret_value)
{
	const struct field *f = &fields[field];
	uint64_t value = 0;

	if (!has_field(item, field))
		return false;
	if (field == 0) {
		*ret_value = item->has_thread ? item->op.thread : UINT64_MAX;
		return true;
	}
	memcpy(&value, (const char *)item + f->offset, f->bytes);
	*ret_value = value;
	return true;
}

void wire_field_set(struct wire_item *item, unsigned field, uint64_t value)
{
	const struct field *f = &fields[field];

	if (!has_field(item, field))
		return;
	if (field == 0) {
		item->has_thread = value < PROG_MAX_THREADS;
		item->op.thread = item->has_thread ? (uint8_t)value : 0;
		return;
	}
	memcpy((char *)item + f->offset, &value, f->bytes);
}

static void put_extension(struct wire_record *r, const struct wire_record *of, unsigned field,
			  uint64_t value)
{
	*r = (struct wire_record){.kind = wire_kind_code(WIRE_EXTENSION),
				  .thread = (uint8_t)field,
				  .slot = (uint8_t)wire_kind_of(of->kind),
				  .tag = of->tag};
	memcpy((char *)r + EXTENSION_VALUE, &value, sizeof(value));
}

size_t wire_item_records(const struct wire_item *item, uint8_t tag,
			 struct wire_record ret_records[WIRE_OP_RECORDS])
{
	struct wire_item said;
	size_t n = 1;

	wire_record_of(item, &ret_records[0]);
	wire_record_item(&ret_records[0], &said);
	ret_records[0].tag = tag;
	for (unsigned field = 0; field < WIRE_FIELDS && n < WIRE_OP_RECORDS; field++) {
		uint64_t want = 0, have = 0;

		if (!wire_field_get(item, field, &want) || !wire_field_get(&said, field, &have))
			continue;
		if (want != have)
			put_extension(&ret_records[n++], &ret_records[0], field, want);
	}
	if (n == 1)
		ret_records[0].tag = 0;
	return n;
}

static bool record_at(struct wire_bytes in, size_t at, struct wire_record *ret_record)
{
	if (in.len < WIRE_RECORD_BYTES || at > in.len - WIRE_RECORD_BYTES)
		return false;
	memcpy(ret_record, in.bytes + at, sizeof(*ret_record));
	return true;
}

/* The extensions that follow the record `of`; those of other records are passed. */
static bool take_extensions(struct wire_bytes in, size_t *at, const struct wire_record *of,
			    struct wire_item *item)
{
	unsigned kind = wire_kind_of(of->kind);
	struct wire_record r;
	bool taken = false;

	while (record_at(in, *at, &r) && wire_kind_of(r.kind) == WIRE_EXTENSION) {
		uint64_t value;

		*at += WIRE_RECORD_BYTES;
		if (of->tag == 0 || r.tag != of->tag || r.slot != kind || r.thread >= WIRE_FIELDS)
			continue;
		memcpy(&value, (const char *)&r + EXTENSION_VALUE, sizeof(value));
		wire_field_set(item, r.thread, value);
		taken = true;
	}
	return taken;
}

bool wire_item_next(struct wire_bytes in, size_t *at, struct wire_item *ret_item)
{
	struct wire_record r;

	if (!record_at(in, *at, &r))
		return false;
	*at += WIRE_RECORD_BYTES;
	wire_record_item(&r, ret_item);
	if (take_extensions(in, at, &r, ret_item))
		wire_item_settle(ret_item);
	return true;
}
