#include "harness/prog/name_table.h"
#include "harness/prog/names.h"
#include "harness/prog/op.h"

#define CODE(code, word) [code] = NAME(word, code)

static const struct name fact_names[FACT_COUNT] = {
	CODE(FACT_OVERCOMMIT, "overcommit"),
	CODE(FACT_THP, "thp"),
	CODE(FACT_ROOT, "root"),
	CODE(FACT_RAM, "ram"),
	CODE(FACT_SWAP, "swap"),
	CODE(FACT_MEMLOCK, "memlock"),
	CODE(FACT_MAX_MAP_COUNT, "max_map_count"),
	CODE(FACT_HUGEPAGES, "hugepages"),
	CODE(FACT_GUARD_INSTALL, "guard_install"),
	CODE(FACT_POPULATE_WRITE, "populate_write"),
	CODE(FACT_COLLAPSE, "collapse"),
	CODE(FACT_WIPEONFORK, "wipeonfork"),
	CODE(FACT_DONTUNMAP, "dontunmap"),
	CODE(FACT_FIXED_NOREPLACE, "fixed_noreplace"),
	CODE(FACT_SHM, "shm"),
};

static const struct name thp_words[] = {
	NAME("never", 0),
	NAME("madvise", 1),
	NAME("always", 2),
};

const char *fact_name(unsigned fact)
{
	return fact < FACT_COUNT ? fact_names[fact].text : NULL;
}

int fact_by_name(const char *text, size_t len)
{
	const struct name *n = name_find(fact_names, FACT_COUNT, text, len);

	return n ? n->value : -ENOENT;
}

const char *fact_value_name(unsigned fact, int64_t value)
{
	if (fact != FACT_THP || value < 0 || value >= (int64_t)NAMES_IN(thp_words))
		return NULL;
	return thp_words[value].text;
}

int fact_value_by_name(unsigned fact, const char *text, size_t len, int64_t *ret_value)
{
	const struct name *n =
		fact == FACT_THP ? name_find(thp_words, NAMES_IN(thp_words), text, len) : NULL;

	if (!n)
		return -ENOENT;
	*ret_value = n->value;
	return 0;
}

bool fact_is_bytes(unsigned fact)
{
	return fact == FACT_RAM || fact == FACT_SWAP || fact == FACT_MEMLOCK;
}
