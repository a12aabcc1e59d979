#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench/launch/launch_page.h"
#include "bench/launch/launch_run.h"
#include "harness/exec/work.h"

__attribute__((format(printf, 3, 4))) static void say(struct bench_result *r, enum bench_status s,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);
	r->status = s;
}

struct line {
	char s[240];
};

static struct line printable(const char *from, size_t len)
{
	struct line l;

	snprintf(l.s, sizeof(l.s), "%.*s", (int)(len < sizeof(l.s) ? len : sizeof(l.s) - 1), from);
	for (char *p = l.s; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return l;
}

/* The last line that the process said, with ": " before it; "": it was silent. */
static struct line last_words(const struct launch_run *run)
{
	size_t end = run->output_len, from;
	struct line l = {""}, words;

	while (end && run->output[end - 1] == '\n')
		end--;
	for (from = end; from && run->output[from - 1] != '\n';)
		from--;
	if (from == end)
		return l;
	words = printable(run->output + from, end - from);
	snprintf(l.s, sizeof(l.s), ": %.230s", words.s);
	return l;
}

/* "before its first phase", "in phase 'churn'", "after its last phase". */
static struct line where(const struct launch_run *run)
{
	char name[BENCH_NAME_MAX];
	struct line l = {"before its first phase"};

	if (!run->nstops)
		return l;
	if (run->nstops > run->page->nphases) {
		snprintf(l.s, sizeof(l.s), "after its last phase");
		return l;
	}
	page_phase_name(run->page, run->nstops - 1, name);
	snprintf(l.s, sizeof(l.s), "in phase '%s'", name);
	return l;
}

/* The linker's line about the file; "": there is none. */
static struct line linker_says(const struct launch_run *run)
{
	static const char *const signs[] = {"cannot be preloaded", "symbol lookup error",
					    "error while loading shared libraries",
					    "cannot allocate memory in static TLS"};
	const char *from = run->output, *end = run->output + run->output_len;
	struct line none = {""};

	while (from < end) {
		const char *stop = memchr(from, '\n', (size_t)(end - from));
		size_t len = (size_t)((stop ? stop : end) - from);
		bool is_ours = memmem(from, len, run->q->in.file, strlen(run->q->in.file)) != NULL;

		for (size_t i = 0; is_ours && i < sizeof(signs) / sizeof(signs[0]); i++)
			if (memmem(from, len, signs[i], strlen(signs[i])))
				return printable(from, len);
		from += len + 1;
	}
	return none;
}

static const char *signal_word(int sig)
{
	const char *name = sigabbrev_np(sig);

	return name ? name : "unknown";
}

static void judge_signal(const struct launch_run *run, struct bench_result *r)
{
	int sig = WTERMSIG(run->status);
	uint64_t kills = oom_kills();

	if (sig == SIGKILL && kills != OOM_UNKNOWN && kills != run->oom_kills)
		say(r, STATUS_OUT_OF_MEMORY, "the kernel ended it for want of memory %s",
		    where(run).s);
	else
		say(r, STATUS_CRASH, "SIG%s %s%s", signal_word(sig), where(run).s,
		    last_words(run).s);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The file that has to serve malloc, as far as it is known: of libc itself only the result knows.
 */
static const char *meant_file(const struct launch_run *run)
{
	if (run->q->in.file[0])
		return run->q->in.file;
	return run->q->ref ? run->q->ref->path : "";
}

static void judge_ok(const struct launch_run *run, struct bench_result *r)
{
	const char *meant = meant_file(run);
	char err[200];

	if (WEXITSTATUS(run->status) != 0)
		say(r, STATUS_CRASH, "it came to its end and exited with status %d%s",
		    WEXITSTATUS(run->status), last_words(run).s);
	else if (page_check(run->copy, &run->q->in, run->begin_ns, run->end_ns, err, sizeof(err)) !=
		 0)
		say(r, STATUS_CRASH, "its page was written over: %s", err);
	else if (run->nstops != run->copy->nphases + 1)
		say(r, STATUS_CRASH, "its page was written over: it stopped %u times for %u phases",
		    run->nstops, run->copy->nphases);
	else if (*meant && !is_same_file(meant, run->copy->served))
		say(r, STATUS_WRONG_ALLOCATOR, "malloc was served by %s",
		    run->copy->served[0] ? printable(run->copy->served, sizeof(run->copy->served)).s
					 : "nobody knows whom");
	else
		r->status = STATUS_OK;
}

static void judge_end(const struct launch_run *run, struct bench_result *r)
{
	static const enum bench_status of[] = {
		[BENCH_END_WRONG_ALLOCATOR] = STATUS_WRONG_ALLOCATOR,
		[BENCH_END_WRONG_OUTPUT] = STATUS_WRONG_OUTPUT,
		[BENCH_END_REFUSED] = STATUS_OUT_OF_MEMORY,
		[BENCH_END_UNSUPPORTED] = STATUS_UNSUPPORTED,
		[BENCH_END_BROKEN] = STATUS_BROKEN,
	};
	const struct bench_page *p = run->copy;

	if (p->end == BENCH_END_OK)
		judge_ok(run, r);
	else if (p->end == BENCH_END_REFUSED)
		say(r, STATUS_OUT_OF_MEMORY, "%s %s", p->text, where(run).s);
	else if (p->end != BENCH_END_NONE)
		say(r, of[p->end], "%s", p->text);
	else
		say(r, STATUS_CRASH, "it exited with status %d %s%s", WEXITSTATUS(run->status),
		    where(run).s, last_words(run).s);
}

/* A file that did not load is served by libc, or nothing runs at all: whatever came, it is told. */
static bool judge_linker(const struct launch_run *run, struct bench_result *r)
{
	struct line said = linker_says(run);

	if (!run->q->in.file[0] || !said.s[0])
		return false;
	say(r, STATUS_WRONG_ALLOCATOR, "%s", said.s);
	return true;
}

void launch_judge(const struct launch_run *run, struct bench_result *r)
{
	r->why[0] = '\0';
	if (run->err && !run->child.pid)
		say(r, STATUS_BROKEN, "%s cannot be started: %s", run->q->program,
		    strerror(-run->err));
	else if (run->err)
		say(r, STATUS_BROKEN, "it cannot be watched: %s", strerror(-run->err));
	else if (run->kill == KILL_INTERRUPT)
		say(r, STATUS_INTERRUPTED, "interrupted %s", where(run).s);
	else if (run->kill == KILL_LIMIT)
		say(r, STATUS_TIMEOUT, "not over after %.3g s %s", (double)run->q->limit_ns / 1e9,
		    where(run).s);
	else if (run->kill == KILL_DAMAGE)
		say(r, STATUS_CRASH, "its page was written over %s", where(run).s);
	else if (judge_linker(run, r))
		return;
	else if (WIFSIGNALED(run->status))
		judge_signal(run, r);
	else
		judge_end(run, r);
}
