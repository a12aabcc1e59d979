#include "allocators/running_kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "allocators/elf_notes.h"

#define NOTES_BYTES 4096

void running_kernel_release(char *buf, size_t size)
{
	struct utsname u;

	buf[0] = '\0';
	if (uname(&u) == 0 && strlen(u.release) < size)
		memcpy(buf, u.release, strlen(u.release) + 1);
}

void running_kernel_build_id(char *buf, size_t size)
{
	unsigned char notes[NOTES_BYTES];
	FILE *f = fopen("/sys/kernel/notes", "re");
	size_t len = f ? fread(notes, 1, sizeof(notes), f) : 0, id_len = 0;
	const unsigned char *id =
		elf_notes_build_id(notes, len, 4, size ? (size - 1) / 2 : 0, &id_len);

	buf[0] = '\0';
	for (size_t i = 0; id && i < id_len; i++)
		snprintf(buf + 2 * i, 3, "%02x", id[i]);
	if (f)
		fclose(f);
}
