#include "harness/exec/child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness/exec/crash.h"
#include "harness/exec/facts.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_access.h"
#include "harness/exec/map_files.h"
#include "harness/exec/parallel.h"
#include "harness/exec/sampler.h"
#include "harness/exec/threads.h"
#include "harness/kernel/facts.h"

#define STACK_REACH    (8ul << 20) /* spawn.c limits the first thread's stack to this */
#define HEADROOM_PAGES 5	   /* two inner pages can be split off: four maps */
#define ARENA_SLACK    (1u << 20)
#define SPARE_RUNS     (1u << 18) /* of the page model; untouched ones cost nothing */
#define MOST_RUNS      (1u << 23)

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

static struct pages_options pages_options(const struct run_config *cfg)
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

size_t child_arena_bytes(const struct run_config *cfg)
{
	struct model_options o = model_options(cfg);
	size_t size = ARENA_SLACK + accounts_arena_bytes() + cursor_arena_bytes() +
		      sampler_arena_bytes() + crash_arena_bytes(cfg->threads);

	size += (size_t)cfg->block_slots * sizeof(struct block_slot);
	size += (size_t)cfg->map_slots * sizeof(struct map_slot);
	size += kcalls_arena_bytes(cfg);
	size += threads_arena_bytes(cfg) + parallel_arena_bytes(cfg);
	size += map_files_arena_bytes(cfg) + facts_arena_bytes(cfg);
	if (cfg->oracles)
		size += model_arena_bytes(&o);
	if (judges_pages(cfg)) {
		struct pages_options p = pages_options(cfg);

		size += pages_private_bytes(&p);
	}
	return size;
}

size_t child_common_bytes(const struct run_config *cfg)
{
	struct pages_options p = pages_options(cfg);

	return judges_pages(cfg) ? pages_shared_bytes(&p) : 0;
}

/* Who knows more precisely what went wrong has said so before. */
static int refuse(struct child *c, enum refusal why, int err)
{
	if (c->shared->refusal != REFUSAL_NONE)
		return err;
	c->shared->refusal = why;
	c->shared->refusal_err = -err;
	return err;
}

int program_file_check(struct program_file *p)
{
	if (fcntl(p->fd, F_GETFD) >= 0)
		return 0;
	int fd = memfd_create("allocrig-program", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	for (; done < p->len && n >= 0; done += (size_t)n)
		n = write(fd, p->text + done, p->len - done);
	if (n < 0 || dup3(fd, p->fd, O_CLOEXEC) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	close(fd);
	return 0;
}

static int init_program(struct child *c, const struct child_setup *setup)
{
	struct prog_error err = {.message = "its descriptor was closed"};
	int rc = program_file_check(setup->program);

	if (!rc)
		rc = cursor_new(setup->arena, setup->program->fd, &c->cursor, &err);

	if (rc) {
		memccpy(c->shared->refusal_text, err.message, '\0',
			sizeof(c->shared->refusal_text) - 1);
		return refuse(c, REFUSAL_PROGRAM, rc);
	}
	return 0;
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

static int init_pages(struct child *c, const struct child_setup *setup)
{
	const struct run_config *cfg = &c->shared->config;
	struct pages_options o = pages_options(cfg);

	if (!judges_pages(cfg))
		return 0;
	return pages_new(setup->arena, setup->common, &o, &c->pages);
}

static int init_headroom(struct child *c)
{
	void *p = mmap(NULL, HEADROOM_PAGES * c->page_bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	c->headroom_pages = (uintptr_t)p;
	return accounts_exclude(c->accounts, (uintptr_t)p,
				(uintptr_t)p + HEADROOM_PAGES * c->page_bytes);
}

bool child_headroom_left(struct child *c)
{
	uintptr_t p = c->headroom_pages, page = c->page_bytes;
	int split = mprotect((void *)(p + page), page, PROT_READ);

	if (split == 0)
		split = mprotect((void *)(p + 3 * page), page, PROT_READ);
	/* Where only a second split was refused two equal VMAs are left: a change joins them. */
	mprotect((void *)p, HEADROOM_PAGES * page, PROT_READ);
	mprotect((void *)p, HEADROOM_PAGES * page, PROT_NONE);
	return split == 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void record(struct child *c, const char *name)
{
	struct checkpoint_at at = {.name = name, .stmt = c->pos->stmt};
	int err = sampler_checkpoint(c->sampler, &at);

	if (err)
		child_failed(c, err, "the accounts could not be read");
}

static void judge_end(struct child *c)
{
	static const struct op nothing = {.code = OP_CODES};
	struct op op = nothing;

	if (!c->model)
		return;
	op.stmt = (uint32_t)c->pos->stmt;
	struct call_event e = child_event(c, &op, 0);

	touch_enter(c);
	oracle_end(c->model, &e, &c->shared->findings);
	touch_leave(c);
	map_content_end(c, &e);
	model_live(c->model, &c->shared->live_blocks, &c->shared->live_bytes);
	if (model_extents_forgotten(c->model) || (c->pages && pages_forgotten(c->pages)))
		c->shared->unmeasured |= UNMEASURED_EXTENTS;
}

/* The next op of the program; behind it, where it has to be, of its second pass. */
bool child_advance(struct child *c)
{
	while (interp_advance(c))
		if (!c->again || aftermath_runs(c, c->op))
			return true;
	if (c->again)
		return false;
	c->shared->run_ns = now_ns() - c->run_began_ns;
	record(c, "end");
	judge_end(c);
	return aftermath_begin(c) && child_advance(c);
}

static int init_sampler(struct child *c, struct arena *a)
{
	return sampler_new(a, c, &c->sampler);
}

/* Where the words say it all there is no errno beside them. */
static int refuse_ballast(struct child *c, int err)
{
	const char *why = "";

	if (err == -E2BIG)
		why = "vm.max_map_count is too large to be filled up";
	else if (err == -EOVERFLOW)
		why = "the process has more maps than the ballast line leaves";
	memccpy(c->shared->refusal_text, why, '\0', sizeof(c->shared->refusal_text) - 1);
	refuse(c, REFUSAL_BALLAST, *why ? 0 : err);
	return err;
}

static int reserve_ballast(struct child *c)
{
	if (!c->shared->config.has_ballast)
		return 0;
	int err = ballast_reserve(&c->ballast, c->accounts, accounts_max_map_count());

	return err ? refuse_ballast(c, err) : 0;
}

/* With its fences. */
static int exclude_arena(struct child *c, const struct arena *a)
{
	uintptr_t base = (uintptr_t)a->base;

	return base ? accounts_exclude(c->accounts, base - c->page_bytes,
				       base + a->size + c->page_bytes)
		    : 0;
}

static int init_accounts(struct child *c, const struct child_setup *setup)
{
	int err = exclude_arena(c, setup->arena);

	if (!err)
		err = exclude_arena(c, setup->common);
	if (!err)
		err = accounts_check_files(c->accounts);
	if (!err)
		err = init_headroom(c);
	if (!err)
		err = reserve_ballast(c);
	if (!err)
		err = accounts_exclude_images(c->accounts);
	if (!err)
		err = accounts_plug(c->accounts);
	return err;
}

/* The last thing that is mapped. */
static int init_ballast(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->has_ballast)
		return 0;
	int err = ballast_raise(&c->ballast, c->accounts, accounts_max_map_count(), cfg->ballast);

	return err ? refuse_ballast(c, err) : 0;
}

int child_init(struct child *c, const struct child_setup *setup)
{
	*c = (struct child){
		.main = c,
		.shared = setup->shared,
		.pos = &setup->shared->pos[0],
		.alloc = setup->alloc,
		.program = setup->program,
		.accounts = setup->accounts,
		.counts = &setup->shared->counts,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.kernel = setup->shared->config.kernel,
		.unjudged = !setup->shared->config.oracles &&
			    !setup->shared->config.oplog_capacity && !setup->shared->config.watch,
	};
	/*
	 * A thread that ends has its successor made by libc, which allocates: not out of a heap of
	 * the thread's own, as that would lie where the program may have made a hole.
	 */
	if (c->kernel)
		mallopt(M_ARENA_MAX, 1);
	int err = init_program(c, setup);

	if (!err)
		err = kcalls_init(c, setup->arena);
	if (err)
		return err;
	err = init_slots(c, setup->arena);
	if (!err)
		err = init_model(c, setup->arena, setup->common);
	if (!err)
		err = init_pages(c, setup);
	if (!err)
		err = map_files_init(c, setup->arena);
	if (!err)
		err = facts_init(c, setup->arena);
	if (!err)
		err = init_sampler(c, setup->arena);
	if (!err)
		err = parallel_init(c, setup->arena);
	if (err)
		return refuse(c, REFUSAL_ARENA, err);
	err = threads_init(c, setup->arena);
	if (!err)
		err = kcalls_arm_thread(c);
	if (err)
		return refuse(c, REFUSAL_THREADS, err);
	err = init_accounts(c, setup);
	if (err)
		return refuse(c, REFUSAL_ACCOUNTS, err);
	return init_ballast(c);
}

void child_run(struct child *c)
{
	atomic_store(&c->pos->pid, getpid());
	c->shared->tid[0] = gettid();
	c->pos->stmt = -1;
	kcalls_work_with(c);
	int err = kcalls_begin(c);

	if (err)
		child_failed(c, err, "the table of mappings could not be read");
	record(c, "start");
	c->shared->rss_method = (uint32_t)accounts_rss_method(c->accounts);
	atomic_store(&c->shared->state, RUN_RUNNING);
	cursor_stretch(c->cursor, c->shared->config.stretch ? c->shared->config.stretch : 1);
	c->run_began_ns = now_ns();
	if (child_advance(c)) {
		baton_begin(&c->baton, thread_of(c->op));
		threads_run(c);
	}
	aftermath_end(c);
	atomic_store(&c->shared->state, RUN_ENDED);
}
