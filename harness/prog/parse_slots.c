#include <string.h>

#include "harness/prog/parse_items.h"

static int slice_part(const struct lexer *l, struct word part, uint64_t max, const char *expected,
		      uint32_t *ret_value)
{
	uint64_t value;
	int ret = lex_number(l, part, max, expected, &value);

	if (ret)
		return ret;
	*ret_value = (uint32_t)value;
	return 0;
}

/* `inside` is what stands between the brackets. */
static int parse_slice(const struct lexer *l, struct word inside, struct slice *s)
{
	static const char a_slot[] = "a slot number from 0 to 16777215";
	struct word rest, step;
	struct word start = word_cut(inside, ':', &rest);
	int ret;

	if (!rest.text) {
		s->single = s->step = 1;
		ret = slice_part(l, start, PROG_MAX_SLOTS - 1, a_slot, &s->start);
		s->stop = s->start + 1;
		return ret;
	}
	ret = slice_part(l, start, PROG_MAX_SLOTS, a_slot, &s->start);
	if (ret)
		return ret;
	struct word stop = word_cut(rest, ':', &step);

	ret = slice_part(l, stop, PROG_MAX_SLOTS, "the end of the slice, from 0 to 16777216",
			 &s->stop);
	if (ret)
		return ret;
	s->step = 1;
	if (!step.text)
		return 0;
	static const char a_step[] = "a step from 1 to 16777216";

	ret = slice_part(l, step, PROG_MAX_SLOTS, a_step, &s->step);
	return ret || s->step ? ret : lex_fail(l, step, a_step);
}

static bool has_brackets(struct word w)
{
	return w.len > 2 && w.text[1] == '[' && w.text[w.len - 1] == ']';
}

static struct word between_brackets(struct word w)
{
	return (struct word){.text = w.text + 2, .len = w.len - 3};
}

int parse_slots(struct lexer *l, enum op_space space, struct op *op)
{
	static const char *const expected[] = {
		[SPACE_NONE] = "slots such as b[0], m[0] or b[0:100:2]",
		[SPACE_BLOCK] = "block slots such as b[0] or b[0:100:2]",
		[SPACE_MAP] = "mapping slots such as m[0] or m[0:100:2]",
	};
	struct word w = lex_word(l);
	enum op_space found = SPACE_NONE;

	if (w.len && w.text[0] == 'b')
		found = SPACE_BLOCK;
	else if (w.len && w.text[0] == 'm')
		found = SPACE_MAP;
	if (!has_brackets(w) || found == SPACE_NONE || (space != SPACE_NONE && found != space))
		return lex_fail(l, w, expected[space]);
	op->space = (uint8_t)found;
	return parse_slice(l, between_brackets(w), &op->slice);
}

int parse_map_slot(const struct lexer *l, struct word w, const char *expected, uint32_t *ret_slot)
{
	struct slice s = {0};

	if (!has_brackets(w) || w.text[0] != 'm')
		return lex_fail(l, w, expected);
	int ret = parse_slice(l, between_brackets(w), &s);

	if (ret)
		return ret;
	if (!s.single)
		return lex_fail(l, w, expected);
	*ret_slot = s.start;
	return 0;
}
