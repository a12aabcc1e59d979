#include "harness/exec/reached.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/exec/edges.h"
#include "harness/exec/kcalls.h"

#define KEY_FIELD 8 /* bits of a key that each of its numbers gets */

struct part {
	uint32_t at, bytes; /* a power of two */
};

static const struct part parts[FEEDBACK_PARTS] = {
	[FEEDBACK_CALLS] = {0, FEEDBACK_CALLS_BYTES},
	[FEEDBACK_SIZES] = {FEEDBACK_CALLS_BYTES, FEEDBACK_SIZES_BYTES},
	[FEEDBACK_MOVES] = {FEEDBACK_CALLS_BYTES + FEEDBACK_SIZES_BYTES, FEEDBACK_MOVES_BYTES},
	[FEEDBACK_REFUSALS] = {FEEDBACK_CALLS_BYTES + FEEDBACK_SIZES_BYTES + FEEDBACK_MOVES_BYTES,
			       FEEDBACK_REFUSALS_BYTES},
	[FEEDBACK_ERRORS] = {FEEDBACK_STATES - FEEDBACK_ERRORS_BYTES, FEEDBACK_ERRORS_BYTES},
};

/* Threads of a section may lose a count, but never tear one. */
static void count(struct child *c, uint32_t place)
{
	uint8_t *state = &c->reached->states[place];
	uint8_t n = __atomic_load_n(state, __ATOMIC_RELAXED);

	if (n < UINT8_MAX)
		__atomic_store_n(state, (uint8_t)(n + 1), __ATOMIC_RELAXED);
}

/* The places of a part are as many as its bytes: the high bits of a product are mixed best. */
static void count_hashed(struct child *c, enum feedback_part part, uint64_t key)
{
	uint32_t hash = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40);

	count(c, parts[part].at + (hash & (parts[part].bytes - 1)));
}

void reached_clear(struct child *c)
{
	struct run_feedback *f = &c->shared->reached;

	if (!c->shared->config.fed)
		return;
	memset(f->states, 0, sizeof(f->states));
	memset(f->rounded, 0, sizeof(f->rounded));
	edges_clear(f);
	c->reached = f;
}

void reached_end(struct child *c)
{
	c->reached = NULL;
	edges_copy(&c->shared->reached);
}

/* Ops that an allocator serves in much the same way. */
static unsigned class_of(unsigned code)
{
	enum { ALLOCATES = 1, ALIGNS, RESIZES, FREES, TRIMS, OTHERS };

	if (code == OP_MALLOC || code == OP_CALLOC)
		return ALLOCATES;
	if (code == OP_REALLOC || code == OP_REALLOCARRAY)
		return RESIZES;
	if (op_fills_slot(code) && op_is_block_call(code))
		return ALIGNS;
	if (op_frees(code))
		return FREES;
	return code == OP_TRIM ? TRIMS : OTHERS;
}

/* Which of its kinds a call is, 0 to 3, as far as allocators choose between them. */
static unsigned kind_of(const struct kernel_call *call, int kcall)
{
	switch (kcall) {
	case KCALL_MMAP:
		return (call->arg[2] == PROT_NONE) | (call->arg[3] & MAP_FIXED ? 2u : 0);
	case KCALL_MPROTECT:
		return call->arg[2] == PROT_NONE;
	case KCALL_MREMAP:
		return (call->arg[2] < call->arg[1]) |
		       ((uint64_t)call->result != call->arg[0] ? 2u : 0);
	case KCALL_MADVISE:
		return call->arg[2] == MADV_DONTNEED ? 0 : call->arg[2] == MADV_FREE ? 1 : 2;
	case KCALL_BRK:
		return !call->arg[0] ? 0 : call->arg[0] < call->break_before ? 1 : 2;
	default:
		return 0;
	}
}

static unsigned outcome_of(int err)
{
	switch (err) {
	case 0:
		return 0;
	case ENOMEM:
		return 1;
	case EINVAL:
		return 2;
	default:
		return 3;
	}
}

/* The call and the two before it, where there were any, in this sort of op. */
static void note_sequence(struct child *c, const struct kernel_call *call, unsigned class)
{
	const uint64_t three = (UINT64_C(1) << 3 * KEY_FIELD) - 1;
	int kcall = kcall_of(call->nr);

	/* What changes no mapping has nothing to do with the others, but where it is judged. */
	if (kcall < 0 && call->caller == CALLER_ALLOCATOR)
		return;
	unsigned which = kcall < 0 ? KCALL_COUNT : (unsigned)kcall;
	uint64_t one = 1 + ((which << 2 | kind_of(call, kcall)) << 2 | outcome_of(call->err));

	c->call_history = (c->call_history << KEY_FIELD | one) & three;
	count_hashed(c, FEEDBACK_CALLS, (uint64_t) class << 3 * KEY_FIELD | c->call_history);
}

/* What of its flags makes the kernel treat a call of the program's differently. */
static uint64_t flags_class(const struct kernel_call *call)
{
	const uint64_t places = MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	switch (call->nr) {
	case SYS_mmap:
		return (call->arg[3] & places) << 4 | (call->arg[2] & 7) |
		       ((call->arg[3] & ~(places | MAP_PRIVATE)) != 0 ? 8 : 0);
	case SYS_mremap:
		return call->arg[3];
	case SYS_munmap:
	case SYS_mlock:
	case SYS_munlock:
	case SYS_ftruncate:
		return 0;
	default:
		return call->arg[2];
	}
}

static unsigned clamp_change(int64_t n)
{
	return (unsigned)((n < -2 ? -2 : n > 2 ? 2 : n) + 2);
}

/* What it did to the VMAs, as seen from the range that it names. */
static uint64_t merge_class(const struct child *c, const struct effect *effect, int64_t before)
{
	const struct span *s = &effect->touched[0];

	if (!ledger_is_exact(c->ledger) || s->start >= s->end)
		return 0;
	struct ledger_sides sides = ledger_sides_of(c->ledger, s->start, s->end);
	unsigned change = clamp_change(ledger_now(c->ledger)->total_maps - before);

	return 1 + ((change << 2 | sides.below) << 2 | sides.above);
}

void reached_kernel_call(struct child *c, const struct kernel_call *call,
			 const struct effect *effect, int64_t maps_before)
{
	unsigned code = c->pos->op_code;

	if (call->caller == CALLER_ALLOCATOR) {
		note_sequence(c, call, class_of(code));
		return;
	}
	if (!c->kernel)
		return;
	/* Numbers above those of note_sequence's classes keep the keys apart. */
	uint64_t op = (uint64_t)(OP_CODES + code) << 7 * KEY_FIELD;

	note_sequence(c, call, OP_CODES + code);
	count_hashed(c, FEEDBACK_CALLS, op | flags_class(call) << KEY_FIELD | (uint8_t)call->err);
	count_hashed(c, FEEDBACK_CALLS,
		     op | UINT64_C(1) << 6 * KEY_FIELD | merge_class(c, effect, maps_before));
}

/* Four an octave. */
static unsigned size_class(size_t n)
{
	if (n < 4)
		return (unsigned)n;
	unsigned log2 = 63 - (unsigned)__builtin_clzll(n);

	return log2 << 2 | (n >> (log2 - 2) & 3);
}

static unsigned octave(size_t n)
{
	return n ? 64 - (unsigned)__builtin_clzll(n) : 0;
}

/* 0: none; powers of two by their exponent, all others by their octave. */
static unsigned align_class(size_t align)
{
	return align & (align - 1) ? 0x80 | octave(align) : octave(align);
}

static void note_move(struct child *c, const struct reached_request *r)
{
	unsigned change = r->size > r->size_before ? 2 : r->size < r->size_before;
	unsigned how = (r->ret != r->before) << 2 | change;

	count_hashed(c, FEEDBACK_MOVES,
		     how << 2 * KEY_FIELD | octave(r->size_before) << KEY_FIELD | octave(r->size));
}

void reached_request(struct child *c, const struct reached_request *r)
{
	count_hashed(c, FEEDBACK_SIZES,
		     r->code << 2 * KEY_FIELD | size_class(r->size) << KEY_FIELD |
			     align_class(r->align));
	if (r->before && r->ret)
		note_move(c, r);
	reached_refusals(c, r->code, r->ret);
}

_Static_assert(FEEDBACK_REFUSALS_BYTES >= (OP_TRIM + 1) * (KCALL_COUNT + 1) * 2,
	       "each has a place of its own");

void reached_refusals(struct child *c, unsigned code, bool served)
{
	uint32_t left = c->refused_set;

	for (; left && code <= OP_TRIM; left &= left - 1) {
		unsigned kcall = (unsigned)__builtin_ctz(left);

		count(c, parts[FEEDBACK_REFUSALS].at + (code << 3 | kcall) * 2 + served);
	}
}

void reached_usable(struct child *c, size_t size, size_t usable)
{
	unsigned in = octave(usable);

	if (usable <= size || in > FEEDBACK_ROUNDED / FEEDBACK_ROUNDED_OCTAVE)
		return;
	uint64_t hash = usable * UINT64_C(0x9e3779b97f4a7c15) >> 40;
	size_t place = (in - 1) * FEEDBACK_ROUNDED_OCTAVE + hash % FEEDBACK_ROUNDED_OCTAVE;

	__atomic_store_n(&c->reached->rounded[place], usable, __ATOMIC_RELAXED);
}

void reached_error(struct child *c, unsigned code, int err)
{
	count_hashed(c, FEEDBACK_ERRORS, code << KEY_FIELD | (uint8_t)err);
}
