/*
 * raw_syscall.h - a system call without libc: no errno, no cancellation point, no wrapper that
 * does more than it was asked.
 */
#ifndef KERNEL_RAW_SYSCALL_H
#define KERNEL_RAW_SYSCALL_H

#include <stdint.h>

#if defined(__x86_64__)

/* What the kernel returns: a value, or -errno. */
static inline int64_t raw_syscall(uint32_t nr, const uint64_t arg[6])
{
	/* All are read before registers are set: under a sanitizer each reading is a call. */
	uint64_t rdi = arg[0], rsi = arg[1], rdx = arg[2];
	uint64_t arg3 = arg[3], arg4 = arg[4], arg5 = arg[5];
	register uint64_t r10 __asm__("r10") = arg3;
	register uint64_t r8 __asm__("r8") = arg4;
	register uint64_t r9 __asm__("r9") = arg5;
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((uint64_t)nr), "D"(rdi), "S"(rsi), "d"(rdx), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#else

#include <errno.h>
#include <unistd.h>

/* Elsewhere libc's own, with its errno put back. */
static inline int64_t raw_syscall(uint32_t nr, const uint64_t arg[6])
{
	int saved = errno;
	int64_t result = syscall((long)nr, (long)arg[0], (long)arg[1], (long)arg[2], (long)arg[3],
				 (long)arg[4], (long)arg[5]);

	if (result == -1)
		result = -(int64_t)errno;
	errno = saved;
	return result;
}

#endif

/* RAW_SYSCALL(nr, arguments...): those left out are 0. */
#define RAW_SYSCALL(nr, ...) raw_syscall((uint32_t)(nr), (const uint64_t[6]){__VA_ARGS__})

/* A pointer as an argument of RAW_SYSCALL. */
static inline uint64_t raw_pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif
