/*
 * map_ops.c - one mapping call of the program's own on one slot.
 *
 * The harness never lets a program reach memory that is not its own: a range that runs into
 * somebody else's mapping (the allocator may have been given a hole that the program made) is not
 * touched, and the op is skipped and counted.
 */
#include <errno.h>
#include <linux/mman.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/exec/child.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_access.h"
#include "harness/exec/map_files.h"
#include "harness/exec/owned.h"
#include "harness/exec/reached.h"

/* Lengths of hugetlb mappings are whole huge pages. */
static size_t mapped_len(const struct child *c, const struct op *op)
{
	int log2_size = (op->map.flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	if (!(op->map.flags & MAP_HUGETLB))
		return page_up(c, op->arg0);
	size_t huge = (size_t)1 << (log2_size ? log2_size : 21);

	return (op->arg0 + huge - 1) & ~(huge - 1);
}

static uintptr_t page_down(const struct child *c, uintptr_t n)
{
	return n & ~(uintptr_t)(c->page_bytes - 1);
}

/* What an op is made on; an unaligned start and a length of 0 are the kernel's to judge. */
struct part {
	uintptr_t start;
	size_t len;
};

/* Whether the op may be made on it. mlock rounds its start down; others refuse such a one. */
static bool may_reach(const struct child *c, const struct op *op, uint32_t slot,
		      const struct part *part)
{
	bool rounds = op->code == OP_MLOCK || op->code == OP_MUNLOCK;
	uintptr_t start = rounds ? page_down(c, part->start) : part->start;
	/* mremap of length 0 makes a second mapping of what is mapped there. */
	size_t len = part->len || op->code != OP_MREMAP ? part->len : 1;

	if (start % c->page_bytes != 0 || len == 0)
		return true;
	return owned_reaches(c, slot, start, page_up(c, part->start + len));
}

/* The op's part of the slot; MAP_OP_SKIPPED where it may not be made there. */
static int part_of(const struct child *c, const struct op *op, uint32_t slot, struct part *ret_part)
{
	const struct map_slot *m = &c->m[slot];
	struct part part = {m->start, m->len};

	if (op->has_range) {
		if (op->range_off > INTPTR_MAX - part.start ||
		    op->range_len > INTPTR_MAX - part.start - op->range_off - c->page_bytes)
			return MAP_OP_SKIPPED;
		part.start += op->range_off;
		part.len = op->range_len;
	}
	if (!may_reach(c, op, slot, &part))
		return MAP_OP_SKIPPED;
	*ret_part = part;
	return 0;
}

/*
 * The address of fixed=m[target]+offset or hint=...; MAP_OP_SKIPPED where what it replaces would
 * leave the target's span, or is not the program's.
 */
static int fixed_address(const struct child *c, const struct op *op, size_t len,
			 uintptr_t *ret_address)
{
	const struct map_slot *t = &c->m[op->map.target];
	const int replacing = op->code == OP_MMAP ? MAP_FIXED : MREMAP_FIXED;
	uint64_t off = op->map.target_off;

	*ret_address = 0;
	if (!op->map.has_target)
		return 0;
	if (!t->start || off > t->len)
		return MAP_OP_SKIPPED;
	if ((op->map.flags & replacing) &&
	    (len > t->len - off || !owned_reaches(c, op->map.target, page_down(c, t->start + off),
						  page_up(c, t->start + off + len))))
		return MAP_OP_SKIPPED;
	*ret_address = t->start + off;
	return 0;
}

/* What was written there and is about to go. */
static void look_at_part(struct child *c, const struct part *part, const struct call_event *e)
{
	if (part->start % c->page_bytes == 0 && part->len)
		map_content_leaves(c, part->start, part->start + page_up(c, part->len), e);
}

/* The same, of what the mapping that is about to be made replaces. */
static void look_at_replaced(struct child *c, const struct op *op, uintptr_t address,
			     const struct call_event *e)
{
	const int replacing = op->code == OP_MMAP ? MAP_FIXED : MREMAP_FIXED;
	const struct part replaced = {address, op->arg0};

	if (op->map.has_target && (op->map.flags & replacing))
		look_at_part(c, &replaced, e);
}

/* Fuzzers run where there is no /dev: a source that is not there is another program's. */
static int open_source(struct child *c, const struct op *op, struct map_source_fd *ret_source)
{
	int err = map_files_open(c, op, ret_source);

	if (!err)
		return 0;
	if (err == -EMFILE && c->files)
		child_failed(c, err,
			     "a program with of= or truncate keeps the files of its "
			     "mappings open, and these are too many");
	else if (err != -ENOENT || (op->map.source != SOURCE_SLOT && !c->shared->config.fed))
		child_failed(c, err, "the source of a mapping could not be opened");
	return MAP_OP_SKIPPED;
}

static int run_mmap(struct child *c, const struct op *op, uint32_t slot, struct call_event *e)
{
	struct map_slot *m = &c->m[slot];
	struct map_source_fd source;
	uintptr_t address;

	if (m->start || fixed_address(c, op, op->arg0, &address) != 0 ||
	    open_source(c, op, &source) != 0)
		return MAP_OP_SKIPPED;
	struct kernel_call call = {
		.nr = SYS_mmap,
		.arg = {address, op->arg0, (uint32_t)op->map.prot, (uint32_t)op->map.flags,
			(uint64_t)(int64_t)source.fd, op->map.offset},
	};
	look_at_replaced(c, op, address, e);
	const struct pages_call maps = {
		.call = &call, .object = source.object, .anonymous = source.anonymous};
	int err = kcalls_program_maps(c, &call, slot, &maps);

	map_files_mapped(c, &source, slot, !err);
	if (err)
		return err;
	e->ret = (void *)call.result;
	m->start = (uintptr_t)call.result;
	m->len = mapped_len(c, op);
	return 0;
}

/* Unmaps what the slot still has of its own in its span, range by range. */
static int unmap_own(struct child *c, uint32_t slot)
{
	uintptr_t start = c->m[slot].start, at = start, end = start + c->m[slot].len;
	struct range r;
	int first_err = 0;

	while (at < end && owned_first(c, at, end, &r)) {
		uintptr_t from = r.start > start ? r.start : start;
		uintptr_t to = r.end < end ? r.end : end;

		at = to;
		if (r.tag != slot)
			continue;
		struct kernel_call call = {.nr = SYS_munmap, .arg = {from, to - from}};
		int err = kcalls_program(c, &call, slot);

		if (err && !first_err)
			first_err = err;
	}
	return first_err;
}

static struct kernel_call call_on_part(const struct op *op, const struct part *part)
{
	struct kernel_call call = {.arg = {part->start, part->len}};

	switch (op->code) {
	case OP_MUNMAP:
		call.nr = SYS_munmap;
		break;
	case OP_MPROTECT:
		call.nr = SYS_mprotect;
		call.arg[2] = (uint32_t)op->map.prot;
		break;
	case OP_MSYNC:
		call.nr = SYS_msync;
		call.arg[2] = (uint32_t)op->map.flags;
		break;
	case OP_MLOCK:
		call.nr = SYS_mlock;
		break;
	case OP_MUNLOCK:
		call.nr = SYS_munlock;
		break;
	default:
		call.nr = SYS_madvise;
		call.arg[2] = (uint32_t)op->map.advice;
	}
	return call;
}

/* A call on the op's part of the slot. */
static int run_part(struct child *c, const struct op *op, uint32_t slot, const struct call_event *e)
{
	struct part part;

	if (part_of(c, op, slot, &part) != 0)
		return MAP_OP_SKIPPED;
	if (op->code == OP_MUNMAP)
		look_at_part(c, &part, e);
	struct kernel_call call = call_on_part(op, &part);

	return kcalls_program(c, &call, slot);
}

static int run_munmap(struct child *c, const struct op *op, uint32_t slot,
		      const struct call_event *e)
{
	struct map_slot *m = &c->m[slot];

	if (op->has_range)
		return run_part(c, op, slot, e);
	map_content_leaves(c, m->start, m->start + m->len, e);
	int err = unmap_own(c, slot);

	if (!err) {
		m->start = 0;
		m->len = 0;
	}
	return err;
}

/*
 * The slot `to` has what came back. What mremap left where it was (all that it was not asked for,
 * and the source of MREMAP_DONTUNMAP) stays the old slot's, beside it.
 */
static void follow_mremap(struct child *c, const struct op *op, uint32_t slot, uint32_t to,
			  const struct kernel_call *call)
{
	struct map_slot *m = &c->m[to];
	uintptr_t now = (uintptr_t)call->result;
	int err = 0;

	m->start = now;
	m->len = page_up(c, op->arg0);
	if (to != slot)
		map_files_share(c, slot, to);
	if (to != slot || now != call->arg[0])
		err = ledger_retag(c->ledger, now, now + m->len, to);
	if (err)
		child_failed(c, err, "the ledger could not follow the program's mappings");
}

static int run_mremap(struct child *c, const struct op *op, uint32_t slot, struct call_event *e)
{
	uint32_t to = op->map.has_to ? op->map.to : slot;
	uintptr_t address;
	struct part old;

	if ((op->map.has_to && c->m[to].start) || fixed_address(c, op, op->arg0, &address) != 0 ||
	    part_of(c, op, slot, &old) != 0)
		return MAP_OP_SKIPPED;
	look_at_part(c, &old, e);
	look_at_replaced(c, op, address, e);
	struct kernel_call call = {
		.nr = SYS_mremap,
		.arg = {old.start, old.len, op->arg0, (uint32_t)op->map.flags, address},
	};
	int err = kcalls_program(c, &call, to);

	if (err)
		return err;
	e->ret = (void *)call.result;
	follow_mremap(c, op, slot, to, &call);
	return 0;
}

static int run_truncate(struct child *c, const struct op *op, uint32_t slot)
{
	struct map_source_fd source;

	if (map_files_of(c, slot, &source) != 0)
		return MAP_OP_SKIPPED;
	struct kernel_call call = {.nr = SYS_ftruncate,
				   .arg = {(uint64_t)(int64_t)source.fd, op->arg0}};
	int err = kcalls_program(c, &call, slot);

	if (!err && c->pages)
		pages_truncate(c->pages, source.object, op->arg0);
	return err;
}

static int run_one(struct child *c, const struct op *op, uint32_t slot, struct call_event *e)
{
	switch (op->code) {
	case OP_MMAP:
		return run_mmap(c, op, slot, e);
	case OP_MUNMAP:
		return run_munmap(c, op, slot, e);
	case OP_MREMAP:
		return run_mremap(c, op, slot, e);
	case OP_TRUNCATE:
		return run_truncate(c, op, slot);
	case OP_TOUCH:
	case OP_CHECK:
	case OP_ADD:
		return map_access_run(c, op, slot, e);
	default:
		return run_part(c, op, slot, e);
	}
}

/* Where the kernel is the subject the lengths that it was asked for, and moves. */
static void note_reached(struct child *c, const struct call_event *e, size_t len_before)
{
	const struct op *op = e->op;

	if (!c->kernel || (op->code != OP_MMAP && op->code != OP_MREMAP))
		return;
	struct reached_request r = {.code = op->code, .size = op->arg0, .ret = e->ret};

	if (op->code == OP_MREMAP) {
		r.before = (const char *)e->before + (op->has_range ? op->range_off : 0);
		r.size_before = op->has_range ? op->range_len : len_before;
	}
	reached_request(c, &r);
}

void map_op_run(struct child *c, const struct op *op, uint32_t slot)
{
	struct call_event e = child_event(c, op, slot);

	if (op->code != OP_MMAP && !c->m[slot].start) {
		c->counts->skipped++;
		return;
	}
	size_t len_before = c->m[slot].len;

	e.before = (void *)c->m[slot].start;
	int err = run_one(c, op, slot, &e);

	if (err == MAP_OP_SKIPPED) {
		c->counts->skipped++;
		return;
	}
	if (c->reached)
		note_reached(c, &e, len_before);
	child_outcome(c, &e, err);
}
