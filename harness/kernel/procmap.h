/*
 * procmap.h - asks the kernel for one VMA by address: the PROCMAP_QUERY ioctl (Linux 6.11).
 *
 * O(log n) in the number of VMAs, about half a microsecond, where reading the text of
 * /proc/self/maps costs as much per VMA. Async-signal-safe; errno is left alone.
 */
#ifndef KERNEL_PROCMAP_H
#define KERNEL_PROCMAP_H

#include <stdint.h>

enum vma_flags { VMA_FLAG_READ = 1, VMA_FLAG_WRITE = 2, VMA_FLAG_EXEC = 4, VMA_FLAG_SHARED = 8 };

struct procmap_vma {
	uintptr_t start, end;
	uint32_t flags; /* mask of enum vma_flags */
};

/* The VMA that holds `address`, or the next above. `fd` is of /proc/self/maps. -ENOENT: none. */
int procmap_at_or_above(int fd, uintptr_t address, struct procmap_vma *ret_vma);

/* 0, or -ENOTSUP where the kernel has no such ioctl, or -errno. */
int procmap_probe(int fd);

#endif
