/*
 * What is tried is tried inside one reservation: inaccessible, with a fence page at either end.
 * Nothing in there ever gets to be the neighbour of somebody else's mapping that it could merge
 * with, or lend a struct anon_vma to, so unmapping the whole leaves no trace.
 */
#include "harness/kernel/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/kernel/proc.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON 100
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

#define MEMINFO_BYTES 8192
/* No file of the system says how long a huge page of the page tables is, but this one. */
#define PMD_SIZE_FILE  "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
#define SHM_NAME_TRIES 64

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The text of a small file; its end is cut off where it does not fit. */
static int read_text(const char *path, char *buf, size_t size)
{
	int fd = proc_open(path);

	if (fd < 0)
		return fd;
	int err = proc_read(fd, buf, size);

	close(fd);
	return err;
}

static int read_number(const char *path, int64_t *ret_value)
{
	char text[32];
	const char *p = text;
	uint64_t value;
	int err = read_text(path, text, sizeof(text));

	if (!err)
		err = proc_number(&p, &value);
	if (!err && value > INT64_MAX)
		err = -EBADMSG;
	if (!err)
		*ret_value = (int64_t)value;
	return err;
}

int fact_overcommit(int64_t *ret_value)
{
	return read_number("/proc/sys/vm/overcommit_memory", ret_value);
}

/* The chosen one of "always [madvise] never". */
int fact_thp(int64_t *ret_value)
{
	static const char *const words[] = {"[never]", "[madvise]", "[always]"};
	char text[128];
	int err = read_text("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));

	if (err && err != -ENOENT)
		return err;
	if (err) /* a kernel without them */
		*ret_value = 0;
	for (unsigned i = 0; !err && i < 3; i++)
		if (strstr(text, words[i])) {
			*ret_value = i;
			return 0;
		}
	return err ? 0 : -EBADMSG;
}

int fact_shmem_thp(int64_t *ret_value)
{
	char text[128];
	int err =
		read_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof(text));

	if (err && err != -ENOENT)
		return err;
	*ret_value = !err && !strstr(text, "[never]") && !strstr(text, "[deny]");
	return 0;
}

/* Behind "Name:" at the beginning of a line, or NULL. */
static const char *line_value(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

int fact_meminfo(const char *line, int64_t *ret_value)
{
	char text[MEMINFO_BYTES];
	uint64_t value, unit;
	int err = read_text("/proc/meminfo", text, sizeof(text));

	if (err)
		return err;
	const char *p = line_value(text, line);

	if (!p)
		return -ENOENT;
	err = proc_number(&p, &value);
	if (err)
		return err;
	unit = strncmp(p, " kB", 3) == 0 ? 1024 : 1;
	if (value > (uint64_t)INT64_MAX / unit)
		return -EBADMSG;
	*ret_value = (int64_t)(value * unit);
	return 0;
}

/* Pages of our own, behind a fence. */
struct scratch {
	unsigned char *base;  /* of the reservation */
	size_t reserved;      /* bytes */
	unsigned char *pages; /* inaccessible */
	size_t len;
};

/* `align` is a power of two of at least a page. Inaccessible private memory is not charged. */
static int scratch_map(struct scratch *s, size_t len, size_t align)
{
	size_t page = page_bytes(), reserved;

	if (__builtin_add_overflow(len, align + 2 * page, &reserved))
		return -ENOMEM;
	void *p =
		mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM; /* for whichever limit */
	uintptr_t first = ((uintptr_t)p + page + align - 1) & -align;

	*s = (struct scratch){
		.base = p,
		.reserved = reserved,
		.pages = (unsigned char *)p + (first - (uintptr_t)p),
		.len = len,
	};
	return 0;
}

static void scratch_unmap(const struct scratch *s)
{
	munmap(s->base, s->reserved);
}

static bool lock_is_capable(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	return data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK);
}

/*
 * Root of a user namespace has the capability and yet the limit, so it is tried: one page more than
 * the limit, of which MLOCK_ONFAULT brings none into memory. Where there is no room for the trial
 * the limit could not be reached either.
 */
static bool lock_is_limited(uint64_t limit)
{
	struct scratch s;

	if (!lock_is_capable())
		return true;
	if (limit > INT64_MAX ||
	    scratch_map(&s, (size_t)(limit & -page_bytes()) + page_bytes(), page_bytes()) != 0)
		return false;
	long rc = syscall(SYS_mlock2, s.pages, s.len, MLOCK_ONFAULT);
	bool refused = rc != 0 && (errno == ENOMEM || errno == EPERM);

	scratch_unmap(&s);
	return refused;
}

int fact_memlock(int64_t *ret_value)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) != 0)
		return -errno;
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > INT64_MAX || !lock_is_limited(r.rlim_cur))
		*ret_value = INT64_MAX;
	else
		*ret_value = (int64_t)r.rlim_cur;
	return 0;
}

static char *put_number(char *to, uint64_t value)
{
	char digit[20];
	int n = 0;

	do {
		digit[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		*to++ = digit[--n];
	return to;
}

/* "/allocrig-PID-TRY" */
static void shm_name(char *name, unsigned try)
{
	char *p = stpcpy(name, "/allocrig-");

	p = put_number(p, (uint64_t)getpid());
	*p++ = '-';
	p = put_number(p, try);
	*p = '\0';
}

int fact_shm(int64_t *ret_value)
{
	char name[64];
	int fd = -1;

	/* Somebody of the same number in another pid namespace may be at it too. */
	for (unsigned i = 0; i < SHM_NAME_TRIES && fd < 0; i++) {
		shm_name(name, i);
		fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	*ret_value = fd >= 0;
	if (fd < 0)
		return 0;
	shm_unlink(name);
	close(fd);
	return 0;
}

/* Only a range with a whole huge page in it can be collapsed into one. */
static size_t advised_bytes(int advice)
{
	int64_t huge;

	if (advice != MADV_COLLAPSE)
		return page_bytes();
	if (read_number(PMD_SIZE_FILE, &huge) != 0 || huge <= 0 || (huge & (huge - 1)) != 0)
		return 2u << 20;
	return (size_t)huge;
}

/*
 * What is wrong with the advice, as opposed to want of memory or of time. The kernel checks a
 * process's right to give one (EPERM) before it looks at the memory.
 */
static bool means_unknown(int err)
{
	return err == EINVAL || err == ENOSYS || err == EOPNOTSUPP || err == EPERM || err == EACCES;
}

int fact_advice(int advice, int64_t *ret_value)
{
	size_t len = advised_bytes(advice);
	struct scratch s;

	/* These take the page away from the machine, for good. */
	if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE)
		return -EPERM;
	int err = scratch_map(&s, len, len);

	if (err)
		return err;
	if (mprotect(s.pages, len, PROT_READ | PROT_WRITE) != 0) {
		err = -errno;
	} else {
		*(volatile unsigned char *)s.pages = 1;
		*ret_value = madvise(s.pages, len, advice) == 0 || !means_unknown(errno);
	}
	scratch_unmap(&s);
	return err;
}

/* Into the reservation itself: at a place of the kernel's choice it could meet a neighbour. */
int fact_dontunmap(int64_t *ret_value)
{
	size_t page = page_bytes();
	struct scratch s;
	int err = scratch_map(&s, 3 * page, page);

	if (err)
		return err;
	if (mprotect(s.pages, page, PROT_READ | PROT_WRITE) != 0) {
		err = -errno;
	} else {
		void *p = mremap(s.pages, page, page,
				 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
				 s.pages + 2 * page);

		*ret_value = p != MAP_FAILED;
	}
	scratch_unmap(&s);
	return err;
}

int fact_fixed_noreplace(int64_t *ret_value)
{
	size_t page = page_bytes();
	struct scratch s;
	int err = scratch_map(&s, page, page);

	if (err)
		return err;
	void *p = mmap(s.pages, page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	*ret_value = p == MAP_FAILED && errno == EEXIST;
	if (p != MAP_FAILED) /* somewhere else, as a hint that was not followed */
		munmap(p, page);
	scratch_unmap(&s);
	return 0;
}
