#include "allocators/guard/test_work.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "allocators/guard/guard.h"

unsigned char *slots[WORK_SLOTS];
size_t sizes[WORK_SLOTS];
struct maps at_start;
void (*work_on_null)(void);
static uint64_t prng_state;

int work_begin(void **state)
{
	(void)state;
	prng_state = 0x9e3779b97f4a7c15u;
	at_start = maps_read();
	assert_true(at_start.lines > 0);
	return 0;
}

int work_expect_maps_back(void **state)
{
	struct maps now = maps_read();

	(void)state;
	assert_int_equal(now.lines, at_start.lines);
	assert_int_equal(now.bytes, at_start.bytes);
	return 0;
}

static uint64_t prng(void)
{
	prng_state ^= prng_state << 13;
	prng_state ^= prng_state >> 7;
	prng_state ^= prng_state << 17;
	return prng_state;
}

size_t resident_pages(const void *at, size_t len)
{
	unsigned char resident[512];
	size_t pages = len / 4096, n = 0;

	assert_true(pages <= sizeof(resident));
	assert_int_equal(mincore((void *)at, len, resident), 0);
	for (size_t i = 0; i < pages; i++)
		n += resident[i] & 1;
	return n;
}

/* Mostly small; one in 64 up to 2 MiB. */
static size_t random_size(void)
{
	unsigned bits = prng() % 64 == 0 ? 21 : 1 + prng() % 14;

	return prng() % ((size_t)1 << bits);
}

void slot_check(size_t i)
{
	unsigned char *p = slots[i];

	if (p && sizes[i]) {
		assert_int_equal(p[0], (unsigned char)i);
		assert_int_equal(p[sizes[i] - 1], (unsigned char)i);
		assert_int_equal(p[sizes[i] / 2], (unsigned char)i);
	}
}

void slot_mark(size_t i)
{
	unsigned char *p = slots[i];

	if (p && sizes[i])
		p[0] = p[sizes[i] / 2] = p[sizes[i] - 1] = (unsigned char)i;
}

void slot_free(size_t i)
{
	slot_check(i);
	errno = 1234;
	guard_free(slots[i]);
	assert_int_equal(errno, 1234);
	slots[i] = NULL;
}

static void slot_resize(size_t i, size_t size)
{
	size_t kept = size < sizes[i] ? size : sizes[i];
	unsigned char *p = guard_realloc(slots[i], size ? size : 1);

	if (!p) {
		if (work_on_null)
			work_on_null();
		slot_check(i);
		return;
	}
	if (kept)
		assert_int_equal(p[0], (unsigned char)i);
	slots[i] = p;
	sizes[i] = size;
	slot_mark(i);
}

static void slot_fill(size_t i)
{
	size_t size = random_size(), align = (size_t)1 << (4 + prng() % 18);
	bool zero = prng() % 4 == 0;

	sizes[i] = size;
	if (prng() % 16 == 0)
		slots[i] = guard_memalign(align, size);
	else
		slots[i] = zero ? guard_calloc(1, size) : guard_malloc(size);
	if (!slots[i] && work_on_null)
		work_on_null();
	slot_mark(i);
}

void work_mixed(size_t ops, size_t width)
{
	for (size_t n = 0; n < ops; n++) {
		size_t i = prng() % width;

		slot_check(i);
		if (!slots[i])
			slot_fill(i);
		else if (prng() % 4 == 0)
			slot_resize(i, random_size());
		else
			slot_free(i);
	}
	for (size_t i = 0; i < width; i++)
		slot_free(i);
}
