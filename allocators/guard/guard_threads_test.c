/*
 * What threads keep: nothing once the last block of a slab is freed, whoever frees it, and whatever
 * the others do then. The threads themselves are on libc's malloc, so each slab here is ours.
 */
#include "allocators/guard/guard.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/slab.h"
#include "allocators/guard/test_maps.h"

#define THREADS 3
#define NOTED	256

/* Slabs that blocks lay in. Not maps: sanitizers make some of their own for each thread. */
static _Atomic uintptr_t noted[NOTED];
static atomic_uint noted_count;

static void *take(size_t size)
{
	void *p = guard_malloc(size);
	uintptr_t slab = (uintptr_t)p & ~(SLAB_BYTES - 1);

	for (unsigned i = 0; i < atomic_load(&noted_count); i++) {
		if (atomic_load(&noted[i]) == slab)
			return p;
	}
	unsigned i = atomic_fetch_add(&noted_count, 1);

	assert(i < NOTED);
	atomic_store(&noted[i], slab);
	return p;
}

static size_t slabs_mapped(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < atomic_load(&noted_count); i++)
		n += slab_at(atomic_load(&noted[i])) != NULL;
	return n;
}

/* All arrive before any leaves, within nanoseconds of each other where there are processors. */
struct meeting {
	atomic_uint arrived, round;
};

static void meet(struct meeting *m, unsigned threads)
{
	unsigned round = atomic_load(&m->round);

	if (atomic_fetch_add(&m->arrived, 1) + 1 == threads) {
		atomic_store(&m->arrived, 0);
		atomic_fetch_add(&m->round, 1);
		return;
	}
	for (unsigned spins = 0; atomic_load(&m->round) == round; spins++) {
		if (spins > 1000)
			sched_yield();
	}
}

/* A thread that does one thing after another, as the test tells it, and is idle in between. */
struct helper {
	pthread_t thread;
	struct meeting begin, end;
	void (*job)(struct helper *h); /* NULL: leave */
	void *p[64];
	size_t size;
};

static void *helper_run(void *arg)
{
	struct helper *h = arg;

	for (;;) {
		meet(&h->begin, 2);
		if (!h->job)
			return NULL;
		h->job(h);
		meet(&h->end, 2);
	}
}

static void helper_start(struct helper *h)
{
	*h = (struct helper){0};
	assert_int_equal(pthread_create(&h->thread, NULL, helper_run, h), 0);
}

static void helper_do(struct helper *h, void (*job)(struct helper *h), size_t size)
{
	h->job = job;
	h->size = size;
	meet(&h->begin, 2);
	meet(&h->end, 2);
}

static void helper_stop(struct helper *h)
{
	h->job = NULL;
	meet(&h->begin, 2);
	assert_int_equal(pthread_join(h->thread, NULL), 0);
}

static void job_fill(struct helper *h)
{
	for (size_t i = 0; i < 64; i++)
		h->p[i] = take(h->size);
}

static void job_empty(struct helper *h)
{
	for (size_t i = 0; i < 64; i++)
		guard_free(h->p[i]);
}

static void job_pairs(struct helper *h)
{
	for (size_t i = 0; i < 1000; i++)
		guard_free(take(h->size + i % 8 * 300));
}

/* What idle threads had used and would use again goes with the last block, of whichever thread. */
static void test_idle_threads_keep_nothing(void **state)
{
	static struct helper h[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		helper_start(&h[i]);

	for (size_t size = 16; size <= 16384; size *= 4) {
		void *last = take(100);

		for (size_t i = 0; i < THREADS; i++)
			helper_do(&h[i], job_pairs, size);
		assert_int_equal(slabs_mapped(), 1);
		guard_free(last);
		assert_int_equal(slabs_mapped(), 0);

		helper_do(&h[0], job_pairs, size); /* with nothing else alive */
		assert_int_equal(slabs_mapped(), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		helper_stop(&h[i]);
}

/* Blocks of one thread, freed by another, while the first is idle. */
static void test_others_free_the_last_block(void **state)
{
	static struct helper h[2];

	(void)state;
	helper_start(&h[0]);
	helper_start(&h[1]);

	for (size_t size = 16; size <= 131072; size *= 2) {
		helper_do(&h[0], job_fill, size);
		helper_do(&h[1], job_pairs, size / 2);
		memcpy(h[1].p, h[0].p, sizeof(h[0].p));
		guard_free(take(size)); /* the main thread keeps a span there, too */
		helper_do(&h[1], job_empty, size);
		assert_int_equal(slabs_mapped(), 0);
	}
	helper_stop(&h[0]);
	helper_stop(&h[1]);
}

static void test_ended_threads_keep_nothing(void **state)
{
	static struct helper h;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		void *last = take(100);

		helper_start(&h);
		helper_do(&h, job_pairs, 16 + i * 10);
		helper_stop(&h);
		guard_free(last);
		assert_int_equal(slabs_mapped(), 0);
	}
}

/* Where no slab is to be had, the pages of spans that idle in another thread's shard are. */
static void test_idle_spans_make_room(void **state)
{
	void *p[7], *last = take(100);
	static struct helper h;

	(void)state;
	helper_start(&h);

	helper_do(&h, job_pairs, 100); /* all that a shard keeps: 32 pages; 4 are of `last` */
	for (size_t i = 0; i < 6; i++)
		assert_non_null(p[i] = take(128 << 10));
	assert_int_equal(slabs_mapped(), 1);
	refuse(REFUSE_MMAP, 1, SIZE_MAX);
	p[6] = take(128 << 10);
	assert_true(refuse_end() > 0);
	assert_non_null(p[6]);
	assert_int_equal(slabs_mapped(), 1);
	for (size_t i = 0; i < 7; i++)
		guard_free(p[i]);
	guard_free(last);
	helper_stop(&h);
}

static struct meeting race;
static _Atomic(void *) raced[2];
static atomic_uint slabs_left;

#define RACES 20000

static void *race_run(void *arg)
{
	size_t self = (size_t)(uintptr_t)arg;

	for (size_t i = 0; i < RACES; i++) {
		void *p = guard_malloc(64 + 400 * self);

		atomic_store(&raced[self], p);
		meet(&race, 2);
		for (volatile size_t wait = 0; wait < i % 16 * (1 - self); wait++)
			;
		guard_free(p);
		meet(&race, 2);
		if (slab_at((uintptr_t)p) || slab_at((uintptr_t)atomic_load(&raced[1 - self])))
			atomic_fetch_add(&slabs_left, 1);
		meet(&race, 2);
	}
	return NULL;
}

/* Two threads free the last two blocks of a slab at the same moment: one of them unmaps it. */
static void test_last_blocks_at_once(void **state)
{
	pthread_t threads[2];

	(void)state;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_run, (void *)i), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&slabs_left), 0);
}

#define FORKS 300

static atomic_bool forks_done;
static _Atomic uintptr_t last_slab[2];

static void *pairs_until_done(void *arg)
{
	size_t self = (size_t)(uintptr_t)arg;

	while (!atomic_load(&forks_done)) {
		void *p = guard_malloc(64);

		atomic_store(&last_slab[self], (uintptr_t)p & ~(SLAB_BYTES - 1));
		guard_free(p);
	}
	return NULL;
}

/* Whether each slab has a live block: one that the fork took from its thread, which stays. */
static bool slabs_are_live(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct slab *slab = slab_at(atomic_load(&last_slab[i]));
		unsigned live = 0;

		for (unsigned n = 0; slab && n < SHARDS; n++)
			live += atomic_load(&slab->shares[n].live);
		if (slab && !live)
			return false;
	}
	return true;
}

/* A fork between the last free of a slab and its end leaves no slab behind in the child. */
static void test_forks_while_slabs_drain(void **state)
{
	pthread_t threads[2];
	int status;

	(void)state;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pairs_until_done, (void *)i), 0);
	for (size_t i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			alarm(30);
			_exit(slabs_are_live() ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&forks_done, true);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_threads_keep_nothing),
		cmocka_unit_test(test_others_free_the_last_block),
		cmocka_unit_test(test_ended_threads_keep_nothing),
		cmocka_unit_test(test_idle_spans_make_room),
		cmocka_unit_test(test_last_blocks_at_once),
		cmocka_unit_test(test_forks_while_slabs_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
