/*
 * whole_count.c - a library that is preloaded to count the calls that reach malloc and its family
 * by the linker's names. What a program has inside itself does not come here, and that is the
 * point. glibc's functions behind it have names of their own, so nothing has to be looked up.
 */
#include "bench/whole/whole_count.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT_PUBLIC __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void *__libc_valloc(size_t size);
extern void *__libc_pvalloc(size_t size);

/* Until the file is mapped, and where it cannot be. */
static struct whole_counts own;
static struct whole_counts *counts = &own;

static void count(enum whole_call call)
{
	__atomic_fetch_add(&counts->calls[call], 1, __ATOMIC_RELAXED);
}

__attribute__((constructor)) static void count_begin(void)
{
	const char *dir = getenv(WHOLE_COUNT_ENV);
	char path[4096];
	int saved = errno;

	snprintf(path, sizeof(path), "%s/" WHOLE_COUNT_NAME "%d", dir ? dir : ".", getpid());
	int fd = dir ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	struct whole_counts *page = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*page)) == 0)
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (page != MAP_FAILED) {
		snprintf(page->program, sizeof(page->program), "%s", program_invocation_short_name);
		counts = page;
	}
	errno = saved;
}

COUNT_PUBLIC void *malloc(size_t size)
{
	count(WHOLE_MALLOC);
	return __libc_malloc(size);
}

COUNT_PUBLIC void free(void *p)
{
	count(WHOLE_FREE);
	__libc_free(p);
}

COUNT_PUBLIC void *calloc(size_t n, size_t size)
{
	count(WHOLE_CALLOC);
	return __libc_calloc(n, size);
}

COUNT_PUBLIC void *realloc(void *p, size_t size)
{
	count(WHOLE_REALLOC);
	return __libc_realloc(p, size);
}

COUNT_PUBLIC void *aligned_alloc(size_t align, size_t size)
{
	count(WHOLE_ALIGNED_ALLOC);
	return __libc_memalign(align, size);
}

COUNT_PUBLIC int posix_memalign(void **ret_p, size_t align, size_t size)
{
	int saved = errno;

	count(WHOLE_POSIX_MEMALIGN);
	if (align % sizeof(void *) != 0 || (align & (align - 1)) != 0 || align == 0)
		return EINVAL;
	void *p = __libc_memalign(align, size);

	errno = saved;
	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}

COUNT_PUBLIC void *memalign(size_t align, size_t size)
{
	count(WHOLE_MEMALIGN);
	return __libc_memalign(align, size);
}

COUNT_PUBLIC void *valloc(size_t size)
{
	count(WHOLE_VALLOC);
	return __libc_valloc(size);
}

COUNT_PUBLIC void *pvalloc(size_t size)
{
	count(WHOLE_PVALLOC);
	return __libc_pvalloc(size);
}

/* libc's, which is preloaded right behind: a program may be linked to an allocator too. */
COUNT_PUBLIC size_t malloc_usable_size(void *p)
{
	static size_t (*next)(void *);
	size_t (*found)(void *) = __atomic_load_n(&next, __ATOMIC_RELAXED);

	count(WHOLE_USABLE);
	if (!found) {
		*(void **)&found = dlsym(RTLD_NEXT, "malloc_usable_size");
		__atomic_store_n(&next, found, __ATOMIC_RELAXED);
	}
	return found ? found(p) : 0;
}
