/*
 * line.h - one line of text for fd 2, put together where no heap may be asked: in a signal handler,
 * and before the first block. What does not fit is left out.
 */
#ifndef GUARD_LINE_H
#define GUARD_LINE_H

#include <stddef.h>
#include <stdint.h>

struct line {
	size_t len;
	char text[512];
};

void line_begin(struct line *l); /* "guard: " */
void line_text(struct line *l, const char *text);
void line_hex(struct line *l, uintptr_t value); /* 0x and no leading zeros */
void line_number(struct line *l, uint64_t value);
void line_bytes(struct line *l, uint64_t count); /* "1 byte", "24 bytes" */
void line_write(struct line *l);		 /* ends it with a newline; errno is kept */

#endif
