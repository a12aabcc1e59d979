#include "harness/exec/page_lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 20000

/* Shared with fork children. */
static struct page {
	_Atomic uint32_t lock, ready;
	uint64_t count; /* not atomic: the lock's to keep whole */
} * page;

static int setup(void **state)
{
	(void)state;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(page, sizeof(*page));
}

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		page_lock_take(&page->lock);
		page_lock_take(&page->lock);
		page->count++;
		page_lock_drop(&page->lock);
		page->count++;
		page_lock_drop(&page->lock);
	}
	return NULL;
}

static void threads_and_processes_exclude_each_other(void **state)
{
	pthread_t thread[2];
	int status;

	(void)state;
	page_lock_take(&page->lock);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		page_lock_after_fork();
		count_up(NULL);
		_exit(0);
	}
	page_lock_drop(&page->lock);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count_up, NULL), 0);
	count_up(NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(page->count, 4 * 2 * ROUNDS);
	assert_int_equal(page->lock, 0);
}

static void an_owner_that_is_gone_is_buried(void **state)
{
	(void)state;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		page_lock_after_fork();
		page_lock_take(&page->lock);
		page->ready = 1;
		for (;;)
			pause();
	}
	while (!page->ready)
		;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	page_lock_bury(&page->lock, pid + 1);
	assert_int_equal(page->lock, pid);
	page_lock_bury(&page->lock, pid);
	assert_int_equal(page->lock, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_and_processes_exclude_each_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_owner_that_is_gone_is_buried, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
