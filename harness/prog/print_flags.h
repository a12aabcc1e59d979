/*
 * print_flags.h - the FLAGS of mmap and mremap as text.
 */
#ifndef PROG_PRINT_FLAGS_H
#define PROG_PRINT_FLAGS_H

#include "harness/prog/op.h"
#include "harness/prog/text.h"

/* 0, or -EINVAL for flags that no text gives. */
int print_map_flags(struct text *t, const struct op_map *map);
int print_mremap_flags(struct text *t, const struct op_map *map);
int print_msync_flags(struct text *t, const struct op_map *map);

#endif
