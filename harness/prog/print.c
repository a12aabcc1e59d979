#include <errno.h>
#include <string.h>

#include "harness/prog/form.h"
#include "harness/prog/names.h"
#include "harness/prog/parse.h"
#include "harness/prog/print_fact.h"
#include "harness/prog/print_flags.h"
#include "harness/prog/text.h"

static int put_name(struct text *t, const char *name)
{
	if (!name)
		return -EINVAL;
	text_str(t, name);
	return 0;
}

static bool slice_has_text(const struct slice *s)
{
	if (s->single)
		return s->start < PROG_MAX_SLOTS && s->stop == s->start + 1 && s->step == 1;
	return s->start <= PROG_MAX_SLOTS && s->stop <= PROG_MAX_SLOTS && s->step > 0 &&
	       s->step <= PROG_MAX_SLOTS;
}

static int put_slots(struct text *t, const struct op *op)
{
	if ((op->space != SPACE_BLOCK && op->space != SPACE_MAP) || !slice_has_text(&op->slice))
		return -EINVAL;
	text_str(t, op->space == SPACE_BLOCK ? "b[" : "m[");
	text_u64(t, op->slice.start);
	if (!op->slice.single) {
		text_str(t, ":");
		text_u64(t, op->slice.stop);
		if (op->slice.step != 1) {
			text_str(t, ":");
			text_u64(t, op->slice.step);
		}
	}
	text_str(t, "]");
	return 0;
}

static void put_range(struct text *t, const struct op *op)
{
	text_size(t, op->range_off);
	text_str(t, " ");
	text_size(t, op->range_len);
}

/* `access`: of an op that ends in a signal, not in an errno. */
static int put_outcomes(struct text *t, const struct outcomes *o, bool access)
{
	const char *separator = "";

	text_str(t, "-> ");
	if (o->ok) {
		text_str(t, "ok");
		separator = "|";
	}
	if (o->nerr > PROG_MAX_OUTCOMES || (!o->ok && o->nerr == 0))
		return -EINVAL;
	for (unsigned i = 0; i < o->nerr; i++) {
		text_str(t, separator);
		separator = "|";
		if (access != (o->err[i] > PROG_MAX_ERRNO) || put_name(t, ending_name(o->err[i])))
			return -EINVAL;
	}
	return 0;
}

static bool metric_is_bytes(unsigned metric)
{
	return metric >= METRIC_MAPPED && metric < METRIC_CALL_MADE;
}

static int put_expect(struct text *t, const struct op_expect *e)
{
	if (e->metric >= METRIC_CALL_MADE) {
		if (put_name(t, kcall_name(e->call)))
			return -EINVAL;
		text_str(t, ".");
	}
	if (put_name(t, metric_name(e->metric)))
		return -EINVAL;
	return print_comparison(t, e->relation, e->value, metric_is_bytes(e->metric));
}

static int put_checkpoint(struct text *t, const struct op *op)
{
	size_t len = strnlen(op->name, sizeof(op->name));

	if (len == 0 || len == sizeof(op->name))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (op->name[i] < '!' || op->name[i] > '~' || op->name[i] == '#')
			return -EINVAL;
	text_bytes(t, op->name, len);
	return 0;
}

static bool item_is_absent(char item, const struct op *op)
{
	switch (item) {
	case ITEM_RANGE:
		return !op->has_range;
	case ITEM_OUTCOMES:
	case ITEM_ACCESS:
		return !op->outcomes.present;
	case ITEM_MREMAP_FLAGS:
		return op->map.flags == 0 && !op->map.has_target && !op->map.has_to;
	default:
		return false;
	}
}

static int put_item(struct text *t, char item, const struct op *op)
{
	switch (item) {
	case ITEM_BLOCK:
	case ITEM_MAP:
	case ITEM_EITHER:
		return put_slots(t, op);
	case ITEM_PROT:
		return put_name(t, prot_name(op->map.prot));
	case ITEM_MAP_FLAGS:
		return print_map_flags(t, &op->map);
	case ITEM_MREMAP_FLAGS:
		return print_mremap_flags(t, &op->map);
	case ITEM_MSYNC_FLAGS:
		return print_msync_flags(t, &op->map);
	case ITEM_ADVICE:
		return put_name(t, advice_name(op->map.advice));
	case ITEM_RANGE:
		put_range(t, op);
		return 0;
	case ITEM_OUTCOMES:
		return put_outcomes(t, &op->outcomes, false);
	case ITEM_ACCESS:
		return op->space == SPACE_MAP ? put_outcomes(t, &op->outcomes, true) : -EINVAL;
	case ITEM_NAME:
		return put_checkpoint(t, op);
	case ITEM_EXPECT:
		return put_expect(t, &op->expect);
	case ITEM_FACT:
		return print_fact(t, &op->fact);
	default:
		text_str(t, "{");
		return 0;
	}
}

static bool put_number(struct text *t, char item, uint64_t value)
{
	if (item == ITEM_SIZE)
		text_size(t, value);
	else if (item == ITEM_COUNT || item == ITEM_NUMBER)
		text_u64(t, value);
	else if (item == ITEM_TIME)
		text_time(t, value);
	else
		return false;
	return true;
}

int op_print(const struct op *op, unsigned outer_thread, char *buf, size_t size)
{
	uint64_t args[] = {op->arg0, op->arg1};
	unsigned nargs = 0;
	struct text t;

	if (op->code >= OP_CODES)
		return -EINVAL;
	text_init(&t, buf, size);
	if (op->thread != outer_thread && op->code != OP_END) {
		text_str(&t, "@");
		text_u64(&t, op->thread);
		text_str(&t, " ");
	}
	text_str(&t, op_name(op->code));
	for (const char *item = op_form(op->code); *item; item++) {
		if (item_is_absent(*item, op))
			continue;
		text_str(&t, " ");
		if (nargs < 2 && put_number(&t, *item, args[nargs]))
			nargs++;
		else if (put_item(&t, *item, op))
			return -EINVAL;
	}
	return text_result(&t);
}
