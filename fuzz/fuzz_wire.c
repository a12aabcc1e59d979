/* The wire format as a libFuzzer target, with mutations by whole ops among libFuzzer's own. */
#include "fuzz/engine.h"
#include "fuzz/laws.h"
#include "fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	laws_of_wire(bytes, len);
	return 0;
}

/* One in eight by bytes: what no op can say, such as lengths that are no whole records. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned seed)
{
	if (LLVMFuzzerMutate && seed % 8 == 0)
		return LLVMFuzzerMutate(bytes, len, max_len);
	return mutate(bytes, len, max_len, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
				 uint8_t *out, size_t max_len, unsigned seed)
{
	struct mutant mutant = {.bytes = out, .max_len = max_len, .random = seed};

	return mutate_cross((struct wire_bytes){.bytes = a, .len = a_len},
			    (struct wire_bytes){.bytes = b, .len = b_len}, &mutant);
}
