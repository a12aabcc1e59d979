/* The model against the kernel. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "harness/oracle/pages_walk_priv.h"

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

void access_all(struct walk *w, const struct page_access *a)
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

void compare(struct walk *w)
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
