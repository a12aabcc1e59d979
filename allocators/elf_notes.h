/*
 * elf_notes.h - the build id in a run of ELF notes: of a loaded image, or of the kernel.
 *
 * Constant time, no allocation: usable in the controller and in the child.
 */
#ifndef ALLOCATORS_ELF_NOTES_H
#define ALLOCATORS_ELF_NOTES_H

#include <stddef.h>

/*
 * The first NT_GNU_BUILD_ID note of at most `max` bytes, which lie in `notes`, or NULL. Notes are
 * padded to `align`, 4 or 8 bytes. Whatever is not made of whole notes ends the search.
 */
const unsigned char *elf_notes_build_id(const unsigned char *notes, size_t len, size_t align,
					size_t max, size_t *ret_len);

#endif
