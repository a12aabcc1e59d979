#include "allocators/guard/os.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* Linux 6.13; headers are older. */
#define ADVICE_GUARD_INSTALL 102
#define ADVICE_GUARD_REMOVE  103

/* A libc result (-1 with errno) as 0 or -errno, with errno put back. */
static int result(int saved, bool failed)
{
	int err = failed ? -errno : 0;

	errno = saved;
	return err;
}

int os_map(uintptr_t *ret_at, uintptr_t at, size_t len)
{
	int saved = errno, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (at)
		flags |= MAP_FIXED_NOREPLACE;
	void *got = mmap((void *)at, len, PROT_NONE, flags, -1, 0);
	int err = result(saved, got == MAP_FAILED);

	if (err)
		return err;
	/* A kernel before 4.17 takes the flag for a mere hint. */
	if (at && (uintptr_t)got != at) {
		os_unmap((uintptr_t)got, len);
		return -EEXIST;
	}
	*ret_at = (uintptr_t)got;
	return 0;
}

int os_unmap(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, munmap((void *)at, len) != 0);
}

int os_open(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, mprotect((void *)at, len, PROT_READ | PROT_WRITE) != 0);
}

int os_close(uintptr_t at, size_t len)
{
	int saved = errno, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	return result(saved, mmap((void *)at, len, PROT_NONE, flags, -1, 0) == MAP_FAILED);
}

int os_shut(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, mprotect((void *)at, len, PROT_NONE) != 0);
}

int os_fence(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, madvise((void *)at, len, ADVICE_GUARD_INSTALL) != 0);
}

int os_unfence(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, madvise((void *)at, len, ADVICE_GUARD_REMOVE) != 0);
}

bool os_is_writable(uintptr_t at)
{
	int saved = errno;
	void *mapped = (void *)((uintptr_t)&saved & ~(OS_PAGE - 1));

	return result(saved, mincore(mapped, OS_PAGE, (unsigned char *)at) != 0) != -EFAULT;
}

int os_purge(uintptr_t at, size_t len)
{
	int saved = errno;

	return result(saved, madvise((void *)at, len, MADV_DONTNEED) != 0);
}

int os_move(uintptr_t *ret_at, uintptr_t at, size_t len, size_t new_len)
{
	int saved = errno;
	void *got = mremap((void *)at, len, new_len, MREMAP_MAYMOVE);
	int err = result(saved, got == MAP_FAILED);

	if (!err)
		*ret_at = (uintptr_t)got;
	return err;
}

bool os_is_resident(uintptr_t at, size_t len)
{
	int saved = errno;
	unsigned char pages[256];
	size_t n = len / OS_PAGE < sizeof(pages) ? len / OS_PAGE : sizeof(pages);
	bool resident = false;

	if (result(saved, mincore((void *)at, n * OS_PAGE, pages) != 0))
		return false;
	for (size_t i = 0; i < n; i++)
		resident |= pages[i] & 1;
	return resident;
}

/* "0x" and 16 digits, without stdio: the heap is not to be trusted any more. */
static void hex(char out[static 19], uintptr_t value)
{
	memcpy(out, "0x", 2);
	for (int i = 0; i < 16; i++)
		out[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
	out[18] = '\0';
}

void os_panic(const char *what, const void *p, const char *why)
{
	char address[19];

	hex(address, (uintptr_t)p);
	const char *parts[] = {"guard: ", what, " ", address, ": ", why, "\n"};
	struct iovec line[7];

	for (int i = 0; i < 7; i++)
		line[i] = (struct iovec){(void *)parts[i], strlen(parts[i])};
	if (writev(STDERR_FILENO, line, 7) < 0)
		abort();
	abort();
}
