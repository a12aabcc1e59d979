/*
 * engine.h - what fuzzing engines call, and the one function of theirs that targets may call.
 *
 * libFuzzer's names, which AFL++'s driver and others use too.
 */
#ifndef FUZZ_ENGINE_H
#define FUZZ_ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* Once, before any input; what it returns nobody looks at. A target that has none need not. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
				 uint8_t *out, size_t max_len, unsigned seed);

/* The engine's own mutations by bytes; not all engines have it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *bytes, size_t len, size_t max_len);

#endif
