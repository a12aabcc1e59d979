#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "allocators/registry.h"

static void names_are_unique_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < plugin_count(); i++) {
		assert_non_null(plugin_at(i)->name);
		assert_ptr_equal(plugin_by_name(plugin_at(i)->name), plugin_at(i));
	}
	assert_null(plugin_at(plugin_count()));
	assert_null(plugin_by_name("nobody"));
	assert_null(plugin_by_name(""));
}

static void list_is_complete(void **state)
{
	static const char *const wanted[] = {"glibc", "jemalloc", "mimalloc", "tcmalloc",
					     "scudo", "guard",	  "void",     "kernel"};

	(void)state;
	assert_int_equal(plugin_count(), sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < plugin_count(); i++)
		assert_string_equal(plugin_at(i)->name, wanted[i]);
}

static void each_is_sound_and_has_one_way_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		assert_true(plugin_is_sound(p));
		assert_int_not_equal(p->files != NULL, p->inside != NULL);
		assert_true(p->inside || (p->files[0] && p->purge));
	}
}

static void the_kernel_alone_is_no_allocator(void **state)
{
	const struct allocator *a = plugin_by_name("kernel")->inside;
	char said[128];

	(void)state;
	for (size_t i = 0; i < plugin_count(); i++)
		assert_int_equal(plugin_is_kernel(plugin_at(i)),
				 strcmp(plugin_at(i)->name, "kernel") == 0);
	assert_false(plugin_is_kernel(NULL));
#define FAMILY(member, symbol) assert_null(a->member);
#define VENDOR(member, symbol)
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
	assert_null(a->purge);
	assert_int_equal(a->describe(a, said, sizeof(said)), 0);
	assert_true(said[0] >= '0' && said[0] <= '9');
	assert_int_equal(a->describe(a, said, 2), -ENAMETOOLONG);
}

static void another_abi_is_not_sound(void **state)
{
	struct allocator inside = *plugin_by_name("void")->inside;
	struct plugin p = *plugin_by_name("void");

	(void)state;
	p.abi++;
	assert_false(plugin_is_sound(&p));
	p = *plugin_by_name("glibc");
	p.size -= 8;
	assert_false(plugin_is_sound(&p));
	p = *plugin_by_name("void");
	p.inside = &inside;
	assert_true(plugin_is_sound(&p));
	inside.size += 8;
	assert_false(plugin_is_sound(&p));
}

static int some_mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len)
{
	static const char *const version = "5.3.0-0-gabc";

	(void)new;
	(void)new_len;
	if (strcmp(name, "version") != 0 || *old_len != sizeof(const char *))
		return ENOENT;
	*(const char **)old = version;
	return 0;
}

static int mi_version_now;

static int some_mi_version(void)
{
	return mi_version_now;
}

static void some_mi_collect(_Bool force)
{
	(void)force;
}

static void recognised_by_symbols(void **state)
{
	struct vendor_symbols v = {.mallctl = some_mallctl};

	(void)state;
	assert_ptr_equal(plugin_by_symbols(&v), plugin_by_name("jemalloc"));
	v = (struct vendor_symbols){.mi_collect = some_mi_collect};
	assert_ptr_equal(plugin_by_symbols(&v), plugin_by_name("mimalloc"));
	/* glibc, tcmalloc and scudo all have mallopt: it tells nothing. */
	v = (struct vendor_symbols){.mallopt = mallopt};
	assert_null(plugin_by_symbols(&v));
}

static void jemalloc_says_its_version(void **state)
{
	struct vendor_symbols v = {.mallctl = some_mallctl};
	struct allocator a = {.vendor = &v};
	char buf[64];

	(void)state;
	assert_int_equal(plugin_by_name("jemalloc")->describe(&a, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "5.3.0-0-gabc");
	assert_int_equal(plugin_by_name("jemalloc")->describe(&a, buf, 5), -ENOSPC);
}

static void mimalloc_says_its_version(void **state)
{
	static const struct {
		int number;
		const char *text;
	} cases[] = {{209, "2.0.9"}, {188, "1.8.8"}, {20405, "2.4.5"}, {31012, "3.10.12"}};
	struct vendor_symbols v = {.mi_version = some_mi_version};
	struct allocator a = {.vendor = &v};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mi_version_now = cases[i].number;
		assert_int_equal(plugin_by_name("mimalloc")->describe(&a, buf, sizeof(buf)), 0);
		assert_string_equal(buf, cases[i].text);
	}
	mi_version_now = -1;
	assert_int_equal(plugin_by_name("mimalloc")->describe(&a, buf, sizeof(buf)), -ENOENT);
}

static void purge_without_vendor_symbols_does_nothing(void **state)
{
	struct vendor_symbols none = {0};
	struct allocator a = {.vendor = &none};

	(void)state;
	for (size_t i = 0; i < plugin_count(); i++) {
		if (plugin_at(i)->purge)
			assert_int_equal(plugin_at(i)->purge(&a), 0);
	}
}

static void void_hands_out_writable_aligned_addresses(void **state)
{
	const struct allocator *a = plugin_by_name("void")->inside;
	char *first = a->malloc(100);
	char *second = a->malloc(100);
	void *p = NULL;

	(void)state;
	assert_non_null(first);
	assert_true(second >= first + 100);
	memset(second, 1, 100);
	for (size_t align = 1; align <= 4096; align *= 2)
		assert_int_equal((uintptr_t)a->aligned_alloc(align, 24) % align, 0);
	assert_int_equal(a->posix_memalign(&p, 64, 24), 0);
	assert_int_equal((uintptr_t)p % 64, 0);
	assert_int_equal((uintptr_t)a->valloc(1) % 4096, 0);
}

static void void_goes_round_its_region(void **state)
{
	const struct allocator *a = plugin_by_name("void")->inside;
	char *low = a->malloc(64u << 20);

	(void)state;
	assert_non_null(low);
	for (int i = 0; i < 100000; i++) {
		char *p = a->malloc(1u << 20);

		assert_in_range((uintptr_t)p, (uintptr_t)low, (uintptr_t)low + (63u << 20));
	}
}

static void void_refuses_what_does_not_fit(void **state)
{
	const struct allocator *a = plugin_by_name("void")->inside;
	void *p = &p;

	(void)state;
	errno = 0;
	assert_null(a->malloc((64u << 20) + 1));
	assert_int_equal(errno, ENOMEM);
	assert_null(a->calloc(SIZE_MAX / 2, 3));
	assert_null(a->pvalloc(SIZE_MAX));
	assert_null(a->aligned_alloc(8192, 1));
	errno = 0;
	assert_null(a->aligned_alloc(3, 1));
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(a->posix_memalign(&p, 4, 1), EINVAL);
	assert_int_equal(a->posix_memalign(&p, 8, SIZE_MAX), ENOMEM);
	assert_int_equal(errno, 0);
	assert_ptr_equal(p, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_found),
		cmocka_unit_test(list_is_complete),
		cmocka_unit_test(each_is_sound_and_has_one_way_in),
		cmocka_unit_test(the_kernel_alone_is_no_allocator),
		cmocka_unit_test(another_abi_is_not_sound),
		cmocka_unit_test(recognised_by_symbols),
		cmocka_unit_test(jemalloc_says_its_version),
		cmocka_unit_test(mimalloc_says_its_version),
		cmocka_unit_test(purge_without_vendor_symbols_does_nothing),
		cmocka_unit_test(void_hands_out_writable_aligned_addresses),
		cmocka_unit_test(void_goes_round_its_region),
		cmocka_unit_test(void_refuses_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
