/*
 * finding_folder_testing.h - a scratch folder for tests of finding folders.
 */
#ifndef CLI_FINDING_FOLDER_TESTING_H
#define CLI_FINDING_FOLDER_TESTING_H

#include <limits.h>

#include "harness/cli/finding_folder.h"

struct scratch {
	char path[PATH_MAX - 256];
};

/* For setup and teardown of cmocka: *state is a struct scratch. */
int scratch_make(void **state);
int scratch_drop(void **state);

/* Writes `text` instead of what the file has; NULL: no file any more. */
void scratch_put(const char *folder, const char *file, const char *text);
/* The caller's to free. */
char *scratch_get(const char *folder, const char *file);

/* An overlap in a program of one malloc, with `nhistory` (at most 4) programs before it. */
struct found scratch_found(uint32_t nhistory);

#endif
