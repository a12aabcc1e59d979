#include "allocators/elf_notes.h"

#include <elf.h>
#include <link.h>
#include <string.h>

static size_t round_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

const unsigned char *elf_notes_build_id(const unsigned char *notes, size_t len, size_t align,
					size_t max, size_t *ret_len)
{
	while (len >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) head;

		memcpy(&head, notes, sizeof(head));
		size_t desc = round_up(sizeof(head) + (size_t)head.n_namesz, align);
		size_t next = round_up(desc + (size_t)head.n_descsz, align);

		if (desc > len || head.n_descsz > len - desc)
			return NULL;
		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    memcmp(notes + sizeof(head), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0 &&
		    head.n_descsz <= max) {
			*ret_len = head.n_descsz;
			return notes + desc;
		}
		if (next > len)
			return NULL;
		notes += next;
		len -= next;
	}
	return NULL;
}
