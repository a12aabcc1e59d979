#include "harness/oracle/oracle_testing.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define STAGE_RANGES 32

static void start(struct stage *s, bool check_full)
{
	struct model_options o = {.block_slots = STAGE_SLOTS,
				  .seed = 1,
				  .page_bytes = STAGE_PAGE,
				  .check_full = check_full};

	memset(s, 0, sizeof(*s));
	assert_int_equal(
		arena_init(&s->arena, model_arena_bytes(&o) + range_set_arena_bytes(STAGE_RANGES)),
		0);
	assert_int_equal(range_set_new(&s->arena, STAGE_RANGES, &s->program), 0);
	o.program_ranges = s->program;
	o.harness[0].start = (uintptr_t)s->arena.base;
	o.harness[0].end = o.harness[0].start + s->arena.size;
	assert_int_equal(model_new(&s->arena, &o, &s->model), 0);
	s->pool =
		mmap(NULL, STAGE_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(s->pool != MAP_FAILED);
}

void stage_start(struct stage *s)
{
	start(s, false);
}

void stage_start_full(struct stage *s)
{
	start(s, true);
}

void stage_end(struct stage *s)
{
	assert_clean(s);
	munmap(s->pool, STAGE_POOL);
	arena_release(&s->arena);
}

static struct op op_of(const struct stage *s, const struct act *a)
{
	return (struct op){.code = a->code,
			   .space = a->code == OP_TRIM || a->code == OP_END ? SPACE_NONE
									    : SPACE_BLOCK,
			   .stmt = s->stmt,
			   .arg0 = a->arg0,
			   .arg1 = a->arg1};
}

static bool takes_pointer(unsigned code)
{
	return op_frees(code) || code == OP_USABLE || code == OP_REALLOC || code == OP_REALLOCARRAY;
}

static struct call_event event_of(const struct stage *s, const struct op *op, const struct act *a)
{
	static char sentinel;

	return (struct call_event){.op = op,
				   .slot = a->slot,
				   .in_fork = a->in_fork,
				   .before = takes_pointer(a->code) ? s->pointer[a->slot] : NULL,
				   .memptr_before = &sentinel,
				   .memptr_after = a->memptr_after ? a->memptr_after : &sentinel};
}

void stage_before(struct stage *s, struct act a)
{
	struct op op = op_of(s, &a);
	struct call_event e = event_of(s, &op, &a);
	bool is_realloc = a.code == OP_REALLOC || a.code == OP_REALLOCARRAY;

	e.usable = is_realloc ? a.usable_before : a.usable;
	e.usable_known = a.usable_known && (!is_realloc || a.usable_before);
	oracle_before(s->model, &e, &s->sink);
}

void stage_after(struct stage *s, struct act a)
{
	struct op op = op_of(s, &a);
	struct call_event e = event_of(s, &op, &a);

	e.ret = a.ret;
	if (a.code == OP_POSIX_MEMALIGN && a.result == 0)
		e.memptr_after = a.ret;
	e.result = a.result;
	e.errno_after = a.errno_after;
	e.usable_known = a.usable_known;
	e.usable = a.usable;
	e.cause = a.cause;
	oracle_after(s->model, &e, &s->sink);
	if (op_frees(a.code) || model_realloc_zero_freed(&e))
		s->pointer[a.slot] = NULL;
	else if (a.ret)
		s->pointer[a.slot] = a.ret;
	s->stmt++;
}

void stage_act(struct stage *s, struct act a)
{
	stage_before(s, a);
	stage_after(s, a);
}

void stage_malloc(struct stage *s, uint32_t slot, void *ret, uint64_t size)
{
	stage_act(s, (struct act){.code = OP_MALLOC, .arg0 = size, .slot = slot, .ret = ret});
}

void stage_free(struct stage *s, uint32_t slot)
{
	stage_act(s, (struct act){.code = OP_FREE, .slot = slot});
}

void stage_touch(struct stage *s, uint32_t slot)
{
	assert_int_equal(model_touch(s->model, slot, false, 0, 0), 0);
}

void stage_finish(struct stage *s)
{
	struct op op = {.code = OP_END, .stmt = s->stmt};
	struct call_event e = {.op = &op};

	oracle_end(s->model, &e, &s->sink);
}

void stage_map(struct stage *s, uint32_t slot, uintptr_t start, size_t len)
{
	assert_int_equal(range_set_insert(s->program, start, start + len, slot), 0);
}

void stage_unmap(struct stage *s, uintptr_t start, size_t len)
{
	assert_int_equal(range_set_remove(s->program, start, start + len), 0);
}

static void print_findings(const struct stage *s)
{
	char text[512];

	for (uint32_t i = 0; i < s->sink.n; i++)
		if (finding_message(&s->sink.v[i], text, sizeof(text)) > 0)
			print_message("%s: %s\n", finding_kind_name(s->sink.v[i].kind), text);
}

void assert_clean(struct stage *s)
{
	if (s->sink.n)
		print_findings(s);
	assert_int_equal(s->sink.n, 0);
}

struct finding assert_found(struct stage *s, enum finding_kind kind, enum finding_rule rule)
{
	struct finding f = s->sink.v[0];

	if (s->sink.n != 1 || f.kind != kind || f.rule != rule)
		print_findings(s);
	assert_int_equal(s->sink.n, 1);
	assert_string_equal(finding_kind_name(f.kind), finding_kind_name(kind));
	assert_int_equal(f.rule, rule);
	memset(&s->sink, 0, sizeof(s->sink));
	return f;
}
