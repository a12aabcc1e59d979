/*
 * vmas.h - the mappings of the process as /proc/self/maps tells them, and which of them are the
 * program's: all but what was there before it began.
 */
#ifndef EMIT_VMAS_H
#define EMIT_VMAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vma {
	uintptr_t start, end;
	bool is_stack, is_heap;
};

/* Hands out each, lowest first, until `see` returns other than 0, which is returned. */
typedef int vma_fn(void *ctx, const struct vma *v);
int vmas_each(vma_fn *see, void *ctx);

/* Never the program's; `include`: again. Ends are rounded out by the caller. */
void vmas_exclude(uintptr_t start, uintptr_t end);
void vmas_include(uintptr_t start, uintptr_t end);
/* Memory of our own: MAP_PRIVATE or MAP_SHARED, all zero, excluded. */
void *vmas_own(size_t bytes, int sharing);
/* All that is mapped now, but not the break: that grows by what the program asks for. */
void vmas_exclude_present(void);

/* The next part of [*at, end) that is not excluded, from *at on, which moves behind it. */
bool vmas_next_owned(uintptr_t *at, uintptr_t end, uintptr_t *ret_start, uintptr_t *ret_end);

/* How many the process has; nothing is mapped in [start, end). */
long vmas_count(void);
bool vmas_free(uintptr_t start, uintptr_t end);

/*
 * Fills the holes between the mappings that are there, and puts one page right below them: else the
 * first mappings of the program would land in holes and merge with older ones, and be counted
 * differently each time. The fillers are excluded.
 */
void vmas_plug(void);

#endif
