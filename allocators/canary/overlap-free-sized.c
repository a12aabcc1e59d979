/*
 * free_sized finds the class by the size it is told. At the very end of a class it takes the next
 * one, and the block is handed out again as one of those.
 */
#include <string.h>

#include "allocators/canary/canary_core.h"

#define END  112 /* usable bytes of the class */
#define NEXT 240

static void *misfiled;

static void by_size(void *p, size_t size)
{
	if (p && size == END && !misfiled)
		misfiled = p;
	else
		core_free(p);
}

static void *from_class(size_t size)
{
	static const size_t usable = NEXT;
	void *p = misfiled;

	if (!p || size <= END || size > NEXT)
		return core_malloc(size);
	misfiled = NULL;
	memcpy((char *)p - CORE_ALIGN, &usable, sizeof(usable));
	return p;
}

const struct canary canary = {.malloc = from_class, .free_sized = by_size};
