#include "allocators/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct exports {
	bool known; /* there was a dynamic symbol table to look at */
	bool malloc, free;
};

static bool symbol_is_export(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);
	unsigned visibility = GELF_ST_VISIBILITY(sym->st_other);

	return sym->st_shndx != SHN_UNDEF && GELF_ST_BIND(sym->st_info) != STB_LOCAL &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static void exports_scan(Elf *elf, Elf_Scn *section, const GElf_Shdr *shdr, struct exports *e)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym sym;

	if (!data || !data->d_buf)
		return;
	e->known = true;
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, shdr->sh_link, sym.st_name);

		if (!name || !symbol_is_export(&sym))
			continue;
		e->malloc |= strcmp(name, "malloc") == 0;
		e->free |= strcmp(name, "free") == 0;
	}
}

static struct exports exports_find(Elf *elf)
{
	struct exports e = {0};
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(elf, section)) != NULL) {
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_DYNSYM)
			exports_scan(elf, section, &shdr, &e);
	}
	return e;
}

/* A position-independent executable has the type of a shared object; one flag tells them apart. */
static bool is_executable(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Dyn dyn;

	while ((section = elf_nextscn(elf, section)) != NULL) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_DYNAMIC)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
			if (dyn.d_tag == DT_FLAGS_1 && (dyn.d_un.d_val & DF_1_PIE))
				return true;
		}
	}
	return false;
}

static bool notes_read_build_id(Elf_Data *data, struct elf_facts *facts)
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while ((at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		const unsigned char *id = (const unsigned char *)data->d_buf + desc;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp((const char *)data->d_buf + name, ELF_NOTE_GNU, note.n_namesz) != 0 ||
		    note.n_descsz > (sizeof(facts->build_id) - 1) / 2)
			continue;
		for (size_t i = 0; i < note.n_descsz; i++)
			snprintf(facts->build_id + 2 * i, 3, "%02x", id[i]);
		return true;
	}
	return false;
}

static void read_build_id(Elf *elf, struct elf_facts *facts)
{
	size_t count;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_NOTE)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ph.p_offset, ph.p_filesz,
						      ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);

		if (data && notes_read_build_id(data, facts))
			return;
	}
}

/* This program's own class and machine are the ones that can be loaded. */
static bool own_header(GElf_Ehdr *ret_ehdr)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	bool ok = elf && gelf_getehdr(elf, ret_ehdr) != NULL;

	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool is_foreign(const GElf_Ehdr *ehdr)
{
	GElf_Ehdr own;

	return own_header(&own) && (own.e_machine != ehdr->e_machine ||
				    own.e_ident[EI_CLASS] != ehdr->e_ident[EI_CLASS] ||
				    own.e_ident[EI_DATA] != ehdr->e_ident[EI_DATA]);
}

/* Whether the file holds all that would be loaded: a copy may have been cut off. */
static bool is_whole(Elf *elf, off_t file_bytes)
{
	size_t count, loads = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &ph))
			return false;
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_offset > (uint64_t)file_bytes ||
		    ph.p_filesz > (uint64_t)file_bytes - ph.p_offset)
			return false;
		loads++;
	}
	return loads > 0;
}

static enum elf_verdict elf_judge(Elf *elf, off_t file_bytes)
{
	struct exports e;
	GElf_Ehdr ehdr;

	if (elf_kind(elf) != ELF_K_ELF)
		return ELF_NOT_ELF;
	if (!gelf_getehdr(elf, &ehdr))
		return ELF_DAMAGED;
	if (is_foreign(&ehdr))
		return ELF_WRONG_MACHINE;
	if (ehdr.e_type != ET_DYN || is_executable(elf))
		return ELF_NOT_SHARED;
	if (!is_whole(elf, file_bytes))
		return ELF_DAMAGED;
	/* Without section headers there is nothing to look at here: the loader finds out. */
	e = exports_find(elf);
	if (e.known && !e.malloc)
		return ELF_NO_MALLOC;
	if (e.known && !e.free)
		return ELF_NO_FREE;
	return ELF_USABLE;
}

int elf_file_inspect(const char *path, struct elf_facts *ret_facts)
{
	struct elf_facts facts = {.verdict = ELF_NOT_ELF};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	Elf *elf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf) {
		facts.verdict = elf_judge(elf, st.st_size);
		if (facts.verdict == ELF_USABLE)
			read_build_id(elf, &facts);
		elf_end(elf);
	}
	close(fd);
	*ret_facts = facts;
	return 0;
}
