/*
 * exec_map.h - where another process has code: executable ranges and the files behind them.
 *
 * Files that are mapped without a single executable page are left out: a program under test may
 * map thousands. Errors: 0 or -errno.
 */
#ifndef EXEC_EXEC_MAP_H
#define EXEC_EXEC_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct exec_range {
	uint64_t start, end;
};

struct exec_map {
	struct exec_range *range; /* ascending */
	size_t n, capacity;
};

/* `name` as /proc/PID/maps has it, for all of the object's mappings from the first to the last. */
typedef int exec_map_object_fn(const char *name, uint64_t start, uint64_t end, void *arg);

/* Reads the maps of thread `tid`'s process; an error of `object` ends it. */
int exec_map_read(pid_t tid, struct exec_map *ret_map, exec_map_object_fn *object, void *arg);
void exec_map_release(struct exec_map *m);

bool exec_map_has(const struct exec_map *m, uint64_t address);

#endif
