/*
 * files.h - where mmap takes its pages from.
 */
#ifndef EMIT_FILES_H
#define EMIT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum source {
	NO_SOURCE, /* no descriptor, or MAP_ANONYMOUS */
	DEV_ZERO,
	A_FILE, /* new, like the next two, of offset + length, and without a name */
	A_MEMFD,
	A_SHM,
	FILE_OF /* the one that another slot maps, or mapped last */
};

struct file_wanted {
	enum source source;
	unsigned of; /* FILE_OF */
	size_t len;
	uint64_t offset;
};

struct file {
	int fd; /* -1: none */
	bool is_new, is_object;
	uint32_t object; /* of the shadow */
};

void files_start(void);
/* false: the other slot has none. */
bool file_find(const struct file_wanted *w, struct file *ret);
/* The mapping is made, or was refused: the slot keeps the file where statements come back to it. */
void file_keep(unsigned slot, const struct file *f, bool mapped);

/* A fork child frees no objects: its parent may have them. */
extern bool files_in_child;

#endif
