#include "harness/prog/print_fact.h"

#include <errno.h>

#include "harness/prog/names.h"

static int put_relation(struct text *t, unsigned relation)
{
	if (!relation_name(relation))
		return -EINVAL;
	text_str(t, " ");
	text_str(t, relation_name(relation));
	text_str(t, " ");
	return 0;
}

int print_comparison(struct text *t, unsigned relation, int64_t value, bool bytes)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	int ret = put_relation(t, relation);

	if (value < 0)
		text_str(t, "-");
	if (bytes)
		text_size(t, magnitude);
	else
		text_u64(t, magnitude);
	return ret;
}

int print_fact(struct text *t, const struct op_fact *fact)
{
	const char *word = fact_value_name(fact->fact, fact->value);

	if (!fact_name(fact->fact))
		return -EINVAL;
	text_str(t, fact_name(fact->fact));
	if (!word)
		return print_comparison(t, fact->relation, fact->value, fact_is_bytes(fact->fact));
	int ret = put_relation(t, fact->relation);

	text_str(t, word);
	return ret;
}
