#include "harness/prog/emit/access.h"

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/shadow.h"

#define WORDS_IN_PAGE (PAGE / sizeof(uint64_t))

static _Thread_local struct {
	sigjmp_buf env;
	volatile int is_armed;
} guard;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	static volatile int crashes;

	(void)context;
	if (guard.is_armed && (signal == SIGSEGV || signal == SIGBUS))
		siglongjmp(guard.env, signal);
	if (crashes++) /* while it was being said */
		_exit(1);
	wrong("the process crashed: %s at %p", sigdescr_np(signal), info->si_addr);
}

void access_start(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP};
	static char stack[64 << 10];
	const stack_t other = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction a = {.sa_sigaction = on_fault};

	a.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &a, NULL);
}

static volatile uint64_t *words_of(uint64_t page)
{
	return (volatile uint64_t *)(page * PAGE);
}

/* The word that was there, and behind it the first that is not zero. */
struct seen {
	uint64_t word;
	size_t dirty; /* index of a word; 0: none */
};

static void read_page(uint64_t page, volatile struct seen *seen)
{
	volatile uint64_t *p = words_of(page);

	seen->word = p[0];
	for (size_t i = 1; i < WORDS_IN_PAGE; i++)
		if (p[i] && !seen->dirty)
			seen->dirty = i;
}

/* Returns OK or FAULT. */
static int access_one(enum access kind, uint64_t page, uint64_t value, struct seen *ret_seen)
{
	volatile struct seen seen = {0};
	int signal = sigsetjmp(guard.env, 0);

	if (signal == 0) {
		guard.is_armed = 1;
		if (kind == READ)
			read_page(page, &seen);
		else if (kind == WRITE)
			*words_of(page) = value;
		else
			seen.word = __atomic_fetch_add(words_of(page), value, __ATOMIC_SEQ_CST);
	}
	guard.is_armed = 0;
	ret_seen->word = seen.word;
	ret_seen->dirty = seen.dirty;
	return signal ? FAULT(signal) : OK;
}

static int wanted(enum access kind, const struct view *v)
{
	if (v->can == CAN_NOTHING || (kind != READ && !v->writes))
		return FAULT(SIGSEGV);
	return v->can == CAN_NOT_REACH ? FAULT(SIGBUS) : OK;
}

static const char *end_name(int end)
{
	if (end == OK)
		return "ok";
	return end == FAULT(SIGBUS) ? "SIGBUS" : "SIGSEGV";
}

static void judge_access(enum access kind, uint64_t page, int end, const struct view *v)
{
	int want = wanted(kind, v);

	if (v->can != CAN_MAYBE && end != want)
		wrong("%s the page at %#llx ends with %s, it must end with %s",
		      kind == READ ? "reading" : "writing", (unsigned long long)page * PAGE,
		      end_name(end), end_name(want));
}

static void judge_word(uint64_t page, const struct seen *seen, const struct view *v, uint64_t word)
{
	bool is_zero = v->content == ZERO;
	uint64_t want = is_zero ? 0 : word;

	if (v->content == UNKNOWN)
		return;
	if (seen->dirty)
		wrong("byte %zu of the page at %#llx is not zero, which it must be",
		      seen->dirty * sizeof(uint64_t), (unsigned long long)page * PAGE);
	if (seen->word != want && !(v->content == WORDS_OR_NOT && seen->word == 0))
		wrong("the page at %#llx holds %#llx, it must be %#llx",
		      (unsigned long long)page * PAGE, (unsigned long long)seen->word,
		      (unsigned long long)want);
}

/* The pages of one view; *page is where it ended. */
static int access_view(enum access kind, uint64_t *page, const struct view *v, uint64_t value)
{
	uint64_t first = *page;

	for (; *page < v->end; ++*page) {
		uint64_t done = *page - first;
		struct seen seen;
		int end = access_one(kind, *page, kind == WRITE ? value + done : value, &seen);

		judge_access(kind, *page, end, v);
		if (end != OK)
			return end;
		if (kind != WRITE)
			judge_word(*page, &seen, v, v->word + done);
		if (kind == ADD)
			shadow_write(*page, *page + 1, seen.word + value);
	}
	return OK;
}

int access_pages(enum access kind, uint64_t from, uint64_t to, uint64_t add)
{
	uint64_t words = kind == WRITE ? shadow_new_words(to - from) : 0;
	struct view v;
	int end = OK;

	for (uint64_t page = from; page < to && end == OK;) {
		uint64_t first = page, value = kind == WRITE ? words + (page - from) : add;

		shadow_view(page, to, &v);
		end = access_view(kind, &page, &v, value);
		if (kind == WRITE && page > first)
			shadow_write(first, page, value);
	}
	return end;
}

void access_look_at_written(uint64_t from, uint64_t to)
{
	struct runs *pages = shadow_pages();
	struct view v;

	for (const struct run *r = runs_first(pages, from); r && r->start < to;
	     r = runs_next(pages, r)) {
		uint64_t page = r->start > from ? r->start : from;
		uint64_t end = r->end < to ? r->end : to;

		for (; page < end; page = v.end) {
			uint64_t first = page;

			shadow_view(page, end, &v);
			if ((v.content == WORDS || v.content == WORDS_OR_NOT) &&
			    (v.can == CAN_READ || v.can == CAN_WRITE))
				access_view(READ, &first, &v, 0);
		}
	}
}

/* Of pages that cannot be read the first one speaks for all that are like it. */
void access_read_all(uint64_t pages)
{
	const struct run *r = runs_first(shadow_pages(), 0);
	uint64_t page = r ? r->start : 0;
	struct view v;

	while (r && pages) {
		shadow_view(page, page + pages < r->end ? page + pages : r->end, &v);
		pages -= v.end - page;
		access_view(READ, &page, &v, 0);
		page = v.end;
		if (page < r->end)
			continue;
		r = runs_first(shadow_pages(), page);
		page = r ? r->start : 0;
	}
}
