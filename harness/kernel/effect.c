#include "harness/kernel/effect.h"

#include <errno.h>
#include <linux/prctl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

/* Newer than the headers that we may be built with. */
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

#define UFFDIO_REGISTER_   0xc020aa00u
#define UFFDIO_UNREGISTER_ 0x8010aa01u

/* arch_prctl: ARCH_MAP_VDSO_X32 to ARCH_MAP_VDSO_64. */
#define ARCH_MAP_VDSO_FIRST 0x2001
#define ARCH_MAP_VDSO_LAST  0x2003

/* A call behind the last that is known may do anything. */
#define LAST_KNOWN_NR 470

#define HUGE_BYTES ((uint64_t)2 << 20)

/* What a rule needs of the call. */
struct request {
	const struct kernel_call *call;
	uint64_t page;
	bool made; /* it succeeded */
};

typedef void (*effect_rule)(const struct request *r, struct effect *e);

static uint64_t arg(const struct request *r, int i)
{
	return r->call->arg[i];
}

/* [start, start + len) in whole pages; none where the kernel takes no such range. */
static struct span pages(const struct request *r, uint64_t start, uint64_t len)
{
	uint64_t mask = r->page - 1;

	if ((start & mask) || !len || len > UINT64_MAX - mask - start)
		return (struct span){0, 0};
	return (struct span){start, start + ((len + mask) & ~mask)};
}

/* The pages that [start, start + len) has a byte in: mlock and its kind. */
static struct span pages_around(const struct request *r, uint64_t start, uint64_t len)
{
	uint64_t offset = start & (r->page - 1);

	if (len > UINT64_MAX - offset)
		return (struct span){0, 0};
	return pages(r, start - offset, len ? len + offset : 0);
}

static bool is_empty(struct span s)
{
	return s.start >= s.end;
}

static void touch(struct effect *e, struct span s)
{
	if (is_empty(s))
		return;
	e->touched[is_empty(e->touched[0]) ? 0 : 1] = s;
}

/* hugetlbfs rounds lengths up to its pages; of a file nothing is known here. */
static uint64_t mmap_len(const struct request *r)
{
	uint64_t len = arg(r, 1), flags = arg(r, 3), huge = HUGE_BYTES;

	if (!(flags & MAP_HUGETLB) || !(flags & MAP_ANONYMOUS))
		return len;
	if (flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK)
		huge = UINT64_C(1) << (flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK);
	return len > UINT64_MAX - (huge - 1) ? len : (len + huge - 1) & -huge;
}

static void of_mmap(const struct request *r, struct effect *e)
{
	uint64_t flags = arg(r, 3);
	bool replaces = (flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE);
	struct span wanted = pages(r, arg(r, 0), mmap_len(r));

	e->purge = replaces && arg(r, 2) == PROT_NONE;
	if (e->purge)
		e->back = wanted;
	e->takes = !e->purge;
	if (r->made) {
		e->fresh = pages(r, (uint64_t)r->call->result, mmap_len(r));
		touch(e, e->fresh);
	} else if (replaces) {
		touch(e, wanted);
	}
	if (r->made && replaces)
		e->gone = e->fresh;
}

static void of_munmap(const struct request *r, struct effect *e)
{
	e->back = pages(r, arg(r, 0), arg(r, 1));
	touch(e, e->back);
	if (r->made)
		e->gone = e->back;
}

/* Its length is not in the arguments: the ledger sees from the first page how far it reaches. */
static void of_shmat(const struct request *r, struct effect *e)
{
	e->takes = true;
	if (r->made) {
		e->fresh = pages(r, (uint64_t)r->call->result, 1);
		touch(e, e->fresh);
	} else if (arg(r, 2) & SHM_REMAP) {
		touch(e, pages_around(r, arg(r, 1), 1));
	}
}

/* All that is left of a segment, which may be in pieces with other mappings between them. */
static void of_shmdt(const struct request *r, struct effect *e)
{
	e->everything = r->made;
}

static void of_map_shadow_stack(const struct request *r, struct effect *e)
{
	e->takes = true;
	if (!r->made)
		return;
	e->fresh = pages(r, (uint64_t)r->call->result, arg(r, 1));
	touch(e, e->fresh);
}

/* brk(0), and any address below the heap, asks where the break is. */
static void of_brk(const struct request *r, struct effect *e)
{
	uint64_t mask = r->page - 1, was = r->call->break_before, want = arg(r, 0);
	uint64_t was_up = (was + mask) & ~mask, want_up = (want + mask) & ~mask;

	if (!want)
		return;
	e->takes = want > was;
	if (want_up < was_up) {
		e->back = (struct span){want_up, was_up};
		touch(e, e->back);
		if (r->made)
			e->gone = e->back;
	} else if (want_up > was_up && r->made) {
		e->fresh = (struct span){was_up, want_up};
		touch(e, e->fresh);
	}
}

/* In its place: the tail comes or goes. */
static void of_mremap_in_place(const struct request *r, struct effect *e)
{
	struct span was = pages(r, arg(r, 0), arg(r, 1)), now = pages(r, arg(r, 0), arg(r, 2));

	e->from = e->to = was.end < now.end ? was : now;
	if (now.end > was.end)
		e->fresh = (struct span){was.end, now.end};
	else if (now.end < was.end)
		e->gone = (struct span){now.end, was.end};
	touch(e, was.end > now.end ? was : now);
}

static void of_mremap_moved(const struct request *r, struct effect *e)
{
	uint64_t flags = arg(r, 3), to = (uint64_t)r->call->result;
	struct span was = pages(r, arg(r, 0), arg(r, 1)), now = pages(r, to, arg(r, 2));
	uint64_t old_len = was.end - was.start, new_len = now.end - now.start;

	if (flags & MREMAP_FIXED)
		e->gone = now;
	e->to = now;
	if (is_empty(was)) { /* old length 0: a second mapping of what is shared */
		e->from = pages(r, arg(r, 0), arg(r, 2));
		e->keeps_from = true;
		e->fresh = now;
	} else {
		e->from = was;
		e->keeps_from = flags & MREMAP_DONTUNMAP;
		if (new_len > old_len) {
			e->to.end = to + old_len;
			e->fresh = (struct span){e->to.end, now.end};
		}
		touch(e, was);
	}
	touch(e, now);
}

/*
 * Since Linux 6.17 a range of several VMAs can be moved to a fixed place, one after the other: the
 * first may have moved when a later one is refused.
 */
static void of_mremap_failed(const struct request *r, struct effect *e)
{
	struct span was = pages(r, arg(r, 0), arg(r, 1)), now = pages(r, arg(r, 4), arg(r, 2));
	uint64_t flags = arg(r, 3);

	touch(e, was);
	if (!(flags & MREMAP_FIXED) || is_empty(now))
		return;
	touch(e, now);
	e->partly = was.end - was.start == now.end - now.start && !(flags & MREMAP_DONTUNMAP);
	if (!e->partly)
		return;
	e->from = was;
	e->to = now;
}

static void of_mremap(const struct request *r, struct effect *e)
{
	struct span was = pages(r, arg(r, 0), arg(r, 1)), now = pages(r, arg(r, 0), arg(r, 2));

	e->takes = now.end > was.end;
	if (now.end < was.end && !is_empty(now))
		e->back = (struct span){now.end, was.end};
	if (!r->made)
		of_mremap_failed(r, e);
	else if ((uint64_t)r->call->result == arg(r, 0))
		of_mremap_in_place(r, e);
	else
		of_mremap_moved(r, e);
}

static void of_mprotect(const struct request *r, struct effect *e)
{
	touch(e, pages(r, arg(r, 0), arg(r, 1)));
	e->takes = arg(r, 2) & PROT_WRITE;
}

/* Advice that changes pages, not the VMA that they are in. */
static bool advises_pages(uint64_t advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
	case MADV_DONTNEED_LOCKED:
	case MADV_COLLAPSE:
	case MADV_HWPOISON:
	case MADV_SOFT_OFFLINE:
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return true;
	default:
		return false;
	}
}

static bool advises_purge(uint64_t advice)
{
	return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
	       advice == MADV_DONTNEED_LOCKED;
}

static void of_madvise(const struct request *r, struct effect *e)
{
	struct span s = pages(r, arg(r, 0), arg(r, 1));

	if (!advises_pages(arg(r, 2)))
		touch(e, s);
	if (advises_purge(arg(r, 2))) {
		e->back = s;
		e->purge = true;
	}
}

/* Its ranges are in memory of the caller's, which is not looked at: what they purge is not seen. */
static void of_process_madvise(const struct request *r, struct effect *e)
{
	e->everything = !advises_pages(arg(r, 3));
}

static void of_range(const struct request *r, struct effect *e)
{
	touch(e, pages(r, arg(r, 0), arg(r, 1)));
}

static void of_range_around(const struct request *r, struct effect *e)
{
	touch(e, pages_around(r, arg(r, 0), arg(r, 1)));
}

static void of_remap_file_pages(const struct request *r, struct effect *e)
{
	touch(e, pages(r, arg(r, 0) & -r->page, arg(r, 1) & -r->page));
}

static void of_prctl(const struct request *r, struct effect *e)
{
	if (arg(r, 0) == PR_SET_VMA && arg(r, 1) == PR_SET_VMA_ANON_NAME)
		touch(e, pages(r, arg(r, 2), arg(r, 3)));
	e->everything = arg(r, 0) == PR_SET_MEMORY_MERGE;
}

static void of_arch_prctl(const struct request *r, struct effect *e)
{
	e->everything =
		r->made && arg(r, 0) >= ARCH_MAP_VDSO_FIRST && arg(r, 0) <= ARCH_MAP_VDSO_LAST;
}

/* The range is in memory of the caller's. */
static void of_ioctl(const struct request *r, struct effect *e)
{
	uint32_t command = (uint32_t)arg(r, 1);

	e->everything = command == UFFDIO_REGISTER_ || command == UFFDIO_UNREGISTER_;
}

static void of_everything(const struct request *r, struct effect *e)
{
	(void)r;
	e->everything = true;
}

/* A program that could not be started has changed nothing. */
static void of_exec(const struct request *r, struct effect *e)
{
	e->everything = r->made;
}

static const effect_rule rules[LAST_KNOWN_NR + 1] = {
	[SYS_mmap] = of_mmap,
	[SYS_munmap] = of_munmap,
	[SYS_mremap] = of_mremap,
	[SYS_brk] = of_brk,
	[SYS_mprotect] = of_mprotect,
	[SYS_pkey_mprotect] = of_mprotect,
	[SYS_madvise] = of_madvise,
	[SYS_process_madvise] = of_process_madvise,
	[SYS_mlock] = of_range_around,
	[SYS_mlock2] = of_range_around,
	[SYS_munlock] = of_range_around,
	[SYS_mlockall] = of_everything,
	[SYS_munlockall] = of_everything,
	[SYS_prctl] = of_prctl,
	[SYS_mbind] = of_range,
	[SYS_set_mempolicy_home_node] = of_range,
	[SYS_mseal] = of_range,
	[SYS_remap_file_pages] = of_remap_file_pages,
	[SYS_shmat] = of_shmat,
	[SYS_shmdt] = of_shmdt,
	[SYS_map_shadow_stack] = of_map_shadow_stack,
	[SYS_ioctl] = of_ioctl,
#ifdef SYS_arch_prctl
	[SYS_arch_prctl] = of_arch_prctl,
#endif
	[SYS_execve] = of_exec,
	[SYS_execveat] = of_exec,
};

void effect_of(const struct kernel_call *call, uintptr_t page_bytes, struct effect *ret_effect)
{
	struct request r = {call, page_bytes, !call->err && !call->injected};
	effect_rule rule = call->nr <= LAST_KNOWN_NR ? rules[call->nr] : of_everything;

	*ret_effect = (struct effect){0};
	if (rule)
		rule(&r, ret_effect);
	if (!call->injected)
		return;
	/* Only what was wanted: the kernel was not asked. */
	*ret_effect = (struct effect){
		.back = ret_effect->back, .purge = ret_effect->purge, .takes = ret_effect->takes};
}

/* Whether the call was one about mappings: many others return EAGAIN or EPERM all day. */
static bool is_about_mappings(const struct kernel_call *call)
{
	struct kernel_call asked = *call;
	struct effect e;

	asked.injected = false;
	effect_of(&asked, 4096, &e);
	return e.takes || e.everything || !is_empty(e.back) || !is_empty(e.touched[0]);
}

bool effect_is_refusal(const struct kernel_call *call)
{
	if (call->injected)
		return true;
	if (call->err != ENOMEM && call->err != EAGAIN && call->err != EPERM)
		return false;
	return is_about_mappings(call);
}
