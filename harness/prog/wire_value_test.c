#include "harness/prog/wire_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct wire_scale *const scales[] = {
	&wire_bytes_scale, &wire_pages_scale, &wire_count_scale, &wire_few_scale, &wire_time_scale};

/* The code of what any code means says the same. */
static void every_meaning_has_its_code(void **state)
{
	(void)state;
	for (unsigned s = 0; s < sizeof(scales) / sizeof(scales[0]); s++)
		for (unsigned code = 0; code < 65536; code++) {
			uint64_t value = wire_scaled(scales[s], (uint16_t)code);
			uint16_t again = wire_scaled_code(scales[s], value);

			assert_int_equal(wire_scaled(scales[s], again), value);
		}
	for (unsigned code = 0; code < 256; code++) {
		struct wire_shape shape = wire_shape((uint8_t)code);
		struct wire_shape same = wire_shape(wire_shape_code(shape));

		assert_int_equal(wire_slot(wire_slot_code(wire_slot((uint8_t)code))),
				 wire_slot((uint8_t)code));
		assert_int_equal(wire_span(wire_span_code(wire_span(code))), wire_span(code));
		if (shape.count == 1)
			continue;
		assert_int_equal(same.count, shape.count);
		assert_int_equal(same.step, shape.step);
	}
}

static void alignments_are_powers_of_two_mostly(void **state)
{
	unsigned powers = 0;

	(void)state;
	for (unsigned code = 0; code < 65536; code++) {
		uint64_t align = wire_align((uint16_t)code);

		powers += align && (align & (align - 1)) == 0;
	}
	assert_in_range(powers, 65536 * 3 / 4, 65536 * 15 / 16);
	for (unsigned log = 0; log < 64; log++)
		assert_int_equal(wire_align(wire_align_code(UINT64_C(1) << log)), UINT64_C(1)
											  << log);
}

/* Sizes of every magnitude, and about as many edges. */
static void sizes_are_spread(void **state)
{
	unsigned magnitude[65] = {0}, huge = 0, zero = 0;

	(void)state;
	for (unsigned code = 0; code < 65536; code++) {
		uint64_t size = wire_scaled(&wire_bytes_scale, (uint16_t)code);

		zero += size == 0;
		huge += size >= UINT64_C(1) << 47;
		if (size)
			magnitude[63 - __builtin_clzll(size)]++;
	}
	for (unsigned log = 0; log < 27; log++)
		assert_true(magnitude[log] > 300);
	assert_in_range(zero, 30, 3000);
	assert_in_range(huge, 1000, 12000);
}

static void products_overflow_by_a_hair(void **state)
{
	uint64_t sizes[] = {1, 3, 8, 4096, UINT64_C(1) << 32};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		uint64_t low = wire_product_count(0xff00, sizes[i]), result;
		uint64_t high = wire_product_count(0xff02, sizes[i]);

		assert_false(__builtin_mul_overflow(low, sizes[i], &result));
		/* SIZE_MAX + 1 itself wraps: one byte more than everything is nothing. */
		assert_true(high == 0 || __builtin_mul_overflow(high, sizes[i], &result));
	}
	assert_int_equal(wire_product_count(0xff01, 0), UINT64_MAX);
}

static void slots_meet(void **state)
{
	unsigned low = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		low += wire_slot((uint8_t)code) < 8;
		assert_true(wire_slot((uint8_t)code) < 48);
	}
	assert_true(low > 128);
}

static void edges_are_stepped_over(void **state)
{
	uint64_t size = 0;
	unsigned up = 0, down = 0;

	(void)state;
	while (size != UINT64_MAX && up < 1000) {
		assert_true(wire_edge_near(size, 1) > size);
		size = wire_edge_near(size, 1);
		up++;
	}
	while (size != 0 && down < 1000) {
		assert_true(wire_edge_near(size, 0) < size);
		size = wire_edge_near(size, 0);
		down++;
	}
	assert_int_equal(up, down);
	assert_int_equal(wire_edge_near(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(wire_edge_near(0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_meaning_has_its_code),
		cmocka_unit_test(alignments_are_powers_of_two_mostly),
		cmocka_unit_test(sizes_are_spread),
		cmocka_unit_test(products_overflow_by_a_hair),
		cmocka_unit_test(slots_meet),
		cmocka_unit_test(edges_are_stepped_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
