/*
 * package.h - the Debian package that a file came with, as dpkg-query tells. Controller only.
 *
 * A machine without dpkg, or a file that no package owns, is not an error: the answer is empty. In
 * places where no package may put files dpkg is not asked: that takes longer than a small run.
 */
#ifndef ALLOCATORS_PACKAGE_H
#define ALLOCATORS_PACKAGE_H

#include <stddef.h>

struct package {
	char name[128];	  /* "libjemalloc2"; "" when no package owns the file */
	char version[64]; /* "5.3.0-1" */
};

/*
 * `path` is a real path. `hint` is the package that is likely to own it, or NULL: with a right hint
 * the answer takes a third of the time, with a wrong one twice.
 */
void package_of(const char *path, const char *hint, struct package *ret_package);

/* "5.3.0" of "5.3.0-1", "2.0.9" of "2.0.9+ds-2", "19.1.7" of "1:19.1.7-3~deb12u1". */
void package_upstream_version(const struct package *p, char *buf, size_t size);

#endif
