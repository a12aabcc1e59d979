/* A mapping of each kind: mapped, every page touched, unmapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/micro/micro.h"

enum { PRIVATE, SHARED, ZERO, HUGE };

static void *held;

static int zero_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return fd;
}

static void *map(const struct micro_run *r)
{
	static const int flags[] = {
		[PRIVATE] = MAP_PRIVATE | MAP_ANONYMOUS,
		[SHARED] = MAP_SHARED | MAP_ANONYMOUS,
		[ZERO] = MAP_PRIVATE,
		[HUGE] = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
	};
	int fd = r->micro->variant == ZERO ? zero_fd() : -1;

	return mmap(NULL, (size_t)r->args[0], PROT_READ | PROT_WRITE, flags[r->micro->variant], fd,
		    0);
}

static const char *map_missing(const struct micro_run *r)
{
	static char why[160];
	void *p = map(r);
	int err = errno;

	if (p != MAP_FAILED) {
		munmap(p, (size_t)r->args[0]);
		return NULL;
	}
	snprintf(why, sizeof(why), "%s: mmap: %s",
		 r->micro->variant == HUGE ? "no huge pages are there (vm.nr_hugepages)"
					   : "such a mapping cannot be made",
		 strerror(err));
	return why;
}

static const char *map_time(struct gbench_state *s, const struct micro_run *r)
{
	size_t size = (size_t)r->args[0];
	uint64_t n;

	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		for (uint64_t i = 0; i < n; i++) {
			void *p = map(r);

			if (p == MAP_FAILED)
				return "mmap failed";
			micro_touch(p, size);
			munmap(p, size);
		}
	}
	gbench_bytes(s, gbench_total(s) * size);
	return NULL;
}

static const char *map_hold(const struct micro_run *r)
{
	held = map(r);
	if (held == MAP_FAILED)
		return "mmap failed";
	micro_touch(held, (size_t)r->args[0]);
	return NULL;
}

static void map_drop(const struct micro_run *r)
{
	munmap(held, (size_t)r->args[0]);
}

static void map_set_up(struct gbench *b)
{
	gbench_range_multiplier(b, 16);
	gbench_range(b, (struct gbench_span){4096, 16 << 20});
}

static void huge_set_up(struct gbench *b)
{
	gbench_arg(b, 2 << 20);
	gbench_arg(b, 16 << 20);
}

const struct micro micros_mapping[] = {
	{.name = "map_private",
	 .nargs = 1,
	 .variant = PRIVATE,
	 .set_up = map_set_up,
	 .missing = map_missing,
	 .time = map_time,
	 .hold = map_hold,
	 .drop = map_drop},
	{.name = "map_shared",
	 .nargs = 1,
	 .variant = SHARED,
	 .set_up = map_set_up,
	 .missing = map_missing,
	 .time = map_time,
	 .hold = map_hold,
	 .drop = map_drop},
	{.name = "map_dev_zero",
	 .nargs = 1,
	 .variant = ZERO,
	 .set_up = map_set_up,
	 .missing = map_missing,
	 .time = map_time,
	 .hold = map_hold,
	 .drop = map_drop},
	{.name = "map_hugepage",
	 .nargs = 1,
	 .variant = HUGE,
	 .set_up = huge_set_up,
	 .missing = map_missing,
	 .time = map_time,
	 .hold = map_hold,
	 .drop = map_drop},
	{0},
};
