#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/oracle/pages_walk_priv.h"

#define CHILD_STEPS 6
/* Far away from what libc and the sanitizers map. */
#define AREA_HINT ((void *)0x200000000000)

uint64_t pick(struct walk *w, uint64_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (w->random >> 33) % below;
}

bool chance(struct walk *w, uint64_t one_in)
{
	return pick(w, one_in) == 0;
}

void say(struct walk *w, const char *format, ...)
{
	char *line = w->together->line[w->together->lines++ % STORY_LINES];
	va_list args;
	int n = snprintf(line, LINE_BYTES, "%*s", (int)w->depth * 2, "");

	va_start(args, format);
	vsnprintf(line + n, LINE_BYTES - (size_t)n, format, args);
	va_end(args);
}

static void walk_fork(struct walk *w);

static void step(struct walk *w)
{
	if (chance(w, 45))
		walk_fork(w);
	else
		walk_call(w);
}

/* The pages of the process are now the child's: what the parent opened shows the parent's. */
static int pagemap_reopen(struct walk *w)
{
	w->measure.used = 0;
	return pagemap_init(&w->pagemap, &w->measure,
			    open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
}

static void check_all(struct walk *w)
{
	struct page_access a = {.kind = PAGES_CHECK, .start = w->area, .end = w->end};

	say(w, "check all");
	access_all(w, &a);
}

static void child_steps(struct walk *w, bool kill_it)
{
	pagemap_reopen(w);
	compare(w);
	if (chance(w, 2))
		check_all(w);
	for (int i = 0; i < CHILD_STEPS && w->together->sink.n == 0; i++) {
		step(w);
		compare(w);
	}
	if (kill_it)
		raise(SIGKILL);
	_exit(0);
}

static void walk_fork(struct walk *w)
{
	bool kill_it = w->options->cuts && chance(w, 2);
	unsigned proc = ++w->together->procs;
	int status;

	if (w->depth == 2)
		return;
	say(w, "fork %u", proc);
	pid_t pid = fork();

	if (pid == 0) {
		w->depth++;
		pages_forked(w->pages, proc);
		child_steps(w, kill_it);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid <= 0)
		return;
	say(w, "child %u is gone: %x", proc, (unsigned)status);
	pages_child_gone(w->pages, proc, kill_it);
	/* The story goes on as if the child had not drawn. */
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		w->together->sink.n++;
}

static void *map_shared(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int open_files(struct walk *w)
{
	char name[64] = "/var/tmp/allocrig-walk-XXXXXX";

	w->fd[0] = memfd_create("walk", MFD_CLOEXEC);
	w->fd[1] = mkostemp(name, O_CLOEXEC);
	unlink(name);
	snprintf(name, sizeof(name), "/allocrig-walk-%d", (int)getpid());
	w->fd[2] = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	shm_unlink(name);
	w->fd[ZERO_FILE] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < FILES; i++) {
		uint64_t bytes = (8 + pick(w, 12)) * w->page;

		if (w->fd[i] < 0 || ftruncate(w->fd[i], (off_t)bytes) != 0)
			return -EIO;
		w->object[i] = pages_object(w->pages, bytes);
	}
	pages_object_reclaimable(w->pages, w->object[1]);
	return 0;
}

static int walk_begin(struct walk *w)
{
	struct pages_options o = {.page_bytes = w->page,
				  .seed = w->options->seed + 1,
				  .capacity = w->options->capacity,
				  .kernel = true,
				  .wrong = w->options->wrong};
	size_t bytes = w->options->area_pages * w->page;

	w->together = map_shared(sizeof(*w->together));
	w->shared.size = pages_shared_bytes(&o);
	w->shared.base = map_shared(w->shared.size);
	if (w->together == MAP_FAILED || w->shared.base == MAP_FAILED ||
	    arena_init(&w->own, pages_private_bytes(&o)) != 0 ||
	    arena_init(&w->measure, pagemap_arena_bytes()) != 0)
		return -ENOMEM;
	w->area = (uintptr_t)mmap(AREA_HINT, bytes + w->page, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	w->end = w->area + bytes;
	munmap((void *)w->area, bytes + w->page);
	if (pages_new(&w->own, &w->shared, &o, &w->pages) != 0)
		return -ENOMEM;
	return open_files(w) != 0 ? -EIO : pagemap_reopen(w);
}

static void walk_end(struct walk *w)
{
	munmap((void *)w->area, w->end - w->area);
	munmap(w->together, sizeof(*w->together));
	munmap(w->shared.base, w->shared.size);
	arena_release(&w->own);
	arena_release(&w->measure);
	for (int i = 0; i <= FILES; i++)
		close(w->fd[i]);
	close(w->pagemap.fd);
}

static void tell_story(struct together *t)
{
	size_t used = 0, size = sizeof(t->result.story);
	uint32_t first = t->lines > STORY_LINES ? t->lines - STORY_LINES : 0;

	for (uint32_t i = first; i < t->lines; i++) {
		int n = snprintf(t->result.story + used, size - used, "%s\n",
				 t->line[i % STORY_LINES]);

		used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
	}
}

void pages_walk(const struct walk_options *o, struct walk_result *ret_result)
{
	struct walk w = {.options = o, .random = o->seed, .page = (uint64_t)sysconf(_SC_PAGESIZE)};
	int err = walk_begin(&w);

	if (err) {
		*ret_result = (struct walk_result){.found = true, .story = "could not begin"};
		return;
	}
	struct together *t = w.together;

	while (t->result.steps < o->steps && t->sink.n == 0) {
		step(&w);
		t->result.steps++;
		compare(&w);
		if (t->result.steps % 64 == 0)
			check_all(&w);
	}
	t->result.found = t->sink.n != 0;
	t->result.finding = t->sink.v[0];
	t->result.forgotten = pages_forgotten(w.pages);
	tell_story(t);
	*ret_result = t->result;
	walk_end(&w);
}
