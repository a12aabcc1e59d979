/*
 * whole_loads.h - what whole programs are given to do: texts that are the same each time.
 *
 * Each function writes one load at `percent` of its usual size, which takes the program 0.3 to
 * 1.5 s on glibc. The text depends on `percent` and on nothing else.
 */
#ifndef BENCH_WHOLE_LOADS_H
#define BENCH_WHOLE_LOADS_H

#include <stdio.h>

void load_sql(FILE *out, unsigned percent);	   /* tables, indices, joins, text, deletions */
void load_c(FILE *out, unsigned percent);	   /* many middling functions, for -O2 */
void load_smt(FILE *out, unsigned percent);	   /* SMT-LIB 2: integers, bit vectors, arrays */
void load_postscript(FILE *out, unsigned percent); /* pages of text, curves and shades */

#endif
