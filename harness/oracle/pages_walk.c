#include "harness/oracle/pages_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/kernel/pagemap.h"
#include "harness/oracle/pages_internal.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

#define FILES	    3
#define ZERO_FILE   FILES
#define CHILD_STEPS 6
#define STORY_LINES 100
#define LINE_BYTES  160
/* Far away from what libc and the sanitizers map. */
#define AREA_HINT ((void *)0x200000000000)

/* In memory that parent and children share. */
struct together {
	struct finding_sink sink;
	struct walk_result result;
	char line[STORY_LINES][LINE_BYTES];
	uint32_t lines;
	unsigned procs;
};

struct walk {
	const struct walk_options *options;
	struct together *together;
	struct arena own, shared, measure;
	struct pages *pages;
	struct pagemap pagemap;
	uint64_t random, page;
	uintptr_t area, end;
	int fd[FILES + 1];
	uint32_t object[FILES];
	unsigned depth;
	struct call_event event;
};

static sigjmp_buf guard;
static volatile sig_atomic_t guard_signal;
static volatile uintptr_t guard_address;

static void faulted(int signal, siginfo_t *info, void *context)
{
	(void)context;
	guard_signal = signal;
	guard_address = (uintptr_t)info->si_addr;
	siglongjmp(guard, 1);
}

static void guard_install(struct sigaction old[2])
{
	struct sigaction act = {.sa_sigaction = faulted, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &act, &old[0]);
	sigaction(SIGBUS, &act, &old[1]);
}

static uint64_t pick(struct walk *w, uint64_t below)
{
	w->random = w->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (w->random >> 33) % below;
}

static bool chance(struct walk *w, uint64_t one_in)
{
	return pick(w, one_in) == 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct walk *w, const char *format, ...)
{
	char *line = w->together->line[w->together->lines++ % STORY_LINES];
	va_list args;
	int n = snprintf(line, LINE_BYTES, "%*s", (int)w->depth * 2, "");

	va_start(args, format);
	vsnprintf(line + n, LINE_BYTES - (size_t)n, format, args);
	va_end(args);
}

static uint64_t at_page(const struct walk *w, uint64_t address)
{
	return (address - w->area) / w->page;
}

/* Makes the call, and tells the model. */
static int64_t call(struct walk *w, uint32_t nr, const uint64_t arg[6], struct pages_call c)
{
	struct kernel_call k = {.nr = nr, .caller = CALLER_PROGRAM};

	memcpy(k.arg, arg, sizeof(k.arg));
	kernel_call_make(&k);
	c.call = &k;
	pages_follow(w->pages, &c);
	*(k.err ? &w->together->result.failed : &w->together->result.succeeded) += 1;
	say(w, "  = %d (%" PRIx64 ")", k.err, (uint64_t)k.result);
	return k.err ? -k.err : 1;
}

/* ---- comparing ---- */

static void access_from(struct walk *w, const struct page_access *a)
{
	volatile uintptr_t at = a->start;
	struct sigaction old[2];

	guard_install(old);
	while (at < a->end) {
		struct page_access rest = *a;

		rest.start = at;
		if (sigsetjmp(guard, 1) == 0) {
			pages_access(w->pages, &rest, &w->event, &w->together->sink);
			break;
		}
		pages_access_faulted(w->pages, guard_address, guard_signal, &w->event,
				     &w->together->sink);
		at = guard_address - guard_address % w->page + w->page;
	}
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
}

static void check_touched(struct walk *w)
{
	struct sigaction old[2];

	guard_install(old);
	if (sigsetjmp(guard, 1) == 0)
		pages_check_touched(w->pages, w->area, w->end, &w->event, &w->together->sink);
	else
		pages_access_faulted(w->pages, guard_address, guard_signal, &w->event,
				     &w->together->sink);
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
}

/* Which pages it is that are resident or not, against the model. */
static bool residency_differs(struct walk *w)
{
	bool differs = false;

	for (uintptr_t at = w->area; at < w->end; at += w->page) {
		struct resident r = {0};
		struct segment s;

		segment_at(w->pages, at / w->page, at / w->page + 1, &s);
		pagemap_count_span(&w->pagemap, (struct span){at, at + w->page}, &r);
		if (s.region.flags & REGION_UNSURE)
			s.state.high = 1;
		if (r.pages <= s.state.high && r.pages >= s.state.low)
			continue;
		differs = true;
		say(w,
		    "page %" PRIu64 ": %" PRIu64 " resident, %u to %u; flags %x object %x view %d",
		    at_page(w, at), r.pages, s.state.low, s.state.high, s.region.flags,
		    s.region.object, s.state.view);
	}
	return differs;
}

static void say_segments(struct walk *w)
{
	struct segment s;

	for (uint64_t at = w->area / w->page; at < w->end / w->page; at = s.end) {
		segment_at(w->pages, at, w->end / w->page, &s);
		say(w,
		    "pages %" PRIu64 " to %" PRIu64 ": can %d, flags %x, object %x+%" PRIu64
		    ", view %d guard %d low %d high %d, stamp %u unknown %d",
		    at_page(w, s.start * w->page), at_page(w, s.end * w->page), (int)s.can,
		    s.region.flags, s.region.object, s.region.object ? s.start - s.region.delta : 0,
		    s.state.view, s.state.guard, s.state.low, s.state.high, s.content.stamp,
		    s.content.unknown);
	}
}

/* What is in the files, without mapping them. */
static void check_file_page(struct walk *w, unsigned file, uint64_t page)
{
	uint64_t end = page + 1, word = 0;
	struct page_content c = object_content(w->pages, w->object[file], page, &end);
	uint64_t expected = content_word(w->pages, &c, page);
	ssize_t n = pread(w->fd[file], &word, sizeof(word), (off_t)(page * w->page));

	/* A word that the end of the file cuts through is not looked at. */
	if (c.unknown || (n > 0 && n < (ssize_t)sizeof(word)) || (n > 0 && word == expected))
		return;
	say(w, "file %u, page %" PRIu64 ": %" PRIx64 ", not %" PRIx64 " (%zd read)", file, page,
	    word, expected, n);
	finding_add(&w->together->sink, &(struct finding){.kind = FINDING_LOST_CONTENT,
							  .rule = RULE_CONTENT_MAPPING,
							  .n = {0, 0, expected, expected, word}});
}

static void check_files(struct walk *w)
{
	for (unsigned i = 0; i < FILES; i++) {
		const struct page_object *o = object_of(w->pages, w->object[i]);
		uint64_t pages = o->size_unknown ? 0 : object_pages(w->pages, o);

		for (uint64_t page = 0; page < pages; page++)
			check_file_page(w, i, page);
	}
}

static void count_views(struct walk *w)
{
	struct page_view v;

	for (uintptr_t at = w->area; at < w->end; at = v.end) {
		pages_look(w->pages, at, &v);
		uint64_t pages = ((v.end < w->end ? v.end : w->end) - at) / w->page;

		w->together->result.judged += pages;
		bool readable = v.can == PAGE_READS || v.can == PAGE_WRITES;

		if (v.can == PAGE_UNKNOWN || (readable && !v.known))
			w->together->result.unknown += pages;
	}
}

static void compare(struct walk *w)
{
	struct span area = {w->area, w->end};
	struct pages_resident r;
	struct resident measured = {0};

	if (pagemap_count_span(&w->pagemap, area, &measured) == 0)
		pages_judge_resident(w->pages, measured.pages * w->page, false, &w->event,
				     &w->together->sink);
	/* One page too many and one too few are no less wrong together. */
	if (residency_differs(w))
		finding_add(&w->together->sink, &(struct finding){.kind = FINDING_WRONG_RESIDENCY,
								  .rule = RULE_RESIDENCY});
	if (w->together->sink.n)
		say_segments(w);
	pages_resident(w->pages, &r);
	w->together->result.exact += r.low_bytes == r.high_bytes;
	check_touched(w);
	check_files(w);
	count_views(w);
}

/* ---- calls ---- */

struct stretch {
	uint64_t start, bytes; /* address, length; not always whole pages */
};

static struct stretch pick_stretch(struct walk *w)
{
	uint64_t pages = w->options->area_pages, first = pick(w, pages);
	uint64_t most = chance(w, 4) ? pages - first : pages / 6 + 1;
	uint64_t len = 1 + pick(w, most < pages - first ? most : pages - first);
	struct stretch s = {w->area + first * w->page, len * w->page};

	if (chance(w, 4))
		s.bytes -= pick(w, w->page);
	return s;
}

static uint64_t pick_prot(struct walk *w)
{
	static const uint64_t prots[] = {PROT_READ | PROT_WRITE,
					 PROT_READ | PROT_WRITE,
					 PROT_READ | PROT_WRITE,
					 PROT_READ,
					 PROT_NONE,
					 PROT_READ | PROT_WRITE | PROT_EXEC};

	return prots[pick(w, sizeof(prots) / sizeof(prots[0]))];
}

static void walk_mmap(struct walk *w)
{
	struct stretch s = pick_stretch(w);
	uint64_t flags = chance(w, 2) ? MAP_PRIVATE : MAP_SHARED, prot = pick_prot(w);
	uint64_t source = pick(w, 8), offset = 0, fd = UINT64_MAX;
	struct pages_call c = {.anonymous = true};

	if (chance(w, 12) && source != 4)
		flags = source < FILES ? MAP_SHARED_VALIDATE : MAP_PRIVATE;
	flags |= chance(w, 8) ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	flags |= chance(w, 10) ? MAP_POPULATE : 0;
	flags |= chance(w, 16) ? MAP_LOCKED : 0;
	flags |= chance(w, 10) ? MAP_NORESERVE : 0;
	if (source < FILES) {
		c = (struct pages_call){.object = w->object[source]};
		offset = pick(w, 12) * w->page;
	}
	if (source <= ZERO_FILE)
		fd = (uint64_t)w->fd[source];
	else
		flags |= MAP_ANONYMOUS;
	if (chance(w, 40))
		offset += 5;
	say(w,
	    "mmap %" PRIu64 "+%" PRIu64 " prot %" PRIu64 " flags %" PRIx64 " source %" PRIu64
	    "+%" PRIu64,
	    at_page(w, s.start), s.bytes, prot, flags, source, offset / w->page);
	call(w, SYS_mmap, (uint64_t[6]){s.start, s.bytes, prot, flags, fd, offset}, c);
}

static void walk_munmap(struct walk *w)
{
	struct stretch s = pick_stretch(w);

	if (chance(w, 30))
		s.start += 8;
	say(w, "munmap %" PRIu64 "+%" PRIu64, at_page(w, s.start), s.bytes);
	call(w, SYS_munmap, (uint64_t[6]){s.start, s.bytes}, (struct pages_call){0});
}

/* What is refused with a fixed place leaves much unknown: most are to be of one mapping. */
static void pick_movable(struct walk *w, struct stretch *s, struct stretch *to)
{
	struct region region;
	struct run run;

	for (int tries = 0; tries < 8; tries++) {
		*s = pick_stretch(w);
		*to = pick_stretch(w);
		if (!region_find(w->pages, s->start / w->page, w->end / w->page, &run, &region))
			continue;
		s->start = run.start * w->page;
		if (s->bytes > (run.end - run.start) * w->page)
			s->bytes = (run.end - run.start) * w->page;
		if (to->start >= s->start + s->bytes + w->page ||
		    to->start + s->bytes + w->page < s->start)
			return;
	}
}

static void walk_mremap(struct walk *w)
{
	struct stretch s = pick_stretch(w), to = pick_stretch(w);
	uint64_t flags = chance(w, 4) ? 0 : MREMAP_MAYMOVE | MREMAP_FIXED;

	if (!chance(w, 8))
		pick_movable(w, &s, &to);
	uint64_t len = s.bytes;

	if (flags && chance(w, 4))
		flags |= MREMAP_DONTUNMAP;
	else if (chance(w, 2))
		len = to.bytes;
	if (flags && chance(w, 6))
		s.bytes = 0;
	/* Without a fixed place nothing may leave the area. */
	if (len > w->end - to.start)
		len = w->end - to.start;
	if (!flags && s.start + len > w->end)
		len = w->end - s.start;
	say(w, "mremap %" PRIu64 "+%" PRIu64 " to %" PRIu64 "+%" PRIu64 " flags %" PRIu64,
	    at_page(w, s.start), s.bytes, at_page(w, to.start), len, flags);
	call(w, SYS_mremap, (uint64_t[6]){s.start, s.bytes, len, flags, to.start},
	     (struct pages_call){0});
}

static void walk_mprotect(struct walk *w)
{
	struct stretch s = pick_stretch(w);
	uint64_t prot = pick_prot(w);

	say(w, "mprotect %" PRIu64 "+%" PRIu64 " prot %" PRIu64, at_page(w, s.start), s.bytes,
	    prot);
	call(w, SYS_mprotect, (uint64_t[6]){s.start, s.bytes, prot}, (struct pages_call){0});
}

static void walk_madvise(struct walk *w)
{
	static const int advices[] = {4,  4,  4,  8,  8,  9,   9,   10,	 10,  11, 18, 18, 19,
				      20, 21, 22, 23, 24, 102, 102, 103, 103, 3,  0,  77};
	static const int huge[] = {14, 14, 15, 25, 12};
	struct stretch s = pick_stretch(w);
	int advice = advices[pick(w, sizeof(advices) / sizeof(advices[0]))];

	if (w->options->huge && chance(w, 3))
		advice = huge[pick(w, sizeof(huge) / sizeof(huge[0]))];
	say(w, "madvise %" PRIu64 "+%" PRIu64 " %d", at_page(w, s.start), s.bytes, advice);
	call(w, SYS_madvise, (uint64_t[6]){s.start, s.bytes, (uint64_t)advice},
	     (struct pages_call){0});
}

static void walk_lock(struct walk *w)
{
	struct stretch s = pick_stretch(w);
	uint32_t nr = chance(w, 3) ? SYS_mlock : SYS_munlock;

	say(w, "%s %" PRIu64 "+%" PRIu64, nr == SYS_mlock ? "mlock" : "munlock",
	    at_page(w, s.start), s.bytes);
	call(w, nr, (uint64_t[6]){s.start, s.bytes}, (struct pages_call){0});
}

static void walk_msync(struct walk *w)
{
	struct stretch s = pick_stretch(w);

	say(w, "msync %" PRIu64 "+%" PRIu64, at_page(w, s.start), s.bytes);
	call(w, SYS_msync, (uint64_t[6]){s.start, s.bytes, MS_ASYNC}, (struct pages_call){0});
}

static void walk_truncate(struct walk *w)
{
	uint64_t file = pick(w, FILES), bytes = pick(w, 20) * w->page;

	if (chance(w, 3))
		bytes += pick(w, chance(w, 3) ? 9 : w->page);
	say(w, "truncate %" PRIu64 " %" PRIu64 "p+%" PRIu64, file, bytes / w->page,
	    bytes % w->page);
	if (ftruncate(w->fd[file], (off_t)bytes) == 0)
		pages_truncate(w->pages, w->object[file], bytes);
}

static void walk_access(struct walk *w)
{
	static const enum page_access_kind kinds[] = {PAGES_CHECK, PAGES_CHECK, PAGES_TOUCH,
						      PAGES_TOUCH, PAGES_TOUCH, PAGES_ADD};
	struct stretch s = pick_stretch(w);
	struct page_access a = {.kind = kinds[pick(w, sizeof(kinds) / sizeof(kinds[0]))],
				.start = s.start,
				.add = pick(w, 1000)};

	a.end = s.start + (s.bytes + w->page - 1) / w->page * w->page;
	if (chance(w, 12)) {
		a.start = w->area;
		a.end = w->end;
	}
	say(w, "access %d at %" PRIu64 " to %" PRIu64, (int)a.kind, at_page(w, a.start),
	    at_page(w, a.end));
	access_from(w, &a);
}

static void walk_fork(struct walk *w);

static void step(struct walk *w)
{
	switch (pick(w, 20)) {
	case 0:
	case 1:
	case 2:
		walk_mmap(w);
		break;
	case 3:
		walk_munmap(w);
		break;
	case 4:
	case 5:
		walk_mremap(w);
		break;
	case 6:
	case 7:
		walk_mprotect(w);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		walk_madvise(w);
		break;
	case 12:
		walk_lock(w);
		break;
	case 13:
		if (chance(w, 3))
			walk_truncate(w);
		else if (chance(w, 3))
			walk_msync(w);
		else
			walk_fork(w);
		break;
	default:
		walk_access(w);
	}
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
	access_from(w, &a);
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

/* ---- the walk ---- */

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
