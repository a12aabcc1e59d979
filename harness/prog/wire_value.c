#include "harness/prog/wire_value.h"

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

const struct wire_scale wire_bytes_scale = {.unit = 1, .logs = 27};
const struct wire_scale wire_pages_scale = {.unit = 4096, .logs = 16};
const struct wire_scale wire_count_scale = {.unit = 1, .logs = 17};
const struct wire_scale wire_few_scale = {.unit = 1, .logs = 12};
const struct wire_scale wire_time_scale = {.unit = 1000, .logs = 15};

/*
 * Where allocators and the kernel begin to do something else, in ascending order. Of the
 * allocators: 1032 ends glibc's tcache, 1K and 16K bins of mimalloc, 14K jemalloc's small classes,
 * 64K scudo's primary, 128K is glibc's first mmap threshold and 32M its last, 256K ends tcmalloc's
 * classes, 64M is a heap of glibc's arenas. And round numbers, which people write.
 */
static const uint64_t edges[] = {
	0,
	1,
	8,
	10,
	16,
	24,
	32,
	48,
	64,
	80,
	96,
	100,
	112,
	128,
	160,
	192,
	200,
	224,
	256,
	320,
	384,
	448,
	500,
	512,
	640,
	768,
	1000,
	1008,
	KIB(1),
	1032,
	1280,
	2000,
	KIB(2),
	3584,
	KIB(4),
	5000,
	KIB(8),
	10000,
	KIB(14),
	KIB(16),
	KIB(32),
	50000,
	KIB(64),
	100000,
	KIB(128),
	KIB(256),
	KIB(512),
	1000000,
	MIB(1),
	MIB(2),
	MIB(4),
	MIB(8),
	MIB(16),
	MIB(32),
	MIB(64),
	MIB(128),
	MIB(256),
	MIB(512),
	MIB(1024),
	UINT64_C(1) << 31,
	UINT64_C(1) << 32,
	UINT64_C(1) << 33,
	UINT64_C(1) << 40,
	UINT64_C(1) << 46,
	UINT64_C(1) << 47, /* the end of the address space */
	UINT64_C(1) << 48,
	UINT64_C(1) << 62,
	INT64_MAX, /* PTRDIFF_MAX */
	UINT64_C(1) << 63,
	UINT64_MAX - MIB(2) + 1,
	UINT64_MAX - KIB(4) + 1,
	UINT64_MAX,
};

_Static_assert(COUNT_OF(edges) <= 128, "half of the codes' upper bytes say which edge");

/* Around an edge: headers of blocks are 8 and 16 bytes. Below 0 is SIZE_MAX and so on. */
static const int32_t deltas[] = {0, -1, 1,     -8,   8,	   -16,	  16,  -24,
				 2, -2, -4096, 4096, 4095, -4095, -32, 32};

/* Sizes in slices: what 65,000 maps need, and what fills and leaves a class, a page, a cache. */
static const uint32_t shape_counts[] = {
	0,   2,	   3,	 4,    5,    7,	    8,	   10,	  12,	 15,	 16,
	17,  20,   32,	 48,   64,   100,   128,   200,	  256,	 257,	 500,
	512, 1000, 1024, 2048, 4096, 10000, 32768, 65530, 65536, 131072,
};

_Static_assert(COUNT_OF(shape_counts) == 32, "five bits say which count");

static const uint32_t shape_steps[] = {1, 1, 2, 3};

static unsigned log2_of(uint64_t value)
{
	return 63u - (unsigned)__builtin_clzll(value);
}

uint64_t wire_scaled(const struct wire_scale *s, uint16_t code)
{
	unsigned high = code >> 8, low = code & 255;

	if (high >= 128) {
		uint64_t edge = edges[(high - 128) % COUNT_OF(edges)];

		return edge + (uint64_t)(int64_t)deltas[low % COUNT_OF(deltas)];
	}
	unsigned log = high * s->logs / 128;

	return ((UINT64_C(1) << log) + (((uint64_t)low << log) >> 8)) * s->unit;
}

/* An edge and its difference, or 0 when there is none. */
static uint16_t edge_code(uint64_t value)
{
	for (unsigned d = 0; d < COUNT_OF(deltas); d++)
		for (unsigned e = 0; e < COUNT_OF(edges); e++)
			if (edges[e] + (uint64_t)(int64_t)deltas[d] == value)
				return (uint16_t)((128 + e) << 8 | d);
	return 0;
}

uint16_t wire_scaled_code(const struct wire_scale *s, uint64_t value)
{
	uint64_t units = value / s->unit;
	uint16_t edge = edge_code(value);

	if (edge || units == 0)
		return edge;
	unsigned log = log2_of(units);

	if (log >= s->logs)
		return (uint16_t)((127u << 8) | 255);
	uint64_t above = units - (UINT64_C(1) << log);
	unsigned low = (unsigned)((above << 8) >> log);
	unsigned high = (log * 128 + s->logs - 1) / s->logs;

	/* What was cut off going down is cut off again coming up: the next one may be it. */
	if (wire_scaled(s, (uint16_t)(high << 8 | low)) < value && low < 255)
		low++;
	return (uint16_t)(high << 8 | low);
}

/* What no function may take: none at all, and what is near a power of two, or no power but even. */
static const uint64_t bad_alignments[] = {
	0,	    3,	  0,	5,	 6,
	7,	    12,	  24,	48,	 96,
	1000,	    4095, 4097, KIB(12), (UINT64_C(1) << 63) + 1,
	UINT64_MAX,
};

uint64_t wire_align(uint16_t code)
{
	unsigned high = code >> 8;

	if (high < 128)
		return UINT64_C(1) << high % 13;
	if (high < 192)
		return UINT64_C(1) << (high - 128) % 26;
	/* Of 64 bits the upper half for one in four, as what is cut to 32 shows there. */
	if (high < 224)
		return UINT64_C(1) << ((high - 192) + ((code & 255) < 192 ? 0 : 32));
	if (high < 240)
		return bad_alignments[code % COUNT_OF(bad_alignments)];
	return wire_scaled(&wire_bytes_scale, (uint16_t)((code & 255) << 8 | (code & 15)));
}

uint16_t wire_align_code(uint64_t value)
{
	bool power = value && (value & (value - 1)) == 0;

	if (power && log2_of(value) < 13)
		return (uint16_t)(log2_of(value) << 8);
	if (power && log2_of(value) < 32)
		return (uint16_t)((192 + log2_of(value)) << 8);
	if (power)
		return (uint16_t)((192 + log2_of(value) - 32) << 8 | 192);
	for (unsigned high = 224; high < 256; high += 16)
		for (unsigned low = 0; low < 256; low++)
			if (wire_align((uint16_t)(high << 8 | low)) == value)
				return (uint16_t)(high << 8 | low);
	return 0;
}

uint64_t wire_product_count(uint16_t code, uint64_t size)
{
	unsigned high = code >> 8, low = code & 255;

	if (high < 240)
		return wire_scaled(&wire_few_scale, code);
	uint64_t most = high < 248 ? INT64_MAX : UINT64_MAX;

	return (size ? most / size : most) + (low & 3) - 1;
}

uint16_t wire_product_count_code(uint64_t count)
{
	uint16_t code = wire_scaled_code(&wire_few_scale, count);

	return code >> 8 < 240 ? code : 0;
}

uint32_t wire_slot(uint8_t code)
{
	if (code < 160)
		return code & 7;
	if (code < 240)
		return code & 31;
	return 32 + (code - 240u);
}

uint8_t wire_slot_code(uint32_t slot)
{
	if (slot < 8)
		return (uint8_t)slot;
	if (slot < 32)
		return (uint8_t)(160 + slot);
	return slot < 48 ? (uint8_t)(240 + slot - 32) : 0;
}

struct wire_shape wire_shape(uint8_t code)
{
	if (code < 128)
		return (struct wire_shape){.count = 1, .step = 1};
	return (struct wire_shape){.count = shape_counts[code & 31],
				   .step = shape_steps[(code >> 5) & 3]};
}

uint8_t wire_shape_code(struct wire_shape shape)
{
	uint8_t nearest = 128;

	for (unsigned code = 128; code < 256; code++) {
		struct wire_shape is = wire_shape((uint8_t)code);

		if (is.count == shape.count && is.step == shape.step)
			return (uint8_t)code;
		if (is.count <= shape.count && is.step == 1)
			nearest = (uint8_t)code;
	}
	return nearest;
}

uint64_t wire_span(unsigned code)
{
	static const uint64_t others[16] = {
		4095,
		4097,
		8191,
		MIB(2) - 4096,
		MIB(2) - 1,
		MIB(2) + 4096,
		MIB(4),
		MIB(1024),
		KIB(1) - 1,
		KIB(64) - 1,
		KIB(128) + 16,
		UINT64_C(1) << 47,
		INT64_MAX,
		UINT64_MAX,
		UINT64_MAX - 4095,
		UINT64_MAX - MIB(2) + 1,
	};

	code %= WIRE_SPANS;
	if (code < 48)
		return KIB(4) * code;
	if (code < 64)
		return KIB(4) << (code - 42);
	if (code < 96)
		return code - 64;
	if (code < 112)
		return UINT64_C(32) << (code - 96);
	return others[code - 112];
}

uint8_t wire_span_code(uint64_t bytes)
{
	for (unsigned code = 0; code < WIRE_SPANS; code++)
		if (wire_span(code) == bytes)
			return (uint8_t)code;
	return 0;
}

uint64_t wire_edge_near(uint64_t size, int up)
{
	size_t n = COUNT_OF(edges);

	if (up) {
		for (size_t i = 0; i < n; i++)
			if (edges[i] > size)
				return edges[i];
		return edges[n - 1];
	}
	for (size_t i = n; i-- > 0;)
		if (edges[i] < size)
			return edges[i];
	return edges[0];
}
