#include "allocators/guard/test_maps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct scan {
	struct maps maps;
	uintptr_t bounds[2];
	unsigned field; /* 0 and 1: the bounds; then the rest of the line */
};

static void scan_char(struct scan *s, char c)
{
	if (c == '\n') {
		s->maps.lines++;
		s->maps.bytes += s->bounds[1] - s->bounds[0];
		s->bounds[0] = s->bounds[1] = 0;
		s->field = 0;
	} else if (s->field < 2 && isxdigit((unsigned char)c)) {
		unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);

		s->bounds[s->field] = s->bounds[s->field] * 16 + digit;
	} else {
		s->field++;
	}
}

struct maps maps_read(void)
{
	static char buf[1 << 16];
	struct scan s = {0};
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return s.maps;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			scan_char(&s, buf[i]);
	}
	close(fd);
	return s.maps;
}

static struct {
	unsigned calls;
	size_t first, count, seen, refused;
} plan;

void refuse(unsigned calls, size_t first, size_t count)
{
	plan.calls = calls;
	plan.first = first;
	plan.count = count;
	plan.seen = plan.refused = 0;
}

size_t refuse_end(void)
{
	plan.calls = 0;
	return plan.refused;
}

static int refused(enum refusable call)
{
	if (!(plan.calls & call))
		return 0;
	plan.seen++;
	if (plan.seen < plan.first || plan.seen - plan.first >= plan.count)
		return 0;
	plan.refused++;
	errno = ENOMEM;
	return 1;
}

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);
int __real_mprotect(void *at, size_t len, int prot);
int __wrap_mprotect(void *at, size_t len, int prot);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);
void *__real_mremap(void *at, size_t len, size_t new_len, int flags, ...);
void *__wrap_mremap(void *at, size_t len, size_t new_len, int flags, ...);

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return refused(REFUSE_MMAP) ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, offset);
}

int __wrap_munmap(void *at, size_t len)
{
	return refused(REFUSE_MUNMAP) ? -1 : __real_munmap(at, len);
}

int __wrap_mprotect(void *at, size_t len, int prot)
{
	return refused(REFUSE_MPROTECT) ? -1 : __real_mprotect(at, len, prot);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
	return refused(REFUSE_MADVISE) ? -1 : __real_madvise(at, len, advice);
}

void *__wrap_mremap(void *at, size_t len, size_t new_len, int flags, ...)
{
	return refused(REFUSE_MREMAP) ? MAP_FAILED : __real_mremap(at, len, new_len, flags);
}
