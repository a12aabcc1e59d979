#include "harness/prog/emit/calls.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/prog/emit/access.h"
#include "harness/prog/emit/files.h"
#include "harness/prog/emit/say.h"
#include "harness/prog/emit/shadow.h"
#include "harness/prog/emit/vmas.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE_SHIFT 26
#define HUGE_MASK  0x3f

#define END_PAGES 65536 /* are read at the end, whether the program touched them or not */

void (*after_call)(void);

static struct {
	long made, failed;
} * counts;

void calls_start(void)
{
	files_start();
	shadow_start();
	access_start();
	counts = vmas_own(KCALLS * sizeof(*counts), MAP_SHARED);
}

/* What the allocator calls is not seen. */
int64_t calls_made(enum kcall call)
{
	if (is_shared_with_allocator)
		return NOT_KNOWN;
	return __atomic_load_n(&counts[call].made, __ATOMIC_SEQ_CST);
}

int64_t calls_failed(enum kcall call)
{
	if (is_shared_with_allocator)
		return NOT_KNOWN;
	return __atomic_load_n(&counts[call].failed, __ATOMIC_SEQ_CST);
}

/* Returns the errno, or OK. */
static int note(enum kcall call, bool failed)
{
	int err = failed ? errno : OK;

	__atomic_fetch_add(&counts[call].made, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&counts[call].failed, failed, __ATOMIC_SEQ_CST);
	if (after_call)
		after_call();
	return err;
}

/* A range of whole pages, and the bytes as the call gets them. */
struct part {
	uintptr_t start;
	size_t len;
	uint64_t from, to;
};

static bool is_all(size_t off, size_t len)
{
	return off == SIZE_MAX && len == 0;
}

/* OK, or SKIPPED; not looking at whose it is. */
static int part_of(unsigned slot, size_t off, size_t len, struct part *ret)
{
	const struct slot *s = &m[slot];

	if (!s->start)
		return SKIPPED;
	if (is_all(off, len)) {
		off = 0;
		len = s->len;
	}
	if (off > INTPTR_MAX - s->start || len > INTPTR_MAX - s->start - off - PAGE)
		return SKIPPED;
	*ret = (struct part){.start = s->start + off, .len = len};
	ret->from = ret->start / PAGE;
	ret->to = page_up(ret->start + len) / PAGE;
	return OK;
}

/* A part that is empty or not aligned is for the kernel to judge. */
static int own_part_of(unsigned slot, size_t off, size_t len, struct part *ret)
{
	if (part_of(slot, off, len, ret) == SKIPPED)
		return SKIPPED;
	bool reaches =
		ret->start % PAGE || !ret->len || slot_reaches(slot, ret->start, ret->to * PAGE);

	return reaches ? OK : SKIPPED;
}

/* mlock rounds down where others refuse. */
static int lock_part_of(unsigned slot, size_t off, size_t len, struct part *ret)
{
	if (part_of(slot, off, len, ret) == SKIPPED)
		return SKIPPED;
	return !len || slot_reaches(slot, ret->from * PAGE, ret->to * PAGE) ? OK : SKIPPED;
}

/* Whether the kernel takes it for the pages that we take it for. */
static bool is_aligned(const struct part *p)
{
	return p->start % PAGE == 0 && p->len;
}

/* Lengths of hugetlb mappings are whole huge pages. */
static size_t mapped_len(const struct map_args *a)
{
	int bits = a->flags >> HUGE_SHIFT & HUGE_MASK;
	size_t huge = (size_t)1 << (bits ? bits : 21);

	return a->flags & MAP_HUGETLB ? (a->len + huge - 1) / huge * huge : page_up(a->len);
}

static void check_place(uint64_t from, uint64_t to)
{
	const struct run *r = runs_first(shadow_pages(), from);

	if (r && r->start < to)
		wrong("the kernel put it over m[%u], at %#llx", r->slot,
		      (unsigned long long)r->start * PAGE);
}

static void follow_map(const struct map_args *a, const struct file *f, uintptr_t start)
{
	struct slot *s = &m[a->slot];
	bool is_shared = (a->flags & MAP_TYPE) != MAP_PRIVATE;
	uint32_t object = f->object;

	s->start = start;
	s->len = mapped_len(a);
	if (!f->is_object && is_shared)
		object = object_new(s->len);
	struct run r = {
		.start = start / PAGE,
		.end = (start + s->len) / PAGE,
		.slot = a->slot,
		.object = object ? OBJECT_KEY(object, f->fd >= 0 ? a->offset / PAGE : 0) : 0,
		.content = object ? OF_OBJECT : ZERO,
		.reads = a->prot != PROT_NONE,
		.writes = a->prot & PROT_WRITE,
		.is_shared = is_shared,
		.is_strange = a->flags & MAP_HUGETLB,
	};
	if (!(a->flags & MAP_FIXED))
		check_place(r.start, r.end);
	shadow_map(&r);
	if (a->flags & (MAP_POPULATE | MAP_LOCKED))
		shadow_populate(r.start, r.end);
}

/* What was written where the new mapping will be. */
static void look_at_replaced(bool is_fixed, uintptr_t address, size_t len)
{
	if (is_fixed && address && address % PAGE == 0)
		access_look_at_written(address / PAGE, page_up(address + len) / PAGE);
}

static int map_locked(const struct map_args *a)
{
	uintptr_t address;
	struct file f;

	if (m[a->slot].start ||
	    !place_find(&a->place, a->flags & MAP_FIXED ? a->len : 0, &address) ||
	    !file_find(&(struct file_wanted){a->source, a->of, a->len, a->offset}, &f))
		return SKIPPED;
	look_at_replaced(a->flags & MAP_FIXED, address, a->len);
	long p = syscall(SYS_mmap, address, a->len, a->prot, a->flags, f.fd, a->offset);
	int err = note(KCALL_MMAP, p == -1);

	if (!err)
		follow_map(a, &f, (uintptr_t)p);
	file_keep(a->slot, &f, !err);
	return err;
}

int map(const struct map_args *a)
{
	in_call("mmap", 'm', a->slot);
	shadow_lock();
	int end = map_locked(a);

	shadow_unlock();
	return end;
}

/* What the slot still has, range by range: the rest may be somebody else's. */
static int unmap_all(unsigned slot)
{
	struct slot *s = &m[slot];
	uint64_t at = s->start / PAGE, to = (s->start + s->len) / PAGE;
	const struct run *r;
	int first_err = OK;

	while ((r = runs_first(shadow_pages(), at)) && r->start < to) {
		uint64_t from = r->start > at ? r->start : at;

		for (at = r->end; r && r->slot == slot && r->start <= at && at < to;
		     r = runs_next(shadow_pages(), r))
			at = r->end;
		r = runs_first(shadow_pages(), from);
		if (r->slot != slot)
			continue;
		at = at > to ? to : at;
		access_look_at_written(from, at);
		int err =
			note(KCALL_MUNMAP, munmap((void *)(from * PAGE), (at - from) * PAGE) != 0);

		if (!err)
			shadow_unmap(from, at);
		else if (!first_err)
			first_err = err;
	}
	if (!first_err) {
		s->start = 0;
		s->len = 0;
	}
	return first_err;
}

static int unmap_part(unsigned slot, size_t off, size_t len)
{
	struct part p;

	if (own_part_of(slot, off, len, &p) == SKIPPED)
		return SKIPPED;
	if (is_aligned(&p))
		access_look_at_written(p.from, p.to);
	int err = note(KCALL_MUNMAP, munmap((void *)p.start, p.len) != 0);

	if (!err)
		shadow_unmap(p.from, p.to);
	return err;
}

int unmap(unsigned slot, size_t off, size_t len)
{
	int end = SKIPPED;

	in_call("munmap", 'm', slot);
	shadow_lock();
	if (m[slot].start)
		end = is_all(off, len) ? unmap_all(slot) : unmap_part(slot, off, len);
	shadow_unlock();
	return end;
}

/* Where the first hole of the range begins, or its end. */
static uint64_t first_hole(const struct part *p)
{
	uint64_t at = p->from;

	for (const struct run *r = runs_first(shadow_pages(), at); r && r->start <= at;
	     r = runs_next(shadow_pages(), r)) {
		if (r->end >= p->to)
			return p->to;
		at = r->end;
	}
	return at;
}

/* It changes one mapping after the other, up to the first that it cannot. */
static void follow_protect(const struct part *p, int prot, int err)
{
	uint64_t hole = first_hole(p);

	if (!is_aligned(p) || err == EINVAL)
		return;
	if (!err || (err == ENOMEM && hole < p->to))
		shadow_protect(p->from, err ? hole : p->to, prot);
	else
		shadow_unsure_access(p->from, p->to);
}

int protect(unsigned slot, size_t off, size_t len, int prot)
{
	struct part p;

	in_call("mprotect", 'm', slot);
	shadow_lock();
	int end = own_part_of(slot, off, len, &p);

	if (end != SKIPPED) {
		end = note(KCALL_MPROTECT, mprotect((void *)p.start, p.len, prot) != 0);
		follow_protect(&p, prot, end);
	}
	shadow_unlock();
	return end;
}

/* Holes are passed, and ENOMEM comes at the end; what else is refused may be half done. */
static void follow_advice(const struct part *p, int advice, int err)
{
	bool populates = advice == MADV_POPULATE_WRITE || advice == MADV_COLLAPSE;

	if (!is_aligned(p))
		return;
	if (!err || (err == ENOMEM && !populates && first_hole(p) < p->to))
		shadow_advise(p->from, p->to, advice);
	else if (advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_GUARD_INSTALL)
		shadow_unsure_content(p->from, p->to);
}

int advise(unsigned slot, size_t off, size_t len, int advice)
{
	struct part p;

	in_call("madvise", 'm', slot);
	shadow_lock();
	int end = own_part_of(slot, off, len, &p);

	if (end != SKIPPED) {
		end = note(KCALL_MADVISE, madvise((void *)p.start, p.len, advice) != 0);
		follow_advice(&p, advice, end);
	}
	shadow_unlock();
	return end;
}

/* Calls that change nothing that can be read. */
static int quietly(int failed)
{
	int err = failed ? errno : OK;

	if (after_call)
		after_call();
	return err;
}

int sync_pages(unsigned slot, size_t off, size_t len, int flags)
{
	struct part p;

	in_call("msync", 'm', slot);
	shadow_lock();
	int end = own_part_of(slot, off, len, &p);

	if (end != SKIPPED)
		end = quietly(msync((void *)p.start, p.len, flags));
	shadow_unlock();
	return end;
}

int lock_pages(unsigned slot, size_t off, size_t len)
{
	struct part p;

	in_call("mlock", 'm', slot);
	shadow_lock();
	int end = lock_part_of(slot, off, len, &p);

	if (end != SKIPPED)
		end = quietly(mlock((void *)p.start, p.len));
	if (end == OK)
		shadow_populate(p.from, p.to);
	shadow_unlock();
	return end;
}

int unlock_pages(unsigned slot, size_t off, size_t len)
{
	struct part p;

	in_call("munlock", 'm', slot);
	shadow_lock();
	int end = lock_part_of(slot, off, len, &p);

	if (end != SKIPPED)
		end = quietly(munlock((void *)p.start, p.len));
	shadow_unlock();
	return end;
}

int cut_file(unsigned slot, size_t len)
{
	int end = SKIPPED;

	in_call("ftruncate", 'm', slot);
	shadow_lock();
	if (m[slot].start && m[slot].file)
		end = quietly(ftruncate(m[slot].file - 1, (off_t)len));
	if (end == OK)
		object_resize(m[slot].object, len);
	shadow_unlock();
	return end;
}

/* What the kernel has unmapped before it refused the rest. */
static void look_for_holes(uint64_t from, uint64_t to)
{
	struct run *r = runs_cut(shadow_pages(), from, to), *next;

	for (; r && r->start < to; r = next) {
		next = runs_next(shadow_pages(), r);
		if (vmas_free(r->start * PAGE, r->end * PAGE))
			shadow_unmap(r->start, r->end);
	}
}

static void follow_remap(const struct remap_args *a, const struct part *old, uintptr_t now)
{
	unsigned filled = a->has_to ? a->to : a->slot;
	struct shadow_move move = {
		.from = old->from,
		.from_pages = page_up(old->len) / PAGE,
		.to = now / PAGE,
		.to_pages = page_up(a->new_len) / PAGE,
		.keeps_source = a->flags & MREMAP_DONTUNMAP,
		.slot = filled,
	};

	if (!a->place.is_given && move.to != move.from)
		check_place(move.to, move.to + move.to_pages);
	shadow_remap(&move);
	m[filled].start = now;
	m[filled].len = page_up(a->new_len);
	struct file f = {.fd = m[a->slot].file - 1, .object = m[a->slot].object};

	f.is_object = f.fd >= 0;
	if (filled != a->slot)
		file_keep(filled, &f, true);
}

static int old_part_of(const struct remap_args *a, struct part *ret)
{
	size_t off = a->has_old ? a->off : SIZE_MAX, len = a->has_old ? a->len : 0;

	if (part_of(a->slot, off, len, ret) == SKIPPED)
		return SKIPPED;
	bool reaches = ret->start % PAGE ||
		       slot_reaches(a->slot, ret->start, ret->start + (ret->len ? ret->len : 1));

	return reaches ? OK : SKIPPED;
}

static int remap_locked(const struct remap_args *a)
{
	bool is_fixed = a->flags & MREMAP_FIXED;
	uintptr_t address;
	struct part old;

	if (!m[a->slot].start || (a->has_to && m[a->to].start) ||
	    !place_find(&a->place, is_fixed ? a->new_len : 0, &address) ||
	    old_part_of(a, &old) == SKIPPED)
		return SKIPPED;
	if (is_aligned(&old))
		access_look_at_written(old.from, old.to);
	look_at_replaced(is_fixed, address, a->new_len);
	long p = syscall(SYS_mremap, old.start, old.len, a->new_len, a->flags, address);
	int err = note(KCALL_MREMAP, p == -1);

	if (!err) {
		follow_remap(a, &old, (uintptr_t)p);
	} else if (is_fixed && err != EINVAL) {
		look_for_holes(old.from, old.to);
		look_for_holes(address / PAGE, page_up(address + a->new_len) / PAGE);
	}
	return err;
}

int remap(const struct remap_args *a)
{
	in_call("mremap", 'm', a->slot);
	shadow_lock();
	int end = remap_locked(a);

	shadow_unlock();
	return end;
}

/* Inside the slot's span; the pages that `off` and the end lie in are whole. */
static int reach_pages(enum access kind, unsigned slot, uint64_t n, size_t off, size_t len)
{
	const struct slot *s = &m[slot];
	struct part p;
	int end = SKIPPED;

	shadow_lock();
	if (is_all(off, len)) {
		off = 0;
		len = s->len;
	}
	if (off <= s->len && len <= s->len - off && lock_part_of(slot, off, len, &p) == OK)
		end = p.len ? access_pages(kind, p.from, p.to, n) : OK;
	shadow_unlock();
	return end;
}

int check(unsigned slot, size_t off, size_t len)
{
	in_call("check", 'm', slot);
	return reach_pages(READ, slot, 0, off, len);
}

int touch(unsigned slot, size_t off, size_t len)
{
	in_call("touch", 'm', slot);
	return reach_pages(WRITE, slot, 0, off, len);
}

int add(unsigned slot, uint64_t n, size_t off, size_t len)
{
	in_call("add", 'm', slot);
	return reach_pages(ADD, slot, n, off, len);
}

void calls_finish(void)
{
	in_call(NULL, 'm', 0);
	shadow_lock();
	access_look_at_written(0, UINT64_MAX);
	/* What a child reads of shared memory for the first time would be there for its parent. */
	if (!is_shared_with_allocator && !files_in_child)
		access_read_all(END_PAGES);
	shadow_unlock();
}

void calls_forked(void)
{
	files_in_child = true;
	shadow_forked();
}

void calls_child_gone(void)
{
	shadow_lock();
	shadow_child_gone();
	shadow_unlock();
}
