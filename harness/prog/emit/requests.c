#include "harness/prog/emit/requests.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/prog/emit/say.h"

#define CAUSELESS_MAX ((uint64_t)1 << 30)
#define HUGE_ALIGN    ((uint64_t)1 << 62)

static bool is_power_of_two(uint64_t x)
{
	return x && (x & (x - 1)) == 0;
}

static void read_sizes(struct request *r)
{
	r->count = 1;
	r->size = r->a;
	if (r->call == CALLOC || r->call == REALLOCARRAY) {
		r->count = r->a;
		r->size = r->b;
	} else if (r->call == ALIGNED_ALLOC || r->call == POSIX_MEMALIGN || r->call == MEMALIGN) {
		r->align = r->a;
		r->size = r->b;
	}
	if (__builtin_mul_overflow(r->count, r->size, &r->bytes))
		r->bytes = UINT64_MAX;
	r->is_absurd = r->bytes > PTRDIFF_MAX;
}

static void read_align(struct request *r)
{
	bool is_sound = is_power_of_two(r->align);

	if (r->call == ALIGNED_ALLOC) {
		r->is_bad_align = !is_sound;
		r->is_no_multiple = r->align && r->size % r->align;
	} else if (r->call == POSIX_MEMALIGN) {
		r->is_bad_align = !is_sound || r->align % sizeof(void *);
	} else if (r->call == MEMALIGN) {
		r->is_odd_align = !is_sound;
	} else if (r->call == VALLOC || r->call == PVALLOC) {
		r->align = PAGE;
	}
}

void request_read(struct request *r)
{
	read_sizes(r);
	read_align(r);
}

static bool einval_fits(const struct request *r)
{
	return r->is_bad_align || r->is_odd_align || r->is_no_multiple || r->align >= HUGE_ALIGN;
}

static bool error_fits(const struct request *r, int err)
{
	if (err == EINVAL)
		return einval_fits(r);
	return err == ENOMEM && (!r->is_bad_align || r->bytes > CAUSELESS_MAX);
}

/* Whether this process can map a few more pages, and the bytes: then nothing was refused. */
static bool has_room(size_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	size_t len = bytes / PAGE * PAGE + 9 * PAGE;
	char *p = mmap(NULL, len, PROT_NONE, flags, -1, 0);
	bool splits = true;

	if (p == MAP_FAILED)
		return false;
	for (size_t i = 1; i < 9; i += 2)
		splits &= mprotect(p + i * PAGE, PAGE, PROT_READ) == 0;
	munmap(p, len);
	return splits;
}

static void judge_cause(const struct request *r, int err)
{
	bool is_odd = r->is_bad_align || r->is_odd_align || r->is_no_multiple;

	if (allowed_now()->n || is_odd || !r->bytes || r->bytes > CAUSELESS_MAX ||
	    r->align > CAUSELESS_MAX - r->bytes)
		return;
	if (has_room(r->bytes + r->align))
		wrong("NULL (%s) for %llu bytes, and the kernel would have had room",
		      strerrorname_np(err), (unsigned long long)r->bytes);
}

const char *errno_word(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "no errno";
}

void request_judge_null(const struct request *r)
{
	if (r->bytes == 0)
		return;
	if (!error_fits(r, r->err) && !is_allowed(r->err ? r->err : NO_ERRNO))
		wrong("NULL with errno %s, must be %s", errno_word(r->err),
		      r->is_bad_align ? "EINVAL" : "ENOMEM");
	judge_cause(r, r->err);
}

void request_judge_posix_memalign(const struct request *r)
{
	bool fits = r->result ? error_fits(r, r->result) : r->ret || r->bytes == 0;
	bool accepts_bad = !r->result && r->is_bad_align && !r->is_absurd && !is_allowed(OK);

	if (r->err != r->err_before)
		wrong("it changed errno to %s", errno_word(r->err));
	if (accepts_bad && !r->ret)
		wrong("it accepted the alignment %zu", r->a);
	if (!accepts_bad && !fits && !is_allowed(r->result))
		wrong("it returned %s, must be %s", errno_word(r->result),
		      r->is_bad_align ? "EINVAL" : "ENOMEM");
	if (r->result)
		judge_cause(r, r->result);
}

void request_judge_accepted(const struct request *r)
{
	if (r->is_absurd)
		wrong("%p for more bytes than an address space holds", r->ret);
	if (r->is_bad_align && !is_allowed(OK))
		wrong("it accepted the alignment %zu", r->a);
}

void request_judge_alignment(const struct request *r)
{
	uint64_t want = _Alignof(max_align_t);

	while (want > 1 && r->bytes < want)
		want /= 2;
	if (r->is_bad_align || (r->align == PAGE && r->call >= VALLOC && !r->bytes))
		want = 1;
	else if (r->align && !r->is_odd_align)
		want = r->align;
	if ((uintptr_t)r->ret % want)
		wrong("%p is not aligned to %llu", r->ret, (unsigned long long)want);
}
