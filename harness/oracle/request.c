#include "harness/oracle/model_internal.h"

static bool power_of_two(uint64_t x)
{
	return x && (x & (x - 1)) == 0;
}

static enum align_class align_class_of(unsigned code, uint64_t align)
{
	switch (code) {
	case OP_ALIGNED_ALLOC:
		return power_of_two(align) ? ALIGN_VALID : ALIGN_BAD;
	case OP_POSIX_MEMALIGN:
		return power_of_two(align) && align % sizeof(void *) == 0 ? ALIGN_VALID : ALIGN_BAD;
	case OP_MEMALIGN:
		return power_of_two(align) ? ALIGN_VALID : ALIGN_PROFILE;
	case OP_VALLOC:
	case OP_PVALLOC:
		return ALIGN_PAGE;
	default:
		return ALIGN_FUNDAMENTAL;
	}
}

struct request request_of(const struct call_event *e, size_t page_bytes)
{
	unsigned code = e->op->code;
	struct request r = {.count = 1, .size = e->op->arg0};

	switch (code) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		r.product = true;
		r.count = e->op->arg0;
		r.size = e->op->arg1;
		break;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		r.align = e->op->arg0;
		r.size = e->op->arg1;
		break;
	case OP_VALLOC:
	case OP_PVALLOC:
		r.align = page_bytes;
		break;
	}
	r.class = align_class_of(code, r.align);
	if (__builtin_mul_overflow(r.count, r.size, &r.bytes))
		r.bytes = UINT64_MAX;
	r.absurd = r.bytes > PTRDIFF_MAX;
	r.no_multiple = code == OP_ALIGNED_ALLOC && r.align && r.size % r.align;
	return r;
}
