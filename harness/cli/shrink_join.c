/*
 * Several programs as one.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "harness/cli/shrink_priv.h"

static int make_room(struct program *p, size_t more)
{
	if (p->nops + more <= p->max_ops)
		return 0;
	size_t max = (p->nops + more) * 2;
	struct op *ops = reallocarray(p->ops, max, sizeof(*ops));

	if (!ops)
		return -ENOMEM;
	p->ops = ops;
	p->max_ops = max;
	return 0;
}

static uint32_t slots_of(const struct program *p, unsigned space)
{
	uint32_t slots = 0;

	for (size_t i = 0; i < p->nops; i++) {
		const struct op *op = &p->ops[i];

		if (op->space == space && op->slice.stop > slots)
			slots = op->slice.stop;
		if (space == SPACE_MAP && op->space == space && op->map.has_to &&
		    op->code == OP_MREMAP && op->map.to >= slots)
			slots = op->map.to + 1;
	}
	return slots;
}

static void empty_slots(struct program *to, unsigned code, unsigned space, uint32_t slots)
{
	if (slots)
		to->ops[to->nops++] = (struct op){
			.code = (uint8_t)code,
			.space = (uint8_t)space,
			.slice = {.stop = slots, .step = 1, .single = slots == 1},
		};
}

static int append(struct program *to, const struct program *part, bool is_last)
{
	uint32_t stmts = 0;
	int err = make_room(to, part->nops + 2);

	if (err)
		return err;
	assert(to->ops);
	for (size_t i = 0; i < to->nops; i++)
		stmts += to->ops[i].code != OP_END;
	for (size_t i = 0; i < part->nops; i++)
		to->ops[to->nops++] = part->ops[i];
	if (!is_last) {
		empty_slots(to, OP_FREE, SPACE_BLOCK, slots_of(part, SPACE_BLOCK));
		empty_slots(to, OP_MUNMAP, SPACE_MAP, slots_of(part, SPACE_MAP));
		return 0;
	}
	to->header = part->header;
	/* Of the last program's faults each keeps its statements. */
	for (uint32_t i = 0; i < to->header.nfaults; i++) {
		struct fault_plan *f = &to->header.faults[i];

		f->from_stmt += stmts;
		if (f->to_stmt != UINT64_MAX)
			f->to_stmt += stmts;
	}
	return 0;
}

static void number_statements(struct program *p)
{
	uint32_t stmt = 0;

	for (size_t i = 0; i < p->nops; i++)
		if (p->ops[i].code != OP_END)
			p->ops[i].stmt = stmt++;
}

int shrink_join(const struct shrink_part *parts, size_t n, size_t most, char **ret_text,
		size_t *ret_len)
{
	struct program all = {.nops = 0};
	char *text = NULL;
	size_t size = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct program part = {.nops = 0};

		err = shrink_read(parts[i].text, parts[i].len, &part);
		if (!err)
			err = append(&all, &part, i + 1 == n);
		free(part.ops);
	}
	number_statements(&all);
	int len = err ? err : shrink_write_text(&all, &text, &size);

	free(all.ops);
	if (len >= 0 && (size_t)len > most)
		len = -E2BIG;
	if (len < 0) {
		free(text);
		return len;
	}
	*ret_text = text;
	*ret_len = (size_t)len;
	return 0;
}
