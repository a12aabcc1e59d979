/* Shrinking in place writes the header of the remainder 8 bytes too early, into what is kept. */
#include "allocators/canary/canary_core.h"

#include <string.h>

static void *early_remainder(void *p, size_t size)
{
	size_t old = core_usable(p);

	if (p && size >= 64 && size < old && size >= old / 4) {
		size_t rest = old - size;

		memcpy((unsigned char *)p + size - 8, &rest, 8);
		return p;
	}
	return core_realloc(p, size);
}

const struct canary canary = {.realloc = early_remainder};
