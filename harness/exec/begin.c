/*
 * begin.c - what is of one program: its slots, what is known of them, and its results.
 *
 * All of it is built anew for each program, from the front of what the arena has left. What stays
 * of the programs before is what the allocator keeps of the address space, which the accounts
 * measure from.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/exec/facts.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_files.h"
#include "harness/exec/parallel.h"
#include "harness/exec/reached.h"
#include "harness/exec/sampler.h"
#include "harness/kernel/facts.h"

#define STACK_REACH (8ul << 20) /* spawn.c limits the first thread's stack to this */
#define SPARE_RUNS  (1u << 18)	/* of the page model; untouched ones cost nothing */
#define MOST_RUNS   (1u << 23)

/* Where the first thread's stack begins; the dynamic linker's, declared by no header. */
extern void *__libc_stack_end;

static struct model_options model_options(const struct run_config *cfg)
{
	return (struct model_options){
		.block_slots = cfg->block_slots,
		.seed = cfg->seed,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.check_full = cfg->check_full,
	};
}

static bool judges_pages(const struct run_config *cfg)
{
	return cfg->oracles && cfg->map_slots;
}

/* Runs of pages that differ from their neighbours; the kernel bounds those that are VMAs. */
static uint32_t page_runs(const struct run_config *cfg)
{
	int64_t max_maps = accounts_max_map_count();
	uint64_t runs = SPARE_RUNS + 2 * (uint64_t)cfg->map_slots;

	runs += 2 * (uint64_t)(max_maps > 0 ? max_maps : 65530);
	return runs < MOST_RUNS ? (uint32_t)runs : MOST_RUNS;
}

struct pages_options begin_pages_options(const struct run_config *cfg)
{
	int64_t thp = 0, shmem = 0;

	return (struct pages_options){
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.seed = cfg->seed,
		.capacity = page_runs(cfg),
		.thp_always = fact_thp(&thp) != 0 || thp == 2,
		.shmem_huge = fact_shmem_thp(&shmem) != 0 || shmem,
		.kernel = cfg->kernel,
		.wrong = (enum pages_rule)cfg->wrong_rule,
	};
}

size_t begin_arena_bytes(const struct run_config *cfg)
{
	struct model_options o = model_options(cfg);
	size_t size = (size_t)cfg->block_slots * sizeof(struct block_slot) +
		      (size_t)cfg->map_slots * sizeof(struct map_slot) +
		      map_files_arena_bytes(cfg) + facts_arena_bytes(cfg);

	if (cfg->oracles)
		size += model_arena_bytes(&o);
	if (judges_pages(cfg)) {
		struct pages_options p = begin_pages_options(cfg);

		size += pages_private_bytes(&p);
	}
	return size;
}

size_t child_common_bytes(const struct run_config *cfg)
{
	struct pages_options p = begin_pages_options(cfg);

	return judges_pages(cfg) ? pages_shared_bytes(&p) : 0;
}

/* Whether calls inside allocator calls are seen is known from the start. */
static void clear_watch(struct run_watch *w)
{
	uint32_t traps = w->traps;

	if (traps != WATCH_UNSUPPORTED)
		w->reason[0] = '\0';
	w->exact = w->own_threads = 0;
	w->passed_by = 0;
	w->untracked = (struct ledger_drift){0};
	w->start = w->peak = (struct ledger_counts){0};
}

static void clear_results(struct run_shared *s)
{
	s->refusal = REFUSAL_NONE;
	s->refusal_err = 0;
	s->refusal_text[0] = '\0';
	s->nnot_run = 0;
	s->unmeasured = 0;
	s->unmeasured_stmt = -1;
	s->harness_error = 0;
	s->harness_text[0] = '\0';
	s->counts = (struct run_counts){0};
	s->peak = (struct run_peak){0};
	s->checkpoints_dropped = 0;
	s->findings.n = s->findings.dropped = s->findings.again = 0;
	s->findings.cut = (struct finding){0};
	s->lost = (struct run_lost){0};
	s->feed.kept_maps = s->feed.kept_mapped_bytes = s->feed.kept_rss_bytes = 0;
	s->growth = (struct run_growth){0};
	s->live_blocks = s->live_bytes = 0;
	s->live_peak_bytes = s->live_bytes_at_peak = 0;
	s->slowest_ns = 0;
	s->slowest_stmt = -1;
	s->run_ns = s->slept_ns = 0;
	atomic_store(&s->forks, 0);
	atomic_store(&s->end_pages, 0);
	atomic_store(&s->ncheckpoints, 0);
	atomic_store(&s->oplog_used, 0);
	clear_watch(&s->watch);
}

static void clear_position(struct position *pos)
{
	position_phase(pos, PHASE_HARNESS);
	position_op(pos, -1, OP_CODES);
	pos->thread = 0;
	pos->slot = pos->has_slot = 0;
	pos->iteration = 0;
	atomic_store(&pos->trap_ip, 0);
}

static void forget_program(struct child *c)
{
	arena_rewind(c->arena, c->arena_used);
	arena_rewind(c->common, c->common_used);
	c->model = NULL;
	c->pages = NULL;
	c->files = NULL;
	c->facts = NULL;
	c->lost = NULL;
	c->growth = NULL;
	c->op = NULL;
	c->counts = &c->shared->counts;
	c->allocator_called = c->again = c->residency_wrong = c->round_refused = false;
	c->passed_by = c->ending = c->maps_rose = false;
	c->round_ends = c->refusals_before = 0;
	c->refused = c->refused_set = 0;
	c->call_history = 0;
	c->until_beat = 0;
	atomic_store(&c->refusals, 0);
	atomic_store(&c->forks, 0);
}

static int init_slots(struct child *c, struct arena *a)
{
	const struct run_config *cfg = &c->shared->config;

	c->b = arena_take(a, (size_t)cfg->block_slots * sizeof(*c->b), _Alignof(struct block_slot));
	c->m = arena_take(a, (size_t)cfg->map_slots * sizeof(*c->m), _Alignof(struct map_slot));
	return (cfg->block_slots && !c->b) || (cfg->map_slots && !c->m) ? -ENOMEM : 0;
}

static int init_model(struct child *c, struct arena *a, const struct arena *common)
{
	struct model_options o = model_options(&c->shared->config);

	if (!c->shared->config.oracles)
		return 0;
	o.harness[0].start = (uintptr_t)a->base;
	o.harness[0].end = (uintptr_t)a->base + a->size;
	o.harness[1].start = (uintptr_t)c->shared;
	o.harness[1].end = (uintptr_t)(c->shared + 1);
	o.harness[2].start = (uintptr_t)__libc_stack_end - STACK_REACH;
	o.harness[2].end = (uintptr_t)__libc_stack_end;
	o.harness[3].start = (uintptr_t)common->base;
	o.harness[3].end = (uintptr_t)common->base + common->size;
	o.program_ranges = ledger_program(c->ledger);
	return model_new(a, &o, &c->model);
}

static int init_pages(struct child *c)
{
	if (!judges_pages(&c->shared->config))
		return 0;
	return pages_new(c->arena, c->common, &c->pages_options, &c->pages);
}

static int follow_ballast(struct child *c, const struct ballast_change *changed)
{
	int err = 0;

	for (int i = 0; i < 2 && !err; i++)
		err = kcalls_follow(c, changed->part[i].start, changed->part[i].end);
	return err;
}

int child_lower_ballast(struct child *c, uint64_t maps)
{
	struct ballast_change changed;
	int err = ballast_lower(&c->ballast, maps, &changed);

	return err ? err : follow_ballast(c, &changed);
}

/* As much headroom as the program asks for, whatever was left of it before. */
static int adjust_ballast(struct child *c)
{
	int64_t limit = accounts_max_map_count(), total = ledger_now(c->ledger)->total_maps;
	struct ballast_limit to = {limit, c->shared->config.ballast};
	struct ballast_change changed;
	int err = ballast_adjust(&c->ballast, total, to, &changed);

	return err ? err : follow_ballast(c, &changed);
}

/* The last thing that is mapped. */
static int init_ballast(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;
	int err;

	if (!cfg->has_ballast)
		return c->ballast.count ? child_lower_ballast(c, c->ballast.count) : 0;
	if (c->ballast.count && ledger_is_exact(c->ledger))
		err = adjust_ballast(c);
	else
		err = ballast_raise(&c->ballast, c->accounts, accounts_max_map_count(),
				    cfg->ballast);
	return err ? child_refuse_ballast(c, err) : 0;
}

/* From its first op on. */
static int init_text(struct child *c)
{
	struct prog_error err = {.message = "its descriptor was closed"};
	int rc = program_file_check(c->program);

	if (!rc)
		rc = cursor_rewind(c->cursor, &err);
	if (!rc)
		return 0;
	memccpy(c->shared->refusal_text, err.message, '\0', sizeof(c->shared->refusal_text) - 1);
	return child_refuse(c, REFUSAL_PROGRAM, rc);
}

static int init_memory(struct child *c)
{
	int err = init_slots(c, c->arena);

	if (!err)
		err = init_model(c, c->arena, c->common);
	if (!err)
		err = init_pages(c);
	if (!err)
		err = map_files_init(c, c->arena);
	if (!err)
		err = facts_init(c, c->arena);
	if (!err)
		err = parallel_begin(c, c->arena);
	return err ? child_refuse(c, REFUSAL_ARENA, err) : 0;
}

int child_begin(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;

	forget_program(c);
	clear_results(c->shared);
	clear_position(c->pos);
	reached_clear(c);
	sampler_begin(c->sampler);
	c->unjudged = !cfg->oracles && !cfg->oplog_capacity && !cfg->watch && !cfg->timed;
	int err = init_text(c);

	if (!err)
		err = kcalls_plan(c, c->arena);
	if (!err)
		err = init_memory(c);
	return err ? err : init_ballast(c);
}
