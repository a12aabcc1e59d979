/*
 * What a single op can do without, and its numbers.
 */
#include <string.h>
#include <sys/mman.h>

#include "harness/cli/shrink_priv.h"

/*
 * An edit has variants, which are tried in order: each makes the op plainer. It returns false
 * behind its last. A variant that does not apply leaves the op as it is.
 */
typedef bool edit_fn(struct op *op, unsigned variant);

static bool edit_outcomes(struct op *op, unsigned variant)
{
	op->outcomes = (struct outcomes){0};
	return variant == 0;
}

static bool edit_range(struct op *op, unsigned variant)
{
	op->has_range = 0;
	op->range_off = op->range_len = 0;
	return variant == 0;
}

/* One slot of a slice: its first, or its last. */
static bool edit_single(struct op *op, unsigned variant)
{
	struct slice *s = &op->slice;

	if (op->space != SPACE_NONE && !s->single && !slice_is_empty(s)) {
		uint32_t last = s->start + (s->stop - 1 - s->start) / s->step * s->step;

		s->start = variant ? last : s->start;
		s->stop = s->start + 1;
		s->step = s->single = 1;
	}
	return variant < 2;
}

static void call_malloc(struct op *op, uint64_t size)
{
	op->code = OP_MALLOC;
	op->arg0 = size;
	op->arg1 = 0;
}

static bool has_count(unsigned code)
{
	return code == OP_CALLOC || code == OP_REALLOCARRAY;
}

static bool has_alignment(unsigned code)
{
	return code == OP_ALIGNED_ALLOC || code == OP_POSIX_MEMALIGN || code == OP_MEMALIGN;
}

static bool edit_malloc(struct op *op, unsigned variant)
{
	uint64_t product;

	if (has_count(op->code) && !__builtin_mul_overflow(op->arg0, op->arg1, &product))
		call_malloc(op, product);
	else if (has_alignment(op->code))
		call_malloc(op, op->arg1);
	else if (op->code == OP_REALLOC || op->code == OP_VALLOC || op->code == OP_PVALLOC)
		call_malloc(op, op->arg0);
	return variant == 0;
}

/* The plainer sibling of a call. */
static bool edit_sibling(struct op *op, unsigned variant)
{
	uint64_t product;

	switch (op->code) {
	case OP_REALLOCARRAY:
		if (__builtin_mul_overflow(op->arg0, op->arg1, &product))
			break;
		op->code = OP_REALLOC;
		op->arg0 = product;
		op->arg1 = 0;
		break;
	case OP_PVALLOC:
		op->code = OP_VALLOC;
		break;
	case OP_FREE_SIZED:
	case OP_FREE_ALIGNED_SIZED:
		op->code = OP_FREE;
		break;
	case OP_ADD:
		op->code = OP_TOUCH;
		op->arg0 = 0;
		break;
	default:
		break;
	}
	return variant == 0;
}

/* Nothing is larger than a request for nothing: it is a case of its own. */
static bool edit_zero(struct op *op, unsigned variant)
{
	struct shrink_number number[SHRINK_NUMBERS];
	unsigned n = shrink_numbers(op, number);

	if (op_is_block_call(op->code) && variant < n && number[variant].least == 1) {
		uint64_t *value = shrink_number_in(op, &number[variant]);

		*value = *value ? *value : 1;
	}
	return variant < n;
}

/* Powers of two below it. */
static bool edit_alignment(struct op *op, unsigned variant)
{
	uint64_t alignment = UINT64_C(8) << variant;

	if (!has_alignment(op->code) || variant > 60 || alignment >= op->arg0)
		return false;
	op->arg0 = alignment;
	return true;
}

static bool has_flags(unsigned code)
{
	return code == OP_MMAP || code == OP_MREMAP || code == OP_MSYNC;
}

/* One flag less. What is not to be had without (MAP_PRIVATE) the kernel refuses. */
static bool edit_flag(struct op *op, unsigned variant)
{
	int flag = variant < 31 ? 1 << variant : 0;

	if (!has_flags(op->code) || !flag)
		return false;
	if (op->code == OP_MMAP && (flag & (MAP_ANONYMOUS | MAP_PRIVATE)))
		return true;
	op->map.flags &= ~flag;
	return true;
}

static bool edit_place(struct op *op, unsigned variant)
{
	if (op->code == OP_MMAP && op->map.has_target) {
		/* MAP_FIXED, or MAP_FIXED_NOREPLACE */
		op->map.flags &= ~(MAP_FIXED | 0x100000);
		op->map.has_target = 0;
		op->map.target = 0;
		op->map.target_off = 0;
	} else if (op->code == OP_MREMAP && op->map.has_target) {
		op->map.flags &= ~MREMAP_FIXED;
		op->map.has_target = 0;
		op->map.target = 0;
		op->map.target_off = 0;
	}
	return variant == 0;
}

static bool edit_to(struct op *op, unsigned variant)
{
	if (op->code == OP_MREMAP) {
		op->map.has_to = 0;
		op->map.to = 0;
	}
	return variant == 0;
}

static bool edit_source(struct op *op, unsigned variant)
{
	if (op->code == OP_MMAP && op->map.source != SOURCE_ANON) {
		op->map.source = SOURCE_ANON;
		op->map.flags |= MAP_ANONYMOUS;
		op->map.of = 0;
		op->map.offset = 0;
	}
	return variant == 0;
}

static bool edit_private(struct op *op, unsigned variant)
{
	if (op->code == OP_MMAP && (op->map.flags & MAP_TYPE) != MAP_PRIVATE)
		op->map.flags = (op->map.flags & ~MAP_TYPE) | MAP_PRIVATE;
	return variant == 0;
}

static bool edit_protection(struct op *op, unsigned variant)
{
	if (op->code == OP_MMAP)
		op->map.prot = PROT_READ | PROT_WRITE;
	return variant == 0;
}

static edit_fn *const edits[] = {
	edit_outcomes, edit_range,	edit_single,	edit_malloc, edit_sibling,
	edit_zero,     edit_place,	edit_alignment, edit_to,     edit_source,
	edit_private,  edit_protection, edit_flag,
};

static bool try_edit(struct shrink *s, size_t i, edit_fn *edit)
{
	bool kept = false;

	for (unsigned variant = 0; !s->stop; variant++) {
		struct op op = s->best.ops[i];
		bool more = edit(&op, variant);

		if (!more)
			break;
		if (memcmp(&op, &s->best.ops[i], sizeof(op)) == 0)
			continue;
		shrink_trial(s)->ops[i] = op;
		kept |= shrink_try(s);
	}
	return kept;
}

/* A number of an op, in units of its own. */
struct number_of_op {
	size_t op;
	struct shrink_number number;
};

static void put_number(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	const struct number_of_op *w = what;

	(void)now;
	*shrink_number_in(&trial->ops[w->op], &w->number) = value * w->number.unit;
}

bool shrink_op_numbers(struct shrink *s, size_t op, shrink_wanted_fn *wanted, shrink_find_fn *find)
{
	struct shrink_number number[SHRINK_NUMBERS];
	unsigned n = shrink_numbers(&s->best.ops[op], number);
	bool kept = false;

	for (unsigned j = 0; j < n && !s->stop; j++) {
		struct number_of_op what = {.op = op, .number = number[j]};
		uint64_t unit = number[j].unit;
		uint64_t now = *shrink_number_in(&s->best.ops[op], &number[j]);

		if (!wanted || wanted(&s->best.ops[op], &number[j], now))
			kept |= find(s, put_number, &what,
				     (uint64_t[]){number[j].least / unit, now / unit});
	}
	return kept;
}

static void put_step(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	(void)now;
	trial->ops[*(const size_t *)what].slice.step = (uint32_t)value;
}

static void put_width_from_start(struct program *trial, const void *what, uint64_t now,
				 uint64_t value)
{
	struct slice *s = &trial->ops[*(const size_t *)what].slice;

	(void)now;
	s->stop = s->start + (uint32_t)value;
}

static void put_width_from_stop(struct program *trial, const void *what, uint64_t now,
				uint64_t value)
{
	struct slice *s = &trial->ops[*(const size_t *)what].slice;

	(void)now;
	s->start = s->stop - (uint32_t)value;
}

static void put_start(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	struct slice *s = &trial->ops[*(const size_t *)what].slice;

	(void)now;
	s->stop = (uint32_t)value + (s->stop - s->start);
	s->start = (uint32_t)value;
}

static bool shrink_slice(struct shrink *s, size_t i)
{
	const struct op *op = &s->best.ops[i];
	bool kept = false;

	if (op->space == SPACE_NONE || slice_is_empty(&op->slice))
		return false;
	if (!op->slice.single) {
		kept |= shrink_least(s, put_step, &i, (uint64_t[]){1, op->slice.step});
		op = &s->best.ops[i];
		kept |= shrink_least(s, put_width_from_start, &i,
				     (uint64_t[]){1, op->slice.stop - op->slice.start});
		op = &s->best.ops[i];
		kept |= shrink_least(s, put_width_from_stop, &i,
				     (uint64_t[]){1, op->slice.stop - op->slice.start});
	}
	op = &s->best.ops[i];
	kept |= shrink_least(s, put_start, &i, (uint64_t[]){0, op->slice.start});
	return kept;
}

bool shrink_pass_ops(struct shrink *s)
{
	bool kept = false;

	for (size_t i = 0; i < s->best.nops && !s->stop; i++) {
		if (s->best.ops[i].code == OP_END)
			continue;
		for (size_t e = 0; e < sizeof(edits) / sizeof(edits[0]); e++)
			kept |= try_edit(s, i, edits[e]);
		kept |= shrink_op_numbers(s, i, NULL, shrink_least);
		kept |= shrink_slice(s, i);
	}
	return kept;
}
