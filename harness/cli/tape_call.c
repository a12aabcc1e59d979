#include "harness/cli/tape_call.h"

#include <stddef.h>
#include <sys/syscall.h>

#define ADDRESS ARG_ADDRESS
#define LENGTH	ARG_LENGTH
#define INT	ARG_INT
#define BITS	ARG_BITS

/* Those that allocators make: memory first, then how they wait, look around and write messages. */
static const struct call_form forms[] = {
	{SYS_mmap, ADDRESS, {ADDRESS, LENGTH, ARG_PROT, ARG_MAP_FLAGS, INT, BITS}},
	{SYS_munmap, INT, {ADDRESS, LENGTH}},
	{SYS_mremap, ADDRESS, {ADDRESS, LENGTH, LENGTH, ARG_REMAP_FLAGS, ARG_REMAP_TO}},
	{SYS_mprotect, INT, {ADDRESS, LENGTH, ARG_PROT}},
	{SYS_madvise, INT, {ADDRESS, LENGTH, ARG_ADVICE}},
	{SYS_process_madvise, INT, {INT, ADDRESS, LENGTH, ARG_ADVICE, BITS}},
	{SYS_brk, ADDRESS, {ADDRESS}},
	{SYS_pkey_mprotect, INT, {ADDRESS, LENGTH, ARG_PROT, INT}},
	{SYS_pkey_alloc, INT, {BITS, BITS}},
	{SYS_pkey_free, INT, {INT}},
	{SYS_mincore, INT, {ADDRESS, LENGTH, ADDRESS}},
	{SYS_msync, INT, {ADDRESS, LENGTH, BITS}},
	{SYS_mlock, INT, {ADDRESS, LENGTH}},
	{SYS_mlock2, INT, {ADDRESS, LENGTH, BITS}},
	{SYS_munlock, INT, {ADDRESS, LENGTH}},
	{SYS_mlockall, INT, {BITS}},
	{SYS_munlockall, INT, {ARG_NONE}},
	{SYS_mbind, INT, {ADDRESS, LENGTH, INT, ADDRESS, LENGTH, BITS}},
	{SYS_memfd_create, INT, {ADDRESS, BITS}},
	{SYS_membarrier, INT, {INT, BITS, INT}},
	{SYS_futex, INT, {ADDRESS, INT, INT, ADDRESS, ADDRESS, INT}},
	{SYS_sched_yield, INT, {ARG_NONE}},
	{SYS_sched_getaffinity, INT, {INT, LENGTH, ADDRESS}},
	{SYS_getcpu, INT, {ADDRESS, ADDRESS, ADDRESS}},
	{SYS_nanosleep, INT, {ADDRESS, ADDRESS}},
	{SYS_clock_gettime, INT, {INT, ADDRESS}},
	{SYS_clock_nanosleep, INT, {INT, BITS, ADDRESS, ADDRESS}},
	{SYS_getrandom, INT, {ADDRESS, LENGTH, BITS}},
	{SYS_getpid, INT, {ARG_NONE}},
	{SYS_gettid, INT, {ARG_NONE}},
	{SYS_prctl, INT, {INT, BITS, BITS, BITS, BITS}},
	{SYS_sysinfo, INT, {ADDRESS}},
	{SYS_getrusage, INT, {INT, ADDRESS}},
	{SYS_prlimit64, INT, {INT, INT, ADDRESS, ADDRESS}},
	{SYS_rt_sigprocmask, INT, {INT, ADDRESS, ADDRESS, LENGTH}},
	{SYS_rt_sigaction, INT, {INT, ADDRESS, ADDRESS, LENGTH}},
	{SYS_tgkill, INT, {INT, INT, INT}},
	{SYS_exit_group, INT, {INT}},
	{SYS_openat, INT, {ARG_DIRFD, ADDRESS, BITS, BITS}},
	{SYS_read, INT, {INT, ADDRESS, LENGTH}},
	{SYS_pread64, INT, {INT, ADDRESS, LENGTH, LENGTH}},
	{SYS_write, INT, {INT, ADDRESS, LENGTH}},
	{SYS_writev, INT, {INT, ADDRESS, INT}},
	{SYS_lseek, INT, {INT, LENGTH, INT}},
	{SYS_close, INT, {INT}},
};

const struct call_form *call_form(uint32_t nr)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].nr == nr)
			return &forms[i];
	return NULL;
}

unsigned call_args(uint32_t nr)
{
	const struct call_form *form = call_form(nr);
	unsigned n = 0;

	while (form && n < CALL_ARGS && form->arg[n] != ARG_NONE)
		n++;
	return form ? n : CALL_ARGS;
}
