#include "harness/kernel/procmap.h"

#include <errno.h>
#include <sys/ioctl.h>

/* linux/fs.h of Linux 6.11; the headers that we are built with may be older. */
struct query {
	uint64_t size, flags, address;
	uint64_t vma_start, vma_end, vma_flags, vma_page_bytes, vma_offset, inode;
	uint32_t dev_major, dev_minor, name_size, build_id_size;
	uint64_t name, build_id;
};

#define QUERY_VMA	 _IOWR('f', 17, struct query)
#define COVERING_OR_NEXT 0x10
#define FLAGS_WANTED	 (VMA_FLAG_READ | VMA_FLAG_WRITE | VMA_FLAG_EXEC | VMA_FLAG_SHARED)

_Static_assert(sizeof(struct query) == 104, "the kernel's struct procmap_query");

int procmap_at_or_above(int fd, uintptr_t address, struct procmap_vma *ret_vma)
{
	struct query q = {.size = sizeof(q), .flags = COVERING_OR_NEXT, .address = address};
	int saved = errno, err = 0;

	if (ioctl(fd, QUERY_VMA, &q) != 0)
		err = -errno;
	errno = saved;
	if (err)
		return err;
	ret_vma->start = q.vma_start;
	ret_vma->end = q.vma_end;
	ret_vma->flags = (uint32_t)q.vma_flags & FLAGS_WANTED;
	return 0;
}

/* What an older kernel, or one that emulates Linux, or a filter of system calls answers. */
int procmap_probe(int fd)
{
	struct procmap_vma v;
	int err = procmap_at_or_above(fd, (uintptr_t)&v, &v);

	switch (err) {
	case -ENOTTY:
	case -EINVAL:
	case -ENOSYS:
	case -EPERM:
	case -EACCES:
		return -ENOTSUP;
	default:
		return err;
	}
}
