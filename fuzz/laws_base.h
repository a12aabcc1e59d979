/*
 * laws_base.h - inside of laws_*.c: buffers for programs of any input, and saying what is broken.
 */
#ifndef FUZZ_LAWS_BASE_H
#define FUZZ_LAWS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/program.h"

#define LAWS_OPS (1u << 15) /* longer texts are read, but not compared */

/* Two programs, the text and the wire of one. */
extern struct op laws_ops_a[LAWS_OPS], laws_ops_b[LAWS_OPS];
extern char laws_text[LAWS_OPS * 256];
extern uint8_t laws_wire[LAWS_OPS * 256];

/* Prints `what` and `about` (or NULL) and aborts, unless it holds. */
void law(bool holds, const char *what, const char *about);

/* A descriptor of the bytes, which the next call takes back. */
int laws_file(const void *bytes, size_t len);

/* Reads a text that must be one. Lines are set to 0, for comparing. */
void laws_read(const char *text, size_t len, struct program *p);

void laws_forget_lines(struct program *p);
bool laws_same(const struct program *a, const struct program *b);

#endif
