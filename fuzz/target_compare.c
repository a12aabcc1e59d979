/*
 * target_compare.c - the same program on two allocators: what one does and the other does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/target_priv.h"
#include "fuzz/tell.h"
#include "harness/prog/names.h"

/* One plain call of each function, so that what is not there is skipped. */
static const struct {
	uint8_t code;
	const char *line;
} calls[] = {
	{OP_MALLOC, "malloc b[0] 64"},
	{OP_CALLOC, "calloc b[0] 1 64"},
	{OP_REALLOC, "realloc b[0] 64"},
	{OP_REALLOCARRAY, "reallocarray b[0] 1 64"},
	{OP_ALIGNED_ALLOC, "aligned_alloc b[0] 64 64"},
	{OP_POSIX_MEMALIGN, "posix_memalign b[0] 64 64"},
	{OP_MEMALIGN, "memalign b[0] 64 64"},
	{OP_VALLOC, "valloc b[0] 64"},
	{OP_PVALLOC, "pvalloc b[0] 64"},
	{OP_FREE_SIZED, "free_sized b[0]"},
	{OP_FREE_ALIGNED_SIZED, "free_aligned_sized b[0]"},
	{OP_USABLE, "usable b[0]"},
	{OP_TRIM, "trim"},
};

uint64_t target_absent_ops(struct target *t)
{
	uint64_t absent = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "allocrig 1\n%s\n", calls[i].line);
		const struct input_text program = {.text = text, .len = (size_t)len};

		for (unsigned s = 0; s < t->nsides; s++) {
			struct side *side = &t->side[s];

			if (feeding_run(&side->feeding, &program, &side->result) == 0 &&
			    side->result.end == RUN_END_NORMAL && side->result.skipped)
				absent |= UINT64_C(1) << calls[i].code;
		}
	}
	return absent;
}

static bool was_refused(const struct feed_result *r)
{
	for (int i = 0; i < KCALL_COUNT; i++)
		if (r->refused[i])
			return true;
	return r->null_at_refusal > 0;
}

static struct difference_side log_of(const struct feeding *f, const struct feed_result *r)
{
	return (struct difference_side){
		.log = r->outcome,
		.n = r->outcome ? r->noutcomes : 0,
		.room = f->options.outcomes,
		.refused = was_refused(r),
		.profile = f->subject.has_profile ? &f->subject.profile : NULL,
	};
}

/* Both came to their end: what was cut short is a finding of its own. */
static bool compare(const struct target *t, const struct feed_result *const result[2],
		    struct difference *ret)
{
	struct difference_side side[2];
	struct difference_ops ops;

	for (int i = 0; i < 2; i++) {
		if (result[i]->end != RUN_END_NORMAL)
			return false;
		side[i] = log_of(&t->side[i].feeding, result[i]);
	}
	ops.ops = input_ops(t->input, &ops.n);
	return difference_find(&ops, side, ret);
}

/* Children that have had nothing else. Their logs are gone with them; so this tells all there is.
 */
struct again {
	struct difference difference;
	struct outcomes wanted; /* of the other side, at that statement */
	bool has_wanted;
};

static bool compare_afresh(const struct target *t, struct again *ret)
{
	static struct feed_result result[2];
	const struct feed_result *const results[2] = {&result[0], &result[1]};
	struct feeder *f[2] = {NULL, NULL};
	bool ran = true, differs = false;

	for (int i = 0; i < 2 && ran; i++)
		ran = feeder_new(&t->side[i].feeding.options, &f[i]) == 0 &&
		      feeder_run(f[i], t->text.text, t->text.len, &result[i]) == 0;
	if (ran)
		differs = compare(t, results, &ret->difference);
	if (differs) {
		const struct difference_side other = log_of(&t->side[1].feeding, &result[1]);

		ret->has_wanted = difference_outcomes(&other, ret->difference.stmt, &ret->wanted);
	}
	feeder_free(f[0]);
	feeder_free(f[1]);
	return differs;
}

static void describe(const struct target *t, const struct difference *d, char *buf, size_t size)
{
	char a[48], b[48];

	difference_words(d->err[0], a, sizeof(a));
	difference_words(d->err[1], b, sizeof(b));
	snprintf(buf, size, "%s %c[%u] (op %u) %s on %.200s and %s on %.200s; ",
		 op_name(d->op_code), d->space == SPACE_MAP ? 'm' : 'b', d->slot, d->stmt, a,
		 t->side[0].feeding.name, b, t->side[1].feeding.name);
}

/* Where no program can say what is wanted, people are told, and no folder is made. */
static void tell_plainly(struct target *t, const char *signature, const char *words)
{
	struct found found = {
		.kind = FINDING_UNEXPECTED_RESULT,
		.load = t->flags.load,
		.program = {(char *)t->text.text, t->text.len},
	};

	snprintf(found.signature, sizeof(found.signature), "%s", signature);
	snprintf(found.message, sizeof(found.message), "%.*s", (int)strlen(words) - 2, words);
	snprintf(found.allocator, sizeof(found.allocator), "%s", t->side[0].feeding.name);
	tell_words(&found);
	if (!t->flags.inbox)
		abort();
	sightings_settle(&t->sightings, signature);
}

/* As a program that says what the other allocator did, which anyone can run on the first alone. */
static bool tell_as_program(struct target *t, const struct again *again, const char *words)
{
	char wrong[128];
	struct input_text program;

	if (!again->has_wanted ||
	    input_expect(t->input, again->difference.stmt, &again->wanted, &program) != 0)
		return false;
	char *copy = strndup(program.text, program.len);

	if (!copy)
		return false;
	program.text = copy;
	snprintf(wrong, sizeof(wrong), "unexpected-result/%s/outcome",
		 op_name(again->difference.op_code));
	/* Told before: of a kind of op one program is enough. */
	bool told = sightings_settled(&t->sightings, wrong) ||
		    target_prove(t, &t->side[0], &program, wrong, words);

	free(copy);
	return told;
}

void target_compare(struct target *t)
{
	const struct feed_result *const results[2] = {&t->side[0].result, &t->side[1].result};
	struct difference seen;
	struct again again = {0};
	char signature[128], words[640];

	if (!compare(t, results, &seen))
		return;
	difference_signature(&seen, signature, sizeof(signature));
	if (t->flags.skip)
		sightings_skip(&t->sightings, t->flags.skip);
	if (!sightings_meet(&t->sightings, signature))
		return;
	if (!compare_afresh(t, &again)) {
		stats_add(&t->stats->unconfirmed, sightings_is_first(&t->sightings, signature));
		return;
	}
	difference_signature(&again.difference, signature, sizeof(signature));
	describe(t, &again.difference, words, sizeof(words));
	if (tell_as_program(t, &again, words))
		sightings_settle(&t->sightings, signature);
	else
		tell_plainly(t, signature, words);
}
