/*
 * input.h - what an engine hands out, as the text of a program; and texts of programs as one.
 *
 * Texts are the reader's own, until its next call of the same function.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/op.h"

struct input;

enum input_kind {
	INPUT_ALLOCATOR, /* everything */
	INPUT_CALM,	 /* no mappings of the program's own, and nothing is refused: what is
			    measured is the allocator's */
	INPUT_REFUSED,	 /* the same with refusals */
	INPUT_KERNEL,	 /* mapping ops alone */
	INPUT_SAME	 /* what must come out the same on two allocators */
};

struct input_text {
	const char *text;
	size_t len;
	bool by_chance; /* has threads side by side: what it shows may come and go */
	bool ballast;
};

/*
 * `without` is a set of 1 << enum op_code: ops that may not stand in a program. Returns 0 or
 * -ENOMEM.
 */
int input_new(enum input_kind kind, uint64_t without, struct input **ret_input);
void input_free(struct input *in);

/* Every input is a program. Returns 0, or -ENOSPC for one whose text is too long. */
int input_decode(struct input *in, const uint8_t *bytes, size_t len, struct input_text *ret_text);

/*
 * The ops of the last input, with their statement numbers; and that program with the outcomes that
 * one statement must have. Returns 0 or -EINVAL where no text says that.
 */
const struct op *input_ops(const struct input *in, size_t *ret_n);
int input_expect(struct input *in, uint32_t stmt, const struct outcomes *o,
		 struct input_text *ret_text);

/* The input that decodes to a program, as far as the limits go. 0, -ENOSPC or -EINVAL. */
int input_encode(struct input *in, const struct input_text *t, uint8_t *buf, size_t size,
		 size_t *ret_len);

/*
 * One program that does what all of these do, in their order: behind each (and with `drain` behind
 * the last) its blocks are freed and its mappings unmapped. What is refused goes by number, so of
 * several programs refusals are left out, and ballast where it is not the same for all. Returns 0,
 * -EINVAL for what is no program, -ENOSPC where it is too long.
 */
struct input_join {
	const struct input_text *texts;
	size_t n;
	bool drain;
};
int input_join(struct input *in, const struct input_join *join, struct input_text *ret_text);

#endif
