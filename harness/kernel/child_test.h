/*
 * child_test.h - runs the body of a test in a process of its own, whose address space it may bend.
 */
#ifndef KERNEL_CHILD_TEST_H
#define KERNEL_CHILD_TEST_H

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD_SKIPPED 77

/* dprintf and _exit: a child that unwound into cmocka would report twice. */
#define CHECK_EQ(a, b)                                                                             \
	do {                                                                                       \
		intmax_t a_ = (intmax_t)(a), b_ = (intmax_t)(b);                                   \
		if (a_ != b_) {                                                                    \
			dprintf(2, "%s:%d: %s is %jd, %s is %jd\n", __FILE__, __LINE__, #a, a_,    \
				#b, b_);                                                           \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#define CHECK(cond) CHECK_EQ(!!(cond), 1)

#define CHILD_SKIP(why)                                                                            \
	do {                                                                                       \
		dprintf(2, "%s: unsupported: %s\n", __func__, why);                                \
		_exit(CHILD_SKIPPED);                                                              \
	} while (0)

static inline int in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30);
		body();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void run_in_child(void (*body)(void))
{
	int ret = in_child(body);

	if (ret == CHILD_SKIPPED)
		skip();
	assert_int_equal(ret, 0);
}

/* A cmocka test `name` whose body runs in a child. */
#define CHILD_TEST(name)                                                                           \
	static void name##_body(void);                                                             \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		run_in_child(name##_body);                                                         \
	}                                                                                          \
	static void name##_body(void)

#endif
