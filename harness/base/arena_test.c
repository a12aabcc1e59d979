#include "harness/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a fork child writes, as its parent sees it. */
static int written_by_child(struct arena *a)
{
	volatile int *word = arena_take(a, sizeof(*word), sizeof(*word));
	int status;

	assert_non_null(word);
	assert_int_equal(*word, 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		*word = 7;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return *word;
}

static void memory_is_private_or_shared(void **state)
{
	struct arena private, shared;

	(void)state;
	assert_int_equal(arena_init(&private, 100), 0);
	assert_int_equal(arena_init_shared(&shared, 100), 0);
	assert_int_equal(written_by_child(&private), 0);
	assert_int_equal(written_by_child(&shared), 7);
	arena_release(&private);
	arena_release(&shared);
}

/* The page behind the last usable byte, and the one before the first. */
static void fences_stand_around_both(void **state)
{
	struct arena a[2];

	(void)state;
	assert_int_equal(arena_init(&a[0], 5000), 0);
	assert_int_equal(arena_init_shared(&a[1], 5000), 0);
	for (int i = 0; i < 4; i++) {
		const struct arena *of = &a[i / 2];
		unsigned char *at = i % 2 ? of->base + of->size : of->base - 1;
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			*(volatile unsigned char *)at = 1;
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_not_equal(status, 0);
	}
	arena_release(&a[0]);
	arena_release(&a[1]);
}

static bool all_zero(const unsigned char *p, size_t n)
{
	while (n && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* What was written before is zero again, or left as it is, and so is what nobody had yet. */
static void a_rewound_arena_hands_out_the_same_again(void **state)
{
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 10000), 0);
	assert_non_null(arena_take(&a, 100, 1));
	size_t mark = a.used;
	unsigned char *first = arena_take(&a, 3000, 1);

	memset(first, 7, 3000);
	arena_rewind(&a, mark);
	unsigned char *raw = arena_take_raw(&a, 1000, 1);
	unsigned char *rest = arena_take(&a, 5000, 1);

	assert_ptr_equal(raw, first);
	assert_int_equal(raw[999], 7);
	assert_ptr_equal(rest, first + 1000);
	assert_true(all_zero(rest, 5000));
	assert_null(arena_take(&a, 10000, 1));
	memset(rest, 7, 5000);
	arena_rewind(&a, mark);
	assert_true(all_zero(arena_take(&a, 8000, 1), 8000));
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_private_or_shared),
		cmocka_unit_test(fences_stand_around_both),
		cmocka_unit_test(a_rewound_arena_hands_out_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
