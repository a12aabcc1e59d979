/*
 * test_work.h - work for guard with content that is checked, and the maps before and after a test.
 */
#ifndef GUARD_TEST_WORK_H
#define GUARD_TEST_WORK_H

#include <stddef.h>

#include "allocators/guard/test_maps.h"

#define WORK_SLOTS 4096

extern unsigned char *slots[WORK_SLOTS]; /* blocks, or NULL */
extern size_t sizes[WORK_SLOTS];	 /* what was asked for them */
extern struct maps at_start;

/* cmocka's setup: at_start, and the same random numbers for each test. */
int work_begin(void **state);

/* cmocka's teardown: the maps are those of the start. */
int work_expect_maps_back(void **state);

/* Marks the content of a slot; checks it and, with errno watched, frees the block. */
void slot_mark(size_t i);
void slot_check(size_t i);
void slot_free(size_t i);

/*
 * So many random calls on slots 0 .. width - 1, mostly of small sizes and one in 64 of up to 2 MiB;
 * then all are freed. Failing to allocate is allowed. The same calls after each work_begin.
 */
void work_mixed(size_t ops, size_t width);

/* Called, if not NULL, whenever a call above was given NULL instead of a block. */
extern void (*work_on_null)(void);

/* len <= 2 MiB */
size_t resident_pages(const void *at, size_t len);

#endif
