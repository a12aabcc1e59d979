#include "harness/cli/syscall_name.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>

static const char *const names[] = {
#define SYSCALL(name) [__NR_##name] = #name,
#include "harness/cli/syscall_names.def"
#undef SYSCALL
};

const char *syscall_name(uint32_t nr)
{
	return nr < sizeof(names) / sizeof(names[0]) ? names[nr] : NULL;
}

struct syscall_word syscall_word(uint32_t nr)
{
	struct syscall_word w;
	const char *name = syscall_name(nr);

	if (name)
		snprintf(w.s, sizeof(w.s), "%s", name);
	else
		snprintf(w.s, sizeof(w.s), "syscall_%" PRIu32, nr);
	return w;
}
