/*
 * provenance.h - which allocator exactly: its file, version, build id, checksum and package.
 *
 * An allocator is named by a built-in name or by the path of a shared object. Controller only.
 */
#ifndef ALLOCATORS_PROVENANCE_H
#define ALLOCATORS_PROVENANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "allocators/allocator.h"

/* Fields that are not known are "". Hexadecimal is lower case. */
struct allocator_ref {
	const struct plugin *plugin; /* NULL: a file by path */
	char name[NAME_MAX + 1];     /* built-in name, or the file's name up to ".so" */
	char given[PATH_MAX];	     /* what was asked for */
	char path[PATH_MAX];	     /* real path of the file; "" for one inside allocrig */
	char version[65];	     /* upstream's, as the package says; the kernel's release */
	char build_id[65];
	char sha256[65];
	char package[192]; /* "libjemalloc2 5.3.0-1" */
	bool available;
	char reason[512]; /* why not */
};

/*
 * Resolves one -a argument. `own_dir` is the directory that allocrig's own files are relative to.
 * A built-in allocator whose file is missing or unusable is resolved, with `available` false and
 * a reason. Returns 0; or -errno with one line in err (without newline, at most err_size bytes)
 * when the argument names nothing that can be an allocator.
 */
int allocator_resolve(const char *arg, const char *own_dir, struct allocator_ref *ret_ref,
		      char *err, size_t err_size);

/*
 * Whether the file can be named in LD_PRELOAD, which separates files by spaces and colons.
 * Returns 0, or -EINVAL with one line in err.
 */
int allocator_check_preload(const struct allocator_ref *ref, char *err, size_t err_size);

#endif
