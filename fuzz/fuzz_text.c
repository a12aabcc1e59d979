/* The text format as a libFuzzer target. */
#include "fuzz/engine.h"
#include "fuzz/laws.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	laws_of_text(bytes, len);
	return 0;
}
