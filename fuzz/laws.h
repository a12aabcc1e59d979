/*
 * laws.h - what holds for every input of the two program formats. A broken law prints what it is
 * and aborts, which is how fuzzers and tests see it.
 *
 * text: a parser ends with a program or with an error that says where; what it took prints, and the
 *	 print gives the same program again; so does the wire; scanning agrees with reading.
 * wire: every byte string decodes to a program that has a text and keeps to the limits; the text
 *	 and the wire give it again, with limits and without; without an op's record the others are
 *as before.
 */
#ifndef FUZZ_LAWS_H
#define FUZZ_LAWS_H

#include <stddef.h>
#include <stdint.h>

void laws_of_text(const uint8_t *bytes, size_t len);
void laws_of_wire(const uint8_t *bytes, size_t len);

#endif
