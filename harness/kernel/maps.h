/*
 * maps.h - walks /proc/self/maps, VMA by VMA, in address order.
 *
 * The kernel hands the text out in pieces of about a page, and other threads may map and unmap
 * between two of them. Each VMA then counts as it was before or after; a text that contradicts
 * itself (a VMA that starts below the end of the one before) starts the walk over.
 *
 * [vsyscall] is a line of the text but no VMA, and is not visited.
 */
#ifndef KERNEL_MAPS_H
#define KERNEL_MAPS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/kernel/procmap.h"

enum vma_kind {
	VMA_ORDINARY, /* files, anonymous memory (named or not), the break */
	VMA_STACK,    /* of the main thread */
	VMA_KERNEL    /* what the kernel itself puts there: [vdso], [vvar], [uprobes], ... */
};

struct vma {
	uintptr_t start, end;
	enum vma_kind kind;
	uint32_t flags; /* mask of enum vma_flags */
};

struct maps_reader {
	int fd; /* of /proc/self/maps */
	char *buf;
	size_t size; /* more than the longest line: a path of 4 KiB, each byte escaped to 4 */
};

struct maps_visitor {
	void (*begin)(void *ctx);			  /* a walk starts (over) */
	int (*visit)(void *ctx, const struct vma *found); /* not 0 (nor -EAGAIN): ends it */
	void *ctx;
};

/*
 * Returns 0, what `visit` returned, -EAGAIN when the mappings did not stand still in any of many
 * tries, -EBADMSG when the text cannot be read, -ESRCH when the process has no mappings (the
 * descriptor is that of a process which is gone), or the -errno of the read.
 */
int maps_walk(const struct maps_reader *r, const struct maps_visitor *v);

#endif
