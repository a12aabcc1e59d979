/*
 * wire_value.h - what the compact codes of a record mean: sizes, counts, alignments, slots, ranges.
 *
 * Every code means something. The inverse gives the code of a value, or of one that is near it
 * where no code says it exactly: the caller compares. One half of the codes of a size is
 * log-uniform from one unit to 2^logs units; the other is an edge with a small difference.
 */
#ifndef PROG_WIRE_VALUE_H
#define PROG_WIRE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* How the log-uniform half goes: e.g. pages up to 256 MiB, {.unit = 4096, .logs = 16}. */
struct wire_scale {
	uint32_t unit, logs;
};

extern const struct wire_scale wire_bytes_scale; /* blocks: 1 B .. 128 MiB */
extern const struct wire_scale wire_pages_scale; /* mappings: 1 page .. 256 MiB */
extern const struct wire_scale wire_count_scale; /* rounds: 1 .. 2^17 */
extern const struct wire_scale wire_few_scale;	 /* calloc's first argument, headroom: 1 .. 2^12 */
extern const struct wire_scale wire_time_scale;	 /* 1 us .. 32 ms, in nanoseconds */

uint64_t wire_scaled(const struct wire_scale *s, uint16_t code);
uint16_t wire_scaled_code(const struct wire_scale *s, uint64_t value);

/* Powers of two for seven of eight codes; sizes of any kind for the others. */
uint64_t wire_align(uint16_t code);
uint16_t wire_align_code(uint64_t value);

/* calloc(count, size): some counts are those whose product with `size` is about to overflow. */
uint64_t wire_product_count(uint16_t code, uint64_t size);
uint16_t wire_product_count_code(uint64_t count);

/* 0 .. 47, five of eight codes below 8. */
uint32_t wire_slot(uint8_t code);
uint8_t wire_slot_code(uint32_t slot);

/* How many slots from the first on, and each which: 1 is a single one. */
struct wire_shape {
	uint32_t count, step;
};

struct wire_shape wire_shape(uint8_t code);
uint8_t wire_shape_code(struct wire_shape shape);

/* Offsets and lengths of ranges, from the 128 codes of seven bits: bytes. */
#define WIRE_SPANS 128
uint64_t wire_span(unsigned code);
uint8_t wire_span_code(uint64_t bytes);

/*
 * The edge above (`up`) or below a size, so that stepping walks over all of them; the last one
 * from itself.
 */
uint64_t wire_edge_near(uint64_t size, int up);

#endif
