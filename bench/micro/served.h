/*
 * served.h - which file serves malloc in this process.
 */
#ifndef BENCH_MICRO_SERVED_H
#define BENCH_MICRO_SERVED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The real path of the file that has this function; "" when none has. */
void served_file(const char *symbol, char ret_path[PATH_MAX]);

/* Whether it is the one that has malloc. */
bool served_by_one(const char *symbol);

/*
 * Whether what LD_PRELOAD asks for is what serves malloc, calloc, realloc and free: the dynamic
 * linker goes on without a file that it cannot load. 0, or -ENOENT with one line in `err`.
 */
int served_check(char *err, size_t size);

#endif
