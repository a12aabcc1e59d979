#include "harness/oracle/lost_testing.h"

#include <sys/mman.h>

void begin(struct fixture *f, uint32_t capacity)
{
	*f = (struct fixture){.stmt = 3};
	assert_int_equal(arena_init(&f->arena, lost_arena_bytes(capacity)), 0);
	assert_int_equal(lost_new(&f->arena, capacity, &f->l), 0);
}

int start(void **state)
{
	static struct fixture f;

	begin(&f, CAPACITY);
	*state = &f;
	return 0;
}

int end(void **state)
{
	arena_release(&((struct fixture *)*state)->arena);
	return 0;
}

struct span pages(unsigned from, unsigned n)
{
	return (struct span){BASE + from * PAGE, BASE + (from + n) * PAGE};
}

/* The arguments with which the call would have given that back. */
static void ask(struct kernel_call *c, struct span back)
{
	uint64_t len = back.end - back.start;

	switch (c->nr) {
	case SYS_munmap:
		memcpy(c->arg, (uint64_t[]){back.start, len}, 2 * sizeof(uint64_t));
		break;
	case SYS_madvise:
		memcpy(c->arg, (uint64_t[]){back.start, len, MADV_DONTNEED}, 3 * sizeof(uint64_t));
		break;
	case SYS_mremap: /* a mapping of one page more shrinks to that */
		memcpy(c->arg, (uint64_t[]){back.start - PAGE, len + PAGE, PAGE},
		       3 * sizeof(uint64_t));
		break;
	}
}

void call(struct fixture *f, const struct kernel_call *c, const struct effect *e)
{
	struct kernel_call asked = *c;
	struct lost_at at = {.stmt = f->stmt,
			     .slot = 7,
			     .iteration = f->calls++,
			     .op_code = OP_FREE,
			     .thread = 1,
			     .has_slot = SPACE_BLOCK,
			     .in_fork = 1};

	ask(&asked, e->back);
	lost_call(f->l, &asked, e, &at);
}

void unmap(struct fixture *f, struct span s, int err)
{
	struct kernel_call c = {.nr = SYS_munmap, .err = err};
	struct effect e = {.back = s, .gone = err ? (struct span){0} : s};

	call(f, &c, &e);
}

void purge(struct fixture *f, struct span s, int err)
{
	struct kernel_call c = {.nr = SYS_madvise, .err = err};
	struct effect e = {.back = s, .purge = true};

	call(f, &c, &e);
}
