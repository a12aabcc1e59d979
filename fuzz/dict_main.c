/*
 * Prints the words of the text format as a dictionary for fuzzers: fuzz/text.dict is this. With
 * --wire a record of each kind, for those that mutate by bytes alone: fuzz/wire.dict.
 */
#include <stdio.h>
#include <string.h>

#include "harness/prog/names.h"
#include "harness/prog/op.h"
#include "harness/prog/wire_item.h"

static void put(const char *word, const char *behind)
{
	if (word)
		printf("\"%s%s\"\n", word, behind);
}

/* What the parser knows beside its tables. */
static void put_syntax(void)
{
	static const char *const words[] = {
		"allocrig 1\\x0a",
		"ballast ",
		"fault ",
		"needs ",
		"nth=",
		"count=",
		"every=",
		"from=",
		"to=",
		"@1 ",
		"b[0]",
		"m[0]",
		"b[0:8]",
		"m[0:8:2]",
		" -> ",
		"ok",
		"|",
		" {\\x0a",
		"}\\x0a",
		"fixed=m[0]",
		"fixed_noreplace=m[0]+1p",
		"hint=m[0]",
		"of=m[0]",
		"to=m[0]",
		"offset=1p",
		"1p",
		"4K",
		"128K",
		"2M",
		"1G",
		"1T",
		"10ms",
		"18446744073709551615",
		"9223372036854775807",
		"16777216",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(words[i], "");
}

static void put_flags(const char *(*at)(size_t, int *))
{
	int flag;

	for (size_t i = 0; at(i, &flag); i++)
		put(at(i, &flag), "");
}

static int put_records(void)
{
	puts("# A record of each kind, as fuzz-dict --wire prints them.");
	for (unsigned kind = 0; kind < WIRE_KINDS; kind++) {
		struct wire_record r = {.kind = wire_kind_code(kind)};
		uint8_t bytes[WIRE_RECORD_BYTES];

		memcpy(bytes, &r, sizeof(bytes));
		putchar('"');
		for (size_t i = 0; i < sizeof(bytes); i++)
			printf("\\x%02x", bytes[i]);
		puts("\"");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const int prots[] = {0, 1, 3, 5, 7};

	if (argc > 1)
		return strcmp(argv[1], "--wire") == 0 ? put_records() : 3;

	puts("# The words of the text format, as fuzz-dict prints them.");
	put_syntax();
	for (unsigned code = 0; code < OP_CODES; code++)
		put(code == OP_END ? NULL : op_name(code), " ");
	for (unsigned call = 0; call < KCALL_COUNT; call++)
		put(kcall_name(call), ".");
	for (unsigned metric = 0; metric < METRIC_COUNT; metric++)
		put(metric_name(metric), " ");
	for (unsigned relation = 0; relation_name(relation); relation++)
		put(relation_name(relation), " ");
	for (unsigned fact = 0; fact < FACT_COUNT; fact++)
		put(fact_name(fact), " ");
	for (int value = 0; fact_value_name(FACT_THP, value); value++)
		put(fact_value_name(FACT_THP, value), "");
	for (unsigned i = 0; i < sizeof(prots) / sizeof(prots[0]); i++)
		put(prot_name(prots[i]), " ");
	for (unsigned source = 0; source <= SOURCE_SLOT; source++)
		put(source_name(source), ",");
	put_flags(map_flag_at);
	put_flags(mremap_flag_at);
	put_flags(msync_flag_at);
	for (unsigned i = 0; advice_at(i); i++)
		put(advice_at(i), "");
	for (int outcome = 1; outcome <= OUTCOME_SIGSEGV; outcome++)
		put(ending_name(outcome), "");
	return 0;
}
