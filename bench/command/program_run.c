#include "bench/command/program_run.h"

#include <string.h>

struct runner_options program_options(const struct bench_tools *t, uint64_t seed, bool watched)
{
	struct runner_options o = runner_defaults();

	o.oracles = o.watch = o.sampling = watched;
	o.confirm_growth = false;
	o.seed = seed;
	o.limit_ns = t->limit_ns;
	return o;
}

void program_run(const struct program *p, const struct allocator_ref *ref,
		 const struct runner_options *o, struct outcome_of_run *ret)
{
	static struct subject subject;

	subject = (struct subject){.ref = *ref};
	runner_run(&subject, p, o, ret);
	ret->in.allocator = ref;
}

/* Findings without which the figures mean nothing. */
#define WRONG_KINDS                                                                                \
	(FINDING_BIT(FINDING_OVERLAP) | FINDING_BIT(FINDING_MISALIGNED) |                          \
	 FINDING_BIT(FINDING_CORRUPTED) | FINDING_BIT(FINDING_LOST_CONTENT) |                      \
	 FINDING_BIT(FINDING_DIRTY_ZERO) | FINDING_BIT(FINDING_SHORT_USABLE) |                     \
	 FINDING_BIT(FINDING_ACCEPTED_OVERFLOW) | FINDING_BIT(FINDING_UNEXPECTED_RESULT) |         \
	 FINDING_BIT(FINDING_EXPECTATION))
#define CRASH_KINDS   (FINDING_BIT(FINDING_CRASH) | FINDING_BIT(FINDING_FORK_BROKEN))
#define REFUSED_KINDS FINDING_BIT(FINDING_NULL_WITHOUT_CAUSE)

/* Without the stack: a line is to be read, and the signature has its names. */
static void put_message(const struct verdict_finding *f, char *why, size_t size)
{
	const char *stack = strstr(f->message, "; stack"),
		   *said = strstr(f->message, "; it printed");
	int len = stack ? (int)(stack - f->message) : (int)strlen(f->message);

	snprintf(why, size, "at op %d: %.*s%s", f->finding->stmt, len, f->message,
		 stack && said && said > stack ? said : "");
}

/* The first finding of these kinds in words; whether there is one. */
static bool first_of(const struct verdict *v, uint32_t kinds, char *why, size_t size)
{
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->finding[i];

		if (!(kinds & FINDING_BIT(f->finding->kind)))
			continue;
		put_message(f, why, size);
		return true;
	}
	return false;
}

static enum bench_status refused_status(const struct run_shared *s)
{
	switch (s->refusal) {
	case REFUSAL_LINKER:
	case REFUSAL_NO_MALLOC:
	case REFUSAL_DLOPEN:
		return STATUS_WRONG_ALLOCATOR;
	case REFUSAL_BALLAST:
	case REFUSAL_UNSUPPORTED:
		return STATUS_UNSUPPORTED;
	default:
		return STATUS_BROKEN;
	}
}

/* Of a run that came to its end and was not believed. */
static enum bench_status doubted_status(const struct outcome_of_run *r)
{
	if (r->verdict.outcome == OUTCOME_UNSUPPORTED)
		return STATUS_UNSUPPORTED;
	/* Where nothing failed in the harness, another file served the calls. */
	return r->result.shared->harness_error ? STATUS_BROKEN : STATUS_WRONG_ALLOCATOR;
}

static enum bench_status found_status(const struct outcome_of_run *r, char *why, size_t size)
{
	const struct verdict *v = &r->verdict;

	if (first_of(v, CRASH_KINDS, why, size))
		return STATUS_CRASH;
	if (first_of(v, FINDING_BIT(FINDING_HANG), why, size))
		return STATUS_TIMEOUT;
	if (first_of(v, WRONG_KINDS, why, size))
		return STATUS_WRONG_OUTPUT;
	if (first_of(v, REFUSED_KINDS, why, size))
		return STATUS_OUT_OF_MEMORY;
	return STATUS_OK;
}

static enum bench_status ended_early(const struct outcome_of_run *r, char *why, size_t size)
{
	switch (r->result.end) {
	case RUN_END_REFUSED:
		return refused_status(r->result.shared);
	case RUN_END_INTERRUPTED:
		if (runner_interrupted())
			return STATUS_INTERRUPTED;
		snprintf(why, size, "not over within the time limit");
		return STATUS_TIMEOUT;
	default:
		return STATUS_BROKEN;
	}
}

enum bench_status program_status(const struct outcome_of_run *r, char *why, size_t size)
{
	const struct verdict *v = &r->verdict;

	snprintf(why, size, "%.*s", (int)size - 1, v->reason);
	if (!r->result.shared)
		return v->outcome == OUTCOME_UNSUPPORTED ? STATUS_UNSUPPORTED : STATUS_BROKEN;
	if (r->result.end == RUN_END_REFUSED || r->result.end == RUN_END_INTERRUPTED ||
	    r->result.end == RUN_END_BROKEN)
		return ended_early(r, why, size);
	if (v->outcome == OUTCOME_BROKEN || v->outcome == OUTCOME_UNSUPPORTED)
		return doubted_status(r);
	return found_status(r, why, size);
}

int64_t program_since(int64_t now, int64_t start)
{
	return now < 0 || start < 0 ? -1 : now - start;
}

const struct checkpoint_record *program_checkpoint(const struct run_shared *s, const char *name)
{
	const struct checkpoint_record *found = NULL;
	uint32_t n = atomic_load(&s->ncheckpoints);

	for (uint32_t i = 0; i < n && i < CHECKPOINT_MAX; i++)
		if (!s->checkpoint[i].in_fork && strcmp(s->checkpoint[i].name, name) == 0)
			found = &s->checkpoint[i];
	return found;
}

uint64_t program_kernel_calls(const struct run_shared *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < KCALL_COUNT; i++)
		n += s->counts.call[i].by_allocator;
	for (unsigned i = 0; i < OTHER_CALLS; i++)
		n += s->counts.other[CALLER_ALLOCATOR][i];
	return n;
}
