/*
 * loader.h - gets one allocator into the child, and proves who serves every call.
 *
 * Each function of symbols.def is looked up, and the loaded object that its address lies in is
 * asked for. The object that has `malloc` is the allocator's own, and must be the file that was
 * meant; a function in any other object is not the allocator's and is NULL in the vtable.
 *
 * Child side: libc alone, no allocation of our own. LOAD_PRELOAD allocates nothing at all;
 * dlopen and dlsym do, from libc. The rest of the process needs -fno-builtin where it calls.
 */
#ifndef ALLOCATORS_LOADER_H
#define ALLOCATORS_LOADER_H

#include "allocators/allocator.h"
#include "harness/exec/shared.h"

/* Stays where it was filled: allocator.vendor points into it. */
struct loaded {
	struct allocator allocator;
	struct vendor_symbols vendor;
	const struct plugin *plugin; /* NULL: a file that no plug-in recognises */
};

/* Why not, for struct run_shared. */
struct loader_refusal {
	enum refusal why;
	int err; /* errno, or 0 */
	char text[512];
};

/*
 * Loads what cfg->load, cfg->plugin and cfg->file say. Under LOAD_PRELOAD cfg->file is the file
 * that was named in LD_PRELOAD, and "" means libc's own malloc; it is compared with what really
 * serves. Returns 0, or -errno with *ret_refusal filled (and *ret_served as far as it was known).
 */
int loader_load(const struct run_config *cfg, struct served *ret_served, struct loaded *ret_loaded,
		struct loader_refusal *ret_refusal);

#endif
