/* Objects, forks, and what is not known: with calls whose results are made up. */
#include <string.h>
#include <sys/syscall.h>

#include "harness/oracle/pages_testing.h"

static void a_duplicate_shows_the_same(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
	move(&s, 1, 0, 10, 4, MREMAP_MAYMOVE);
	touch(&s, 11, 1);
	assert_word(&s, 2, word_at(&s, 11));
	/* The object is as large as it was mapped. */
	assert_can(&s, 12, PAGE_WRITES);
	assert_can(&s, 13, PAGE_BUS);
	close_stage(&s);
}

static void files_end(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	uint32_t file = pages_object(s.pages, 3 * s.page + 1);

	map_file(&s, 0, 6, MAP_SHARED, file);
	map_file(&s, 10, 6, MAP_PRIVATE, file);
	assert_can(&s, 3, PAGE_WRITES);
	assert_can(&s, 4, PAGE_BUS);
	touch(&s, 0, 2);
	assert_word(&s, 11, word_at(&s, 1));
	touch(&s, 11, 1);
	assert_word(&s, 1, word_at(&s, 1));
	assert_word(&s, 11, word_at(&s, 11));
	pages_truncate(s.pages, file, s.page);
	assert_can(&s, 1, PAGE_BUS);
	assert_can(&s, 11, PAGE_BUS);
	pages_truncate(s.pages, file, 6 * s.page);
	assert_word(&s, 1, 0);
	assert_word(&s, 11, 0);
	assert_word(&s, 0, word_at(&s, 0));
	close_stage(&s);
}

static void removing_punches_the_object(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	uint32_t file = pages_object(s.pages, 4 * s.page);

	map_file(&s, 0, 4, MAP_SHARED, file);
	map_file(&s, 10, 4, MAP_PRIVATE, file);
	touch(&s, 0, 4);
	touch(&s, 11, 1);
	assert_resident(&s, 5, 5);
	advise(&s, 1, 2, MADV_REMOVE, 0);
	assert_word(&s, 1, 0);
	assert_word(&s, 12, 0);
	assert_word(&s, 11, word_at(&s, 11)); /* a copy stays */
	assert_resident(&s, 3, 3);
	close_stage(&s);
}

static void fork_copies_and_shares(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 2, RW, ANON);
	map(&s, 2, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	map(&s, 4, 2, RW, ANON);
	map(&s, 6, 2, RW, ANON);
	touch(&s, 0, 8);
	advise(&s, 4, 2, MADV_DONTFORK, 0);
	advise(&s, 6, 2, MADV_WIPEONFORK, 0);
	pages_forked(s.pages, 1);
	assert_word(&s, 0, word_at(&s, 0));
	assert_word(&s, 2, word_at(&s, 2));
	assert_can(&s, 4, PAGE_FAULTS);
	assert_word(&s, 6, 0);
	assert_resident(&s, 2, 4);
	close_stage(&s);
}

/* What a child does to an object is seen; when it was killed nothing is. */
static void children_change_objects(void **state)
{
	struct stage parent;
	struct pages *own = NULL;
	unsigned char copy[1 << 16];

	(void)state;
	open_kernel_stage(&parent);
	uint32_t file = pages_object(parent.pages, 4 * parent.page);

	map_file(&parent, 0, 4, MAP_SHARED, file);
	touch(&parent, 0, 4);
	assert_true(parent.own.used <= sizeof(copy));
	/* What fork() does to memory that is not shared. */
	memcpy(copy, parent.own.base, parent.own.used);
	own = parent.pages;
	pages_forked(own, 7);
	touch(&parent, 1, 1);
	map(&parent, 20, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	pages_truncate(own, file, 3 * parent.page);
	memcpy(parent.own.base, copy, parent.own.used);
	assert_false(look(&parent, 20).mapped);
	pages_child_gone(parent.pages, 7, false);
	assert_word(&parent, 1, word_at(&parent, 1));
	assert_can(&parent, 3, PAGE_BUS);
	assert_resident(&parent, 3, 3);
	pages_child_gone(parent.pages, 8, true);
	assert_false(look(&parent, 1).known);
	assert_can(&parent, 1, PAGE_UNKNOWN);
	close_stage(&parent);
}

static void what_others_changed_is_unknown(void **state)
{
	struct stage s;

	(void)state;
	open_stage(&s, (struct pages_options){.kernel = false});
	map(&s, 0, 4, RW, ANON);
	touch(&s, 0, 4);
	pages_unknown(s.pages, at(&s, 1), at(&s, 2));
	assert_can(&s, 1, PAGE_UNKNOWN);
	assert_false(look(&s, 1).known);
	assert_resident(&s, 3, 4);
	touch(&s, 1, 1);
	assert_word(&s, 1, word_at(&s, 1));
	map(&s, 1, 1, RW, ANON);
	assert_can(&s, 1, PAGE_WRITES);
	assert_word(&s, 1, 0);
	close_stage(&s);
}

static void a_terabyte_is_a_run(void **state)
{
	struct stage s;
	struct page_view v;

	(void)state;
	open_stage(&s, (struct pages_options){.kernel = true, .capacity = 4});
	follow(&s, (struct made){.nr = SYS_mmap, .result = UINT64_C(1) << 44},
	       (uint64_t[6]){0, UINT64_C(1) << 40, RW, ANON, UINT64_MAX});
	pages_look(s.pages, (UINT64_C(1) << 44) + (UINT64_C(1) << 39), &v);
	assert_int_equal(v.can, PAGE_WRITES);
	assert_int_equal(v.end, (UINT64_C(1) << 44) + (UINT64_C(1) << 40));
	assert_int_equal(pages_forgotten(s.pages), 0);
	close_stage(&s);
}

static void objects_are_used_again(void **state)
{
	struct stage s;

	(void)state;
	open_stage(&s, (struct pages_options){.kernel = true, .capacity = 8});
	for (int i = 0; i < 100; i++) {
		map(&s, 0, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
		assert_word(&s, 0, 0);
		assert_can(&s, 0, PAGE_WRITES);
		*(uint64_t *)at(&s, 0) = 0;
		touch(&s, 0, 1);
	}
	/* One that is held lives on when nothing maps it. */
	uint32_t file = pages_object(s.pages, 2 * s.page);

	map_file(&s, 4, 2, MAP_SHARED, file);
	touch(&s, 4, 1);
	unmap(&s, 4, 2 * s.page);
	map_file(&s, 4, 2, MAP_SHARED, file);
	assert_word(&s, 4, word_at(&s, 4));
	pages_object_drop(s.pages, file);
	assert_word(&s, 4, word_at(&s, 4));
	close_stage(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duplicate_shows_the_same),
		cmocka_unit_test(files_end),
		cmocka_unit_test(removing_punches_the_object),
		cmocka_unit_test(fork_copies_and_shares),
		cmocka_unit_test(children_change_objects),
		cmocka_unit_test(what_others_changed_is_unknown),
		cmocka_unit_test(a_terabyte_is_a_run),
		cmocka_unit_test(objects_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
