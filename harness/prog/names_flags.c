#include "harness/prog/names.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/prog/name_table.h"
#include "harness/prog/op.h"

/* Values of the kernel's uapi that the C library's headers may be too old to know. */
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11 */
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80 /* x86, Linux 6.6 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif
#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0x4000000 /* the lowest bit of the huge page size */
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18 */
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#define MADV_GUARD_REMOVE  103
#endif

/* log2 of the page size, in the top six bits of the flags. */
#define HUGE_SIZE(bits) ((int)((unsigned)(bits) << 26))

/*
 * Values that contain other values come first, so that a printer that takes away what it printed
 * names each exactly: shared_validate is shared|private, and huge page sizes are numbers.
 */
static const struct name map_flags[] = {
	NAME("shared_validate", MAP_SHARED_VALIDATE),
	NAME("shared", MAP_SHARED),
	NAME("private", MAP_PRIVATE),
	NAME("droppable", MAP_DROPPABLE),
	NAME("anon", MAP_ANONYMOUS),
	NAME("fixed", MAP_FIXED),
	NAME("fixed_noreplace", MAP_FIXED_NOREPLACE),
	NAME("32bit", MAP_32BIT),
	NAME("above4g", MAP_ABOVE4G),
	NAME("growsdown", MAP_GROWSDOWN),
	NAME("denywrite", MAP_DENYWRITE),
	NAME("executable", MAP_EXECUTABLE),
	NAME("locked", MAP_LOCKED),
	NAME("noreserve", MAP_NORESERVE),
	NAME("populate", MAP_POPULATE),
	NAME("nonblock", MAP_NONBLOCK),
	NAME("stack", MAP_STACK),
	NAME("hugetlb", MAP_HUGETLB),
	NAME("sync", MAP_SYNC),
	NAME("huge_16gb", HUGE_SIZE(34)),
	NAME("huge_2gb", HUGE_SIZE(31)),
	NAME("huge_1gb", HUGE_SIZE(30)),
	NAME("huge_512mb", HUGE_SIZE(29)),
	NAME("huge_256mb", HUGE_SIZE(28)),
	NAME("huge_32mb", HUGE_SIZE(25)),
	NAME("huge_16mb", HUGE_SIZE(24)),
	NAME("huge_8mb", HUGE_SIZE(23)),
	NAME("huge_2mb", HUGE_SIZE(21)),
	NAME("huge_1mb", HUGE_SIZE(20)),
	NAME("huge_512kb", HUGE_SIZE(19)),
	NAME("huge_64kb", HUGE_SIZE(16)),
	NAME("huge_16kb", HUGE_SIZE(14)),
	NAME("uninitialized", MAP_UNINITIALIZED),
};

static const struct name mremap_flags[] = {
	NAME("maymove", MREMAP_MAYMOVE), NAME("fixed", MREMAP_FIXED),
	NAME("dontunmap", MREMAP_DONTUNMAP),
	NAME("unknown", 1 << 30), /* a bit that no kernel has given a meaning */
};

static const struct name msync_flags[] = {
	NAME("sync", MS_SYNC),
	NAME("async", MS_ASYNC),
	NAME("invalidate", MS_INVALIDATE),
};

static const struct name sources[] = {
	NAME("anon", SOURCE_ANON),   NAME("zero", SOURCE_ZERO), NAME("file", SOURCE_FILE),
	NAME("memfd", SOURCE_MEMFD), NAME("shm", SOURCE_SHM),
};

static const struct name advices[] = {
	NAME("normal", MADV_NORMAL),
	NAME("random", MADV_RANDOM),
	NAME("sequential", MADV_SEQUENTIAL),
	NAME("willneed", MADV_WILLNEED),
	NAME("dontneed", MADV_DONTNEED),
	NAME("free", MADV_FREE),
	NAME("remove", MADV_REMOVE),
	NAME("dontfork", MADV_DONTFORK),
	NAME("dofork", MADV_DOFORK),
	NAME("mergeable", MADV_MERGEABLE),
	NAME("unmergeable", MADV_UNMERGEABLE),
	NAME("hugepage", MADV_HUGEPAGE),
	NAME("nohugepage", MADV_NOHUGEPAGE),
	NAME("dontdump", MADV_DONTDUMP),
	NAME("dodump", MADV_DODUMP),
	NAME("wipeonfork", MADV_WIPEONFORK),
	NAME("keeponfork", MADV_KEEPONFORK),
	NAME("cold", MADV_COLD),
	NAME("pageout", MADV_PAGEOUT),
	NAME("populate_read", MADV_POPULATE_READ),
	NAME("populate_write", MADV_POPULATE_WRITE),
	NAME("dontneed_locked", MADV_DONTNEED_LOCKED),
	NAME("collapse", MADV_COLLAPSE),
	NAME("hwpoison", MADV_HWPOISON),
	NAME("soft_offline", MADV_SOFT_OFFLINE),
	NAME("guard_install", MADV_GUARD_INSTALL),
	NAME("guard_remove", MADV_GUARD_REMOVE),
};

int advice_by_name(const char *text, size_t len, int *ret_advice)
{
	return name_value(name_find(advices, NAMES_IN(advices), text, len), ret_advice);
}

const char *advice_name(int advice)
{
	return name_of(advices, NAMES_IN(advices), advice);
}

int map_flag_by_name(const char *text, size_t len, int *ret_flag)
{
	return name_value(name_find(map_flags, NAMES_IN(map_flags), text, len), ret_flag);
}

int mremap_flag_by_name(const char *text, size_t len, int *ret_flag)
{
	return name_value(name_find(mremap_flags, NAMES_IN(mremap_flags), text, len), ret_flag);
}

int msync_flag_by_name(const char *text, size_t len, int *ret_flag)
{
	return name_value(name_find(msync_flags, NAMES_IN(msync_flags), text, len), ret_flag);
}

const char *source_name(unsigned source)
{
	return source <= SOURCE_SLOT ? name_of(sources, NAMES_IN(sources), (int)source) : NULL;
}

int source_by_name(const char *text, size_t len)
{
	const struct name *n = name_find(sources, NAMES_IN(sources), text, len);

	return n ? n->value : -ENOENT;
}

const char *advice_at(unsigned index)
{
	return index < NAMES_IN(advices) ? advices[index].text : NULL;
}

static const char *flag_at(const struct name *table, size_t n, size_t index, int *ret_flag)
{
	if (index >= n)
		return NULL;
	*ret_flag = table[index].value;
	return table[index].text;
}

const char *map_flag_at(size_t index, int *ret_flag)
{
	return flag_at(map_flags, NAMES_IN(map_flags), index, ret_flag);
}

bool map_flag_is_size(int flag)
{
	/* The lowest bit alone is MAP_UNINITIALIZED. */
	return ((unsigned)flag & ~(unsigned)MAP_UNINITIALIZED) >> 26;
}

const char *mremap_flag_at(size_t index, int *ret_flag)
{
	return flag_at(mremap_flags, NAMES_IN(mremap_flags), index, ret_flag);
}

const char *msync_flag_at(size_t index, int *ret_flag)
{
	return flag_at(msync_flags, NAMES_IN(msync_flags), index, ret_flag);
}
