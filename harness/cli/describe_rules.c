/*
 * describe_rules.c - the answers to the implementation-defined rules of the malloc family.
 *
 * Each rule is a program of its own, so that a crash answers one rule and spares the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/describe.h"
#include "harness/prog/names.h"

struct rule {
	const char *name, *question, *program;
	unsigned log_index; /* of the call that answers, in the op log */
	/* NULL: "ERRNO", "null" or "accepted". */
	void (*answer)(const struct run_shared *s, const struct oplog_entry *e, char *buf,
		       size_t size);
};

static void answer_zero(const struct run_shared *s, const struct oplog_entry *e, char *buf,
			size_t size)
{
	(void)s;
	if (e->address == 0)
		snprintf(buf, size, "null%s%s", e->err ? ", " : "",
			 e->err ? errno_name(e->err) : "");
	else
		snprintf(buf, size, "pointer, usable %llu", (unsigned long long)e->usable);
}

static void answer_realloc_zero(const struct run_shared *s, const struct oplog_entry *e, char *buf,
				size_t size)
{
	(void)s;
	if (e->address)
		snprintf(buf, size, "frees, returns a block of size 0");
	else if (e->err)
		snprintf(buf, size, "null, %s, block kept", errno_name(e->err));
	else
		snprintf(buf, size, "frees, null, errno kept");
}

static void answer_call(const struct oplog_entry *e, char *buf, size_t size)
{
	if (e->address)
		snprintf(buf, size, "accepted");
	else if (e->err)
		snprintf(buf, size, "refused, %s", errno_name(e->err) ? errno_name(e->err) : "?");
	else
		snprintf(buf, size, "null, errno kept");
}

/* The alignment that all blocks of the statement have in common. */
static void answer_rounding(const struct run_shared *s, const struct oplog_entry *e, char *buf,
			    size_t size)
{
	uint64_t bits = 4096;

	if (!e->address) {
		answer_call(e, buf, size);
		return;
	}
	for (const struct oplog_entry *each = s->oplog; each <= e; each++)
		bits |= each->address;
	snprintf(buf, size, "accepted, aligned to %llu", (unsigned long long)(bits & -bits));
}

static void answer_pvalloc(const struct run_shared *s, const struct oplog_entry *e, char *buf,
			   size_t size)
{
	(void)s;
	if (!e->address)
		answer_call(e, buf, size);
	else
		snprintf(buf, size, "usable %llu", (unsigned long long)e->usable);
}

static const struct rule rules[] = {
	{"malloc-zero", "malloc(0)", "malloc b[0] 0\n", 0, answer_zero},
	{"calloc-zero", "calloc(0, 8)", "calloc b[0] 0 8\n", 0, answer_zero},
	{"realloc-zero", "realloc(p, 0)", "malloc b[0] 100\nrealloc b[0] 0\n", 1,
	 answer_realloc_zero},
	{"aligned-alloc-0", "aligned_alloc(0, 64)", "aligned_alloc b[0] 0 64\n", 0, NULL},
	{"aligned-alloc-3", "aligned_alloc(3, 64)", "aligned_alloc b[0] 3 64\n", 0, NULL},
	{"aligned-alloc-size", "aligned_alloc(64, 100)", "aligned_alloc b[0] 64 100\n", 0, NULL},
	{"aligned-alloc-zero", "aligned_alloc(64, 0)", "aligned_alloc b[0] 64 0\n", 0, answer_zero},
	{"memalign-48", "memalign(48, 100)", "memalign b[0:32] 48 100\n", 31, answer_rounding},
	{"posix-memalign-zero", "posix_memalign(64, 0)", "posix_memalign b[0] 64 0\n", 0,
	 answer_zero},
	{"pvalloc-1", "pvalloc(1)", "pvalloc b[0] 1\n", 0, answer_pvalloc},
};

static void answer_rule(const struct rule *rule, const struct described_run *r, char *buf,
			size_t size)
{
	const struct run_shared *s = r->run.result.shared;

	if (!s) {
		snprintf(buf, size, "not measured");
		return;
	}
	if (atomic_load(&s->oplog_used) <= rule->log_index) {
		bool absent = s->counts.skipped != 0;

		snprintf(buf, size, "%s", absent ? "no such function" : "crash");
		return;
	}
	const struct oplog_entry *e = &s->oplog[rule->log_index];

	if (rule->answer)
		rule->answer(s, e, buf, size);
	else
		answer_call(e, buf, size);
}

int describe_rules(const struct subject *s, const struct runner_options *o, struct description *d)
{
	struct runner_options quiet = *o;

	quiet.sampling = false;
	quiet.oplog_capacity = 64;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct answer *a = &d->answer[d->nanswers];
		struct described_run r;
		char text[256];

		snprintf(text, sizeof(text), "allocrig 1\n%s", rules[i].program);
		int err = describe_run(s, &quiet, text, &r);

		if (err)
			return err;
		a->rule = rules[i].name;
		a->question = rules[i].question;
		answer_rule(&rules[i], &r, a->value, sizeof(a->value));
		d->nanswers++;
		described_run_release(&r);
	}
	return 0;
}
