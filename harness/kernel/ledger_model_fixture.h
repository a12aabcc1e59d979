/*
 * ledger_model_fixture.h - who owns which page, kept page by page the simple way, for the ledger to
 * be compared with.
 *
 * Two zones are known: the end of the mmap area at which new mappings land, and the heap. Outside
 * of them a test maps nothing.
 */
#ifndef KERNEL_LEDGER_MODEL_FIXTURE_H
#define KERNEL_LEDGER_MODEL_FIXTURE_H

#include <stdbool.h>

#include "harness/kernel/ledger_fixture.h"

#define ZONE_PAGES 32768
#define HUGE_BYTES ((uintptr_t)2 << 20)

/* What a page may be; slot s of the program is OF_PROGRAM + s. */
enum { NOBODYS, OF_ALLOCATOR, OF_PROGRAM };

struct zone {
	uintptr_t base, pages;
	uint16_t owner[ZONE_PAGES];
	bool mapped[ZONE_PAGES], excluded[ZONE_PAGES];
};

static struct zone area, heap;

static inline struct zone *zone_of(uintptr_t address, size_t *ret_page)
{
	struct zone *zones[] = {&area, &heap};

	for (int i = 0; i < 2; i++) {
		*ret_page = (address - zones[i]->base) / PAGE;
		if (address >= zones[i]->base && *ret_page < zones[i]->pages)
			return zones[i];
	}
	return NULL;
}

static inline void model_set(uintptr_t start, uintptr_t end, unsigned owner)
{
	size_t page;

	for (uintptr_t at = start; at < end; at += PAGE) {
		struct zone *z = zone_of(at, &page);

		if (z)
			z->owner[page] = (uint16_t)owner;
	}
}

static inline unsigned model_owner(uintptr_t at)
{
	size_t page;
	struct zone *z = zone_of(at, &page);

	return z ? z->owner[page] : NOBODYS;
}

static inline bool model_mapped(uintptr_t at)
{
	size_t page;
	struct zone *z = zone_of(at, &page);

	return z && z->mapped[page];
}

/* Page by page: what is mapped takes its owner along, all but the program's is the allocator's. */
static inline void model_move(const struct kernel_call *c, uintptr_t to, unsigned caller)
{
	uintptr_t from = c->arg[0], old_len = (c->arg[1] + PAGE - 1) & -PAGE;
	uintptr_t new_len = (c->arg[2] + PAGE - 1) & -PAGE;
	static uint16_t moved[ZONE_PAGES];
	static bool had[ZONE_PAGES];
	uintptr_t reach = old_len;

	if (!old_len) { /* a duplicate is of one VMA: the ledger has yet to hear of the call */
		struct vma_node *n = vma_table_at_or_above(&ledger->vmas, from);

		reach = n->end - from < new_len ? n->end - from : new_len;
	}
	for (uintptr_t at = 0; at < reach; at += PAGE) {
		moved[at / PAGE] = (uint16_t)model_owner(from + at);
		had[at / PAGE] = model_mapped(from + at);
	}
	if (to != from && old_len && !(c->arg[3] & MREMAP_DONTUNMAP))
		model_set(from, from + old_len, NOBODYS);
	if (to == from)
		model_set(from + new_len, from + old_len, NOBODYS);
	for (uintptr_t at = 0; at < new_len; at += PAGE) {
		unsigned owner = caller;

		if (at < reach && had[at / PAGE])
			owner = moved[at / PAGE] >= OF_PROGRAM ? moved[at / PAGE] : OF_ALLOCATOR;
		else if (at < old_len)
			continue; /* a hole in what was moved: the place of it is left alone */
		if (to != from || at >= old_len)
			model_set(to + at, to + at + PAGE, owner);
	}
}

/* The first VMAs of a refused mremap may have moved: then they are where they were to go. */
static inline void model_partly_moved(const struct kernel_call *c)
{
	uintptr_t from = c->arg[0], len = (c->arg[1] + PAGE - 1) & -PAGE, to = c->arg[4];
	struct procmap_vma v;
	uintptr_t gone = 0;

	if (!(c->arg[3] & MREMAP_FIXED) || (c->arg[3] & MREMAP_DONTUNMAP) || from % PAGE ||
	    to % PAGE || ((c->arg[2] + PAGE - 1) & -PAGE) != len)
		return;
	for (uintptr_t at = 0; at < len; at += PAGE) {
		if (!model_mapped(from + at))
			continue;
		if (procmap_at_or_above(acc->fd[PROC_MAPS], from + at, &v) == 0 &&
		    v.start <= from + at)
			break;
		gone = at + PAGE;
	}
	if (gone) {
		struct kernel_call part = *c;

		part.arg[1] = part.arg[2] = gone;
		model_move(&part, to, OF_ALLOCATOR);
	}
}

static inline void model_brk(const struct kernel_call *c, unsigned owner)
{
	uintptr_t was = (c->break_before + PAGE - 1) & -PAGE;
	uintptr_t now = ((uintptr_t)c->result + PAGE - 1) & -PAGE;

	model_set(was, now, owner);
	model_set(now, was, NOBODYS);
}

static inline void model_call(const struct kernel_call *c, uint32_t slot)
{
	unsigned owner = c->caller == CALLER_PROGRAM ? OF_PROGRAM + slot : OF_ALLOCATOR;
	uintptr_t at = c->arg[0], len = (c->arg[1] + PAGE - 1) & -PAGE;

	if (c->injected)
		return;
	if (c->nr == SYS_mremap && c->err)
		model_partly_moved(c);
	if (c->err)
		return;
	if (c->nr == SYS_mmap && (c->arg[3] & MAP_HUGETLB) && (c->arg[3] & MAP_ANONYMOUS))
		len = (len + HUGE_BYTES - 1) & -HUGE_BYTES;
	if (c->nr == SYS_mmap)
		model_set((uintptr_t)c->result, (uintptr_t)c->result + len, owner);
	if (c->nr == SYS_shmat) /* how long it is nobody says */
		model_set((uintptr_t)c->result, (uintptr_t)c->result + PAGE, owner);
	if (c->nr == SYS_munmap)
		model_set(at, at + len, NOBODYS);
	if (c->nr == SYS_mremap)
		model_move(c, (uintptr_t)c->result, owner);
	if (c->nr == SYS_brk)
		model_brk(c, owner);
}

static inline struct span clipped(const struct vma *v, const struct zone *z)
{
	uintptr_t end = z->base + z->pages * PAGE;

	return (struct span){v->start > z->base ? v->start : z->base, v->end < end ? v->end : end};
}

/* What is mapped, as the kernel's text has it. */
static inline void zone_refresh(struct zone *z, const struct listing *t)
{
	memset(z->mapped, 0, sizeof(z->mapped));
	for (uint32_t i = 0; i < t->n; i++) {
		struct span s = clipped(&t->v[i], z);

		for (uintptr_t at = s.start; at < s.end; at += PAGE)
			z->mapped[(at - z->base) / PAGE] = true;
	}
	for (size_t i = 0; i < z->pages; i++) {
		if (!z->mapped[i])
			z->owner[i] = NOBODYS;
		else if (z->owner[i] == NOBODYS && !z->excluded[i])
			z->owner[i] = OF_ALLOCATOR;
		if (z->excluded[i] && z->owner[i] == OF_ALLOCATOR)
			z->owner[i] = NOBODYS;
	}
}

static inline void zone_count(const struct zone *z, struct ledger_counts *c)
{
	for (size_t i = 0; i < z->pages; i++)
		if (z->owner[i] != NOBODYS && !z->excluded[i])
			c->mapped_by[z->owner[i] == OF_ALLOCATOR ? CALLER_ALLOCATOR
								 : CALLER_PROGRAM] += PAGE;
}

static inline void count_owners(const struct vma *v, const struct zone *z, struct ledger_counts *c)
{
	bool has[CALLERS] = {false};
	struct span s = clipped(v, z);

	for (uintptr_t at = s.start; at < s.end; at += PAGE) {
		size_t page = (at - z->base) / PAGE;

		if (z->owner[page] != NOBODYS && !z->excluded[page])
			has[z->owner[page] == OF_ALLOCATOR ? CALLER_ALLOCATOR : CALLER_PROGRAM] =
				true;
	}
	for (int i = 0; i < CALLERS; i++)
		c->maps_by[i] += has[i];
}

static inline void check_tags(const struct zone *z)
{
	struct range r;

	for (size_t i = 0; i < z->pages;) {
		uintptr_t at = z->base + i * PAGE;
		bool found =
			range_set_first(ledger_program(ledger), at, z->base + z->pages * PAGE, &r);
		size_t start = !found ? z->pages : r.start > at ? (r.start - z->base) / PAGE : i;

		for (; i < start; i++)
			CHECK(z->owner[i] < OF_PROGRAM);
		for (; found && i < z->pages && z->base + i * PAGE < r.end; i++)
			CHECK_EQ(z->owner[i], OF_PROGRAM + r.tag);
	}
}

static inline void check_everything(void)
{
	static struct listing t;
	struct ledger_counts want = {0};
	const struct ledger_counts *now = ledger_now(ledger);

	list_vmas(&t);
	CHECK(t.n < sizeof(t.v) / sizeof(*t.v));
	check_vmas(&t);
	check_counts();
	zone_refresh(&area, &t);
	zone_refresh(&heap, &t);
	zone_count(&area, &want);
	zone_count(&heap, &want);
	for (uint32_t i = 0; i < t.n; i++) {
		count_owners(&t.v[i], &area, &want);
		count_owners(&t.v[i], &heap, &want);
	}
	for (int i = 0; i < CALLERS; i++) {
		CHECK_EQ(now->maps_by[i], want.maps_by[i]);
		CHECK_EQ(now->mapped_by[i], want.mapped_by[i]);
	}
	CHECK_EQ(now->mapped_bytes, want.mapped_by[0] + want.mapped_by[1]);
	check_tags(&area);
	check_tags(&heap);
}

#endif
