/* Programs on two allocators (--allocator, --other), which must end the same on both. */
#include "fuzz/engine.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_begin(TARGET_DIFF, *argc, *argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	target_run(bytes, len);
	return 0;
}
