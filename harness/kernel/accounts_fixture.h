/*
 * accounts_fixture.h - accounts of a test's own child, ready for the first snapshot, and the
 * numbers of the kernel that they are compared with.
 */
#ifndef KERNEL_ACCOUNTS_FIXTURE_H
#define KERNEL_ACCOUNTS_FIXTURE_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/kernel/accounts_priv.h"
#include "harness/kernel/child_test.h"
#include "harness/kernel/proc.h"

#define PAGE ((size_t)4096)

static struct arena arena;
static struct accounts *acc;

static inline void accounts_setup(void)
{
	CHECK_EQ(sysconf(_SC_PAGESIZE), PAGE);
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	CHECK_EQ(accounts_exclude_images(acc), 0);
	CHECK_EQ(accounts_plug(acc), 0);
}

static inline struct snapshot take(void)
{
	struct snapshot s;

	CHECK_EQ(accounts_take(acc, SNAPSHOT_ALL, &s), 0);
	return s;
}

static inline unsigned char *map_pages(size_t pages, int prot, int flags)
{
	void *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static inline void touch_pages(unsigned char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile unsigned char *)p)[i * PAGE] = 1;
}

/* The bytes of a smaps_rollup line. */
static inline int64_t rollup(const char *key)
{
	char text[4096];
	int64_t bytes = 0;
	int fd = proc_open("/proc/self/smaps_rollup");

	CHECK(fd >= 0);
	CHECK_EQ(proc_read(fd, text, sizeof(text)), 0);
	CHECK_EQ(proc_kilobytes(text, key, &bytes), 0);
	close(fd);
	return bytes;
}

/* Lines of /proc/self/maps, counted the simple way. */
static inline int64_t count_lines(void)
{
	static char text[65536];
	int64_t lines = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY);

	CHECK(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
#ifdef __x86_64__
	lines--; /* [vsyscall] */
#endif
	return lines;
}

/* What changed from *before to now. */
#define CHECK_CHANGE(before, maps_, mapped_pages, rss_pages)                                       \
	do {                                                                                       \
		struct snapshot now_ = take();                                                     \
		CHECK_EQ(now_.maps - (before)->maps, maps_);                                       \
		CHECK_EQ(now_.total_maps - (before)->total_maps, maps_);                           \
		CHECK_EQ(now_.mapped_bytes - (before)->mapped_bytes,                               \
			 (int64_t)(PAGE * (mapped_pages)));                                        \
		CHECK_EQ(now_.rss_bytes - (before)->rss_bytes, (int64_t)(PAGE * (rss_pages)));     \
	} while (0)

/* Nothing that is owned came, went or was joined. */
#define CHECK_OWNED_UNCHANGED(before)                                                              \
	do {                                                                                       \
		struct snapshot now_ = take();                                                     \
		CHECK_EQ(now_.maps, (before)->maps);                                               \
		CHECK_EQ(now_.mapped_bytes, (before)->mapped_bytes);                               \
		CHECK_EQ(now_.rss_bytes, (before)->rss_bytes);                                     \
	} while (0)

#endif
