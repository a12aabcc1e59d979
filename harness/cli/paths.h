/*
 * paths.h - where allocrig's own files are.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <limits.h>

/* The directory of the running executable, absolute, without a slash at its end. 0 or -errno. */
int paths_own_dir(char ret_dir[PATH_MAX]);

#endif
