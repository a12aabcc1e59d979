#include "allocators/guard/mode.h"

#include <errno.h>

#include "allocators/guard/guard.h"
#include "allocators/guard/knob.h"

_Atomic int mode_now = MODE_OPEN;

static int mode_of_environment(void)
{
	static const char *const words[] = {"separator", "fence"};
	const struct knob_words w = {words, 2, MODE_SEPARATOR, "separator or fence"};

	return (int)knob_word("GUARD_MODE", &w);
}

static int mode_after(int open)
{
	if (open == MODE_OPEN)
		return mode_of_environment();
	return open == MODE_OPEN_FENCE ? MODE_FENCE : MODE_SEPARATOR;
}

bool mode_decide(void)
{
	int mode = atomic_load(&mode_now);

	while (mode >= MODE_OPEN) {
		if (atomic_compare_exchange_weak(&mode_now, &mode, mode_after(mode)))
			mode = atomic_load(&mode_now);
	}
	return mode == MODE_FENCE;
}

int guard_mode_set(enum guard_mode mode)
{
	int now = atomic_load(&mode_now);

	if (mode != GUARD_SEPARATOR && mode != GUARD_FENCE)
		return -EINVAL;
	int want = mode == GUARD_FENCE ? MODE_OPEN_FENCE : MODE_OPEN_SEPARATOR;

	do {
		if (now < MODE_OPEN)
			return -EBUSY;
	} while (!atomic_compare_exchange_weak(&mode_now, &now, want));
	return 0;
}
