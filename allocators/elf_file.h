/*
 * elf_file.h - what a file is, read as ELF without loading it. Controller only.
 */
#ifndef ALLOCATORS_ELF_FILE_H
#define ALLOCATORS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Why a file cannot be preloaded as an allocator. */
enum elf_verdict {
	ELF_USABLE,
	ELF_NOT_ELF,
	ELF_WRONG_MACHINE, /* another class or architecture than this program's */
	ELF_NOT_SHARED,	   /* an executable, an object file or a core */
	ELF_NO_MALLOC,
	ELF_NO_FREE,
	ELF_DAMAGED
};

struct elf_facts {
	enum elf_verdict verdict;
	char build_id[65]; /* hexadecimal; "" when it has none */
};

/* Reads a regular file. Returns 0, or -errno when it cannot be read. */
int elf_file_inspect(const char *path, struct elf_facts *ret_facts);

#endif
