/*
 * describe.h - what is known of an instruction address: symbol, object, source line.
 */
#ifndef EXEC_DESCRIBE_H
#define EXEC_DESCRIBE_H

#include <stdint.h>

struct Dwfl; /* of elfutils */
struct stack_frame;

/* Fills all of `ret_frame`; what is not known stays empty. */
void describe_address(struct Dwfl *dwfl, uint64_t address, struct stack_frame *ret_frame);

#endif
