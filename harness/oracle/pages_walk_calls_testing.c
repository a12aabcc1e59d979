/* Random calls, made for real. */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/oracle/pages_walk_priv.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

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
	if (source < FILES)
		c = (struct pages_call){.object = w->object[source]};
	if (source <= ZERO_FILE) {
		fd = (uint64_t)w->fd[source];
		offset = pick(w, 12) * w->page;
	} else {
		flags |= MAP_ANONYMOUS;
	}
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
	access_all(w, &a);
}

void walk_call(struct walk *w)
{
	static const struct {
		void (*make)(struct walk *w);
		uint64_t share;
	} calls[] = {
		{walk_mmap, 18},     {walk_munmap, 6},	 {walk_mremap, 12},
		{walk_mprotect, 12}, {walk_madvise, 24}, {walk_lock, 6},
		{walk_truncate, 2},  {walk_msync, 2},	 {walk_access, 36},
	};
	uint64_t all = 0, at;
	size_t i = 0;

	for (size_t j = 0; j < sizeof(calls) / sizeof(calls[0]); j++)
		all += calls[j].share;
	for (at = pick(w, all); at >= calls[i].share; i++)
		at -= calls[i].share;
	calls[i].make(w);
}
