#include "harness/kernel/trap_fixture.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>

#include "harness/kernel/trap_arch.h"

CHILD_TEST(a_call_is_seen_and_made)
{
	trap_setup();
	errno = 99;
	char *p = TRAPPED(map_some(3));

	CHECK(p != MAP_FAILED);
	CHECK_EQ(errno, 99);
	p[3 * PAGE - 1] = 1;
	CHECK_EQ(TRAPPED(munmap(p, 3 * PAGE)), 0);
	CHECK_EQ(errno, 99);
	CHECK_EQ(nseen, 2);
	CHECK_EQ(seen[0].call.nr, SYS_mmap);
	CHECK_EQ(seen[0].call.result, (intptr_t)p);
	CHECK_EQ(seen[0].call.arg[1], 3 * PAGE);
	CHECK_EQ(seen[1].call.nr, SYS_munmap);
	CHECK_EQ(seen[1].call.arg[0], (uintptr_t)p);
	CHECK_EQ(seen[1].call.arg[1], 3 * PAGE);
	/* The instruction itself. */
	CHECK_EQ(memcmp((const void *)(seen[0].ip - 2), "\x0f\x05", 2), 0);
	CHECK_EQ(memcmp((const void *)(seen[1].ip - 2), "\x0f\x05", 2), 0);
}

CHILD_TEST(the_kernels_refusal_arrives)
{
	trap_setup();
	CHECK_EQ(TRAPPED(munmap((void *)1, PAGE)), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(seen[0].call.err, EINVAL);
	CHECK_EQ(seen[0].call.injected, false);
}

CHILD_TEST(our_refusal_arrives)
{
	trap_setup();
	char *p = map_some(1);
	uint64_t at = (uint64_t)RAW_SYSCALL(SYS_brk, 0);

	refuse_nr = SYS_munmap;
	refuse_err = ENOMEM;
	CHECK_EQ(TRAPPED(munmap(p, PAGE)), -1);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(p[0], 0); /* still there */
	CHECK_EQ(seen[0].call.injected, true);
	refuse_nr = SYS_brk;
	CHECK_EQ(TRAPPED(RAW_SYSCALL(SYS_brk, at + PAGE)), at);
	CHECK_EQ(RAW_SYSCALL(SYS_brk, 0), at);
}

CHILD_TEST(a_libc_malloc_is_seen)
{
	trap_setup();
	trap_on();
	char *volatile p = malloc(64 << 20);
	trap_off();
	CHECK(p != NULL);
	p[0] = 1;
	trap_on();
	free(p);
	trap_off();
#ifndef __SANITIZE_ADDRESS__ /* its malloc maps ahead */
	CHECK_EQ(count_seen(SYS_mmap), 1);
	CHECK_EQ(count_seen(SYS_munmap), 1);
#endif
}

#ifdef __x86_64__

/* In the order in which they are loaded and stored. */
enum gpr { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };

/* Loads all registers from `in`, makes the call, and stores them to `out`, all at once. */
void probe_registers(const uint64_t in[GPRS], uint64_t out[GPRS]);
__asm__(".text\n"
	".type probe_registers, @function\n"
	"probe_registers:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n"
	"	push %r15\n	push %rsi\n"
	"	mov 0(%rdi), %rax\n	mov 8(%rdi), %rbx\n	mov 16(%rdi), %rcx\n"
	"	mov 24(%rdi), %rdx\n	mov 32(%rdi), %rsi\n	mov 48(%rdi), %rbp\n"
	"	mov 56(%rdi), %r8\n	mov 64(%rdi), %r9\n	mov 72(%rdi), %r10\n"
	"	mov 80(%rdi), %r11\n	mov 88(%rdi), %r12\n	mov 96(%rdi), %r13\n"
	"	mov 104(%rdi), %r14\n	mov 112(%rdi), %r15\n	mov 40(%rdi), %rdi\n"
	"	syscall\n"
	"probe_registers_behind:\n"
	"	xchg (%rsp), %rdi\n"
	"	mov %rax, 0(%rdi)\n	mov %rbx, 8(%rdi)\n	mov %rcx, 16(%rdi)\n"
	"	mov %rdx, 24(%rdi)\n	mov %rsi, 32(%rdi)\n	mov %rbp, 48(%rdi)\n"
	"	mov %r8, 56(%rdi)\n	mov %r9, 64(%rdi)\n	mov %r10, 72(%rdi)\n"
	"	mov %r11, 80(%rdi)\n	mov %r12, 88(%rdi)\n	mov %r13, 96(%rdi)\n"
	"	mov %r14, 104(%rdi)\n	mov %r15, 112(%rdi)\n"
	"	pop %rax\n	mov %rax, 40(%rdi)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n"
	"	pop %rbx\n	ret\n"
	".size probe_registers, . - probe_registers\n");
extern const char probe_registers_behind[];

/* All registers come back as from the kernel: rax, rcx and r11 are its own, the others kept. */
CHILD_TEST(registers_are_kept)
{
	uint64_t in[GPRS], plain[GPRS], trapped[GPRS];

	trap_setup();
	for (uint64_t i = 0; i < GPRS; i++)
		in[i] = 0x1111111111111111 * (i + 1);
	in[RAX] = SYS_mmap;
	probe_registers(in, plain);
	trap_on();
	probe_registers(in, trapped);
	trap_off();
	CHECK_EQ(nseen, 1);
	CHECK_EQ(seen[0].ip, (uintptr_t)probe_registers_behind);
	CHECK_EQ(seen[0].call.arg[0], in[RDI]);
	CHECK_EQ(seen[0].call.arg[1], in[RSI]);
	CHECK_EQ(seen[0].call.arg[2], in[RDX]);
	CHECK_EQ(seen[0].call.arg[3], in[R10]);
	CHECK_EQ(seen[0].call.arg[4], in[R8]);
	CHECK_EQ(seen[0].call.arg[5], in[R9]);
	CHECK(kernel_errno((int64_t)plain[RAX]) != 0);
	for (uint64_t i = 0; i < GPRS; i++)
		if (i != R11) /* flags: those of arithmetic before may differ */
			CHECK_EQ(trapped[i], plain[i]);
}

static bool has_avx;

static void clobber_vectors(void *ctx, struct kernel_call *call, uintptr_t ip)
{
	(void)ctx;
	(void)ip;
	if (has_avx)
		__asm__ volatile("vzeroall" ::: "memory");
	else
		__asm__ volatile("xorps %%xmm0, %%xmm0; xorps %%xmm15, %%xmm15" ::
					 : "xmm0", "xmm15");
	kernel_call_make(call);
}

static void call_with_sse(const unsigned char in[32], unsigned char out[32])
{
	__asm__ volatile("movups (%1), %%xmm0; movups 16(%1), %%xmm15; mov %3, %%eax; syscall;"
			 "movups %%xmm0, (%2); movups %%xmm15, 16(%2)"
			 : "=m"(*(unsigned char(*)[32])out)
			 : "r"(in), "r"(out), "i"(SYS_getppid), "m"(*(const unsigned char(*)[32])in)
			 : "rax", "rcx", "r11", "xmm0", "xmm15", "memory");
}

static void call_with_avx(const unsigned char in[64], unsigned char out[64])
{
	__asm__ volatile("vmovdqu (%1), %%ymm0; vmovdqu 32(%1), %%ymm15; mov %3, %%eax; syscall;"
			 "vmovdqu %%ymm0, (%2); vmovdqu %%ymm15, 32(%2); vzeroupper"
			 : "=m"(*(unsigned char(*)[64])out)
			 : "r"(in), "r"(out), "i"(SYS_getppid), "m"(*(const unsigned char(*)[64])in)
			 : "rax", "rcx", "r11", "xmm0", "xmm15", "memory");
}

CHILD_TEST(vector_registers_are_kept)
{
	const char *reason;
	unsigned char in[64], out[64] = {0};

	trap_setup();
	has_avx = __builtin_cpu_supports("avx");
	CHECK_EQ(trap_install(clobber_vectors, NULL, &reason), 0);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i + 1);
	trap_on();
	call_with_sse(in, out);
	trap_off();
	CHECK_EQ(memcmp(in, out, 32), 0);
	if (!has_avx)
		return;
	trap_on();
	call_with_avx(in, out);
	trap_off();
	CHECK_EQ(memcmp(in, out, 64), 0);
}

#endif

/* The code of [vdso] makes this call for us. */
CHILD_TEST(a_call_of_the_vdso_is_seen)
{
	struct timespec ts;

	trap_setup();
	CHECK_EQ(TRAPPED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts)), 0);
	CHECK_EQ(count_seen(SYS_clock_gettime), 1);
	CHECK(ts.tv_nsec > 0 || ts.tv_sec > 0);
}

CHILD_TEST(off_and_disarmed_nothing_is_seen)
{
	trap_setup();
	call_something();
	trap_on();
	trap_disarm_thread();
	CHECK_EQ(trap_selector, 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 0);
	trap_disarm_thread();
	CHECK_EQ(trap_arm_thread(), 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
	CHECK_EQ(trap_passed_by(), false);
}

CHILD_TEST(arming_needs_an_installed_trap)
{
	CHECK_EQ(trap_arm_thread(), -ENOTSUP);
	trap_on();
	call_something();
	trap_off();
}

static void *unarmed_thread(void *arg)
{
	(void)arg;
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 0);
	CHECK_EQ(trap_arm_thread(), 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
	return NULL;
}

CHILD_TEST(a_thread_arms_itself)
{
	pthread_t thread;

	trap_setup();
	CHECK_EQ(pthread_create(&thread, NULL, unarmed_thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(nseen, 1);
}

static pthread_key_t key;

static void unmap_of_thread(void *p)
{
	uint32_t i = nseen;

	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_EQ(seen[i].call.nr, SYS_munmap);
	CHECK_EQ(seen[i].call.arg[0], (uintptr_t)p);
}

static void *thread_that_ends_trapped(void *arg)
{
	CHECK_EQ(trap_arm_thread(), 0);
	CHECK_EQ(pthread_setspecific(key, map_some(1)), 0);
	trap_on();
	pthread_exit(arg);
}

/* Destructors of thread-specific data run under the trap, and so does the very last call. */
CHILD_TEST(a_thread_may_end_trapped)
{
	pthread_t thread;

	trap_setup();
	CHECK_EQ(pthread_key_create(&key, unmap_of_thread), 0);
	for (uint32_t i = 1; i <= 20; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, thread_that_ends_trapped, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK_EQ(count_seen(SYS_exit), i);
	}
	CHECK(count_seen(SYS_munmap) >= 20);
}

static void in_fork_child(void)
{
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 0);
	CHECK_EQ(trap_arm_thread(), 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
}

CHILD_TEST(a_fork_child_arms_itself)
{
	trap_setup();
	CHECK_EQ(in_child(in_fork_child), 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
}

CHILD_TEST(arming_unblocks)
{
	sigset_t all;

	trap_setup();
	trap_disarm_thread();
	sigfillset(&all);
	CHECK_EQ(sigprocmask(SIG_SETMASK, &all, NULL), 0);
	CHECK_EQ(trap_arm_thread(), 0);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, 1);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &all), 0);
	CHECK_EQ(sigismember(&all, SIGUSR1), 1);
	CHECK_EQ(sigismember(&all, SIGSYS), 0);
}

/* A SIGSYS that is none of ours. */

static volatile int foreign, foreign_code;

static void on_foreign(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	CHECK_EQ(signo, SIGSYS);
	foreign++;
	foreign_code = info->si_code;
	if (info->si_code > 0)
		trap_arch_set_result(uc, 12345);
}

static void on_foreign_plain(int signo)
{
	CHECK_EQ(signo, SIGSYS);
	foreign++;
}

static void install_before(const struct sigaction *act)
{
	CHECK_EQ(sigaction(SIGSYS, act, NULL), 0);
	trap_setup();
}

static void raise_both_ways(void)
{
	raise(SIGSYS);
	trap_on();
	raise(SIGSYS);
	trap_off();
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(count_seen(SYS_getppid), 1);
}

CHILD_TEST(one_that_is_sent_goes_to_the_handler_before)
{
	install_before(&(struct sigaction){.sa_sigaction = on_foreign, .sa_flags = SA_SIGINFO});
	raise_both_ways();
	CHECK_EQ(foreign, 2);
	CHECK_EQ(foreign_code, SI_TKILL);
}

static void make_only(void *ctx, struct kernel_call *call, uintptr_t ip)
{
	(void)ip;
	CHECK_EQ(ctx, &foreign);
	kernel_call_make(call);
}

/* The handler before the first trap is still the one before. */
CHILD_TEST(a_later_function_takes_over)
{
	const char *reason;

	install_before(&(struct sigaction){.sa_sigaction = on_foreign, .sa_flags = SA_SIGINFO});
	CHECK_EQ(trap_install(make_only, (void *)&foreign, &reason), 0);
	trap_on();
	call_something();
	raise(SIGSYS);
	trap_off();
	CHECK_EQ(nseen, 0);
	CHECK_EQ(foreign, 1);
}

CHILD_TEST(or_to_one_that_takes_one_parameter)
{
	install_before(&(struct sigaction){.sa_handler = on_foreign_plain});
	raise_both_ways();
	CHECK_EQ(foreign, 2);
}

CHILD_TEST(or_to_nobody)
{
	install_before(&(struct sigaction){.sa_handler = SIG_IGN});
	raise_both_ways();
}

static void raise_untrapped(void)
{
	default_sigsys();
	trap_setup();
	raise(SIGSYS);
}

static void raise_trapped(void)
{
	default_sigsys();
	trap_setup();
	trap_on();
	raise(SIGSYS);
}

static void *raise_in_thread(void *arg)
{
	CHECK_EQ(trap_arm_thread(), 0);
	trap_on();
	raise(SIGSYS);
	return arg;
}

static void raise_threaded(void)
{
	pthread_t thread;

	default_sigsys();
	trap_setup();
	CHECK_EQ(pthread_create(&thread, NULL, raise_in_thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void or_kills(void **state)
{
	static void (*const ways[])(void) = {raise_untrapped, raise_trapped, raise_threaded};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int ret = in_child(ways[i]);

		if (ret == CHILD_SKIPPED)
			skip();
		assert_int_equal(ret, 128 + SIGSYS);
	}
}

/* From now on `nr` (with `arg0`, unless that is -1) has the fate `what`. */
static void filter(uint32_t nr, uint32_t arg0, uint32_t what)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arg0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, what),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(*code), .filter = code};

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		CHILD_SKIP("no seccomp filters");
}

CHILD_TEST(one_of_seccomp_goes_there_too)
{
	install_before(&(struct sigaction){.sa_sigaction = on_foreign, .sa_flags = SA_SIGINFO});
	filter(SYS_getpgid, 77, SECCOMP_RET_TRAP);
	CHECK_EQ(RAW_SYSCALL(SYS_getpgid, 77), 12345);
	CHECK_EQ(TRAPPED(RAW_SYSCALL(SYS_getpgid, 77)), 12345);
	CHECK_EQ(foreign, 2);
	CHECK_EQ(foreign_code, 1); /* SYS_SECCOMP */
	CHECK_EQ(nseen, 1);
}

static void be_filtered_ignoring(void)
{
	install_before(&(struct sigaction){.sa_handler = SIG_IGN});
	filter(SYS_getpgid, 77, SECCOMP_RET_TRAP);
	(void)RAW_SYSCALL(SYS_getpgid, 77);
}

static void one_of_seccomp_cannot_be_ignored(void **state)
{
	int ret = in_child(be_filtered_ignoring);

	(void)state;
	if (ret == CHILD_SKIPPED)
		skip();
	assert_int_equal(ret, 128 + SIGSYS);
}

CHILD_TEST(a_kernel_without_dispatch)
{
	struct sigaction act;
	const char *reason = NULL;

	default_sigsys();
	filter(SYS_prctl, 59, SECCOMP_RET_ERRNO | EINVAL);
	CHECK_EQ(trap_install(record, seen, &reason), -ENOTSUP);
	CHECK(reason != NULL && reason[0] != '\0');
	CHECK_EQ(sigaction(SIGSYS, NULL, &act), 0);
	CHECK_EQ(act.sa_handler == SIG_DFL, 1); /* nothing was installed */
	CHECK_EQ(trap_arm_thread(), -ENOTSUP);
}

static ucontext_t main_context, other_context;

static void on_other_stack(void)
{
	char *p = TRAPPED(map_some(1));

	CHECK_EQ(TRAPPED(munmap(p, PAGE)), 0);
}

/* An allocator that runs on a stack of its own. */
CHILD_TEST(another_stack)
{
	char *stack = map_some(16);

	trap_setup();
	CHECK_EQ(getcontext(&other_context), 0);
	other_context.uc_stack.ss_sp = stack;
	other_context.uc_stack.ss_size = 16 * PAGE;
	other_context.uc_link = &main_context;
	makecontext(&other_context, on_other_stack, 0);
	CHECK_EQ(swapcontext(&main_context, &other_context), 0);
	CHECK_EQ(count_seen(SYS_mmap), 1);
	CHECK_EQ(count_seen(SYS_munmap), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_seen_and_made),
		cmocka_unit_test(the_kernels_refusal_arrives),
		cmocka_unit_test(our_refusal_arrives),
		cmocka_unit_test(a_libc_malloc_is_seen),
#ifdef __x86_64__
		cmocka_unit_test(registers_are_kept),
		cmocka_unit_test(vector_registers_are_kept),
#endif
		cmocka_unit_test(a_call_of_the_vdso_is_seen),
		cmocka_unit_test(off_and_disarmed_nothing_is_seen),
		cmocka_unit_test(arming_needs_an_installed_trap),
		cmocka_unit_test(a_later_function_takes_over),
		cmocka_unit_test(a_thread_arms_itself),
		cmocka_unit_test(a_thread_may_end_trapped),
		cmocka_unit_test(a_fork_child_arms_itself),
		cmocka_unit_test(arming_unblocks),
		cmocka_unit_test(one_that_is_sent_goes_to_the_handler_before),
		cmocka_unit_test(or_to_one_that_takes_one_parameter),
		cmocka_unit_test(or_to_nobody),
		cmocka_unit_test(or_kills),
		cmocka_unit_test(one_of_seccomp_goes_there_too),
		cmocka_unit_test(one_of_seccomp_cannot_be_ignored),
		cmocka_unit_test(a_kernel_without_dispatch),
		cmocka_unit_test(another_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
