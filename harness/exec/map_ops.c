/*
 * map_ops.c - one mapping call of the program's own on one slot.
 *
 * The harness never lets a program reach memory that is not its own: a range that runs into
 * somebody else's mapping (the allocator may have been given a hole that the program made) is not
 * touched, and the op is skipped and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/map_touch.h"
#include "harness/exec/owned.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Lengths of hugetlb mappings are whole huge pages. */
static size_t mapped_len(const struct child *c, const struct op *op)
{
	int log2_size = (op->map.flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	if (!(op->map.flags & MAP_HUGETLB))
		return page_up(c, op->arg0);
	size_t huge = (size_t)1 << (log2_size ? log2_size : 21);

	return (op->arg0 + huge - 1) & ~(huge - 1);
}

/* The op's part of the slot as an address range; an empty or unaligned one is the kernel's to
 * judge. */
static int part_of(struct child *c, const struct op *op, uint32_t slot, uintptr_t *ret_start,
		   size_t *ret_len)
{
	const struct map_slot *m = &c->m[slot];
	uintptr_t start = m->start;
	size_t len = m->len;

	if (op->has_range) {
		if (op->range_off > INTPTR_MAX - start ||
		    op->range_len > INTPTR_MAX - start - op->range_off - c->page_bytes)
			return MAP_OP_SKIPPED;
		start += op->range_off;
		len = op->range_len;
	}
	*ret_start = start;
	*ret_len = len;
	if (start % c->page_bytes == 0 && len != 0 &&
	    !owned_free_to_use(c, slot, start, start + page_up(c, len)))
		return MAP_OP_SKIPPED;
	return 0;
}

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR");

	return open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* A descriptor for the op's source, to be closed; -1 where the call gets none. */
static int open_source(const struct op *op, int *ret_fd)
{
	int fd = -1;

	switch (op->map.source) {
	case SOURCE_ZERO:
		fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
		break;
	case SOURCE_FILE:
		fd = temporary_file();
		break;
	case SOURCE_MEMFD:
		fd = memfd_create("allocrig", MFD_CLOEXEC);
		break;
	default:
		*ret_fd = -1;
		return 0;
	}
	if (fd < 0)
		return -errno;
	if (op->map.source != SOURCE_ZERO && op->arg0 <= INT64_MAX &&
	    ftruncate(fd, (off_t)op->arg0) != 0 && op->arg0 < (1ull << 40)) {
		int err = errno;

		close(fd);
		return -err;
	}
	*ret_fd = fd;
	return 0;
}

/* The address of fixed=m[target]+offset; MAP_OP_SKIPPED when the range would leave the target's
 * mapping. */
static int fixed_address(struct child *c, const struct op *op, size_t len, uintptr_t *ret_address)
{
	const struct map_slot *t = &c->m[op->map.target];

	*ret_address = 0;
	if (!op->map.has_target)
		return 0;
	if (!t->start || op->map.target_off > t->len)
		return MAP_OP_SKIPPED;
	bool replaces = !(op->code == OP_MMAP && op->map.flags & MAP_FIXED_NOREPLACE);

	if (replaces && (len > t->len - op->map.target_off ||
			 !owned_free_to_use(c, op->map.target, t->start + op->map.target_off,
					    t->start + op->map.target_off + page_up(c, len))))
		return MAP_OP_SKIPPED;
	*ret_address = t->start + op->map.target_off;
	return 0;
}

static bool is_plain(const struct op *op)
{
	const int wanted = PROT_READ | PROT_WRITE;

	return op->map.source == SOURCE_ANON && op->map.prot == wanted && !op->map.has_target &&
	       (op->map.flags & MAP_TYPE) == MAP_PRIVATE && !(op->map.flags & MAP_HUGETLB);
}

static int run_mmap(struct child *c, const struct op *op, uint32_t slot, struct call_event *e)
{
	struct map_slot *m = &c->m[slot];
	uintptr_t address;
	int fd = -1;

	if (m->start || fixed_address(c, op, op->arg0, &address) != 0)
		return MAP_OP_SKIPPED;
	int err = open_source(op, &fd);

	if (err) {
		child_failed(c, err, "the source of a mapping could not be opened");
		return MAP_OP_SKIPPED;
	}
	struct kernel_call call = {
		.nr = SYS_mmap,
		.arg = {address, op->arg0, (uint32_t)op->map.prot, (uint32_t)op->map.flags,
			(uint64_t)(int64_t)fd, 0},
	};

	err = kcalls_program(c, &call, slot);
	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	e->ret = (void *)call.result;
	*m = (struct map_slot){
		.start = (uintptr_t)call.result, .len = mapped_len(c, op), .plain = is_plain(op)};
	if (op->map.has_target)
		owned_taint(c, op->map.target);
	owned_add(c, slot, m->start, m->len);
	return 0;
}

/*
 * Unmaps what the slot still has in [start, start + len), range by range: after parts were
 * unmapped, the holes may be somebody else's.
 */
static int unmap_ranges(struct child *c, uint32_t slot, uintptr_t start, size_t len)
{
	uintptr_t at = start, end = start + len;
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

		if (!err)
			owned_remove(c, from, to - from);
		else if (!first_err)
			first_err = err;
	}
	return first_err;
}

static struct kernel_call call_on_part(const struct op *op, uintptr_t start, size_t len)
{
	switch (op->code) {
	case OP_MUNMAP:
		return (struct kernel_call){.nr = SYS_munmap, .arg = {start, len}};
	case OP_MPROTECT:
		return (struct kernel_call){.nr = SYS_mprotect,
					    .arg = {start, len, (uint32_t)op->map.prot}};
	default:
		return (struct kernel_call){.nr = SYS_madvise,
					    .arg = {start, len, (uint32_t)op->map.advice}};
	}
}

/* munmap, mprotect or madvise on the op's part of the slot, in one call. */
static int run_part(struct child *c, const struct op *op, uint32_t slot)
{
	uintptr_t start;
	size_t len;

	if (part_of(c, op, slot, &start, &len) != 0)
		return MAP_OP_SKIPPED;
	struct kernel_call call = call_on_part(op, start, len);
	int err = kcalls_program(c, &call, slot);

	owned_taint(c, slot);
	if (!err && op->code == OP_MUNMAP)
		owned_remove(c, start, page_up(c, len));
	return err;
}

static void look_at_content(struct child *c, const struct call_event *e)
{
	if (!c->model || !c->m[e->slot].plain)
		return;
	struct crash_guard guard = {
		.start = c->m[e->slot].start,
		.end = c->m[e->slot].start + c->m[e->slot].len,
	};

	position_phase(c->pos, PHASE_TOUCH);
	if (sigsetjmp(guard.env, 0) == 0) {
		crash_guard_arm(&guard);
		oracle_map_content(c->model, e, &c->shared->findings);
		crash_guard_disarm();
	} else {
		map_vanished(c, e);
		owned_taint(c, e->slot);
	}
	position_phase(c->pos, PHASE_HARNESS);
}

static int run_munmap(struct child *c, const struct op *op, uint32_t slot,
		      const struct call_event *e)
{
	struct map_slot *m = &c->m[slot];

	look_at_content(c, e);
	if (op->has_range)
		return run_part(c, op, slot);
	int err = unmap_ranges(c, slot, m->start, m->len);

	if (!err)
		*m = (struct map_slot){0};
	return err;
}

/* MREMAP_DONTUNMAP leaves the old range mapped: it stays the slot's, beside the new one. */
static void follow_mremap(struct child *c, const struct op *op, uint32_t slot, uintptr_t now)
{
	struct map_slot *m = &c->m[slot], old = *m;
	size_t len = page_up(c, op->arg0);

	if (op->map.has_target)
		owned_taint(c, op->map.target);
	owned_remove(c, old.start, old.len);
	*m = (struct map_slot){.start = now, .len = len};
	owned_add(c, slot, now, len);
}

static int run_mremap(struct child *c, const struct op *op, uint32_t slot, struct call_event *e)
{
	struct map_slot *m = &c->m[slot];
	uintptr_t address;

	look_at_content(c, e);
	if (fixed_address(c, op, op->arg0, &address) != 0 ||
	    !owned_free_to_use(c, slot, m->start, m->start + m->len))
		return MAP_OP_SKIPPED;
	owned_taint(c, slot);
	struct kernel_call call = {
		.nr = SYS_mremap,
		.arg = {m->start, m->len, op->arg0, (uint32_t)op->map.flags, address},
	};
	int err = kcalls_program(c, &call, slot);

	if (err)
		return err;
	e->ret = (void *)call.result;
	follow_mremap(c, op, slot, (uintptr_t)call.result);
	return 0;
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
	case OP_MPROTECT:
	case OP_MADVISE:
		return run_part(c, op, slot);
	default:
		return map_touch_run(c, op, slot, e);
	}
}

void map_op_run(struct child *c, const struct op *op, uint32_t slot)
{
	struct call_event e = child_event(c, op, slot);

	if (op->code != OP_MMAP && !c->m[slot].start) {
		c->counts->skipped++;
		return;
	}
	e.before = (void *)c->m[slot].start;
	int err = run_one(c, op, slot, &e);

	if (err == MAP_OP_SKIPPED)
		c->counts->skipped++;
	else
		child_outcome(c, &e, err);
}
