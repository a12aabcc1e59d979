#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "bench/child/child.h"

#define PAGE  ((size_t)4096)
#define MOST  ((size_t)64 << 30)
#define LEAST ((size_t)256 << 20)

/* Made readable and writable from below: always two maps, and always the same size. */
static struct {
	unsigned char *base;
	size_t reserved;
	_Atomic size_t used;
	_Atomic uint64_t faults;
	struct bench_page *page;
} memory;

static void *reserve(size_t bytes)
{
	return mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int memory_init(struct bench_page *page)
{
	void *p = MAP_FAILED;
	size_t bytes = MOST;

	/* RLIMIT_AS may allow less. */
	for (; bytes >= LEAST; bytes /= 2) {
		p = reserve(bytes);
		if (p != MAP_FAILED)
			break;
	}
	if (p == MAP_FAILED)
		return -1;
	/* Flags of their own, so that nothing of an allocator's merges with it; and small pages, so
	 * that what is touched is what is resident. */
	(void)madvise(p, bytes, MADV_DONTDUMP);
	(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	memory.base = p;
	memory.reserved = bytes;
	memory.page = page;
	return 0;
}

uint64_t memory_faults(void)
{
	return memory.faults;
}

static uint64_t thread_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_minflt : 0;
}

void *bench_memory(struct bench *b, size_t bytes)
{
	uint64_t before = thread_faults();

	if (bytes > memory.reserved)
		bench_end(b, BENCH_END_BROKEN, "the benchmark's own memory is used up");
	/* Whole pages, so that nobody shares a line or a page with others. */
	bytes = bytes ? (bytes + PAGE - 1) & ~(PAGE - 1) : PAGE;
	size_t at = atomic_fetch_add(&memory.used, bytes);

	if (at > memory.reserved || bytes > memory.reserved - at)
		bench_end(b, BENCH_END_BROKEN, "the benchmark's own memory is used up");
	unsigned char *p = memory.base + at;

	if (mprotect(p, bytes, PROT_READ | PROT_WRITE) != 0)
		bench_end(b, BENCH_END_BROKEN, "no memory for the benchmark itself");
	atomic_fetch_add(&memory.page->own_bytes, bytes);
	for (size_t i = 0; i < bytes; i += PAGE)
		*(volatile unsigned char *)(p + i) = 0;
	atomic_fetch_add(&memory.faults, thread_faults() - before);
	return p;
}
