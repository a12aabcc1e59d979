/*
 * wire_item.h - inside of wire*.c: one record and its extensions as an item, before it is known
 * where it stands.
 *
 * An item is an op without statement number, or one of the things that are no ops. The bytes of a
 * record mean what wire_record.c says; fields that extensions may set are numbered in wire_field.c.
 */
#ifndef PROG_WIRE_ITEM_H
#define PROG_WIRE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/op.h"
#include "harness/prog/wire.h"

/* Kinds beside the op codes. */
enum wire_kind {
	WIRE_BALLAST = OP_CODES, /* op.arg0 */
	WIRE_FAULT,		 /* fault */
	WIRE_NEEDS,		 /* op.fact */
	WIRE_TOUCHING,
	WIRE_EXTENSION,
	WIRE_KINDS
};

/*
 * `arg0` to `protection` of an extension are its value, `thread` its field, `slot` the kind that
 * it belongs to.
 */
struct wire_record {
	uint8_t kind;	  /* code of an op_code or wire_kind */
	uint8_t thread;	  /* 128 + its number; below 128: the enclosing block's, and right inside
			     `parallel` this number */
	uint8_t slot;	  /* wire_slot */
	uint8_t shape;	  /* wire_shape */
	uint8_t arg0[2];  /* low byte first, as all of two bytes */
	uint8_t arg1[2];  /* second size, or flags */
	uint8_t off, len; /* wire_span; a range is there when len has its top bit */
	uint8_t outcome;
	uint8_t protection;
	uint8_t target;
	uint8_t target_off; /* wire_span */
	uint8_t other;	    /* of= or to= */
	uint8_t tag;	    /* what the extensions repeat; they need one above 0 */
};

_Static_assert(sizeof(struct wire_record) == WIRE_RECORD_BYTES, "records have no holes");

struct wire_item {
	uint8_t kind;	    /* enum op_code or enum wire_kind */
	uint8_t has_thread; /* op.thread is the record's own */
	uint8_t lane;	    /* without one: the thread right inside `parallel` */
	uint8_t from_here; /* fault: from and to count from the statement where the record stands */
	struct op op;
	struct fault_plan fault;
};

/* The items of a statement as form.h has them; of the other kinds letters of their own. */
const char *wire_form(unsigned kind);

unsigned wire_kind_of(uint8_t code);
uint8_t wire_kind_code(unsigned kind); /* the lowest */

/* What the record alone says: legal, but for its place. */
void wire_record_item(const struct wire_record *r, struct wire_item *ret_item);

/* The record that comes nearest to the item. */
void wire_record_of(const struct wire_item *item, struct wire_record *ret_record);

/* Outcomes, flags and the like as codes; wire_flags.c. */
void wire_flags_item(const struct wire_record *r, char form, struct op *op);
void wire_flags_of(const struct op *op, char form, struct wire_record *r);

#define WIRE_FIELDS 28

/* A field of an item as a number: false when items of that kind have no such field. */
bool wire_field_get(const struct wire_item *item, unsigned field, uint64_t *ret_value);
void wire_field_set(struct wire_item *item, unsigned field, uint64_t value);

/* Makes what stands in the item one that the text format has; changes nothing where it is. */
void wire_item_settle(struct wire_item *item);

/* The records of one item with its extensions: returns how many there are. */
size_t wire_item_records(const struct wire_item *item, uint8_t tag,
			 struct wire_record ret_records[WIRE_OP_RECORDS]);

/* Takes the item at `*at` and its extensions. False at the end; kinds that stand alone too. */
bool wire_item_next(struct wire_bytes in, size_t *at, struct wire_item *ret_item);

/* Takes what the limits forbid out of an op, whatever its place. False when nothing is left. */
bool wire_limit_op(const struct wire_limits *limits, struct op *op);

/* What was spent of the budgets; `largest`: the size of the largest block or mapping. */
struct wire_spent {
	uint64_t work, forks, sleep_ns, live_bytes, resident_bytes;
	uint64_t largest;
};

/*
 * Spends what the op costs in `rounds` rounds; shortens its slice to what is left. False, and
 * nothing spent, when there is not enough for one element.
 */
bool wire_spend(const struct wire_limits *limits, struct wire_spent *spent, uint64_t rounds,
		struct op *op);

/* The refusal as far as the limits allow it. */
void wire_limit_fault(const struct wire_limits *limits, struct fault_plan *f);

/* Bytes of one block or mapping that the op asks for; 0 for none or for more than can be had. */
uint64_t wire_op_bytes(const struct op *op);

/*
 * The same with its alignment, which some allocators map beside the block and do not give back:
 * then it is usable, and touched with it.
 */
uint64_t wire_op_reserved(const struct op *op);

#endif
