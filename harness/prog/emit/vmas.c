#include "harness/prog/emit/vmas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define EXCLUDED_MAX   4096
#define STACK_ROOM_MAX ((uintptr_t)64 << 20)

static struct {
	uintptr_t start, end;
} excluded[EXCLUDED_MAX + 1]; /* by address, apart from each other */
static size_t nexcluded;

/* "55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0    [heap]"; [vsyscall] is none. */
static bool parse(char *line, struct vma *ret)
{
	char *end;

	*ret = (struct vma){.start = strtoull(line, &end, 16)};
	if (*end != '-')
		return false;
	ret->end = strtoull(end + 1, &end, 16);
	ret->is_stack = strstr(end, "[stack]");
	ret->is_heap = strstr(end, "[heap]");
	return !strstr(end, "[vsyscall]");
}

/* The file is opened each time, as a fork child has another. */
int vmas_each(vma_fn *see, void *ctx)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t n;
	int ret = 0, fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		broken("/proc/self/maps");
	while (!ret && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		char *line = text, *newline;
		struct vma v;

		len += (size_t)n;
		text[len] = '\0';
		for (; !ret && (newline = strchr(line, '\n')); line = newline + 1) {
			*newline = '\0';
			if (parse(line, &v))
				ret = see(ctx, &v);
		}
		len = (size_t)(text + len - line);
		memmove(text, line, len);
	}
	close(fd);
	return ret;
}

void vmas_include(uintptr_t start, uintptr_t end)
{
	for (size_t i = 0; i < nexcluded; i++) {
		uintptr_t from = excluded[i].start, to = excluded[i].end;

		if (to <= start || from >= end)
			continue;
		memmove(&excluded[i], &excluded[i + 1], (nexcluded - i) * sizeof(*excluded));
		nexcluded--;
		i--;
		if (from < start)
			vmas_exclude(from, start);
		if (to > end)
			vmas_exclude(end, to);
	}
}

void vmas_exclude(uintptr_t start, uintptr_t end)
{
	size_t i = 0, n = 0;

	while (i < nexcluded && excluded[i].end < start)
		i++;
	for (; i + n < nexcluded && excluded[i + n].start <= end; n++) {
		start = excluded[i + n].start < start ? excluded[i + n].start : start;
		end = excluded[i + n].end > end ? excluded[i + n].end : end;
	}
	if (n == 0 && nexcluded == EXCLUDED_MAX)
		impossible("the process has too many mappings before the program begins");
	memmove(&excluded[i + 1], &excluded[i + n], (nexcluded - i - n) * sizeof(*excluded));
	nexcluded = nexcluded + 1 - n;
	excluded[i].start = start;
	excluded[i].end = end;
}

void *vmas_own(size_t bytes, int sharing)
{
	size_t len = (bytes + PAGE - 1) / PAGE * PAGE;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		broken("no memory for what the program itself needs");
	vmas_exclude((uintptr_t)p, (uintptr_t)p + len);
	return p;
}

/* The stack is excluded down to where it may grow. */
static int exclude_vma(void *ctx, const struct vma *v)
{
	struct rlimit limit;
	uintptr_t start = v->start, room = STACK_ROOM_MAX;

	(void)ctx;
	if (v->is_heap)
		return 0;
	if (v->is_stack) {
		if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < room)
			room = limit.rlim_cur;
		start = v->end - room < start ? v->end - room : start;
	}
	vmas_exclude(start, v->end);
	return 0;
}

void vmas_exclude_present(void)
{
	vmas_each(exclude_vma, NULL);
}

bool vmas_next_owned(uintptr_t *at, uintptr_t end, uintptr_t *ret_start, uintptr_t *ret_end)
{
	size_t low = 0, high = nexcluded;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (excluded[middle].end > *at)
			high = middle;
		else
			low = middle + 1;
	}
	if (low < nexcluded && excluded[low].start <= *at)
		*at = excluded[low++].end;
	if (*at >= end)
		return false;
	*ret_start = *at;
	*ret_end = low < nexcluded && excluded[low].start < end ? excluded[low].start : end;
	*at = *ret_end;
	return true;
}

static int count(void *ctx, const struct vma *v)
{
	(void)v;
	++*(long *)ctx;
	return 0;
}

long vmas_count(void)
{
	long n = 0;

	vmas_each(count, &n);
	return n;
}

struct hole {
	uintptr_t at, start, end; /* `at` in it */
	bool is_taken, is_below_stack;
};

static int find_hole(void *ctx, const struct vma *v)
{
	struct hole *h = ctx;

	if (v->end <= h->at) {
		h->start = v->end;
		return 0;
	}
	h->is_taken = v->start <= h->at;
	h->end = v->start;
	h->is_below_stack = v->is_stack;
	return 1;
}

bool vmas_free(uintptr_t start, uintptr_t end)
{
	struct hole h = {.at = start, .end = UINTPTR_MAX};

	vmas_each(find_hole, &h);
	return !h.is_taken && h.end >= end;
}

/* More than this is no hole but the free space at the edge of the area. */
#define HOLE_MAX  ((uintptr_t)1 << 40)
#define PLUGS_MAX 4096

/*
 * Shared, because that merges with nothing; private where the kernel charges shared memory in full.
 * Returns whether it stands.
 */
static bool plug(uintptr_t start, size_t len)
{
	int flags = MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	void *p = mmap((void *)start, len, PROT_NONE, MAP_SHARED | flags, -1, 0);

	if (p == MAP_FAILED && errno == ENOMEM)
		p = mmap((void *)start, len, PROT_NONE, MAP_PRIVATE | flags, -1, 0);
	if (p == MAP_FAILED && errno == EEXIST)
		return false;
	if (p == MAP_FAILED)
		broken("the holes between mappings could not be filled");
	if ((uintptr_t)p != start) {
		munmap(p, len);
		return false;
	}
	vmas_exclude(start, start + len);
	return true;
}

/* Where the kernel would put the next page tells which hole is next. */
static bool plug_next(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *p = mmap(NULL, PAGE, PROT_NONE, flags, -1, 0);
	struct hole h = {.at = (uintptr_t)p, .end = UINTPTR_MAX};
	uintptr_t top = (uintptr_t)sbrk(0);

	if (p == MAP_FAILED)
		broken("no page could be mapped");
	munmap(p, PAGE);
	vmas_each(find_hole, &h);
	if (h.is_taken)
		return false;
	bool is_edge = h.end - h.start > HOLE_MAX || h.is_below_stack ||
		       (h.start <= top + PAGE && top < h.end);

	if (is_edge)
		return plug(h.at, PAGE);
	plug(h.start, h.end - h.start);
	return false;
}

void vmas_plug(void)
{
	for (int i = 0; i < PLUGS_MAX; i++)
		if (plug_next())
			return;
	impossible("the holes between mappings could not be filled");
}
