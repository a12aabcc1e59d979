/*
 * finding_folder_file.h - files and folders that are there whole or not at all, also on the disk.
 *
 * Names stand in an open folder, and may have one folder before them ("history/000.prog"). A file
 * is written as ".new" in the open folder first: one at a time writes there. Errors: 0 or -errno.
 */
#ifndef CLI_FINDING_FOLDER_FILE_H
#define CLI_FINDING_FOLDER_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/cli/finding_folder.h"

/* Replaces or makes the file. What was there stays when it fails. */
int file_put(int dir, const char *name, const char *bytes, size_t len);

/*
 * All of a regular file, with a NUL behind it: -EINVAL for what is none, or is longer than 64 MiB.
 * The caller's to free.
 */
int file_get(int dir, const char *name, struct found_text *ret_text);

/* What is not there is fine. */
int file_remove(int dir, const char *name);

/* A new folder ".making-XXXXXX" in `parent`, opened and locked while it is open. */
#define MAKING_NAME 32
int making_begin(int parent, char name[MAKING_NAME], int *ret_dir);

/* It gets its name: -EEXIST where anything has that already. Closes `dir` in any case. */
int making_end(int parent, const char *making, int dir, const char *name);

/* Away with it and all that is in it. Closes `dir`. */
void making_drop(int parent, const char *making, int dir);

/* Away with what processes that are gone were making. */
void making_sweep(int parent);

#endif
