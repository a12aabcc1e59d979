#include "harness/kernel/trap_fixture.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH; 0 is off, 1 on */

/* After a call that passed by in the midst of a trapped stretch. */
static void check_passed(void)
{
	CHECK_EQ(trap_selector, 0);
	uint32_t before = nseen;

	call_something();
	CHECK_EQ(nseen, before); /* the rest is not seen */
	trap_off();
	CHECK_EQ(trap_passed_by(), true);
	CHECK_EQ(trap_passed_by(), false);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(nseen, before + 1);
}

static void wait_for(pid_t pid, int code)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, code << 8);
}

static void end_of_child(void)
{
	call_something();
	CHECK_EQ(trap_selector, 0);
	_exit(7);
}

/* Whatever the allocator does to the thread's dispatch, and whatever the kernel says to that. */
CHILD_TEST(dispatch_of_its_own_does_not_last)
{
	static volatile uint8_t selector = 1;

	trap_setup();
	CHECK_EQ(TRAPPED(prctl(DISPATCH, 0, 0, 0, 0)), 0);
	CHECK_EQ(TRAPPED(prctl(DISPATCH, 1, 0, 0, &selector)), 0);
	errno = 0;
	CHECK_EQ(TRAPPED(prctl(DISPATCH, 7, 0, 0, 0)), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(count_seen(SYS_prctl), 3);
	trap_on();
	call_something();
	trap_off();
	CHECK_EQ(count_seen(SYS_getppid), 1);
	CHECK_EQ(trap_passed_by(), false);
}

CHILD_TEST(libcs_fork)
{
	trap_setup();
	trap_on();
	pid_t pid = fork();

	if (pid == 0)
		end_of_child();
	check_passed();
	wait_for(pid, 7);
}

CHILD_TEST(fork_itself)
{
	trap_setup();
	trap_on();
	pid_t pid = (pid_t)RAW_SYSCALL(SYS_fork, 0);

	if (pid == 0)
		end_of_child();
	check_passed();
	wait_for(pid, 7);
	CHECK_EQ(count_seen(SYS_fork), 0);
}

static pid_t make_clone3(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	return (pid_t)RAW_SYSCALL(SYS_clone3, raw_pointer(&args), sizeof(args));
}

CHILD_TEST(clone3_itself)
{
	trap_setup();
	trap_on();
	pid_t pid = make_clone3();

	if (pid == 0)
		end_of_child();
	check_passed();
	wait_for(pid, 7);
}

/* The child runs on our stack and with our selector. */
CHILD_TEST(libcs_vfork)
{
	char *const argv[] = {"/proc/self/exe", "end", NULL};

	trap_setup();
	trap_on();
	pid_t pid = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)

	if (pid == 0) {
		execv(argv[0], argv); // NOLINT(clang-analyzer-unix.Vfork)
		_exit(1);
	}
	check_passed();
	wait_for(pid, 5);
}

CHILD_TEST(posix_spawns_clone)
{
	char *const argv[] = {"/proc/self/exe", "end", NULL};
	pid_t pid = 0;

	trap_setup();
	trap_on();
	int err = posix_spawn(&pid, argv[0], NULL, NULL, argv, NULL);

	CHECK_EQ(err, 0);
	wait_for(pid, 5);
	check_passed();
}

static void *new_thread(void *arg)
{
	call_something();
	trap_on(); /* not armed: does nothing */
	call_something();
	trap_off();
	return arg;
}

/* As an allocator that starts a thread of its own inside a malloc. */
CHILD_TEST(pthread_creates_clone3)
{
	pthread_t thread;
	sigset_t mask;

	trap_setup();
	trap_on();
	CHECK_EQ(pthread_create(&thread, NULL, new_thread, NULL), 0);
	check_passed();
	CHECK(count_seen(SYS_mmap) >= 1); /* its stack, before that */
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(count_seen(SYS_getppid), 1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK_EQ(sigisemptyset(&mask), 1);
}

/* Dispatch ends with exec, and one that fails comes back. */
CHILD_TEST(an_exec)
{
	char *const argv[] = {"/proc/self/exe", "end", NULL};

	trap_setup();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(trap_arm_thread(), 0);
		CHECK_EQ(TRAPPED(execv("/nowhere", argv)), -1);
		CHECK_EQ(errno, ENOENT);
		CHECK_EQ(count_seen(SYS_execve), 1);
		trap_on();
		execv(argv[0], argv);
		_exit(1);
	}
	wait_for(pid, 5);
}

CHILD_TEST(an_exit)
{
	trap_setup();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(trap_arm_thread(), 0);
		trap_on();
		_exit(9);
	}
	wait_for(pid, 9);
}

#ifdef __x86_64__

#include <asm/prctl.h>

/* The thread's storage, and the selector in it, may be elsewhere when it returns. */
CHILD_TEST(arch_prctl_itself)
{
	uint64_t fs = 0;

	trap_setup();
	trap_on();
	CHECK_EQ(RAW_SYSCALL(SYS_arch_prctl, ARCH_GET_FS, raw_pointer(&fs)), 0);
	CHECK_EQ(RAW_SYSCALL(SYS_arch_prctl, ARCH_SET_FS, fs), 0);
	check_passed();
}

/* What it does to the register of access rights is the thread's, not the handler's. It may fail. */
CHILD_TEST(pkey_alloc_itself)
{
	trap_setup();
	trap_on();
	(void)RAW_SYSCALL(SYS_pkey_alloc, 0, 0);
	check_passed();
}

static int64_t call_of_32_bits(uint32_t nr)
{
	int64_t result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"((uint64_t)nr), "b"(0L), "c"(0L), "d"(0L)
			 : "r8", "r9", "r10", "r11", "memory");
	return result;
}

static void try_32_bits(void)
{
	_exit(call_of_32_bits(20) == getpid() ? 0 : 1); /* getpid there, writev here */
}

CHILD_TEST(the_other_table)
{
	if (in_child(try_32_bits) != 0)
		CHILD_SKIP("the kernel has no 32-bit calls");
	trap_setup();
	trap_on();
	int64_t pid = call_of_32_bits(20);

	check_passed();
	CHECK_EQ(pid, getpid());
}

#endif

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatch_of_its_own_does_not_last),
		cmocka_unit_test(libcs_fork),
		cmocka_unit_test(fork_itself),
		cmocka_unit_test(clone3_itself),
		cmocka_unit_test(libcs_vfork),
		cmocka_unit_test(posix_spawns_clone),
		cmocka_unit_test(pthread_creates_clone3),
		cmocka_unit_test(an_exec),
		cmocka_unit_test(an_exit),
#ifdef __x86_64__
		cmocka_unit_test(arch_prctl_itself),
		cmocka_unit_test(pkey_alloc_itself),
		cmocka_unit_test(the_other_table),
#endif
	};

	if (argc == 2 && strcmp(argv[1], "end") == 0) {
		trap_on();
		call_something(); /* no handler: SIGSYS would kill */
		return 5;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
