/*
 * plain.h - the addresses that this process's plain symbols are bound to.
 */
#ifndef ALLOCATORS_PLAIN_H
#define ALLOCATORS_PLAIN_H

#include "harness/exec/shared.h"

/* By enum symbol_id; NULL where no loaded object exports the name. */
void plain_symbols(void *ret_address[SYMBOL_COUNT]);

#endif
