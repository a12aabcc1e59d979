/*
 * Weak references, bound by the dynamic linker before any constructor runs: unlike dlsym, which
 * allocates its error message when a name is missing, they cost the allocator under test nothing.
 * Compiled with -fPIC, so that each address comes out of the GOT and not from a PLT stub of the
 * executable, and linked with -z dynamic-undefined-weak, so that names that no library had at
 * link time stay open until run time.
 */
#include "allocators/plain.h"

#define FAMILY(member, symbol)                                                                     \
	extern void plain_##member(void) __asm__(#symbol) __attribute__((weak));
#define VENDOR FAMILY
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR

void plain_symbols(void *ret_address[SYMBOL_COUNT])
{
#define FAMILY(member, symbol) ret_address[SYMBOL_##member] = (void *)plain_##member;
#define VENDOR		       FAMILY
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
}
