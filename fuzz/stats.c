#include "fuzz/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int map(int fd, struct job_stats **ret_stats)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *page = mmap(NULL, sizeof(**ret_stats), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	*ret_stats = page;
	atomic_store(&(*ret_stats)->pid, (uint32_t)getpid());
	atomic_store(&(*ret_stats)->abi, JOB_STATS_ABI);
	return 0;
}

int stats_open(const char *path, struct job_stats **ret_stats)
{
	if (!path)
		return map(-1, ret_stats);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	int err = ftruncate(fd, sizeof(**ret_stats)) == 0 ? 0 : -errno;

	if (!err)
		err = map(fd, ret_stats);
	close(fd);
	return err;
}

void stats_add(_Atomic uint64_t *count, uint64_t n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

void stats_raise(_Atomic uint64_t *count, uint64_t to)
{
	uint64_t now = atomic_load_explicit(count, memory_order_relaxed);

	while (now < to && !atomic_compare_exchange_weak(count, &now, to))
		;
}
