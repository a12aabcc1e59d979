#include "allocators/object.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "allocators/elf_notes.h"

struct build_id_search {
	uintptr_t base;
	struct served_object *object;
};

static bool phdr_covers(const struct dl_phdr_info *info, uintptr_t start, size_t len)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type == PT_LOAD && (ph->p_flags & PF_R) && start >= at &&
		    start - at < ph->p_memsz && len <= ph->p_memsz - (start - at))
			return true;
	}
	return false;
}

static bool notes_find_build_id(const unsigned char *notes, size_t len, size_t align,
				struct served_object *object)
{
	size_t id_len;
	const unsigned char *id =
		elf_notes_build_id(notes, len, align, sizeof(object->build_id), &id_len);

	if (!id)
		return false;
	memcpy(object->build_id, id, id_len);
	object->build_id_len = (uint32_t)id_len;
	return true;
}

static int find_build_id(struct dl_phdr_info *info, size_t size, void *data)
{
	struct build_id_search *search = data;

	(void)size;
	if (!phdr_covers(info, search->base, 1))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + ph->p_vaddr;

		/* Notes of p_align 8 are padded to 8, all others to 4. */
		if (ph->p_type == PT_NOTE && phdr_covers(info, at, ph->p_memsz) &&
		    notes_find_build_id((const unsigned char *)at, ph->p_memsz,
					ph->p_align == 8 ? 8 : 4, search->object))
			break;
	}
	return 1;
}

bool object_at(const void *address, struct served_object *ret_object)
{
	struct build_id_search search = {.object = ret_object};
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname)
		return false;
	memset(ret_object, 0, sizeof(*ret_object));
	memccpy(ret_object->path, info.dli_fname, '\0', sizeof(ret_object->path) - 1);
	search.base = (uintptr_t)info.dli_fbase;
	ret_object->base = search.base;
	dl_iterate_phdr(find_build_id, &search);
	return true;
}

bool object_is_file(const struct served_object *object, const char *file)
{
	struct stat a, b;

	return stat(object->path, &a) == 0 && stat(file, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}
