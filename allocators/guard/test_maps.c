#include "allocators/guard/test_maps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
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

#define RANGES_MAX 4096

static struct {
	unsigned calls;
	size_t first, count, each;
	uintptr_t at; /* 0: wherever */
	atomic_size_t seen, refused, ranges;
} plan;

static struct refused_range ranges[RANGES_MAX];

static void plan_set(unsigned calls, size_t first, size_t count, size_t each)
{
	plan.calls = calls;
	plan.first = first;
	plan.count = count;
	plan.each = each;
	plan.at = 0;
	plan.seen = plan.refused = plan.ranges = 0;
}

void refuse(unsigned calls, size_t first, size_t count)
{
	plan_set(calls, first, count, 0);
}

void refuse_each(unsigned calls, size_t nth)
{
	plan_set(calls, 0, 0, nth);
}

void refuse_at(unsigned calls, const void *address)
{
	plan_set(calls, 1, SIZE_MAX, 0);
	plan.at = (uintptr_t)address;
}

size_t refuse_end(void)
{
	plan.calls = 0;
	return plan.refused;
}

size_t refuse_seen(void)
{
	return plan.seen;
}

size_t refuse_count(void)
{
	return plan.refused;
}

const struct refused_range *refused_ranges(size_t *ret_count)
{
	*ret_count = plan.ranges < RANGES_MAX ? plan.ranges : RANGES_MAX;
	return ranges;
}

int range_is_mapped(const struct refused_range *r)
{
	unsigned char resident[1];

	for (size_t at = 0; at < r->len; at += 4096) {
		if (mincore((void *)(r->at + at), 4096, resident) == 0)
			return 1;
	}
	return 0;
}

static int refused(enum refusable call, const void *at, size_t len)
{
	if (!(plan.calls & call) || (plan.at && plan.at - (uintptr_t)at >= len))
		return 0;
	size_t number = ++plan.seen;

	if (plan.each ? number % plan.each != 0
		      : number < plan.first || number - plan.first >= plan.count)
		return 0;
	plan.refused++;
	errno = ENOMEM;
	return 1;
}

/* As above, for a call that would have given the range back. */
static int refused_range(enum refusable call, void *at, size_t len)
{
	if (!refused(call, at, len))
		return 0;
	size_t i = plan.ranges++;

	if (i < RANGES_MAX)
		ranges[i] = (struct refused_range){(uintptr_t)at, len};
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
	return refused(REFUSE_MMAP, at, len) ? MAP_FAILED
					     : __real_mmap(at, len, prot, flags, fd, offset);
}

int __wrap_munmap(void *at, size_t len)
{
	return refused_range(REFUSE_MUNMAP, at, len) ? -1 : __real_munmap(at, len);
}

int __wrap_mprotect(void *at, size_t len, int prot)
{
	return refused(REFUSE_MPROTECT, at, len) ? -1 : __real_mprotect(at, len, prot);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
	return refused_range(REFUSE_MADVISE, at, len) ? -1 : __real_madvise(at, len, advice);
}

void *__wrap_mremap(void *at, size_t len, size_t new_len, int flags, ...)
{
	return refused(REFUSE_MREMAP, at, len) ? MAP_FAILED
					       : __real_mremap(at, len, new_len, flags);
}
