/* Programs of mapping ops, judged by what the manuals say of the kernel. */
#include "fuzz/engine.h"
#include "fuzz/target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_begin(TARGET_MMAP, *argc, *argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	target_run(bytes, len);
	return 0;
}
