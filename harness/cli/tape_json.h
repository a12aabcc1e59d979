/*
 * tape_json.h - one kernel call as a JSON object on a line of its own (allocrig.tape/1).
 *
 *   {"schema":"allocrig.tape/1","allocator":"glibc","program":"drain","op":4,"op_name":"free",
 *    "slot":3,"space":"b","iteration":0,"thread":0,"proc":0,"again":false,"caller":"allocator",
 *    "call":"munmap","args":[139662437761024,135168],"result":-12,"errno":"ENOMEM",
 *    "injected":true,"ns":310,"maps":41,"mapped_bytes":1384448}
 *
 * "args" are the registers of the call, as many as it has (six where that is not known), each as a
 * signed 64-bit integer: JSON libraries that have 64 bits have those. Two's complement gives an
 * address or a length above 2^63 back: -1 is 0xffffffffffffffff. "result" is what the kernel
 * returned; of brk the break. Whatever does not apply, or is not known, is null.
 */
#ifndef CLI_TAPE_JSON_H
#define CLI_TAPE_JSON_H

#include <stddef.h>

#include "harness/exec/shared.h"

/* What names the run in its lines, ready to be put in; free(). NULL when out of memory. */
char *tape_json_names(const char *allocator, const char *program);

/* The line with its newline. Returns the length, or -ENOSPC; strlen(names) + TAPE_JSON suffice. */
#define TAPE_JSON 1024
int tape_json_line(const char *names, const struct tape_entry *e, char *buf, size_t size);

/*
 * The last line of a run whose tape is not whole (allocrig.tape-dropped/1): "dropped" is how many
 * calls are not on it.
 */
int tape_json_dropped(const char *names, uint64_t dropped, char *buf, size_t size);

#endif
