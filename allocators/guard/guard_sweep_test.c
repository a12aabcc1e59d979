/*
 * Each kernel call of several workloads is refused once, and in series. Whatever was refused, after
 * the refusals trim leaves mapped what the live blocks need, nothing when there are none, and the
 * same work then succeeds in full.
 */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/guard/slab.h"
#include "allocators/guard/test_work.h"

#define KIB    ((size_t)1 << 10)
#define MIB    ((size_t)1 << 20)
#define BLOCKS 64
#define STRIDE 24571 /* bytes between those that are marked and checked */

struct block {
	unsigned char *p;
	size_t size;
};

/* The blocks of one thread. */
struct work {
	struct block blocks[BLOCKS];
	unsigned char fill;
	const char *broken; /* what went wrong; threads cannot assert */
};

#define EXPECT(w, condition) ((condition) ? (void)0 : (void)((w)->broken = #condition))

static bool reads(const unsigned char *p, size_t size, unsigned char with)
{
	for (size_t i = 0; i < size; i += STRIDE) {
		if (p[i] != with)
			return false;
	}
	return size == 0 || p[size - 1] == with;
}

static void mark(struct work *w, unsigned i)
{
	struct block *b = &w->blocks[i];
	unsigned char with = (unsigned char)(w->fill + i);

	for (size_t at = 0; at < b->size; at += STRIDE)
		b->p[at] = with;
	b->p[b->size - 1] = with;
}

static void check(struct work *w, unsigned i)
{
	const struct block *b = &w->blocks[i];

	EXPECT(w, reads(b->p, b->size, (unsigned char)(w->fill + i)));
}

/* NULL is for those alone who were refused something; other threads blur that. */
static bool got(struct work *w, const void *p, size_t refused_before)
{
	EXPECT(w, p || refuse_count() > refused_before);
	EXPECT(w, p || errno == ENOMEM);
	return p;
}

static void take(struct work *w, unsigned i, size_t size, size_t align)
{
	size_t refused = refuse_count();
	unsigned char *p = align ? guard_memalign(align, size) : guard_malloc(size);

	w->blocks[i] = (struct block){p, size};
	if (!got(w, p, refused))
		return;
	EXPECT(w, align == 0 || (uintptr_t)p % align == 0);
	mark(w, i);
}

static void take_zero(struct work *w, unsigned i, size_t size)
{
	size_t refused = refuse_count();
	unsigned char *p = guard_calloc(1, size);

	w->blocks[i] = (struct block){p, size};
	if (!got(w, p, refused))
		return;
	for (size_t at = 0; at < size; at++) {
		if (p[at])
			w->broken = "calloc is zero";
	}
	mark(w, i);
}

static void resize(struct work *w, unsigned i, size_t size)
{
	struct block *b = &w->blocks[i];
	size_t refused = refuse_count(), kept = size < b->size ? size : b->size;

	if (!b->p)
		return;
	unsigned char *p = guard_realloc(b->p, size);

	EXPECT(w, p || size > b->size);
	if (!got(w, p, refused)) {
		check(w, i);
		return;
	}
	EXPECT(w, kept == 0 || p[0] == (unsigned char)(w->fill + i));
	for (size_t at = 0; at < kept; at += STRIDE)
		EXPECT(w, p[at] == (unsigned char)(w->fill + i));
	*b = (struct block){p, size};
	mark(w, i);
}

static void drop(struct work *w, unsigned i)
{
	struct block *b = &w->blocks[i];

	if (b->p)
		check(w, i);
	errno = 1234;
	guard_free(b->p);
	EXPECT(w, errno == 1234);
	*b = (struct block){0};
}

static void drop_all(struct work *w)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		drop(w, i * 37 % BLOCKS);
}

/* Three slabs, of which one drains while the others live on, is taken again, and so on. */
static void work_small(struct work *w)
{
	for (unsigned i = 0; i < 21; i++)
		take(w, i, 110 * KIB + i, 0);
	for (unsigned i = 21; i < BLOCKS; i++)
		take(w, i, (i - 20) * 100, 0);
	for (unsigned i = 7; i < 21; i++)
		drop(w, i);
	guard_malloc_trim(0);
	for (unsigned i = 7; i < 21; i++)
		take_zero(w, i, 30 * KIB * (1 + i % 4));
	for (unsigned i = 0; i < BLOCKS; i += 2)
		drop(w, i);
}

static void work_large(struct work *w)
{
	for (unsigned i = 0; i < 8; i++)
		take(w, i, 130 * KIB + i * 64 * KIB, 0);
	for (unsigned i = 0; i < 8; i += 2)
		drop(w, i);
	take(w, 8, 100, 0);
	for (unsigned i = 0; i < 8; i += 2)
		take_zero(w, i, 200 * KIB + i * 32 * KIB);
	guard_malloc_trim(0);
	for (unsigned i = 0; i < 8; i++)
		drop(w, i);
	take(w, 0, MIB, 0);
}

static void work_aligned(struct work *w)
{
	for (unsigned i = 0; i < 10; i++)
		take(w, i, 1 + i * 50 * KIB, (size_t)8192 << i % 10);
	for (unsigned i = 0; i < 10; i += 3)
		drop(w, i);
	take(w, 0, 140 * KIB, 64 * KIB);
	take(w, 3, 300 * KIB, 2 * MIB);
	for (unsigned i = 1; i < 10; i += 3)
		resize(w, i, 150 * KIB);
	for (unsigned i = 2; i < 10; i += 3)
		resize(w, i, 10);
}

static const size_t resizes[] = {100,	    300 * KIB, 5000,	  MIB,	     200 * KIB,
				 140 * KIB, MIB,       100 * KIB, 129 * KIB, 10,
				 60 * KIB,  2 * MIB,   3 * MIB,	  600 * KIB, 128 * KIB};

static void work_resize(struct work *w)
{
	for (unsigned i = 0; i < 3; i++) {
		take(w, i, 50, 0);
		take(w, 3 + i, 200 * KIB, 0);
	}
	for (unsigned n = 0; n < sizeof(resizes) / sizeof(resizes[0]); n++) {
		resize(w, n % 3, resizes[n]);
		resize(w, 3 + n % 2, resizes[n]);
		if (n == 8)
			guard_malloc_trim(0);
	}
	resize(w, 5, 4 * MIB);
}

static void (*const works[])(struct work *) = {work_small, work_large, work_aligned, work_resize};
#define WORKS (sizeof(works) / sizeof(works[0]))

static void work_mixed_kinds(struct work *w)
{
	for (size_t i = 0; i < WORKS; i++) {
		works[i](w);
		drop_all(w);
	}
}

static void expect_ranges_gone(const char *when)
{
	size_t n;
	const struct refused_range *r = refused_ranges(&n);

	for (size_t i = 0; i < n; i++) {
		if (range_is_mapped(&r[i]))
			fail_msg("%s: %#zx + %#zx is still mapped", when, r[i].at, r[i].len);
	}
}

static void expect_nothing_lost(const char *when)
{
	expect_ranges_gone(when);
	work_expect_maps_back(NULL);
}

/* Two maps per slab and per large block, and their bytes: no more, once trim was called. */
static void expect_what_is_needed(const struct work *w)
{
	const struct slab *slabs[BLOCKS];
	size_t n = 0, bytes = 0, large = 0;

	for (unsigned i = 0; i < BLOCKS; i++) {
		const struct slab *slab = slab_at((uintptr_t)w->blocks[i].p);
		size_t known = 0;

		if (!w->blocks[i].p)
			continue;
		if (!slab) {
			large++;
			bytes += guard_malloc_usable_size(w->blocks[i].p) + OS_PAGE;
			continue;
		}
		while (known < n && slabs[known] != slab)
			known++;
		if (known == n)
			slabs[n++] = slab;
	}
	bytes += n * (SLAB_BYTES + OS_PAGE);
	struct maps now = maps_read();

	assert_int_equal(now.bytes - at_start.bytes, bytes);
	assert_true(now.lines - at_start.lines <= 2 * (n + large));
}

static void expect_sound(const struct work *w)
{
	if (w->broken)
		fail_msg("broken: %s", w->broken);
}

/* With a plan in force: the work, all of it freed with the plan or without, and the work again. */
static size_t work_through(void (*work)(struct work *), bool drop_refused)
{
	struct work w = {.fill = 1};

	work(&w);
	if (drop_refused)
		drop_all(&w);
	size_t refused = refuse_end();

	guard_malloc_trim(0);
	expect_what_is_needed(&w);
	drop_all(&w);
	guard_malloc_trim(0);
	expect_nothing_lost("after trim");
	work(&w);
	expect_what_is_needed(&w);
	for (unsigned i = 0; i < BLOCKS; i++)
		EXPECT(&w, w.blocks[i].p || w.blocks[i].size == 0);
	drop_all(&w);
	guard_malloc_trim(0);
	expect_nothing_lost("after the work was done again");
	expect_sound(&w);
	return refused;
}

static const unsigned kinds[] = {REFUSE_MMAP,	 REFUSE_MUNMAP, REFUSE_MPROTECT,
				 REFUSE_MADVISE, REFUSE_MREMAP, REFUSE_ALL};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/*
 * From each nth call on, `count` refusals; what is live then is freed during them, and in another
 * run after them, of series each second time.
 */
static void sweep(void (*work)(struct work *), unsigned calls, size_t count)
{
	for (size_t nth = 1;; nth++) {
		refuse(calls, nth, count);
		if (!work_through(work, true))
			break;
		if (nth % 2 == 0 && count > 1)
			continue;
		refuse(calls, nth, count);
		work_through(work, false);
	}
}

static void test_each_call_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		for (size_t k = 0; k < KINDS - 1; k++)
			sweep(works[i], kinds[k], 1);
	}
}

static void test_series_of_all_kinds(void **state)
{
	static const size_t counts[] = {3, 40};

	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
			sweep(works[i], REFUSE_ALL, counts[k]);
	}
}

/* One kind for a while, such that it takes the calls that make up for the first one too. */
static void test_series_of_one_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		for (size_t k = 0; k < KINDS - 1; k++)
			sweep(works[i], kinds[k], 4);
	}
}

static void test_each_second_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		for (size_t calls = 1; calls <= REFUSE_ALL; calls++) {
			for (size_t each = 1; each <= 3; each++) {
				refuse_each((unsigned)calls, each);
				work_through(works[i], true);
				refuse_each((unsigned)calls, each);
				work_through(works[i], false);
			}
		}
	}
}

/* The kinds after one another, on what is left of each other's refusals. */
static void test_mixed_kinds(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t each = 2; each <= 3; each++) {
			refuse_each(kinds[k], each);
			work_through(work_mixed_kinds, true);
		}
		for (size_t nth = 1; nth < 400; nth += 27) {
			refuse(kinds[k], nth, 25);
			work_through(work_mixed_kinds, true);
		}
	}
}

static void *thread_work(void *arg)
{
	work_mixed_kinds(arg);
	drop_all(arg);
	return NULL;
}

static void threads_run(struct work *w)
{
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_work, &w[i]), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* The maps of the threads themselves come and go, so here the refused ranges alone are judged. */
static void test_two_threads(void **state)
{
	static struct work w[2];

	(void)state;
	w[0].fill = 1;
	w[1].fill = 101;
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t nth = 1; nth < 300; nth += 37) {
			struct work alone = {.fill = 1};

			refuse(kinds[k], nth, nth % 2 ? 1 : 30);
			threads_run(w);
			refuse_end();
			guard_malloc_trim(0);
			expect_ranges_gone("after two threads");
			work_mixed_kinds(&alone);
			expect_sound(&alone);
			expect_sound(&w[0]);
			expect_sound(&w[1]);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, work_begin, work_expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_call_once),     TEST(test_series_of_all_kinds),
		TEST(test_series_of_one_kind), TEST(test_each_second_call),
		TEST(test_mixed_kinds),	       cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
