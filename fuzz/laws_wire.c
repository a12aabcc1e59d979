#include <errno.h>
#include <string.h>

#include "fuzz/laws.h"
#include "fuzz/laws_base.h"
#include "harness/prog/wire_item.h"

/* wire -> ops -> text -> ops -> wire -> ops. The last wire stays in laws_wire. */
static void check_ways(struct wire_bytes in, const struct wire_limits *limits,
		       struct program *ret_a, size_t *ret_len)
{
	struct program a = {.ops = laws_ops_a, .max_ops = LAWS_OPS};
	struct program b = {.ops = laws_ops_b, .max_ops = LAWS_OPS};
	struct wire_bytes again = {.bytes = laws_wire};

	wire_decode(in, limits, &a);
	int len = program_write(&a, laws_text, sizeof(laws_text));

	law(len > 0, "what was decoded has a text", NULL);
	laws_read(laws_text, (size_t)len, &b);
	law(laws_same(&a, &b), "the text of a decoded program gives it again", laws_text);
	law(wire_encode(&b, laws_wire, sizeof(laws_wire), &again.len) == 0,
	    "a decoded program has records", laws_text);
	wire_decode(again, limits, &b);
	law(laws_same(&a, &b), "decoding what was encoded gives the same program", laws_text);
	*ret_a = a;
	*ret_len = again.len;
}

struct nest {
	uint64_t rounds[PROG_MAX_DEPTH + 1];
	uint32_t depth;
};

/* Follows the blocks; returns in how many rounds the op runs, which may not overflow. */
static uint64_t nest_follow(struct nest *n, const struct op *op)
{
	n->depth -= op->code == OP_END;
	uint64_t rounds = n->rounds[n->depth];

	if (op_opens_block(op->code))
		n->rounds[++n->depth] = op->code == OP_REPEAT ? rounds * op->arg0 : rounds;
	return rounds;
}

static uint64_t count_elements(const struct op *op)
{
	const struct slice *s = &op->slice;

	if (op->space == SPACE_NONE || slice_is_empty(s))
		return op->code != OP_END;
	return (s->stop - 1 - s->start) / s->step + 1;
}

/* Counts again, in a simpler way, what the decoder spent. */
static void check_limits(const struct program *p, const struct wire_limits *limits)
{
	struct nest nest = {.rounds = {1}};
	uint64_t work = 0, forks = 0, sleep_ns = 0;

	for (size_t i = 0; i < p->nops; i++) {
		const struct op *op = &p->ops[i];
		uint64_t rounds = nest_follow(&nest, op);

		law(op->thread < limits->threads, "no thread beyond the limit", laws_text);
		law(nest.depth <= limits->depth, "no deeper than the limit", laws_text);
		law(rounds <= limits->rounds, "no more rounds than the limit", laws_text);
		law(!op->outcomes.present && op->code != OP_EXPECT, "nothing judges", laws_text);
		work += count_elements(op) * rounds;
		forks += op->code == OP_FORK ? rounds : 0;
		sleep_ns += op->code == OP_SLEEP ? op->arg0 * rounds : 0;
	}
	law(p->nops <= limits->ops, "no more ops than the limit", laws_text);
	law(work <= limits->work, "no more work than the limit", laws_text);
	law(forks <= limits->forks, "no more forks than the limit", laws_text);
	law(sleep_ns <= limits->sleep_ns, "no more sleep than the limit", laws_text);
}

/* Where the op of that index has its record. */
static size_t record_of(const uint8_t *wire, size_t len, size_t index)
{
	for (size_t at = 0; at < len; at += WIRE_RECORD_BYTES)
		if (wire_kind_of(wire[at]) < OP_CODES && index-- == 0)
			return at;
	return len;
}

/* Takes the record of one op away, whose extensions stay behind. */
static void check_deletion(const struct program *a, size_t len, size_t index)
{
	struct program b = {.ops = laws_ops_b, .max_ops = LAWS_OPS};
	size_t at = record_of(laws_wire, len, index);
	unsigned code = a->ops[index].code;

	/* Blocks go in two, and take the place of their threads along. */
	if (at == len || op_opens_block(code) || code == OP_END)
		return;
	memmove(laws_wire + at, laws_wire + at + WIRE_RECORD_BYTES, len - at - WIRE_RECORD_BYTES);
	wire_decode((struct wire_bytes){.bytes = laws_wire, .len = len - WIRE_RECORD_BYTES},
		    &wire_unlimited, &b);
	law(b.nops == a->nops - 1, "deleting a record deletes one op", laws_text);
	for (size_t i = 0; i < b.nops; i++) {
		struct op want;

		memcpy(&want, &a->ops[i < index ? i : i + 1], sizeof(want));
		want.stmt -= want.stmt > a->ops[index].stmt;
		law(memcmp(&want, &b.ops[i], sizeof(want)) == 0,
		    "deleting a record leaves the others alone", laws_text);
	}
}

void laws_of_wire(const uint8_t *bytes, size_t len)
{
	struct wire_bytes in = {.bytes = bytes, .len = len};
	struct wire_limits tight = wire_fuzz_limits;
	struct program p;
	size_t wire_len, chosen = 0;

	tight.ops = 16;
	tight.work = 1000;
	tight.rounds = 50;
	tight.forks = 2;
	tight.depth = 3;
	tight.threads = 2;
	tight.live_bytes = tight.resident_bytes = 1 << 20;
	check_ways(in, &tight, &p, &wire_len);
	check_limits(&p, &tight);
	check_ways(in, &wire_fuzz_limits, &p, &wire_len);
	check_limits(&p, &wire_fuzz_limits);
	check_ways(in, &wire_unlimited, &p, &wire_len);
	for (size_t i = 0; i < len; i++)
		chosen = chosen * 31 + bytes[i];
	if (p.nops)
		check_deletion(&p, wire_len, chosen % p.nops);
}
