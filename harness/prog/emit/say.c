#include "harness/prog/emit/say.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define EXIT_WRONG	1
#define EXIT_BROKEN	2
#define EXIT_IMPOSSIBLE 77
/* A call that takes two times as long does not return. */
#define TICK_SECONDS 5

static _Thread_local struct {
	unsigned line, slot;
	const char *call;
	char space;
	struct allowed allowed;
} now;

static bool is_undecided;
static atomic_ulong moves;
static bool is_waiting;

void at(unsigned line)
{
	atomic_fetch_add_explicit(&moves, 1, memory_order_relaxed);
	now.line = line;
	now.call = NULL;
	now.allowed.n = 0;
}

unsigned line_now(void)
{
	return now.line;
}

void in_call(const char *call, char space, unsigned slot)
{
	atomic_fetch_add_explicit(&moves, 1, memory_order_relaxed);
	now.call = call;
	now.space = space;
	now.slot = slot;
}

/* In one write, as other processes and threads may speak too; without stdio, which allocates. */
__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	char text[512];
	size_t n = 0;

	if (now.line)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "line %u: ", now.line);
	if (now.line && now.call)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %c[%u]: ", now.call,
				      now.space, now.slot);
	int more = vsnprintf(text + n, sizeof(text) - n - 1, format, args);

	n += more < 0 ? 0 : strlen(text + n);
	text[n++] = '\n';
	while (write(STDERR_FILENO, text, n) < 0 && errno == EINTR)
		;
}

void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	_exit(EXIT_WRONG);
}

static void on_tick(int signal)
{
	static unsigned long seen;
	unsigned long all = atomic_load(&moves);

	(void)signal;
	if (seen == all && !is_waiting)
		wrong("nothing goes on: a call does not return");
	seen = all;
}

void watch_start(void)
{
	struct itimerval ticks = {{TICK_SECONDS, 0}, {TICK_SECONDS, 0}};
	struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &ticks, NULL);
}

void watch_waits(bool waits)
{
	is_waiting = waits;
}

void impossible(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	_exit(EXIT_IMPOSSIBLE);
}

void undecided(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!is_undecided)
		say(format, args);
	va_end(args);
	is_undecided = true;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void broken(const char *what)
{
	complain("%s: %s", what, strerrordesc_np(errno));
	_exit(EXIT_BROKEN);
}

int finish(void)
{
	return is_undecided ? EXIT_IMPOSSIBLE : 0;
}

void expect(int64_t found, int holds, const char *what)
{
	if (found == NOT_KNOWN)
		undecided("expected %s, which cannot be measured here", what);
	else if (!holds)
		wrong("expected %s, but it is %" PRId64, what, found);
}

static const char *outcome_name(int outcome)
{
	if (outcome == OK)
		return "ok";
	if (outcome == NO_ERRNO)
		return "failure without an errno";
	if (outcome > FAULT(0) && !strerrorname_np(outcome))
		return outcome == FAULT(7) ? "SIGBUS" : "SIGSEGV";
	const char *name = strerrorname_np(outcome);

	return name ? name : "an unknown errno";
}

void allowing(const int *outcomes, size_t n)
{
	now.allowed.outcome = outcomes;
	now.allowed.n = n;
}

const struct allowed *allowed_now(void)
{
	return &now.allowed;
}

/* Where failing is allowed, one without an errno is another matter. */
bool is_allowed(int outcome)
{
	for (size_t i = 0; i < now.allowed.n; i++)
		if (now.allowed.outcome[i] == outcome ||
		    (outcome == NO_ERRNO && now.allowed.outcome[i] != OK))
			return true;
	return false;
}

void allow(int outcome)
{
	char list[256];
	size_t len = 0;

	if (outcome == SKIPPED || is_allowed(outcome))
		return;
	for (size_t i = 0; i < now.allowed.n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? "|" : "",
					outcome_name(now.allowed.outcome[i]));
	wrong("%s, allowed is %s", outcome_name(outcome), list);
}
