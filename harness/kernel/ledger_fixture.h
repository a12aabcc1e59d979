/*
 * ledger_fixture.h - a ledger of a test's own child, calls that it follows, and what the kernel's
 * table says of the same moment.
 */
#ifndef KERNEL_LEDGER_FIXTURE_H
#define KERNEL_LEDGER_FIXTURE_H

#include <sys/syscall.h>

#include "harness/kernel/accounts_fixture.h"
#include "harness/kernel/ledger_priv.h"

#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define RW     (PROT_READ | PROT_WRITE)

#define PROGRAM_RANGES 20000

static struct ledger *ledger;

/* Everything but ledger_begin. */
static inline void ledger_setup(void)
{
	struct ledger_options o = {.program_ranges = PROGRAM_RANGES};

	CHECK_EQ(sysconf(_SC_PAGESIZE), PAGE);
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes() + ledger_arena_bytes(&o)), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	o.accounts = acc;
	CHECK_EQ(ledger_new(&arena, &o, &ledger), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	CHECK_EQ(accounts_exclude_images(acc), 0);
	CHECK_EQ(accounts_plug(acc), 0);
}

static inline void ledger_start(void)
{
	bool exact = false;

	CHECK_EQ(ledger_begin(ledger, &exact), 0);
	if (!exact)
		CHILD_SKIP("no PROCMAP_QUERY (before 6.11)");
}

/* What libc's wrapper would tell, with the kernel's result as it came. */
static inline void make_call(struct kernel_call *c)
{
	long ret;

	errno = 0;
	if (c->nr == SYS_brk)
		c->break_before = (uint64_t)syscall(SYS_brk, 0);
	ret = syscall(c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
	c->err = ret == -1 ? errno : 0;
	c->result = c->err ? -c->err : ret;
	if (c->nr == SYS_brk && c->arg[0] != (uint64_t)ret)
		c->err = ENOMEM;
}

static inline void apply_call(const struct kernel_call *c, uint32_t slot)
{
	struct effect e;

	effect_of(c, PAGE, &e);
	CHECK_EQ(ledger_apply(ledger, c, &e, slot), 0);
}

/* Makes the call, and lets the ledger follow. Its result as the kernel returns it. */
#define CALL(caller_, slot_, nr_, ...)                                                             \
	({                                                                                         \
		struct kernel_call call_ = {                                                       \
			.nr = (nr_), .caller = (caller_), .arg = {__VA_ARGS__}};                   \
		make_call(&call_);                                                                 \
		apply_call(&call_, slot_);                                                         \
		call_.result;                                                                      \
	})

#define BY_ALLOCATOR(...)     CALL(CALLER_ALLOCATOR, 0, __VA_ARGS__)
#define BY_PROGRAM(slot, ...) CALL(CALLER_PROGRAM, slot, __VA_ARGS__)

struct listing {
	struct vma v[1024];
	uint32_t n;
};

static inline void listing_begin(void *ctx)
{
	((struct listing *)ctx)->n = 0;
}

static inline int listing_vma(void *ctx, const struct vma *found)
{
	struct listing *t = ctx;

	if (t->n < sizeof(t->v) / sizeof(*t->v))
		t->v[t->n] = *found;
	t->n++;
	return 0;
}

static inline void list_vmas(struct listing *ret_listing)
{
	CHECK_EQ(maps_walk(&acc->maps,
			   &(struct maps_visitor){listing_begin, listing_vma, ret_listing}),
		 0);
}

/* The main stack grows without any call. */
static inline void check_vmas(const struct listing *t)
{
	struct vma_node *n = vma_table_at_or_above(&ledger->vmas, 0);

	CHECK_EQ(ledger->vmas.count, t->n);
	for (uint32_t i = 0; i < t->n && t->n <= sizeof(t->v) / sizeof(*t->v); i++) {
		CHECK(n);
		if (t->v[i].kind != VMA_STACK)
			CHECK_EQ(n->start, t->v[i].start);
		CHECK_EQ(n->end, t->v[i].end);
		CHECK_EQ(n->flags, t->v[i].flags);
		CHECK_EQ(n->owners, ledger_owners(ledger, (struct span){n->start, n->end}));
		n = vma_table_next(n);
	}
}

/* The numbers of a fresh reading. */
static inline void check_counts(void)
{
	const struct ledger_counts *now = ledger_now(ledger), *peak = ledger_peak(ledger);
	struct snapshot s;

	CHECK_EQ(accounts_take(acc, SNAPSHOT_MAPS, &s), 0);
	CHECK_EQ(now->total_maps, s.total_maps);
	CHECK_EQ(now->maps, s.maps);
	CHECK_EQ(now->mapped_bytes, s.mapped_bytes);
	CHECK(peak->total_maps >= now->total_maps && peak->maps >= now->maps &&
	      peak->mapped_bytes >= now->mapped_bytes);
}

static inline void check_now(void)
{
	struct listing t;

	list_vmas(&t);
	check_vmas(&t);
	check_counts();
}

/* Difference of a member of struct ledger_counts. */
#define CHECK_BY(before, caller, maps_, pages_)                                                    \
	do {                                                                                       \
		const struct ledger_counts *now_ = ledger_now(ledger);                             \
		CHECK_EQ(now_->maps_by[caller] - (before)->maps_by[caller], maps_);                \
		CHECK_EQ(now_->mapped_by[caller] - (before)->mapped_by[caller],                    \
			 (int64_t)(PAGE * (pages_)));                                              \
		check_now();                                                                       \
	} while (0)

#endif
