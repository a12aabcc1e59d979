#include "harness/prog/names.h"

#include <sys/mman.h>

#include "harness/prog/name_table.h"
#include "harness/prog/op.h"

#define CODE(code, word) [code] = NAME(word, code)

static const struct name op_names[OP_CODES] = {
	CODE(OP_MALLOC, "malloc"),
	CODE(OP_CALLOC, "calloc"),
	CODE(OP_REALLOC, "realloc"),
	CODE(OP_REALLOCARRAY, "reallocarray"),
	CODE(OP_ALIGNED_ALLOC, "aligned_alloc"),
	CODE(OP_POSIX_MEMALIGN, "posix_memalign"),
	CODE(OP_MEMALIGN, "memalign"),
	CODE(OP_VALLOC, "valloc"),
	CODE(OP_PVALLOC, "pvalloc"),
	CODE(OP_FREE, "free"),
	CODE(OP_FREE_SIZED, "free_sized"),
	CODE(OP_FREE_ALIGNED_SIZED, "free_aligned_sized"),
	CODE(OP_USABLE, "usable"),
	CODE(OP_TRIM, "trim"),
	CODE(OP_MMAP, "mmap"),
	CODE(OP_MUNMAP, "munmap"),
	CODE(OP_MREMAP, "mremap"),
	CODE(OP_MPROTECT, "mprotect"),
	CODE(OP_MADVISE, "madvise"),
	CODE(OP_MSYNC, "msync"),
	CODE(OP_MLOCK, "mlock"),
	CODE(OP_MUNLOCK, "munlock"),
	CODE(OP_TRUNCATE, "truncate"),
	CODE(OP_CHECK, "check"),
	CODE(OP_ADD, "add"),
	CODE(OP_TOUCH, "touch"),
	CODE(OP_REPEAT, "repeat"),
	CODE(OP_WHEN, "when"),
	CODE(OP_FORK, "fork"),
	CODE(OP_PARALLEL, "parallel"),
	CODE(OP_END, "}"),
	CODE(OP_SLEEP, "sleep"),
	CODE(OP_EXIT, "exit"),
	CODE(OP_CHECKPOINT, "checkpoint"),
	CODE(OP_EXPECT, "expect"),
};

static const struct name kcall_names[KCALL_COUNT] = {
	CODE(KCALL_MMAP, "mmap"),	CODE(KCALL_MUNMAP, "munmap"),
	CODE(KCALL_MREMAP, "mremap"),	CODE(KCALL_MPROTECT, "mprotect"),
	CODE(KCALL_MADVISE, "madvise"), CODE(KCALL_PROCESS_MADVISE, "process_madvise"),
	CODE(KCALL_BRK, "brk"),
};

static const char *const metric_names[METRIC_COUNT] = {
	[METRIC_MAPS] = "maps",
	[METRIC_MAPS_PEAK] = "maps.peak",
	[METRIC_MAPS_LOST] = "maps.lost",
	[METRIC_MAPPED] = "mapped",
	[METRIC_MAPPED_PEAK] = "mapped.peak",
	[METRIC_MAPPED_LOST] = "mapped.lost",
	[METRIC_RSS] = "rss",
	[METRIC_RSS_PEAK] = "rss.peak",
	[METRIC_ANON_HUGE] = "anonhuge",
	[METRIC_LAZYFREE] = "lazyfree",
	[METRIC_LOCKED] = "locked",
	[METRIC_VMDATA] = "vmdata",
	[METRIC_CALL_MADE] = "made",
	[METRIC_CALL_FAILED] = "failed",
};

static const char *const relation_names[] = {
	[REL_EQ] = "==", [REL_NE] = "!=", [REL_LT] = "<",
	[REL_LE] = "<=", [REL_GT] = ">",  [REL_GE] = ">=",
};

static const struct name prot_names[] = {
	NAME("none", PROT_NONE),
	NAME("r", PROT_READ),
	NAME("rw", PROT_READ | PROT_WRITE),
	NAME("rx", PROT_READ | PROT_EXEC),
	NAME("rwx", PROT_READ | PROT_WRITE | PROT_EXEC),
};

const char *op_name(unsigned code)
{
	return code < OP_CODES ? op_names[code].text : NULL;
}

int op_by_name(const char *text, size_t len)
{
	const struct name *n = name_find(op_names, OP_CODES, text, len);

	return n ? n->value : -ENOENT;
}

const char *kcall_name(unsigned call)
{
	return call < KCALL_COUNT ? kcall_names[call].text : NULL;
}

int kcall_by_name(const char *text, size_t len)
{
	const struct name *n = name_find(kcall_names, KCALL_COUNT, text, len);

	return n ? n->value : -ENOENT;
}

const char *metric_name(unsigned metric)
{
	return metric < METRIC_COUNT ? metric_names[metric] : NULL;
}

const char *relation_name(unsigned relation)
{
	return relation < NAMES_IN(relation_names) ? relation_names[relation] : NULL;
}

const char *prot_name(int prot)
{
	return name_of(prot_names, NAMES_IN(prot_names), prot);
}

int prot_by_name(const char *text, size_t len, int *ret_prot)
{
	return name_value(name_find(prot_names, NAMES_IN(prot_names), text, len), ret_prot);
}
