/*
 * child_tsan.c - what stands between allocrig-child and ThreadSanitizer, in a tree that has it.
 *
 * The linker (--wrap) sends some calls of the child's here. The allocator is loaded by dlopen as
 * ever and is not instrumented: its own calls go to libc, past the interceptors.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "harness/kernel/trap.h"

/* The rounds of libc's over the destructors of a thread; ThreadSanitizer leaves in the last. */
#define ROUNDS 4

void *__real_dlopen(const char *file, int flags);
int __real_trap_arm_thread(void);
void *__wrap_dlopen(const char *file, int flags);
int __wrap_sigaction(int signo, const struct sigaction *act, struct sigaction *old);
int __wrap_trap_arm_thread(void);

static void *of_libc(const char *name)
{
	return dlsym(__real_dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), name);
}

/* The interceptor refuses RTLD_DEEPBIND. */
void *__wrap_dlopen(const char *file, int flags)
{
	void *(*libc_dlopen)(const char *, int) = of_libc("dlopen");

	return libc_dlopen(file, flags);
}

/* Its handler, which would stand above ours, makes system calls before ours has the trap off. */
int __wrap_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	static int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *);

	if (!libc_sigaction)
		libc_sigaction = of_libc("sigaction");
	return libc_sigaction(signo, act, old);
}

static pthread_key_t key;

static void leave(void *round)
{
	if ((uintptr_t)round + 1 < ROUNDS)
		pthread_setspecific(key, (void *)((uintptr_t)round + 1));
	else
		trap_off();
}

static void make_key(void)
{
	pthread_key_create(&key, leave);
}

/* What a thread does when ThreadSanitizer has left it must not run code of ours. */
int __wrap_trap_arm_thread(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_key);
	pthread_setspecific(key, (void *)(uintptr_t)1);
	return __real_trap_arm_thread();
}
