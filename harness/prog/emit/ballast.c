#include "harness/prog/emit/ballast.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/vmas.h"

#define BALLAST_MAX (1l << 23)
#define SPARE_PAGES 2

static uintptr_t base;
static long limit;

static long read_limit(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		broken("vm.max_map_count");
	close(fd);
	return strtol(text, NULL, 10);
}

/* Private memory that nobody can write is not charged; fork() does not copy the fillers. */
void ballast_reserve(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	limit = read_limit();
	if (limit <= 0 || limit > BALLAST_MAX)
		impossible("vm.max_map_count is too large to be filled up");
	size_t len = (size_t)(limit + SPARE_PAGES) * PAGE;
	void *p = mmap(NULL, len, PROT_NONE, flags, -1, 0);

	if (p == MAP_FAILED || madvise(p, len, MADV_DONTFORK) != 0)
		broken("the ballast could not be reserved");
	base = (uintptr_t)p;
	vmas_exclude(base, base + len);
}

static void change(long page)
{
	if (mprotect((void *)(base + (uintptr_t)page * PAGE), PAGE, PROT_READ) != 0)
		broken("the ballast could not be raised");
}

/* Page 0 makes one VMA more, pages 2, 4, 6 ... two each. */
void ballast_raise(long headroom)
{
	long now = vmas_count();

	if (limit - now < headroom)
		impossible("the process has more maps than the ballast line leaves");
	long count = limit - now - headroom;

	if (count % 2)
		change(0);
	for (long i = 1; i <= count / 2; i++)
		change(2 * i);
}

void ballast_drop(void)
{
	munmap((void *)base, (size_t)(limit + SPARE_PAGES) * PAGE);
}

void ballast_forked(void)
{
	vmas_include(base, base + (uintptr_t)(limit + SPARE_PAGES) * PAGE);
}
