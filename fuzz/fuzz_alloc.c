/* Programs on one allocator (--allocator, ALLOCRIG_FUZZ_ALLOCATOR, or what cmake was told). */
#include "fuzz/engine.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_begin(TARGET_ALLOC, *argc, *argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	target_run(bytes, len);
	return 0;
}
