/*
 * machine_text.h - small texts of /proc and /sys.
 */
#ifndef BENCH_MACHINE_TEXT_H
#define BENCH_MACHINE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The whole text, as far as it fits, without white space at its end. False: there is none. */
bool machine_text(const char *path, char *buf, size_t size);

/* A file of one number. */
bool machine_number(const char *path, double *ret_value);

#endif
