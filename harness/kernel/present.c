/* What is there before the program runs: excluded as found, image by image, or by its kind. */
#include <errno.h>
#include <link.h>
#include <sys/resource.h>

#include "harness/kernel/accounts_priv.h"

/* A main thread that needs more than this has its limit raised on purpose and is not ours. */
#define STACK_ROOM_MAX (UINT64_C(64) << 20)

/* The stack is excluded down to where it may still grow. */
static int exclude_stack(struct accounts *acc, const struct vma *stack)
{
	struct rlimit limit;
	uint64_t room = STACK_ROOM_MAX;
	uintptr_t start = stack->start;

	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < room)
		room = limit.rlim_cur;
	if (stack->end - room < start)
		start = stack->end - room;
	return accounts_exclude(acc, start, stack->end);
}

struct presence {
	struct accounts *acc;
	struct span heap;
	bool all; /* or only what the kernel put there */
};

static void presence_begin(void *ctx)
{
	(void)ctx; /* excluding twice is excluding once */
}

/* The break may share a VMA with the .bss below it (no address space randomisation). */
static int exclude_but_heap(const struct presence *p, const struct vma *found)
{
	struct span heap = p->heap;
	int err = 0;

	if (heap.start >= heap.end || found->end <= heap.start || found->start >= heap.end)
		return accounts_exclude(p->acc, found->start, found->end);
	if (found->start < heap.start)
		err = accounts_exclude(p->acc, found->start, heap.start);
	if (!err && found->end > heap.end)
		err = accounts_exclude(p->acc, heap.end, found->end);
	return err;
}

static int exclude_found(void *ctx, const struct vma *found)
{
	const struct presence *p = ctx;

	if (found->kind == VMA_STACK)
		return exclude_stack(p->acc, found);
	if (found->kind == VMA_KERNEL)
		return accounts_exclude(p->acc, found->start, found->end);
	return p->all ? exclude_but_heap(p, found) : 0;
}

int accounts_exclude_present(struct accounts *acc)
{
	struct presence p = {.acc = acc, .all = true};
	int err = accounts_break(acc, &p.heap);

	if (err)
		return err;
	return maps_walk(&acc->maps, &(struct maps_visitor){presence_begin, exclude_found, &p});
}

/* From the first byte of the first segment to the last of the last, .bss included. */
static int exclude_image(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct accounts *acc = ctx;
	uintptr_t start = UINTPTR_MAX, end = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD)
			continue;
		if (info->dlpi_addr + ph->p_vaddr < start)
			start = info->dlpi_addr + ph->p_vaddr;
		if (info->dlpi_addr + ph->p_vaddr + ph->p_memsz > end)
			end = info->dlpi_addr + ph->p_vaddr + ph->p_memsz;
	}
	return start < end ? accounts_exclude(acc, start, end) : 0;
}

int accounts_exclude_images(struct accounts *acc)
{
	struct presence p = {.acc = acc};
	int err = dl_iterate_phdr(exclude_image, acc);

	if (err)
		return err;
	return maps_walk(&acc->maps, &(struct maps_visitor){presence_begin, exclude_found, &p});
}
