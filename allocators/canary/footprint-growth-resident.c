/* Blocks of 16 to 64 KiB come from a reservation, one behind the other, and are never reused: what
 * is mapped stays the same, what is resident grows. */
#include <string.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

#define RESERVED (1ul << 30)

static char *next, *end;

static void *from_reservation(size_t size)
{
	size_t room = (size + 2 * CORE_ALIGN) & ~(size_t)(CORE_ALIGN - 1);

	if (size < 16384 || size > CORE_SMALL_MAX)
		return core_malloc(size);
	if (!next) {
		next = mmap(NULL, RESERVED, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (next == MAP_FAILED) {
			next = NULL;
			return core_malloc(size);
		}
		end = next + RESERVED;
	}
	if ((size_t)(end - next) < room)
		return core_malloc(size);
	size_t usable = room - CORE_ALIGN;

	memcpy(next, &usable, sizeof(usable));
	next += room;
	return next - usable;
}

static void only_others(void *p)
{
	if (!p || (char *)p < end - RESERVED || (char *)p >= end)
		core_free(p);
}

const struct canary canary = {.malloc = from_reservation, .free = only_others};
