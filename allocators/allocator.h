/*
 * allocator.h - the boundary between allocrig and an allocator.
 *
 * `struct allocator` is what a run calls: the malloc family with the signatures of libc, the
 * allocator's own purge, and its word about itself. A NULL member is a function that the
 * allocator's own file does not have; it is never served by another file.
 *
 * `struct plugin` is what allocrig knows of one allocator before it is loaded: its name, where
 * its file lies, which Debian package brings it, and how it is purged. Each lives in a file of its
 * own, is const, and stands in list.def.
 */
#ifndef ALLOCATORS_ALLOCATOR_H
#define ALLOCATORS_ALLOCATOR_H

#include <stddef.h>
#include <stdint.h>

#define ALLOCATOR_ABI 1

struct allocator {
	uint32_t abi;  /* ALLOCATOR_ABI */
	uint32_t size; /* sizeof(struct allocator) */
	const char *name;
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*reallocarray)(void *p, size_t count, size_t size);
	void *(*aligned_alloc)(size_t align, size_t size);
	int (*posix_memalign)(void **ret_p, size_t align, size_t size);
	void *(*memalign)(size_t align, size_t size);
	void *(*valloc)(size_t size);
	void *(*pvalloc)(size_t size);
	void (*free)(void *p);
	void (*free_sized)(void *p, size_t size);
	void (*free_aligned_sized)(void *p, size_t align, size_t size);
	size_t (*malloc_usable_size)(void *p);
	int (*malloc_trim)(size_t pad);
	/*
	 * Gives unused memory back to the kernel. Returns 1 where memory was released, 0 where none
	 * was or the allocator does not say. May not be NULL when the allocator can purge at all.
	 */
	int (*purge)(const struct allocator *a);
	/* The allocator's word about its version, into buf, NUL-terminated. Returns 0 or -errno. */
	int (*describe)(const struct allocator *a, char *buf, size_t size);
	const struct vendor_symbols *vendor; /* context of purge and describe */
};

/* Functions beside the malloc family that purge and describe use; NULL where not exported. */
struct vendor_symbols {
	int (*mallctl)(const char *, void *, size_t *, void *, size_t); /* jemalloc */
	void (*mi_collect)(_Bool force);				/* mimalloc */
	int (*mi_version)(void);
	void (*tc_release_free_memory)(void); /* tcmalloc: MallocExtension_ReleaseFreeMemory */
	void (*tc_mark_thread_idle)(void);    /* MallocExtension_MarkThreadIdle */
	const char *(*tc_version)(int *, int *, const char **);
	int (*mallopt)(int param, int value); /* scudo: M_PURGE_ALL */
	void (*scudo_print_stats)(void);      /* __scudo_print_stats: marks scudo */
	const char *(*gnu_get_libc_version)(void);
};

struct plugin {
	uint32_t abi;
	uint32_t size; /* sizeof(struct plugin) */
	const char *name;
	const char *package; /* Debian package, or NULL */
	const char *version; /* of a file that is built with allocrig; NULL: its package tells */
	const char *const *files; /* paths tried in order, NULL-terminated; a leading '/' or a name
				     relative to allocrig's own directory */
	/* Whether a file with these symbols is a build of this allocator. NULL: never. */
	_Bool (*recognises)(const struct vendor_symbols *v);
	int (*purge)(const struct allocator *a);
	int (*describe)(const struct allocator *a, char *buf, size_t size);
	/*
	 * A whole vtable without a file: for allocators that live inside the child (`void`).
	 * Without any function it is no allocator: the mapping calls of the kernel (`kernel`).
	 */
	const struct allocator *inside;
};

#endif
