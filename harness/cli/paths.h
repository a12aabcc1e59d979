/*
 * paths.h - where allocrig's own files are.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <limits.h>

/* The directory of the running executable, absolute, without a slash at its end. 0 or -errno. */
int paths_own_dir(char ret_dir[PATH_MAX]);

/* The running executable itself, for telling what to type. 0 or -errno. */
int paths_self(char ret_path[PATH_MAX]);

/* allocrig-child, beside the executable. 0 or -errno. */
int paths_child(char ret_path[PATH_MAX]);

/*
 * A folder of the source tree, such as "corpus/seeds": the build folder lies somewhere inside the
 * tree, or has a copy. 0 or -errno (-ENOENT where it is not there).
 */
int paths_data_dir(const char *relative, char ret_dir[PATH_MAX]);

#endif
