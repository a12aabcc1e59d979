/*
 * map_files.h - the files behind the mappings of a program.
 *
 * Each mmap of a file, memfd or shm object makes a new one, which has no name any more when it is
 * mapped. Where the program comes back to files (of=, truncate) each slot keeps the one that it
 * maps or mapped last, open, until the slot is filled again; several slots may have one file. Else
 * the descriptor is closed right behind the mmap: a program may map more files than a process may
 * have open. For the page model a file is an object with a number (pages.h).
 *
 * Kept descriptors lie above those of the harness, and all are close-on-exec. A fork child has
 * those of its parent and keeps its own count. Errors: 0 or -errno.
 */
#ifndef EXEC_MAP_FILES_H
#define EXEC_MAP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/exec/shared.h"

struct child;
struct map_files;

size_t map_files_arena_bytes(const struct run_config *cfg);
/* Where the program's files are kept. */
int map_files_init(struct child *c, struct arena *a);

/* Once, where files are kept: more of them may be open. */
void map_files_raise_limit(void);

/* The program is over: nothing is kept. */
void map_files_close(struct child *c);

/* What one mmap maps. */
struct map_source_fd {
	int fd;		 /* -1: none */
	uint32_t object; /* of the page model; 0: none */
	uint32_t file;	 /* the kept file that it is; 0: not kept yet, or none */
	bool anonymous;	 /* as pages_call has it */
};

/* -ENOENT: the slot that `of` names has no file. */
int map_files_open(struct child *c, const struct op *op, struct map_source_fd *ret_source);

/* The mmap was made: the slot it filled keeps the file, or (`filled` false) nobody does. */
void map_files_mapped(struct child *c, const struct map_source_fd *source, uint32_t slot,
		      bool filled);

/* `to`, which a mapping of the slot `from` has filled, has the same file. */
void map_files_share(struct child *c, uint32_t from, uint32_t to);

/* The descriptor and object of what the slot maps. -ENOENT: no file that is kept. */
int map_files_of(const struct child *c, uint32_t slot, struct map_source_fd *ret_source);

#endif
