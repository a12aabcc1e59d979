#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/prog/form.h"
#include "harness/prog/names.h"
#include "harness/prog/wire_item.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

typedef const char *flag_at_fn(size_t index, int *ret_flag);

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

static void settle_slots(const struct op *from, char form, struct op *to)
{
	struct slice s = from->slice;

	to->space = form == ITEM_BLOCK ? SPACE_BLOCK : SPACE_MAP;
	if (form == ITEM_EITHER && from->space != SPACE_MAP)
		to->space = SPACE_BLOCK;
	if (s.single) {
		s.start %= PROG_MAX_SLOTS;
		s.stop = s.start + 1;
		s.step = s.single = 1;
	}
	s.start = at_most(s.start, PROG_MAX_SLOTS);
	s.stop = at_most(s.stop, PROG_MAX_SLOTS);
	s.step = s.step ? at_most(s.step, PROG_MAX_SLOTS) : 1;
	to->slice = s;
}

static void settle_outcomes(const struct outcomes *from, bool access, struct outcomes *to)
{
	struct outcomes o = {.present = 1, .ok = from->ok != 0};

	for (unsigned i = 0; i < from->nerr && i < PROG_MAX_OUTCOMES; i++) {
		uint8_t err = from->err[i];

		if (ending_name(err) && access == (err > PROG_MAX_ERRNO) &&
		    !memchr(o.err, err, o.nerr))
			o.err[o.nerr++] = err;
	}
	if (from->present && (o.ok || o.nerr))
		*to = o;
}

/*
 * The flags that have words, as a printer would find them. Of huge page sizes, which are numbers
 * in the same bits, the parser takes one.
 */
static int known_flags(flag_at_fn *flag_at, int flags)
{
	bool has_size = false;
	int known = 0, flag;

	for (size_t i = 0; flag_at(i, &flag); i++) {
		bool is_size = flag_at == map_flag_at && map_flag_is_size(flag);

		if ((flags & flag) != flag || (is_size && has_size))
			continue;
		known |= flag;
		flags &= ~flag;
		has_size |= is_size;
	}
	return known;
}

static void settle_target(const struct op_map *from, struct op_map *to)
{
	to->has_target = 1;
	to->target = from->target % PROG_MAX_SLOTS;
	to->target_off = from->target_off;
}

static void settle_map_flags(const struct op_map *from, struct op_map *to)
{
	int flags = from->flags & ~MAP_ANONYMOUS;

	to->source = from->source <= SOURCE_SLOT ? from->source : SOURCE_NONE;
	if (to->source == SOURCE_ANON)
		flags |= MAP_ANONYMOUS;
	if (to->source == SOURCE_SLOT)
		to->of = from->of % PROG_MAX_SLOTS;
	to->offset = from->offset;
	if (!from->has_target)
		flags &= ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
	else
		settle_target(from, to);
	if (flags & MAP_FIXED)
		flags &= ~MAP_FIXED_NOREPLACE;
	to->flags = known_flags(map_flag_at, flags);
}

static void settle_mremap_flags(const struct op_map *from, struct op_map *to)
{
	to->flags = known_flags(mremap_flag_at, from->flags);
	if (to->flags & MREMAP_FIXED)
		settle_target(from, to);
	if (!from->has_to)
		return;
	to->has_to = 1;
	to->to = from->to % PROG_MAX_SLOTS;
}

static void settle_name(const char *from, char *to)
{
	size_t len = strnlen(from, PROG_NAME_MAX);

	for (size_t i = 0; i < len; i++)
		to[i] = (char)(from[i] < '!' || from[i] > '~' || from[i] == '#' ? '_' : from[i]);
	if (len == 0)
		to[0] = '_';
}

static void settle_expect(const struct op_expect *from, struct op_expect *to)
{
	to->metric = from->metric % METRIC_COUNT;
	if (to->metric >= METRIC_CALL_MADE)
		to->call = from->call % KCALL_COUNT;
	to->relation = from->relation % (REL_GE + 1);
	to->value = from->value;
}

static void settle_fact(const struct op_fact *from, struct op_fact *to)
{
	to->fact = from->fact % FACT_COUNT;
	to->relation = from->relation % (REL_GE + 1);
	to->value = from->value;
}

static void settle_prot(const struct op_map *from, struct op_map *to)
{
	to->prot = prot_name(from->prot) ? from->prot : PROT_NONE;
}

static void settle_advice(const struct op_map *from, struct op_map *to)
{
	to->advice = advice_name(from->advice) ? from->advice : MADV_DONTNEED;
}

static void settle_range(const struct op *from, struct op *to)
{
	if (!from->has_range)
		return;
	to->has_range = 1;
	to->range_off = from->range_off;
	to->range_len = from->range_len;
}

static void settle_flags(const struct op_map *from, char form, struct op_map *to)
{
	if (form == ITEM_PROT)
		settle_prot(from, to);
	else if (form == ITEM_ADVICE)
		settle_advice(from, to);
	else if (form == ITEM_MAP_FLAGS)
		settle_map_flags(from, to);
	else if (form == ITEM_MREMAP_FLAGS)
		settle_mremap_flags(from, to);
	else if (form == ITEM_MSYNC_FLAGS)
		to->flags = known_flags(msync_flag_at, from->flags);
}

static void settle_part(const struct op *from, char form, struct op *to)
{
	switch (form) {
	case ITEM_BLOCK:
	case ITEM_MAP:
	case ITEM_EITHER:
		settle_slots(from, form, to);
		break;
	case ITEM_OUTCOMES:
		settle_outcomes(&from->outcomes, false, &to->outcomes);
		break;
	case ITEM_ACCESS:
		if (to->space == SPACE_MAP)
			settle_outcomes(&from->outcomes, true, &to->outcomes);
		break;
	case ITEM_RANGE:
		settle_range(from, to);
		break;
	case ITEM_NAME:
		settle_name(from->name, to->name);
		break;
	case ITEM_EXPECT:
		settle_expect(&from->expect, &to->expect);
		break;
	case ITEM_FACT:
		settle_fact(&from->fact, &to->fact);
		break;
	default:
		settle_flags(&from->map, form, &to->map);
	}
}

/* arg0, or both, as many as the form has numbers. */
static void settle_numbers(const struct op *from, const char *form, struct op *to)
{
	static const char numbers[] = {ITEM_SIZE, ITEM_COUNT, ITEM_NUMBER, ITEM_TIME, 'B'};
	unsigned n = 0;

	for (; *form; form++)
		n += memchr(numbers, *form, sizeof(numbers)) != NULL;
	to->arg0 = n > 0 ? from->arg0 : 0;
	to->arg1 = n > 1 ? from->arg1 : 0;
}

static void settle_fault(struct fault_plan *f)
{
	f->call %= KCALL_COUNT;
	if (f->err > PROG_MAX_ERRNO || !errno_name((int)f->err))
		f->err = ENOMEM;
	f->nth += f->nth == 0;
	f->every += f->every == 0;
}

void wire_item_settle(struct wire_item *item)
{
	const char *form = wire_form(item->kind);
	struct op op;

	memset(&op, 0, sizeof(op));
	if (item->kind < OP_CODES) {
		op.code = item->kind;
		op.thread = item->has_thread ? item->op.thread : 0;
	}
	settle_numbers(&item->op, form, &op);
	for (; *form; form++)
		settle_part(&item->op, *form, &op);
	memcpy(&item->op, &op, sizeof(op));
	if (item->kind == WIRE_FAULT)
		settle_fault(&item->fault);
}
