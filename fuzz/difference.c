#include "fuzz/difference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/oracle/model.h"
#include "harness/prog/names.h"

#define STATEMENTS 8192
#define SLOTS	   65536 /* of a kind; what is behind them is not compared */

/* Whether a size can fail for want of memory, and whether no machine has so much. */
#define LARGE	   (UINT64_C(64) << 20)
#define IMPOSSIBLE (UINT64_C(1) << 47)

struct comparing {
	const struct difference_side *side;
	const struct op *by_stmt[STATEMENTS];
	bool left_open[2][SLOTS]; /* mappings; of what both may hold something else */
	uint64_t at[2];
};

struct request {
	uint64_t size, align; /* align 0: none was asked for */
	bool overflows;
};

static struct request request_of(const struct op *op)
{
	struct request r = {.size = op->arg0};

	switch (op->code) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		r.overflows = __builtin_mul_overflow(op->arg0, op->arg1, &r.size);
		break;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		r.align = op->arg0;
		r.size = op->arg1;
		break;
	default:
		break;
	}
	return r;
}

static bool allocates(const struct op *op)
{
	return op->space == SPACE_BLOCK && op->code <= OP_PVALLOC;
}

/* All rules that ask one op for size 0, or for an alignment that is left open. */
static const struct {
	uint8_t code;
	const char *zero[4], *align[7];
} rules[] = {
	{OP_MALLOC, {"malloc-zero"}, {NULL}},
	{OP_CALLOC, {"calloc-zero", "calloc-size-zero"}, {NULL}},
	{OP_REALLOC, {"realloc-zero", "realloc-null-zero"}, {NULL}},
	{OP_REALLOCARRAY,
	 {"reallocarray-zero", "reallocarray-null-zero", "reallocarray-size-zero"},
	 {NULL}},
	{OP_ALIGNED_ALLOC,
	 {"aligned-alloc-zero"},
	 {"aligned-alloc-0", "aligned-alloc-1", "aligned-alloc-3", "aligned-alloc-below",
	  "aligned-alloc-max", "aligned-alloc-size"}},
	{OP_POSIX_MEMALIGN, {"posix-memalign-zero"}, {"posix-memalign-max"}},
	{OP_MEMALIGN, {"memalign-zero"}, {"memalign-0", "memalign-48"}},
	{OP_VALLOC, {"valloc-zero"}, {NULL}},
	{OP_PVALLOC, {"pvalloc-zero"}, {NULL}},
};

static bool answers_agree(const struct comparing *c, const char *const *rule)
{
	if (!*rule)
		return false;
	for (; *rule; rule++) {
		const struct profile_answer *a, *b;

		if (!c->side[0].profile || !c->side[1].profile)
			return false;
		a = profile_answer(c->side[0].profile, *rule);
		b = profile_answer(c->side[1].profile, *rule);
		if (!a || !b || strcmp(a->value, b->value) != 0)
			return false;
	}
	return true;
}

static bool is_plain_align(const struct op *op, const struct request *r)
{
	bool power = r->align && (r->align & (r->align - 1)) == 0;

	/* POSIX: posix_memalign refuses what is no power of two, or less than a pointer. */
	if (op->code == OP_POSIX_MEMALIGN)
		return r->align <= LARGE;
	return power && r->align >= sizeof(void *) && r->align <= LARGE &&
	       (op->code != OP_ALIGNED_ALLOC || r->size % r->align == 0);
}

/* Whether both allocators may choose, and may choose otherwise. */
static bool is_open(const struct comparing *c, const struct op *op)
{
	if (op->space == SPACE_MAP)
		return op->map.has_target && (op->code == OP_MMAP || op->code == OP_MREMAP);
	if (!allocates(op))
		return false;
	const struct request r = request_of(op);
	bool zero = r.size == 0 && !r.overflows;
	bool align = r.align || op->code == OP_ALIGNED_ALLOC || op->code == OP_MEMALIGN;

	align = align && !is_plain_align(op, &r);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].code == op->code)
			return (zero && !answers_agree(c, rules[i].zero)) ||
			       (align && !answers_agree(c, rules[i].align));
	return zero || align;
}

/* Whether a failure may be the machine's. */
static bool is_exhaustion(const struct comparing *c, const struct op *op, const int32_t err[2])
{
	const struct request r = request_of(op);
	bool large = !r.overflows && (r.size | r.align) >= LARGE && r.size < IMPOSSIBLE &&
		     r.align < IMPOSSIBLE;

	for (int i = 0; i < 2; i++)
		if (err[i] && err[i] != EINVAL && (large || c->side[i].refused))
			return true;
	return false;
}

/* The oracles judge errno too: what they find is known, or told as what it is. */
static bool errno_may_differ(const struct comparing *c, const struct op *op, const int32_t err[2])
{
	const struct request r = request_of(op);
	char signature[128];

	if (err[0] == OUTCOME_NO_ERRNO || err[1] == OUTCOME_NO_ERRNO)
		return true;
	/* Two reasons to refuse it, and none of them is the first. */
	if (r.align && !(r.size < IMPOSSIBLE && is_plain_align(op, &r)))
		return true;
	snprintf(signature, sizeof(signature), "wrong-errno/%s/failure", op_name(op->code));
	for (int i = 0; i < 2; i++)
		if (c->side[i].profile && profile_known(c->side[i].profile, signature))
			return true;
	return false;
}

static const struct op *op_at(const struct comparing *c, int i)
{
	const struct difference_side *s = &c->side[i];

	if (c->at[i] >= s->n || s->log[c->at[i]].stmt >= STATEMENTS)
		return NULL;
	return c->by_stmt[s->log[c->at[i]].stmt];
}

static const struct oplog_entry *entry_at(const struct comparing *c, int i)
{
	return &c->side[i].log[c->at[i]];
}

/* What a block can hold beyond what was asked for, and so what can be touched, is its own affair.
 */
static bool is_compared(const struct comparing *c, const struct op *op, uint32_t slot)
{
	if (op->space == SPACE_NONE || slot >= SLOTS)
		return false;
	if (op->space == SPACE_BLOCK && op->code == OP_TOUCH)
		return false;
	return !c->left_open[op->space == SPACE_MAP][slot];
}

static void pass_by(struct comparing *c, int i)
{
	const struct op *op;

	while ((op = op_at(c, i)) && !is_compared(c, op, entry_at(c, i)->slot))
		c->at[i]++;
}

static bool same_place(const struct comparing *c, const struct op *a, const struct op *b)
{
	return a && a == b && entry_at(c, 0)->slot == entry_at(c, 1)->slot;
}

static struct difference describe(const struct comparing *c, const struct op *op, int i)
{
	return (struct difference){
		.stmt = op->stmt,
		.slot = entry_at(c, i)->slot,
		.op_code = op->code,
		.space = op->space,
	};
}

/* One op was run on one side alone. Behind a log's end nothing is known. */
static bool tell_skipped(const struct comparing *c, struct difference *ret)
{
	const struct op *a = op_at(c, 0), *b = op_at(c, 1);
	uint64_t room[2] = {c->side[0].room, c->side[1].room};

	if ((!a && c->side[0].n >= room[0]) || (!b && c->side[1].n >= room[1]) || (!a && !b))
		return false;
	int has = a ? 0 : 1;

	/* The one that comes first in the program is missing on the other side. */
	if (a && b && b->stmt < a->stmt)
		has = 1;
	*ret = describe(c, has ? b : a, has);
	ret->err[has] = entry_at(c, has)->err;
	ret->err[!has] = DIFFERENCE_SKIPPED;
	return true;
}

enum answer { SAME, DIFFERENT, NOTHING_MORE };

static enum answer compare_one(struct comparing *c, struct difference *ret)
{
	const struct op *op = op_at(c, 0);

	if (!same_place(c, op, op_at(c, 1)))
		return tell_skipped(c, ret) ? DIFFERENT : NOTHING_MORE;
	const struct oplog_entry *a = entry_at(c, 0), *b = entry_at(c, 1);
	const int32_t err[2] = {a->err, b->err};

	if (is_open(c, op)) {
		c->left_open[op->space == SPACE_MAP][a->slot] = true;
		return SAME;
	}
	if (err[0] != err[1] && is_exhaustion(c, op, err))
		return NOTHING_MORE;
	if (err[0] == err[1] || (err[0] && err[1] && errno_may_differ(c, op, err)))
		return SAME;
	*ret = describe(c, op, 0);
	memcpy(ret->err, err, sizeof(err));
	return DIFFERENT;
}

bool difference_find(const struct difference_ops *ops, const struct difference_side side[2],
		     struct difference *ret_difference)
{
	static struct comparing c;
	enum answer answer = SAME;

	memset(&c, 0, sizeof(c));
	c.side = side;
	for (size_t i = 0; i < ops->n; i++)
		if (ops->ops[i].code != OP_END && ops->ops[i].stmt < STATEMENTS)
			c.by_stmt[ops->ops[i].stmt] = &ops->ops[i];
	while (answer == SAME) {
		pass_by(&c, 0);
		pass_by(&c, 1);
		answer = compare_one(&c, ret_difference);
		c.at[0]++;
		c.at[1]++;
	}
	return answer == DIFFERENT;
}

static void short_word(int32_t err, char *buf, size_t size)
{
	const char *name = err > 0 ? errno_name(err) : NULL;

	if (err == 0)
		snprintf(buf, size, "ok");
	else if (err == DIFFERENCE_SKIPPED)
		snprintf(buf, size, "skipped");
	else if (err == OUTCOME_NO_ERRNO)
		snprintf(buf, size, "failed");
	else if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%d", err);
}

void difference_signature(const struct difference *d, char *buf, size_t size)
{
	char a[24], b[24];

	short_word(d->err[0], a, sizeof(a));
	short_word(d->err[1], b, sizeof(b));
	snprintf(buf, size, "difference/%s/%s-%s", op_name(d->op_code), a, b);
}

void difference_words(int32_t err, char *buf, size_t size)
{
	char word[24];

	short_word(err, word, sizeof(word));
	if (err == 0)
		snprintf(buf, size, "succeeded");
	else if (err == DIFFERENCE_SKIPPED)
		snprintf(buf, size, "was not made");
	else if (err == OUTCOME_NO_ERRNO)
		snprintf(buf, size, "failed without an errno");
	else
		snprintf(buf, size, "failed with %s", word);
}

static bool add_outcome(struct outcomes *o, int32_t err)
{
	if (err == 0) {
		o->ok = 1;
		return true;
	}
	if (err < 0 || err > PROG_MAX_ERRNO)
		return false;
	for (unsigned i = 0; i < o->nerr; i++)
		if (o->err[i] == err)
			return true;
	if (o->nerr == PROG_MAX_OUTCOMES)
		return false;
	o->err[o->nerr++] = (uint8_t)err;
	return true;
}

bool difference_outcomes(const struct difference_side *side, uint32_t stmt, struct outcomes *ret)
{
	struct outcomes o = {.present = 1};

	for (uint64_t i = 0; i < side->n; i++)
		if (side->log[i].stmt == stmt && !add_outcome(&o, side->log[i].err))
			return false;
	if (!o.ok && !o.nerr)
		return false;
	*ret = o;
	return true;
}
