/*
 * tape_call.h - what the arguments of a system call are, for whoever writes a tape.
 */
#ifndef CLI_TAPE_CALL_H
#define CLI_TAPE_CALL_H

#include <stdint.h>

#define CALL_ARGS 6

enum arg_kind {
	ARG_NONE,    /* the call has no such argument */
	ARG_ADDRESS, /* hexadecimal; 0 is NULL */
	ARG_LENGTH,  /* decimal */
	ARG_INT,     /* 32 bits with a sign */
	ARG_BITS,    /* hexadecimal; 0 is 0 */
	ARG_PROT,
	ARG_MAP_FLAGS,
	ARG_REMAP_FLAGS,
	ARG_REMAP_TO, /* an address, where the flags before it use it */
	ARG_ADVICE,
	ARG_DIRFD /* 32 bits with a sign; AT_FDCWD */
};

struct call_form {
	uint32_t nr;
	enum arg_kind result; /* ARG_ADDRESS or ARG_INT */
	enum arg_kind arg[CALL_ARGS];
};

/* NULL for a call that is not known here: six raw words. */
const struct call_form *call_form(uint32_t nr);

/* How many arguments the call has; CALL_ARGS where that is not known. */
unsigned call_args(uint32_t nr);

#endif
