/*
 * fuzz_files.h - files and folders that are whole at any moment, whatever is killed when.
 *
 * Paths are any that open() takes. All return 0 or -errno.
 */
#ifndef CLI_FUZZ_FILES_H
#define CLI_FUZZ_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct files_path {
	char s[PATH_MAX];
};

/* "FOLDER/NAME". What does not fit gives "", which no file has. */
struct files_path files_join(const char *folder, const char *name);

/* Makes the folder unless it is there. */
int files_folder(const char *path);

/* Replaces the file by renaming PATH.new, and is back when it is on the disk. */
int files_replace(const char *path, const char *bytes, size_t len);

/* The same with the content of another file. */
int files_copy(const char *from, const char *to);

/* At most `max` bytes, with a NUL behind them, for free(). -EFBIG where there are more. */
int files_read(const char *path, size_t max, char **ret_bytes, size_t *ret_len);

/* Adds a line, or nothing of it. */
int files_append(const char *path, const char *line);

/* Everything in and below the folder is on the disk; the folder's own name is not looked at. */
int files_sync(const char *folder);
int files_sync_names(const char *folder); /* the names that stand in it, alone */

/* A folder with all that is in it, or a file. Symbolic links are not followed. */
int files_remove(const char *path);

/*
 * Calls `each` for the names in the folder, but "." and "..", in the order of the bytes, so that
 * equal folders are gone through equally. Anything but 0 from it ends that and is returned.
 */
int files_each(const char *folder, int (*each)(void *ctx, const char *name), void *ctx);

/* How many names without a leading dot stand in it; 0 where it cannot be read. */
size_t files_count(const char *folder);

#endif
