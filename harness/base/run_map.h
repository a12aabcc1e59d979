/*
 * run_map.h - runs of whole numbers, each with a value of fixed size, in fixed memory.
 *
 * A run is [start, end) in a space; spaces have nothing to do with one another. Runs of a space are
 * disjoint, and neighbours with equal values (byte by byte) are one. A value must not say where
 * its run begins, so that splitting and joining leave it as it is.
 *
 * When memory runs out, two neighbouring runs near the place become one, together with what lies
 * between them, and its value is `forgotten`: the caller's word for "not known". So the map never
 * says anything that is false, only less.
 *
 * O(log n) per operation and per run that it touches. May lie in memory that processes share, when
 * it is at one place in all of them.
 */
#ifndef BASE_RUN_MAP_H
#define BASE_RUN_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"

struct run {
	uint64_t space, start, end;
};

struct run_map;

struct run_map_options {
	uint32_t capacity; /* runs; at least 4 */
	uint32_t value_bytes;
	const void *forgotten; /* copied */
	void *context;	       /* of the two below; either may be NULL */
	/* Every change of what is in the map, as lengths taken out of it (negative) and put in. */
	void (*changed)(void *context, const void *value, int64_t length);
	/* This run is being forgotten for want of memory. */
	void (*forgets)(void *context, const struct run *run, const void *value);
};

size_t run_map_arena_bytes(uint32_t capacity, uint32_t value_bytes);
int run_map_new(struct arena *a, const struct run_map_options *o, struct run_map **ret_map);

/* The first run of the space that ends behind `at`; its value is copied. False: there is none. */
bool run_map_find(const struct run_map *m, uint64_t space, uint64_t at, struct run *ret_run,
		  void *ret_value);

/*
 * Puts a value over the run, whatever was there. -ENOSPC: neither memory nor two neighbours to make
 * one of are left, and nothing has changed; it cannot come where only one space is used.
 */
int run_map_put(struct run_map *m, const struct run *r, const void *value);
int run_map_cut(struct run_map *m, const struct run *r);

/* How often runs were forgotten. */
uint64_t run_map_forgotten(const struct run_map *m);

/* Empties it whatever state it is in, without telling `changed`. */
void run_map_clear(struct run_map *m);

#endif
