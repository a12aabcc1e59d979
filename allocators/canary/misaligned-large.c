/* Alignments over a page are served by the page alignment that mmap gives. */
#include "allocators/canary/canary_core.h"

static int page_is_enough(void **ret_p, size_t align, size_t size)
{
	if (align > 4096 && (align & (align - 1)) == 0) {
		void *p = core_aligned(4096, size, 0);

		/* Whether mmap's answer is aligned by luck is nothing to rely on. */
		if ((uintptr_t)p % align == 0) {
			core_free(p);
			p = core_aligned(align, size + 4096, 4096);
		}
		*ret_p = p;
		return 0;
	}
	return core_posix_memalign(ret_p, align, size);
}

const struct canary canary = {.posix_memalign = page_is_enough};
