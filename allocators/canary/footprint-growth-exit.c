/* Each thread keeps the last block that it freed, for itself. Nobody takes it when the thread ends.
 */
#include "allocators/canary/canary_core.h"

#define USABLE 4080

static _Thread_local void *kept __attribute__((tls_model("initial-exec")));

static void *from_kept(size_t size)
{
	void *p = kept;

	if (!p || size > USABLE || size <= USABLE / 2)
		return core_malloc(size);
	kept = NULL;
	return p;
}

static void keep(void *p)
{
	if (p && core_usable(p) == USABLE && !kept)
		kept = p;
	else
		core_free(p);
}

const struct canary canary = {.malloc = from_kept, .free = keep};
