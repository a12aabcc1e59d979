#include "harness/prog/form.h"

#include "harness/prog/op.h"

static const char *const forms[OP_CODES] = {
	[OP_MALLOC] = "bso",
	[OP_CALLOC] = "bsso",
	[OP_REALLOC] = "bso",
	[OP_REALLOCARRAY] = "bsso",
	[OP_ALIGNED_ALLOC] = "bsso",
	[OP_POSIX_MEMALIGN] = "bsso",
	[OP_MEMALIGN] = "bsso",
	[OP_VALLOC] = "bso",
	[OP_PVALLOC] = "bso",
	[OP_FREE] = "bo",
	[OP_FREE_SIZED] = "bo",
	[OP_FREE_ALIGNED_SIZED] = "bo",
	[OP_USABLE] = "bo",
	[OP_TRIM] = "",
	[OP_MMAP] = "mspfo",
	[OP_MUNMAP] = "mro",
	[OP_MREMAP] = "msFro",
	[OP_MPROTECT] = "mpro",
	[OP_MADVISE] = "maro",
	[OP_MSYNC] = "mSro",
	[OP_MLOCK] = "mro",
	[OP_MUNLOCK] = "mro",
	[OP_TRUNCATE] = "mso",
	[OP_CHECK] = "mrA",
	[OP_ADD] = "mdrA",
	[OP_TOUCH] = "xrA",
	[OP_REPEAT] = "c{",
	[OP_WHEN] = "w{",
	[OP_FORK] = "{",
	[OP_PARALLEL] = "{",
	[OP_END] = "",
	[OP_SLEEP] = "t",
	[OP_EXIT] = "",
	[OP_CHECKPOINT] = "n",
	[OP_EXPECT] = "e",
};

const char *op_form(unsigned code)
{
	return forms[code];
}
