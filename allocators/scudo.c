#include "allocators/allocator.h"

/* Parameters of scudo's mallopt (scudo/interface.h). The first walks every region; older
 * releases know the second alone. */
enum { SCUDO_PURGE_ALL = -104, SCUDO_PURGE = -101 };

#define RUNTIME(major, version)                                                                    \
	"/usr/lib/llvm-" major "/lib/clang/" version                                               \
	"/lib/linux/libclang_rt.scudo_standalone-x86_64.so"

static const char *const files[] = {RUNTIME("19", "19"),     RUNTIME("18", "18"),
				    RUNTIME("17", "17"),     RUNTIME("16", "16"),
				    RUNTIME("15", "15.0.7"), RUNTIME("15", "15.0.6"),
				    RUNTIME("14", "14.0.6"), NULL};

static _Bool recognises(const struct vendor_symbols *v)
{
	return v->scudo_print_stats != NULL;
}

/* mallopt tells whether it knew the parameter, not whether memory was released. */
static int purge(const struct allocator *a)
{
	if (!a->vendor->mallopt)
		return 0;
	if (a->vendor->mallopt(SCUDO_PURGE_ALL, 0) != 1)
		a->vendor->mallopt(SCUDO_PURGE, 0);
	return 0;
}

/* Scudo has no word about its version. */
const struct plugin plugin_scudo = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "scudo",
	.package = "libclang-rt-19-dev",
	.files = files,
	.recognises = recognises,
	.purge = purge,
};
