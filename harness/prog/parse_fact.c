#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

static int parse_value(const struct lexer *l, struct word w, struct op_fact *fact)
{
	bool words = fact_value_name(fact->fact, 0) != NULL;
	bool number = w.len && (w.text[0] == '-' || (w.text[0] >= '0' && w.text[0] <= '9'));

	if (fact_value_by_name(fact->fact, w.text, w.len, &fact->value) == 0)
		return 0;
	if (words && !number)
		return lex_fail(l, w, "never, madvise or always");
	return lex_signed_size(l, w, &fact->value);
}

int parse_fact(struct lexer *l, bool short_form, struct op_fact *ret_fact)
{
	struct op_fact fact = {.relation = REL_NE};
	struct word w = lex_word(l);
	int known = fact_by_name(w.text, w.len);

	if (known < 0)
		return lex_fail_near(l, w, "a fact such as overcommit, thp or root",
				     parse_nearest(w, fact_name));
	fact.fact = (uint32_t)known;
	if (!short_form || lex_peek(l).len) {
		int ret = parse_relation(l, lex_word(l), &fact.relation);

		if (ret == 0)
			ret = parse_value(l, lex_word(l), &fact);
		if (ret)
			return ret;
	}
	*ret_fact = fact;
	return 0;
}
