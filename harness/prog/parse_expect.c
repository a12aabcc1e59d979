#include <errno.h>

#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

/* munmap.failed: the metric behind the last dot, the call before it. */
static int call_metric(struct word w, struct op_expect *e)
{
	struct word part;
	struct word call = word_cut(w, '.', &part);
	int kcall = kcall_by_name(call.text, call.len);

	if (kcall < 0 || !part.text)
		return -ENOENT;
	e->call = (uint32_t)kcall;
	for (unsigned m = METRIC_CALL_MADE; m <= METRIC_CALL_FAILED; m++)
		if (word_is(part, metric_name(m))) {
			e->metric = m;
			return 0;
		}
	return -ENOENT;
}

static int parse_metric(const struct lexer *l, struct word w, struct op_expect *e)
{
	for (unsigned m = 0; m < METRIC_CALL_MADE; m++)
		if (word_is(w, metric_name(m))) {
			e->metric = m;
			return 0;
		}
	if (call_metric(w, e))
		return lex_fail(l, w,
				"a metric such as maps, rss.peak, maps.lost or munmap.failed");
	return 0;
}

int parse_relation(const struct lexer *l, struct word w, uint32_t *ret_relation)
{
	for (unsigned r = 0; relation_name(r); r++)
		if (word_is(w, relation_name(r))) {
			*ret_relation = r;
			return 0;
		}
	return lex_fail(l, w, "a relation: == != < <= > >=");
}

int parse_expect(struct lexer *l, struct op *op)
{
	int ret = parse_metric(l, lex_word(l), &op->expect);

	if (ret)
		return ret;
	ret = parse_relation(l, lex_word(l), &op->expect.relation);
	if (ret)
		return ret;
	return lex_signed_size(l, lex_word(l), &op->expect.value);
}
