/*
 * describe_kernel_child.h - the throw-away process in which something of the kernel is measured,
 * and the stretch of address space in it that is nobody else's.
 */
#ifndef CLI_DESCRIBE_KERNEL_CHILD_H
#define CLI_DESCRIBE_KERNEL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Runs `body` in a child that is killed after `seconds`. What it finds out it writes into shared
 * memory. Returns 0 when it came to its end, else -errno (-EINTR: interrupted) with the reason in
 * `why`.
 */
int kernel_child(void (*body)(void *ctx), void *ctx, unsigned seconds, char *why, size_t size);

/*
 * A hole of the address space, with nothing next to it: what is mapped inside, at addresses that
 * are given to mmap, merges with nothing outside.
 */
struct stage {
	uintptr_t start, end;
	size_t page;  /* bytes */
	int maps_fd;  /* of /proc/self/maps */
	bool queries; /* PROCMAP_QUERY works: counting costs the stage's maps, not all */
	char *text;   /* STAGE_TEXT_BYTES for reading the table where it does not */
};

#define STAGE_BYTES	 (64ul << 20)
#define STAGE_TEXT_BYTES (256u << 10)

/*
 * Afterwards nothing else may be mapped at a place of the kernel's choice: it would be a hole for
 * that too. Returns 0 or -errno.
 */
int stage_open(struct stage *s);

/* In a fork child: the descriptor of its own table. Returns 0 or -errno. */
int stage_after_fork(struct stage *s);

/* All that lies there goes. Whole maps alone: never refused for their number. */
int stage_clear(const struct stage *s);

/* How many maps lie there, or -errno. */
int stage_maps(const struct stage *s);

/* The address of a page of the stage, counted from its start. */
static inline void *stage_at(const struct stage *s, size_t page)
{
	return (void *)(s->start + page * s->page);
}

/* `pages` from page `at` on, by a hint that the kernel follows as there is room. 0 or -errno. */
int stage_map(const struct stage *s, size_t at, size_t pages, int prot, int flags);
int stage_map_fd(const struct stage *s, size_t at, size_t pages, int prot, int flags, int fd,
		 uint64_t offset);

/* Writes into each page. */
void stage_touch(const struct stage *s, size_t at, size_t pages);

#endif
