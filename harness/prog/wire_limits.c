#include <errno.h>
#include <sys/mman.h>

#include "harness/prog/wire_item.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define ADDRESS_SPACE  (UINT64_C(1) << 47) /* what one process can map: no request reaches it */
#define BYTES_PER_WORK (UINT64_C(1) << 13) /* two first touches of pages take longer than an op */
#define LARGE_BLOCK    (UINT64_C(1) << 17)
#define ALL_CODES      ((UINT64_C(1) << OP_CODES) - 1)

_Static_assert(OP_CODES < 64, "sets of codes have 64 bits");

const struct wire_limits wire_unlimited = {
	.ops = SIZE_MAX,
	.work = UINT64_MAX,
	.rounds = UINT64_MAX,
	.forks = UINT64_MAX,
	.sleep_ns = UINT64_MAX,
	.size_bytes = UINT64_MAX,
	.align_bytes = UINT64_MAX,
	.live_bytes = UINT64_MAX,
	.resident_bytes = UINT64_MAX,
	.ballast = UINT64_MAX,
	.threads = PROG_MAX_THREADS,
	.depth = PROG_MAX_DEPTH,
	.faults = PROG_MAX_FAULTS,
	.needs = PROG_MAX_NEEDS,
	.codes = ALL_CODES,
};

const struct wire_limits wire_fuzz_limits = {
	.ops = 4096,
	.work = 500000,
	.rounds = 100000,
	.forks = 8,
	.sleep_ns = 5000000,
	.size_bytes = UINT64_C(1) << 30,
	.align_bytes = UINT64_C(64) << 20, /* allocators may clear all of it */
	.live_bytes = UINT64_C(32) << 30,  /* 65,536 maps of 128 KiB, four times */
	.resident_bytes = UINT64_C(2) << 30,
	.ballast = 32768,
	.threads = 4,
	.depth = PROG_MAX_DEPTH,
	.faults = PROG_MAX_FAULTS,
	.needs = 0,
	.codes = ALL_CODES,
	.no_judging = true,
	.real_errors = true,
	.no_hazards = true,
};

static uint64_t product(uint64_t a, uint64_t b)
{
	uint64_t result;

	return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

uint64_t wire_op_bytes(const struct op *op)
{
	uint64_t bytes = 0;

	switch (op->code) {
	case OP_MALLOC:
	case OP_REALLOC:
	case OP_VALLOC:
	case OP_PVALLOC:
	case OP_MMAP:
	case OP_MREMAP:
	case OP_TRUNCATE:
		bytes = op->arg0;
		break;
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		bytes = product(op->arg0, op->arg1);
		break;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		bytes = op->arg1;
		break;
	default:
		break;
	}
	return bytes < ADDRESS_SPACE ? bytes : 0;
}

static bool takes_alignment(const struct op *op)
{
	return op->code == OP_ALIGNED_ALLOC || op->code == OP_POSIX_MEMALIGN ||
	       op->code == OP_MEMALIGN;
}

/* What an allocator may map to have a block at such an address; 0 where none can be had. */
static uint64_t align_bytes(const struct op *op)
{
	return takes_alignment(op) && op->arg0 < ADDRESS_SPACE ? op->arg0 : 0;
}

uint64_t wire_op_reserved(const struct op *op)
{
	return wire_op_bytes(op) + align_bytes(op);
}

static void limit_align(uint64_t most, struct op *op)
{
	if (align_bytes(op) > most)
		op->arg0 = UINT64_C(1) << (63 - __builtin_clzll(most));
}

/* A size that could be had, but is more than the limits allow. */
static void limit_size(uint64_t most, struct op *op)
{
	if (wire_op_bytes(op) <= most)
		return;
	switch (op->code) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		if (op->arg1 > most)
			op->arg1 = most;
		op->arg0 = op->arg1 ? most / op->arg1 : 0;
		break;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		op->arg1 = most;
		break;
	default:
		op->arg0 = most;
	}
}

/* EAGAIN: locked memory, and advice that could not be followed now. EINVAL: locked pages. */
static bool is_real_error(uint32_t call, int err)
{
	bool advises = call == KCALL_MADVISE || call == KCALL_PROCESS_MADVISE;

	switch (err) {
	case ENOMEM:
		return true;
	case EAGAIN:
		return advises || call == KCALL_MMAP || call == KCALL_MREMAP;
	case EINVAL:
		return advises;
	case EPERM:
		return call == KCALL_PROCESS_MADVISE;
	default:
		return false;
	}
}

void wire_limit_fault(const struct wire_limits *limits, struct fault_plan *f)
{
	if (limits->real_errors && !is_real_error(f->call, (int)f->err))
		f->err = ENOMEM;
}

bool wire_limit_op(const struct wire_limits *limits, struct op *op)
{
	if (!(limits->codes >> op->code & 1))
		return false;
	if (limits->no_hazards && op->code == OP_MADVISE &&
	    (op->map.advice == MADV_HWPOISON || op->map.advice == MADV_SOFT_OFFLINE))
		return false;
	if (limits->no_judging && op->code == OP_EXPECT)
		return false;
	if (limits->no_judging)
		op->outcomes = (struct outcomes){0};
	limit_size(limits->size_bytes, op);
	limit_align(limits->align_bytes, op);
	return true;
}

/* What one element may make resident, where that is not what it touches. */
static uint64_t resident_bytes(const struct op *op, uint64_t largest)
{
	uint64_t range = op->has_range && op->range_len < largest ? op->range_len : largest;

	switch (op->code) {
	case OP_CALLOC:
	case OP_REALLOC:
	case OP_REALLOCARRAY:
		return wire_op_bytes(op);
	case OP_MMAP:
		return op->map.flags & (MAP_POPULATE | MAP_LOCKED | MAP_HUGETLB) ? wire_op_bytes(op)
										 : 0;
	case OP_TOUCH:
	case OP_CHECK:
	case OP_ADD:
	case OP_MLOCK:
	case OP_MADVISE:
	case OP_MSYNC:
		return range;
	default:
		return 0;
	}
}

/* Most allocators have mappings of their own for blocks of that size. */
static bool may_map(const struct op *op)
{
	switch (op->code) {
	case OP_MMAP:
	case OP_MUNMAP:
	case OP_MREMAP:
	case OP_MPROTECT:
	case OP_MADVISE:
	case OP_MSYNC:
	case OP_MLOCK:
	case OP_MUNLOCK:
	case OP_TRUNCATE:
		return true;
	default:
		return wire_op_bytes(op) >= LARGE_BLOCK;
	}
}

static uint64_t elements_of(const struct slice *s)
{
	if (s->single)
		return 1;
	return slice_is_empty(s) ? 0 : (s->stop - 1 - s->start) / s->step + 1;
}

/* A budget, and what one element takes of it. */
struct budget {
	uint64_t limit;
	uint64_t *spent;
	uint64_t each;
};

/* How many elements a budget has left. */
static uint64_t budget_fits(const struct budget *b)
{
	if (b->limit == UINT64_MAX || b->each == 0)
		return UINT64_MAX;
	return (b->limit - *b->spent) / b->each;
}

/* Of `most` elements, as many as all the budgets have left; takes them off. */
static uint64_t budgets_spend(const struct budget *budgets, size_t n, uint64_t most)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t fits = budget_fits(&budgets[i]);

		if (fits < most)
			most = fits;
	}
	for (size_t i = 0; i < n; i++)
		if (budgets[i].limit != UINT64_MAX)
			*budgets[i].spent += most * budgets[i].each;
	return most;
}

static bool spend_sleep(const struct wire_limits *limits, struct wire_spent *spent, uint64_t rounds,
			struct op *op)
{
	if (op->code != OP_SLEEP || limits->sleep_ns == UINT64_MAX)
		return true;
	uint64_t most = (limits->sleep_ns - spent->sleep_ns) / rounds;

	if (most == 0)
		return false;
	if (op->arg0 > most)
		op->arg0 = most;
	spent->sleep_ns += op->arg0 * rounds;
	return true;
}

static bool spend_fork(const struct wire_limits *limits, struct wire_spent *spent, uint64_t rounds,
		       const struct op *op)
{
	if (op->code != OP_FORK || limits->forks == UINT64_MAX)
		return true;
	if (rounds > limits->forks - spent->forks)
		return false;
	spent->forks += rounds;
	return true;
}

bool wire_spend(const struct wire_limits *limits, struct wire_spent *spent, uint64_t rounds,
		struct op *op)
{
	if (rounds == 0)
		return true;
	uint64_t elements = op->space == SPACE_NONE ? 1 : elements_of(&op->slice);
	uint64_t resident = elements ? resident_bytes(op, spent->largest) : 0;
	struct wire_spent after = *spent;
	uint64_t work = limits->mapping_work && may_map(op) ? limits->mapping_work : 1;
	struct budget budgets[] = {
		{limits->work, &after.work, product(work + resident / BYTES_PER_WORK, rounds)},
		{limits->live_bytes, &after.live_bytes, elements ? wire_op_reserved(op) : 0},
		{limits->resident_bytes, &after.resident_bytes, resident},
	};
	uint64_t n = budgets_spend(budgets, 3, elements ? elements : 1);

	if (n == 0 || !spend_sleep(limits, &after, rounds, op) ||
	    !spend_fork(limits, &after, rounds, op))
		return false;
	if (n < elements)
		op->slice.stop = op->slice.start + (uint32_t)(n - 1) * op->slice.step + 1;
	*spent = after;
	return true;
}
