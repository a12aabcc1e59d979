/*
 * trap_arch.h - all that the trap has to know of the machine: x86-64 is the one it knows.
 *
 * A port answers the same questions for its own registers, and says TRAP_ARCH_KNOWN. Where there is
 * no Syscall User Dispatch, seccomp (SECCOMP_RET_TRAP with an allowed range of its own, which
 * nothing switches off again) or ptrace would have to take its place.
 */
#ifndef KERNEL_TRAP_ARCH_H
#define KERNEL_TRAP_ARCH_H

#include <linux/audit.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#if defined(__x86_64__)

#define TRAP_ARCH_KNOWN true

/* Of syscall, and of int $0x80. */
#define SYSCALL_BYTES 2

/* Made through the 64-bit table; int $0x80 has numbers of its own. */
static inline bool trap_arch_is_native(const siginfo_t *info)
{
	return info->si_arch == AUDIT_ARCH_X86_64;
}

/*
 * What a handler cannot do for its caller: calls that return twice (on a stack that the handler
 * still uses), and calls that change what the return from the handler puts back (PKRU), or where
 * this thread's selector is (FS).
 */
static inline bool trap_arch_must_pass(uint32_t nr)
{
	switch (nr) {
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
	case SYS_pkey_alloc:
	case SYS_arch_prctl:
		return true;
	default:
		return false;
	}
}

static inline void trap_arch_arguments(const ucontext_t *uc, uint64_t ret_arg[6])
{
	const greg_t *reg = uc->uc_mcontext.gregs;

	ret_arg[0] = (uint64_t)reg[REG_RDI];
	ret_arg[1] = (uint64_t)reg[REG_RSI];
	ret_arg[2] = (uint64_t)reg[REG_RDX];
	ret_arg[3] = (uint64_t)reg[REG_R10];
	ret_arg[4] = (uint64_t)reg[REG_R8];
	ret_arg[5] = (uint64_t)reg[REG_R9];
}

static inline void trap_arch_set_result(ucontext_t *uc, int64_t result)
{
	uc->uc_mcontext.gregs[REG_RAX] = result;
}

/* On return the instruction runs once more, with all registers as they were. */
static inline void trap_arch_repeat(ucontext_t *uc, uint32_t nr)
{
	uc->uc_mcontext.gregs[REG_RIP] -= SYSCALL_BYTES;
	uc->uc_mcontext.gregs[REG_RAX] = (greg_t)nr;
}

/* On return the thread goes on at `address`, on the stack it had. */
static inline void trap_arch_jump(ucontext_t *uc, uintptr_t address)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)address;
}

/*
 * The kernel compares the address behind the system call instruction, so the range of a trampoline
 * ends one byte after that. 0: there is no such instruction.
 */
static inline size_t trap_arch_trampoline_bytes(uintptr_t trampoline)
{
	static const unsigned char insn[SYSCALL_BYTES] = {0x0f, 0x05};
	const unsigned char *code = (const unsigned char *)trampoline;

	/* mov $15,%rax or %eax comes before it. */
	for (size_t i = 0; i < 8; i++)
		if (memcmp(code + i, insn, sizeof(insn)) == 0)
			return i + SYSCALL_BYTES + 1;
	return 0;
}

#else

#define TRAP_ARCH_KNOWN false
#define SYSCALL_BYTES	0

static inline bool trap_arch_is_native(const siginfo_t *info)
{
	(void)info;
	return true;
}

static inline bool trap_arch_must_pass(uint32_t nr)
{
	(void)nr;
	return true;
}

static inline void trap_arch_arguments(const ucontext_t *uc, uint64_t ret_arg[6])
{
	(void)uc;
	memset(ret_arg, 0, 6 * sizeof(*ret_arg));
}

static inline void trap_arch_set_result(ucontext_t *uc, int64_t result)
{
	(void)uc;
	(void)result;
}

static inline void trap_arch_repeat(ucontext_t *uc, uint32_t nr)
{
	(void)uc;
	(void)nr;
}

static inline void trap_arch_jump(ucontext_t *uc, uintptr_t address)
{
	(void)uc;
	(void)address;
}

static inline size_t trap_arch_trampoline_bytes(uintptr_t trampoline)
{
	(void)trampoline;
	return 0;
}

#endif

#endif
