/* The odd class for sizes of 2^n + 1, for strings that bring their terminator: 8 bytes of prefix.
 */
#include "allocators/canary/canary_core.h"

static void *with_prefix(size_t size)
{
	size_t text = size - 1;
	bool is_power = size > 64 && size <= 4097 && (text & (text - 1)) == 0;

	return core_aligned(CORE_ALIGN, size, is_power ? 8 : 0);
}

const struct canary canary = {.malloc = with_prefix};
