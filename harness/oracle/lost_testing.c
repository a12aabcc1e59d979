#include "harness/oracle/lost_testing.h"

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

void call(struct fixture *f, const struct kernel_call *c, const struct effect *e)
{
	struct lost_at at = {.stmt = f->stmt,
			     .slot = 7,
			     .iteration = f->calls++,
			     .op_code = OP_FREE,
			     .thread = 1,
			     .has_slot = SPACE_BLOCK,
			     .in_fork = 1};

	lost_call(f->l, c, e, &at);
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
