#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "harness/prog/wire_item.h"

struct encoder {
	uint8_t *buf;
	size_t size, len;
	uint8_t tag; /* of the last item that had extensions */
};

/* Neighbours that have extensions get different tags, and only 0 is for those without. */
static uint8_t next_tag(uint8_t tag)
{
	return tag == UINT8_MAX ? 1 : (uint8_t)(tag + 1);
}

static int encode_item(struct encoder *e, const struct wire_item *item)
{
	struct wire_record records[WIRE_OP_RECORDS];
	struct wire_item settled;

	memcpy(&settled, item, sizeof(settled));
	wire_item_settle(&settled);
	if (memcmp(&settled, item, sizeof(settled)) != 0)
		return -EINVAL;
	size_t n = wire_item_records(item, next_tag(e->tag), records);
	size_t bytes = n * sizeof(records[0]);

	if (bytes > e->size - e->len)
		return -ENOSPC;
	memcpy(e->buf + e->len, records, bytes);
	e->len += bytes;
	if (n > 1)
		e->tag = next_tag(e->tag);
	return 0;
}

static int encode_fault(struct encoder *e, const struct fault_plan *f, bool here)
{
	struct wire_item item;

	memset(&item, 0, sizeof(item));
	item.kind = WIRE_FAULT;
	item.fault = *f;
	item.from_here = here;
	if (here) {
		item.fault.from_stmt = 0;
		if (f->to_stmt != UINT64_MAX)
			item.fault.to_stmt -= f->from_stmt;
	}
	return encode_item(e, &item);
}

/*
 * The refusals that begin with the statement `stmt`, or should have stood before: `*at` is the
 * first that was not yet encoded. Where they stand they go along with the ops around them; their
 * order is kept, so some are left for the end, with numbers.
 */
static int encode_faults(struct encoder *e, const struct prog_header *h, uint64_t stmt,
			 uint32_t *at)
{
	int ret = 0;

	while (ret == 0 && *at < h->nfaults && h->faults[*at].from_stmt <= stmt) {
		const struct fault_plan *f = &h->faults[(*at)++];

		ret = encode_fault(e, f, f->from_stmt == stmt && stmt > 0);
	}
	return ret;
}

static int encode_header(struct encoder *e, const struct prog_header *h)
{
	struct wire_item item;
	int ret = 0;

	if (h->nfaults > PROG_MAX_FAULTS || h->nneeds > PROG_MAX_NEEDS)
		return -EINVAL;
	memset(&item, 0, sizeof(item));
	item.kind = WIRE_BALLAST;
	item.op.arg0 = h->ballast;
	if (h->has_ballast)
		ret = encode_item(e, &item);
	for (uint32_t i = 0; ret == 0 && i < h->nneeds; i++) {
		memset(&item, 0, sizeof(item));
		item.kind = WIRE_NEEDS;
		item.op.fact = h->needs[i];
		ret = encode_item(e, &item);
	}
	return ret;
}

static int encode_op(struct encoder *e, const struct op *op)
{
	struct wire_item item;

	if (op->code >= OP_CODES)
		return -EINVAL;
	memset(&item, 0, sizeof(item));
	item.kind = op->code;
	memcpy(&item.op, op, sizeof(*op));
	item.op.stmt = item.op.line = 0;
	/* The close of a block is on the thread of its opening. */
	item.has_thread = op->code != OP_END;
	if (!item.has_thread)
		item.op.thread = 0;
	return encode_item(e, &item);
}

int wire_encode(const struct program *p, uint8_t *buf, size_t size, size_t *ret_len)
{
	struct encoder e = {.buf = buf, .size = size};
	int ret = encode_header(&e, &p->header);
	uint64_t stmt = 0; /* of the next op */
	uint32_t fault = 0;

	for (size_t i = 0; ret == 0 && i < p->nops; i++) {
		ret = encode_faults(&e, &p->header, stmt, &fault);
		if (ret == 0)
			ret = encode_op(&e, &p->ops[i]);
		stmt += p->ops[i].code != OP_END;
	}
	for (; ret == 0 && fault < p->header.nfaults; fault++)
		ret = encode_fault(&e, &p->header.faults[fault], false);
	if (ret == 0)
		*ret_len = e.len;
	return ret;
}
