#include <errno.h>
#include <string.h>

#include "harness/prog/form.h"
#include "harness/prog/wire_item.h"
#include "harness/prog/wire_value.h"

#define KINDS(first, last, kind) [(first)...(last)] = (kind)

/*
 * How often a random byte is which kind: allocations and what gives them back come first, each
 * function of the family is met in a few dozen ops, blocks are rarer than their closes so that
 * programs do not nest without end, fork is rarest.
 */
static const uint8_t kinds[256] = {
	KINDS(0, 27, OP_MALLOC),	 KINDS(28, 39, OP_CALLOC),
	KINDS(40, 53, OP_REALLOC),	 KINDS(54, 59, OP_REALLOCARRAY),
	KINDS(60, 65, OP_ALIGNED_ALLOC), KINDS(66, 71, OP_POSIX_MEMALIGN),
	KINDS(72, 75, OP_MEMALIGN),	 KINDS(76, 77, OP_VALLOC),
	KINDS(78, 79, OP_PVALLOC),	 KINDS(80, 115, OP_FREE),
	KINDS(116, 123, OP_FREE_SIZED),	 KINDS(124, 127, OP_FREE_ALIGNED_SIZED),
	KINDS(128, 130, OP_USABLE),	 KINDS(131, 133, OP_TRIM),
	KINDS(134, 151, OP_MMAP),	 KINDS(152, 165, OP_MUNMAP),
	KINDS(166, 172, OP_MREMAP),	 KINDS(173, 179, OP_MPROTECT),
	KINDS(180, 187, OP_MADVISE),	 KINDS(188, 189, OP_MSYNC),
	KINDS(190, 192, OP_MLOCK),	 KINDS(193, 194, OP_MUNLOCK),
	KINDS(195, 196, OP_TRUNCATE),	 KINDS(197, 200, OP_CHECK),
	KINDS(201, 203, OP_ADD),	 KINDS(204, 219, OP_TOUCH),
	KINDS(220, 223, OP_REPEAT),	 KINDS(224, 224, OP_WHEN),
	KINDS(225, 225, OP_FORK),	 KINDS(226, 228, OP_PARALLEL),
	KINDS(229, 240, OP_END),	 KINDS(241, 241, OP_SLEEP),
	KINDS(242, 243, OP_EXIT),	 KINDS(244, 244, OP_CHECKPOINT),
	KINDS(245, 245, OP_EXPECT),	 KINDS(246, 247, WIRE_BALLAST),
	KINDS(248, 251, WIRE_FAULT),	 KINDS(252, 252, WIRE_NEEDS),
	KINDS(253, 254, WIRE_TOUCHING),	 KINDS(255, 255, WIRE_EXTENSION),
};

unsigned wire_kind_of(uint8_t code)
{
	return kinds[code];
}

uint8_t wire_kind_code(unsigned kind)
{
	unsigned code = 0;

	while (code < 255 && kinds[code] != kind)
		code++;
	return (uint8_t)code;
}

const char *wire_form(unsigned kind)
{
	switch (kind) {
	case WIRE_BALLAST:
		return "B";
	case WIRE_FAULT:
		return "!";
	case WIRE_NEEDS:
		return "w";
	default:
		return kind < OP_CODES ? op_form(kind) : "";
	}
}

static uint16_t code_of(const uint8_t bytes[2])
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void put_code(uint8_t bytes[2], uint16_t code)
{
	bytes[0] = (uint8_t)code;
	bytes[1] = (uint8_t)(code >> 8);
}

static bool takes_product(unsigned code)
{
	return code == OP_CALLOC || code == OP_REALLOCARRAY;
}

static bool takes_alignment(unsigned code)
{
	return code == OP_ALIGNED_ALLOC || code == OP_POSIX_MEMALIGN || code == OP_MEMALIGN;
}

/* Of a plain number, behind the ones that calloc and memalign begin with. */
static const struct wire_scale *scale_of(char form, unsigned kind)
{
	if (form == ITEM_COUNT)
		return &wire_count_scale;
	if (form == 'B')
		return &wire_few_scale;
	if (form == ITEM_TIME)
		return &wire_time_scale;
	return form == ITEM_SIZE && kind < OP_CODES && !op_is_block_call(kind) ? &wire_pages_scale
									       : &wire_bytes_scale;
}

static void numbers_item(const struct wire_record *r, char form, struct op *op, unsigned kind)
{
	uint16_t code = code_of(r->arg0);

	if (!takes_product(kind) && !takes_alignment(kind)) {
		op->arg0 = wire_scaled(scale_of(form, kind), code);
		return;
	}
	op->arg1 = wire_scaled(&wire_bytes_scale, code_of(r->arg1));
	op->arg0 = takes_product(kind) ? wire_product_count(code, op->arg1) : wire_align(code);
}

static void numbers_of(const struct op *op, char form, struct wire_record *r, unsigned kind)
{
	if (!takes_product(kind) && !takes_alignment(kind)) {
		put_code(r->arg0, wire_scaled_code(scale_of(form, kind), op->arg0));
		return;
	}
	put_code(r->arg1, wire_scaled_code(&wire_bytes_scale, op->arg1));
	put_code(r->arg0, takes_product(kind) ? wire_product_count_code(op->arg0)
					      : wire_align_code(op->arg0));
}

static void slots_item(const struct wire_record *r, char form, struct op *op)
{
	struct wire_shape shape = wire_shape(r->shape);

	op->space = form == ITEM_BLOCK ? SPACE_BLOCK : SPACE_MAP;
	if (form == ITEM_EITHER && r->target % 2 == 0)
		op->space = SPACE_BLOCK;
	op->slice.start = wire_slot(r->slot);
	op->slice.step = shape.step;
	op->slice.single = r->shape < 128;
	op->slice.stop = op->slice.start + shape.count;
	if (shape.count > 1)
		op->slice.stop = op->slice.start + (shape.count - 1) * shape.step + 1;
}

static void slots_of(const struct op *op, struct wire_record *r)
{
	const struct slice *s = &op->slice;
	struct wire_shape shape = {.count = 0, .step = s->step};

	r->target = op->space == SPACE_MAP;
	r->slot = wire_slot_code(s->start);
	if (s->single)
		return;
	if (s->start < s->stop && s->step)
		shape.count = (s->stop - 1 - s->start) / s->step + 1;
	r->shape = wire_shape_code(shape);
}

static void range_item(const struct wire_record *r, struct op *op)
{
	op->has_range = r->len >> 7;
	if (!op->has_range)
		return;
	op->range_off = wire_span(r->off & 127);
	op->range_len = wire_span(r->len & 127);
}

static void range_of(const struct op *op, struct wire_record *r)
{
	if (!op->has_range)
		return;
	r->off = wire_span_code(op->range_off);
	r->len = 128 | wire_span_code(op->range_len);
}

/* c0 .. c255 */
static void name_item(const struct wire_record *r, struct op *op)
{
	unsigned n = r->arg0[0], at = 0;

	op->name[at++] = 'c';
	if (n >= 100)
		op->name[at++] = (char)('0' + n / 100);
	if (n >= 10)
		op->name[at++] = (char)('0' + n / 10 % 10);
	op->name[at] = (char)('0' + n % 10);
}

static void fact_item(const struct wire_record *r, struct op *op)
{
	op->fact.fact = r->arg0[0] % FACT_COUNT;
	op->fact.relation = r->arg0[1] % (REL_GE + 1);
	op->fact.value = r->off % 4;
}

static void fact_of(const struct op *op, struct wire_record *r)
{
	r->arg0[0] = (uint8_t)op->fact.fact;
	r->arg0[1] = (uint8_t)op->fact.relation;
	r->off = (uint8_t)op->fact.value % 4;
}

static void expect_item(const struct wire_record *r, struct op *op)
{
	uint64_t value = wire_scaled(&wire_bytes_scale, (uint16_t)(r->off | r->len << 8));

	op->expect.metric = r->arg0[0] % METRIC_COUNT;
	op->expect.relation = r->arg0[1] % (REL_GE + 1);
	op->expect.call = r->arg1[0] % KCALL_COUNT;
	op->expect.value = (int64_t)(r->protection & 1 ? 0 - value : value);
}

static void expect_of(const struct op *op, struct wire_record *r)
{
	uint64_t value = (uint64_t)op->expect.value;

	r->protection = op->expect.value < 0;
	uint16_t code = wire_scaled_code(&wire_bytes_scale, r->protection ? 0 - value : value);

	r->arg0[0] = (uint8_t)op->expect.metric;
	r->arg0[1] = (uint8_t)op->expect.relation;
	r->arg1[0] = (uint8_t)op->expect.call;
	r->off = (uint8_t)code;
	r->len = (uint8_t)(code >> 8);
}

/* What refuses memory most often is refused most often. */
static const uint8_t fault_errors[16] = {
	[0 ... 11] = ENOMEM, [12 ... 13] = EAGAIN, [14] = EINVAL, [15] = EPERM};

static void fault_item(const struct wire_record *r, struct fault_plan *f, uint8_t *ret_from_here)
{
	f->call = r->arg0[0] % KCALL_COUNT;
	f->err = fault_errors[r->arg0[1] % 16];
	/* Short programs make a few dozen calls; what fills a table makes thousands. */
	f->nth = 1 + (r->arg1[0] < 208 ? r->arg1[0] % 16u : UINT64_C(1) << r->arg1[0] % 16);
	f->count = r->off < 128 ? 1 : r->off - 128u;
	f->every = r->len < 192 ? 1 : r->len - 191u;
	f->from_stmt = 0;
	f->to_stmt = UINT64_MAX;
	*ret_from_here = r->outcome >= 192;
	if (r->outcome >= 224)
		f->to_stmt = r->protection;
}

static void fault_of(const struct wire_item *item, struct wire_record *r)
{
	const struct fault_plan *f = &item->fault;

	r->arg0[0] = (uint8_t)f->call;
	while (r->arg0[1] < 15 && fault_errors[r->arg0[1]] != f->err)
		r->arg0[1]++;
	r->arg1[0] = f->nth <= 16 ? (uint8_t)((f->nth - 1) % 16) : 0;
	r->off = f->count == 1 ? 0 : (uint8_t)(128 + f->count % 128);
	r->len = f->every == 1 ? 0 : (uint8_t)(191 + f->every % 64);
	if (!item->from_here)
		return;
	r->outcome = f->to_stmt == UINT64_MAX ? 192 : 224;
	r->protection = (uint8_t)f->to_stmt;
}

static void part_item(const struct wire_record *r, char form, struct wire_item *item)
{
	switch (form) {
	case ITEM_BLOCK:
	case ITEM_MAP:
	case ITEM_EITHER:
		slots_item(r, form, &item->op);
		break;
	case ITEM_SIZE:
	case ITEM_COUNT:
	case ITEM_NUMBER:
	case ITEM_TIME:
	case 'B':
		numbers_item(r, form, &item->op, item->kind);
		break;
	case ITEM_RANGE:
		range_item(r, &item->op);
		break;
	case ITEM_NAME:
		name_item(r, &item->op);
		break;
	case ITEM_FACT:
		fact_item(r, &item->op);
		break;
	case ITEM_EXPECT:
		expect_item(r, &item->op);
		break;
	case '!':
		fault_item(r, &item->fault, &item->from_here);
		break;
	default:
		wire_flags_item(r, form, &item->op);
	}
}

void wire_record_item(const struct wire_record *r, struct wire_item *ret_item)
{
	struct wire_item item;

	memset(&item, 0, sizeof(item));
	item.kind = (uint8_t)wire_kind_of(r->kind);
	if (item.kind < OP_CODES) {
		item.op.code = item.kind;
		item.has_thread = r->thread >> 7;
		item.op.thread = item.has_thread ? r->thread & 127 : 0;
		item.lane = item.has_thread ? 0 : r->thread;
	}
	for (const char *form = wire_form(item.kind); *form; form++)
		part_item(r, *form, &item);
	wire_item_settle(&item);
	*ret_item = item;
}

static void part_of(const struct wire_item *item, char form, struct wire_record *r)
{
	switch (form) {
	case ITEM_BLOCK:
	case ITEM_MAP:
	case ITEM_EITHER:
		slots_of(&item->op, r);
		break;
	case ITEM_SIZE:
	case ITEM_COUNT:
	case ITEM_NUMBER:
	case ITEM_TIME:
	case 'B':
		numbers_of(&item->op, form, r, item->kind);
		break;
	case ITEM_RANGE:
		range_of(&item->op, r);
		break;
	case ITEM_FACT:
		fact_of(&item->op, r);
		break;
	case ITEM_EXPECT:
		expect_of(&item->op, r);
		break;
	case '!':
		fault_of(item, r);
		break;
	case ITEM_NAME:
		break;
	default:
		wire_flags_of(&item->op, form, r);
	}
}

void wire_record_of(const struct wire_item *item, struct wire_record *ret_record)
{
	struct wire_record r = {.kind = wire_kind_code(item->kind)};

	r.thread = item->has_thread ? 128 | (item->op.thread & 127) : item->lane & 127;
	for (const char *form = wire_form(item->kind); *form; form++)
		part_of(item, *form, &r);
	*ret_record = r;
}
