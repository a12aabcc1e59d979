/*
 * engine_counters.h - counters of a target's own, for whichever engine it is linked with.
 *
 * libFuzzer reads the section __libfuzzer_extra_counters by itself, where the array lies, and
 * clears it before each input. AFL++ has a map of its own; each counter gets a place in it, next to
 * those of the code. Other engines see the code alone.
 */
#ifndef FUZZ_ENGINE_COUNTERS_H
#define FUZZ_ENGINE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Once, from LLVMFuzzerInitialize: engines fix the size of their map when the first input comes.
 * The array stays the caller's, and there. 0 or -ENOMEM.
 */
int engine_counters_init(void *counters, size_t n);

/* At the end of each input: tells what is in the array, and clears it where no engine does. */
void engine_counters(void);

#endif
