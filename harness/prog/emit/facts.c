#include "harness/prog/emit/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

#define PMD_SIZE_FILE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

/* The text of a small file; empty where there is none. */
static const char *read_text(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int64_t read_number(const char *path)
{
	const char *text = read_text(path);

	if (!*text)
		broken(path);
	return strtoll(text, NULL, 10);
}

int64_t fact_overcommit(void)
{
	return read_number("/proc/sys/vm/overcommit_memory");
}

int64_t fact_thp(void)
{
	const char *text = read_text("/sys/kernel/mm/transparent_hugepage/enabled");

	return strstr(text, "[always]") ? 2 : strstr(text, "[madvise]") ? 1 : 0;
}

int64_t fact_root(void)
{
	return geteuid() == 0;
}

static int64_t meminfo(const char *name, int64_t unit)
{
	const char *line = strstr(read_text("/proc/meminfo"), name);

	return line ? strtoll(line + strlen(name), NULL, 10) * unit : 0;
}

int64_t fact_ram(void)
{
	return meminfo("MemTotal:", 1024);
}

int64_t fact_swap(void)
{
	return meminfo("SwapTotal:", 1024);
}

int64_t fact_hugepages(void)
{
	return meminfo("HugePages_Free:", 1);
}

int64_t fact_max_map_count(void)
{
	return read_number("/proc/sys/vm/max_map_count");
}

/* Inaccessible memory of our own: with a page at either end, so that it meets no neighbour. */
static unsigned char *reserve(size_t len)
{
	void *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool may_lock_memory(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK));
}

/* Root of a user namespace has the capability and yet the limit: one page more is tried. */
static bool is_lock_limited(size_t limit)
{
	size_t len = limit / PAGE * PAGE + PAGE;
	unsigned char *p = may_lock_memory() ? reserve(len + 2 * PAGE) : NULL;

	if (!p)
		return !may_lock_memory();
	bool refused = syscall(SYS_mlock2, p + PAGE, len, MLOCK_ONFAULT) != 0 &&
		       (errno == ENOMEM || errno == EPERM);

	munmap(p, len + 2 * PAGE);
	return refused;
}

int64_t fact_memlock(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) != 0)
		broken("RLIMIT_MEMLOCK");
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > INT64_MAX || !is_lock_limited(r.rlim_cur))
		return INT64_MAX;
	return (int64_t)r.rlim_cur;
}

/* Want of memory or of time is not the same as not to know the advice. */
static int64_t knows_advice(int advice, size_t len)
{
	unsigned char *p = reserve(2 * len + 2 * PAGE);
	bool knows = false;

	if (!p)
		broken("an advice could not be tried");
	unsigned char *at = (unsigned char *)(((uintptr_t)p + PAGE + len - 1) / len * len);

	if (mprotect(at, len, PROT_READ | PROT_WRITE) == 0) {
		*(volatile unsigned char *)at = 1;
		knows = madvise(at, len, advice) == 0 ||
			(errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP &&
			 errno != EPERM && errno != EACCES);
	}
	munmap(p, 2 * len + 2 * PAGE);
	return knows;
}

int64_t fact_guard_install(void)
{
	return knows_advice(MADV_GUARD_INSTALL, PAGE);
}

int64_t fact_populate_write(void)
{
	return knows_advice(MADV_POPULATE_WRITE, PAGE);
}

int64_t fact_wipeonfork(void)
{
	return knows_advice(MADV_WIPEONFORK, PAGE);
}

int64_t fact_collapse(void)
{
	long long huge = strtoll(read_text(PMD_SIZE_FILE), NULL, 10);

	return knows_advice(MADV_COLLAPSE, huge > 0 ? (size_t)huge : (size_t)2 << 20);
}

int64_t fact_dontunmap(void)
{
	unsigned char *p = reserve(5 * PAGE);
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (!p || mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) != 0)
		broken("MREMAP_DONTUNMAP could not be tried");
	bool knows = syscall(SYS_mremap, p + PAGE, PAGE, PAGE, flags, p + 3 * PAGE) != -1;

	munmap(p, 5 * PAGE);
	return knows;
}

/* Older kernels take it for a hint. */
int64_t fact_fixed_noreplace(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	unsigned char *p = reserve(3 * PAGE);

	if (!p)
		broken("MAP_FIXED_NOREPLACE could not be tried");
	void *q = mmap(p + PAGE, PAGE, PROT_NONE, flags, -1, 0);
	bool knows = q == MAP_FAILED && errno == EEXIST;

	if (q != MAP_FAILED)
		munmap(q, PAGE);
	munmap(p, 3 * PAGE);
	return knows;
}

int64_t fact_shm(void)
{
	char name[64];

	snprintf(name, sizeof(name), "/allocrig-%d-fact", (int)getpid());
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return 0;
	shm_unlink(name);
	close(fd);
	return 1;
}

void need(int64_t found, int holds, const char *what)
{
	if (!holds)
		impossible("the program needs %s, but here it is %" PRId64, what, found);
}
