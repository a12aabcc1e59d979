#include "harness/exec/facts.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/kernel/facts.h"
#include "harness/oracle/expect.h"
#include "harness/prog/names.h"
#include "harness/prog/text.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

typedef int fact_fn(int64_t *ret_value);

static int root(int64_t *ret_value)
{
	*ret_value = geteuid() == 0;
	return 0;
}

static int ram(int64_t *ret_value)
{
	return fact_meminfo("MemTotal", ret_value);
}

static int swap(int64_t *ret_value)
{
	return fact_meminfo("SwapTotal", ret_value);
}

static int max_map_count(int64_t *ret_value)
{
	int64_t n = accounts_max_map_count();

	if (n < 0)
		return (int)n;
	*ret_value = n;
	return 0;
}

/* A kernel without hugetlbfs has none of its pages. */
static int hugepages(int64_t *ret_value)
{
	int err = fact_meminfo("HugePages_Free", ret_value);

	if (err == -ENOENT) {
		*ret_value = 0;
		err = 0;
	}
	return err;
}

static int guard_install(int64_t *ret_value)
{
	return fact_advice(MADV_GUARD_INSTALL, ret_value);
}

static int populate_write(int64_t *ret_value)
{
	return fact_advice(MADV_POPULATE_WRITE, ret_value);
}

static int collapse(int64_t *ret_value)
{
	return fact_advice(MADV_COLLAPSE, ret_value);
}

static int wipeonfork(int64_t *ret_value)
{
	return fact_advice(MADV_WIPEONFORK, ret_value);
}

static fact_fn *const fact_of[FACT_COUNT] = {
	[FACT_OVERCOMMIT] = fact_overcommit,
	[FACT_THP] = fact_thp,
	[FACT_ROOT] = root,
	[FACT_RAM] = ram,
	[FACT_SWAP] = swap,
	[FACT_MEMLOCK] = fact_memlock,
	[FACT_MAX_MAP_COUNT] = max_map_count,
	[FACT_HUGEPAGES] = hugepages,
	[FACT_GUARD_INSTALL] = guard_install,
	[FACT_POPULATE_WRITE] = populate_write,
	[FACT_COLLAPSE] = collapse,
	[FACT_WIPEONFORK] = wipeonfork,
	[FACT_DONTUNMAP] = fact_dontunmap,
	[FACT_FIXED_NOREPLACE] = fact_fixed_noreplace,
	[FACT_SHM] = fact_shm,
};

static bool holds(const struct child *c, const struct op_fact *wanted)
{
	const struct op_expect expect = {.relation = wanted->relation, .value = wanted->value};
	const struct measured found = {.value = c->facts[wanted->fact], .certainty = CERTAIN_EXACT};

	return expect_judge(&expect, &found) == VERDICT_HOLDS;
}

static void put_value(struct text *t, unsigned fact, int64_t value)
{
	const char *word = fact_value_name(fact, value);

	if (word) {
		text_str(t, word);
		return;
	}
	if (value < 0)
		text_str(t, "-");
	text_u64(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static int refuse(struct child *c, int err)
{
	c->shared->refusal = REFUSAL_UNSUPPORTED;
	return err;
}

static int refuse_need(struct child *c, const struct op_fact *need)
{
	struct text t;

	text_init(&t, c->shared->refusal_text, sizeof(c->shared->refusal_text));
	text_str(&t, "needs ");
	text_str(&t, fact_name(need->fact));
	text_str(&t, " ");
	text_str(&t, relation_name(need->relation));
	text_str(&t, " ");
	put_value(&t, need->fact, need->value);
	text_str(&t, ": it is ");
	put_value(&t, need->fact, c->facts[need->fact]);
	text_str(&t, " here");
	return refuse(c, -ENOTSUP);
}

static int refuse_unknown(struct child *c, unsigned fact, int err)
{
	struct text t;

	text_init(&t, c->shared->refusal_text, sizeof(c->shared->refusal_text));
	text_str(&t, "what ");
	text_str(&t, fact_name(fact));
	text_str(&t, " is here cannot be found out");
	c->shared->refusal_err = -err;
	return refuse(c, err);
}

size_t facts_arena_bytes(const struct run_config *cfg)
{
	return cfg->facts ? FACT_COUNT * sizeof(int64_t) + _Alignof(int64_t) : 0;
}

int facts_init(struct child *c, struct arena *a)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->facts)
		return 0;
	int64_t *value = arena_take(a, FACT_COUNT * sizeof(*value), _Alignof(int64_t));

	if (!value)
		return -ENOMEM;
	c->facts = value;
	for (unsigned fact = 0; fact < FACT_COUNT; fact++) {
		int err = cfg->facts & 1u << fact ? fact_of[fact](&value[fact]) : 0;

		if (err)
			return refuse_unknown(c, fact, err);
	}
	for (uint32_t i = 0; i < cfg->nneeds && i < PROG_MAX_NEEDS; i++)
		if (!holds(c, &cfg->needs[i]))
			return refuse_need(c, &cfg->needs[i]);
	return 0;
}

static void note_not_run(struct child *c, const struct op *op)
{
	struct run_shared *s = c->shared;

	for (uint32_t i = 0; i < s->nnot_run; i++)
		if (s->not_run[i].stmt == op->stmt)
			return;
	if (s->nnot_run == NOT_RUN_MAX)
		return;
	s->not_run[s->nnot_run++] = (struct not_run){
		.stmt = op->stmt,
		.line = op->line,
		.wanted = op->fact,
		.found = c->facts[op->fact.fact],
	};
}

bool facts_enter(struct child *c, const struct op *op)
{
	if (holds(c, &op->fact))
		return true;
	shared_enter(c);
	if (!c->again)
		note_not_run(c, op);
	shared_leave(c);
	return false;
}
