#include "harness/exec/describe.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <string.h>

#include "harness/exec/stack.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Names come from the files under test: only printable ASCII goes on into reports. */
static void copy_name(char *dst, size_t size, const char *src, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < size - 1; i++)
		dst[i] = src[i] < ' ' || src[i] > '~' ? '?' : src[i];
	dst[i] = 0;
}

static void describe_object(Dwfl_Module *mod, struct stack_frame *f)
{
	static const char deleted[] = " (deleted)";
	const char *name = dwfl_module_info(mod, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	size_t len;

	name = base_name(name ? name : "");
	len = strlen(name);
	if (!strncmp(name, "[vdso: ", 7)) {
		name = "[vdso]";
		len = strlen(name);
	} else if (len > sizeof(deleted) - 1 &&
		   !strcmp(name + len - (sizeof(deleted) - 1), deleted)) {
		len -= sizeof(deleted) - 1;
	}
	copy_name(f->object, sizeof(f->object), name, len);
}

/* clang writes no .debug_aranges, by which dwfl_module_getsrc finds the unit of an address. */
static const char *source_by_units(Dwfl_Module *mod, uint64_t address, int *ret_number)
{
	Dwarf_Die *unit = NULL;
	Dwarf_Line *line;
	Dwarf_Addr bias;

	while ((unit = dwfl_module_nextcu(mod, unit, &bias))) {
		if (dwarf_haspc(unit, address - bias) <= 0)
			continue;
		line = dwarf_getsrc_die(unit, address - bias);
		if (!line || dwarf_lineno(line, ret_number) < 0)
			return NULL;
		return dwarf_linesrc(line, NULL, NULL);
	}
	return NULL;
}

static void describe_source(Dwfl_Module *mod, uint64_t address, struct stack_frame *f)
{
	Dwfl_Line *line = dwfl_module_getsrc(mod, address);
	char buf[sizeof(f->source)];
	const char *file;
	int number = 0;

	file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL)
		    : source_by_units(mod, address, &number);
	if (!file || number <= 0)
		return;
	snprintf(buf, sizeof(buf), "%.80s:%d", base_name(file), number);
	copy_name(f->source, sizeof(f->source), buf, strlen(buf));
}

void describe_address(struct Dwfl *dwfl, uint64_t address, struct stack_frame *ret_frame)
{
	Dwfl_Module *mod = dwfl_addrmodule(dwfl, address);
	Dwarf_Addr start = 0;
	const char *symbol;
	GElf_Off offset;
	GElf_Sym sym;

	*ret_frame = (struct stack_frame){.address = address, .offset = address};
	if (!mod)
		return;
	describe_object(mod, ret_frame);
	symbol = dwfl_module_addrinfo(mod, address, &offset, &sym, NULL, NULL, NULL);
	if (symbol && *symbol) {
		/* without the version of a versioned symbol */
		copy_name(ret_frame->symbol, sizeof(ret_frame->symbol), symbol,
			  strcspn(symbol, "@"));
		ret_frame->offset = offset;
	} else {
		dwfl_module_info(mod, NULL, &start, NULL, NULL, NULL, NULL, NULL);
		ret_frame->offset = address - start;
	}
	describe_source(mod, address, ret_frame);
}
