/*
 * export.h - results as google-benchmark writes its own, for its compare.py.
 *
 * That tool compares nothing but times, so each metric is a benchmark of its own,
 * "larson/jemalloc/peak_rss_bytes", whose real_time is the value in the metric's unit; time_unit
 * says ns and means nothing but that values are shown as they are. Repetitions stay apart, as its
 * U test wants them. Runs that did not end well are left out.
 */
#ifndef BENCH_EXPORT_H
#define BENCH_EXPORT_H

#include "bench/command/rows.h"

/* A new reference, or NULL: out of memory. */
json_t *export_gbench(const struct rows *rows);

#endif
