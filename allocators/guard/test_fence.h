/*
 * test_fence.h - what guard's tests of fence mode share.
 */
#ifndef GUARD_TEST_FENCE_H
#define GUARD_TEST_FENCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * First of all in main: fence mode, and the first block, with nothing but the default action before
 * guard's handlers of SIGSEGV and SIGBUS. No GUARD_ knobs but GUARD_FENCE are in force.
 */
void fence_begin(void);

/* In a child: guard's handlers again, in the place of cmocka's. */
void fence_handlers_again(void);

/* Whether the page can be read, by the kernel's word. */
bool is_accessible(const void *at);

/* Whether GUARD_FENCE=protect is in force. */
bool fence_by_protection(void);

/* cmocka's setup and teardown: nothing is left once trim was called. */
int fence_remember(void **state);
int fence_expect_back(void **state);

#define FENCE_TEST(f) cmocka_unit_test_setup_teardown(f, fence_remember, fence_expect_back)

#endif
