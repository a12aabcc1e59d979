#include "harness/exec/child.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_access.h"
#include "harness/exec/map_files.h"
#include "harness/exec/parallel.h"
#include "harness/exec/sampler.h"
#include "harness/exec/threads.h"

#define HEADROOM_PAGES 5 /* two inner pages can be split off: four maps */
#define ARENA_SLACK    (1u << 20)

size_t child_arena_bytes(const struct run_config *cfg)
{
	return ARENA_SLACK + accounts_arena_bytes() + cursor_arena_bytes() + sampler_arena_bytes() +
	       crash_arena_bytes(cfg->threads) + kcalls_arena_bytes(cfg) +
	       threads_arena_bytes(cfg) + parallel_arena_bytes(cfg) + begin_arena_bytes(cfg);
}

/* Who knows more precisely what went wrong has said so before. */
int child_refuse(struct child *c, enum refusal why, int err)
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
	p->copied = true;
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
		return child_refuse(c, REFUSAL_PROGRAM, rc);
	}
	return 0;
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

/* Where the words say it all there is no errno beside them. */
int child_refuse_ballast(struct child *c, int err)
{
	const char *why = "";

	if (err == -E2BIG)
		why = "vm.max_map_count is too large to be filled up";
	else if (err == -EOVERFLOW)
		why = "the process has more maps than the ballast line leaves";
	memccpy(c->shared->refusal_text, why, '\0', sizeof(c->shared->refusal_text) - 1);
	child_refuse(c, REFUSAL_BALLAST, *why ? 0 : err);
	return err;
}

static int reserve_ballast(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->has_ballast)
		return 0;
	int err = ballast_reserve(&c->ballast, c->accounts, accounts_max_map_count());

	/* Programs that are handed over need none, or are refused one by one. */
	return err && !cfg->fed ? child_refuse_ballast(c, err) : 0;
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

int child_init(struct child *c, const struct child_setup *setup)
{
	*c = (struct child){
		.main = c,
		.shared = setup->shared,
		.pos = &setup->shared->pos[0],
		.alloc = setup->alloc,
		.program = setup->program,
		.arena = setup->arena,
		.common = setup->common,
		.accounts = setup->accounts,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.pages_options = begin_pages_options(&setup->shared->config),
		.kernel = setup->shared->config.kernel,
	};
	/*
	 * A thread that ends has its successor made by libc, which allocates: not out of a heap of
	 * the thread's own, as that would lie where the program may have made a hole.
	 */
	if (c->kernel)
		mallopt(M_ARENA_MAX, 1);
	atomic_store(&c->pos->pid, getpid());
	c->shared->tid[0] = gettid();
	int err = init_program(c, setup);

	if (!err)
		err = kcalls_init(c, setup->arena);
	if (err)
		return err;
	if (c->shared->config.keeps_files)
		map_files_raise_limit();
	err = sampler_new(setup->arena, c, &c->sampler);
	if (!err)
		err = parallel_init(c, setup->arena);
	if (err)
		return child_refuse(c, REFUSAL_ARENA, err);
	err = threads_init(c, setup->arena);
	if (!err)
		err = kcalls_arm_thread(c);
	if (err)
		return child_refuse(c, REFUSAL_THREADS, err);
	err = init_accounts(c, setup);
	if (err)
		return child_refuse(c, REFUSAL_ACCOUNTS, err);
	c->arena_used = setup->arena->used;
	c->common_used = setup->common->used;
	return 0;
}

void child_run(struct child *c)
{
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
}
