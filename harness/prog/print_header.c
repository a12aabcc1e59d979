#include <errno.h>

#include "harness/prog/names.h"
#include "harness/prog/parse.h"
#include "harness/prog/print_fact.h"
#include "harness/prog/text.h"

static void put_option(struct text *t, const char *word, uint64_t value, uint64_t default_value)
{
	if (value == default_value)
		return;
	text_str(t, word);
	text_u64(t, value);
}

static int put_fault(struct text *t, const struct fault_plan *f)
{
	const char *call = kcall_name(f->call);
	const char *err = f->err <= PROG_MAX_ERRNO ? errno_name((int)f->err) : NULL;

	if (!call || !err)
		return -EINVAL;
	text_str(t, "fault ");
	text_str(t, call);
	text_str(t, " ");
	text_str(t, err);
	put_option(t, " nth=", f->nth, 1);
	put_option(t, " count=", f->count, 1);
	put_option(t, " every=", f->every, 1);
	put_option(t, " from=", f->from_stmt, 0);
	put_option(t, " to=", f->to_stmt, UINT64_MAX);
	text_str(t, "\n");
	return 0;
}

static int put_needs(struct text *t, const struct op_fact *fact)
{
	bool plain = fact->relation == REL_NE && fact->value == 0 && fact_name(fact->fact);
	int ret = 0;

	text_str(t, "needs ");
	if (plain)
		text_str(t, fact_name(fact->fact));
	else
		ret = print_fact(t, fact);
	text_str(t, "\n");
	return ret;
}

int prog_header_print(const struct prog_header *h, char *buf, size_t size)
{
	struct text t;

	text_init(&t, buf, size);
	text_str(&t, "allocrig 1\n");
	if (h->has_ballast) {
		text_str(&t, "ballast ");
		text_u64(&t, h->ballast);
		text_str(&t, "\n");
	}
	if (h->nfaults > PROG_MAX_FAULTS)
		return -EINVAL;
	for (uint32_t i = 0; i < h->nfaults; i++)
		if (put_fault(&t, &h->faults[i]))
			return -EINVAL;
	if (h->nneeds > PROG_MAX_NEEDS)
		return -EINVAL;
	for (uint32_t i = 0; i < h->nneeds; i++)
		if (put_needs(&t, &h->needs[i]))
			return -EINVAL;
	return text_result(&t);
}
