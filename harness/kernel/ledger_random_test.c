/*
 * Random sequences of mapping calls. After each the ledger is compared with the kernel's table, and
 * its owners with a model that has one entry per page.
 *
 * ALLOCRIG_ROUNDS=N runs N times as many calls.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/shm.h>

#include "harness/kernel/ledger_model_fixture.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define SYS_MSEAL 462

#define CALLS	     1200 /* per seed */
#define HOT_PAGES    96	  /* where most calls go: at the end where the kernel puts mappings */
#define HEAP_PAGES   4096
#define SLOTS	     24
#define SEGMENTS     4
#define FILE_PAGES   64
#define LIMIT_CALLS  40
#define LIMIT_MARGIN 12 /* maps left below the limit */

static uintptr_t heap_least, heap_most; /* below is what libc has */
static uint64_t seed;
static uint64_t attached; /* by the last shmat */
static int memfd, zero_fd, segments[SEGMENTS];
static bool quiet_seal = true; /* what is sealed never goes again */

static uint32_t upto(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static uint64_t rounds(void)
{
	const char *text = getenv("ALLOCRIG_ROUNDS");

	return text ? strtoul(text, NULL, 10) : 1;
}

/* In the old layout (setarch -L) the mmap area grows upwards. */
static bool grows_up(void)
{
	return personality(0xffffffff) & ADDR_COMPAT_LAYOUT;
}

static uintptr_t hot_address(void)
{
	uintptr_t hot = area.base + (grows_up() ? 0 : area.pages - HOT_PAGES) * PAGE;

	return hot + upto(HOT_PAGES) * PAGE;
}

/* What lies above the area is the harness's. */
static uint64_t clip(uintptr_t start, uint64_t len)
{
	uint64_t room = area.base + area.pages * PAGE - start;

	return len < room ? len : room;
}

/* For `len` bytes. */
static uintptr_t hot_target(uint64_t len)
{
	uintptr_t at = hot_address();

	return clip(at, len) == len ? at
				    : area.base + area.pages * PAGE - ((len + PAGE - 1) & -PAGE);
}

static uint64_t some_len(void)
{
	static const uint64_t pages[] = {1, 1, 1, 2, 2, 3, 4, 5, 8, 13, 24, 40};
	uint64_t len = pages[upto(12)] * PAGE;

	return upto(8) ? len : len - upto(PAGE - 1);
}

static uint64_t some_prot(void)
{
	static const uint64_t prots[] = {PROT_NONE, PROT_READ, RW, RW, RW, RW | PROT_EXEC};

	return prots[upto(6)];
}

/* A VMA or a part of one, so that calls meet edges more often than by chance. */
static void some_range(uint64_t *ret_start, uint64_t *ret_len)
{
	struct vma_node *n = vma_table_at_or_above(&ledger->vmas, hot_address());

	*ret_len = some_len();
	*ret_start = hot_target(*ret_len);
	if (upto(2) || !n || n->start >= area.base + area.pages * PAGE)
		return;
	*ret_start = n->start;
	*ret_len = n->end - n->start;
	if (*ret_len > PAGE && upto(3) == 0)
		*ret_start += PAGE * upto((uint32_t)(*ret_len / PAGE));
	*ret_len = clip(*ret_start, upto(3) ? *ret_len : some_len());
}

static struct kernel_call some_mmap(void)
{
	static const uint64_t extra[] = {
		0, 0, 0, 0, MAP_NORESERVE, MAP_POPULATE, MAP_GROWSDOWN, MAP_LOCKED, MAP_STACK};
	struct kernel_call c = {.nr = SYS_mmap, .arg = {0, some_len(), some_prot(), 0, -1u, 0}};
	uint64_t flags = extra[upto(9)];

	switch (upto(8)) {
	case 0:
		flags |= SHARED;
		break;
	case 1:
		flags = (upto(2) ? MAP_PRIVATE : MAP_SHARED);
		c.arg[4] = (uint64_t)memfd;
		c.arg[5] = PAGE * upto(8);
		break;
	case 2:
		flags = MAP_PRIVATE;
		c.arg[4] = (uint64_t)zero_fd;
		break;
	default:
		flags |= ANON;
	}
	if (upto(2)) {
		c.arg[0] = hot_target(c.arg[1]) + (upto(30) == 0);
		flags |= upto(6) == 0 ? MAP_FIXED_NOREPLACE : upto(4) ? MAP_FIXED : 0;
	}
	if (upto(60) == 0)
		flags |= MAP_HUGETLB;
	c.arg[3] = flags;
	return c;
}

static struct kernel_call some_mremap(void)
{
	static const uint64_t flags[] = {0,
					 MREMAP_MAYMOVE,
					 MREMAP_MAYMOVE,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
					 MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED};
	struct kernel_call c = {.nr = SYS_mremap};

	some_range(&c.arg[0], &c.arg[1]);
	c.arg[2] = upto(3) ? c.arg[1] : some_len();
	if (upto(3) == 0)
		c.arg[2] = c.arg[1] > PAGE ? c.arg[1] - PAGE : c.arg[1] + PAGE;
	if (upto(10) == 0) {
		c.arg[1] = 0; /* of a shared mapping: once more */
		c.arg[2] = PAGE * (1 + upto(9));
	}
	c.arg[3] = flags[upto(7)];
	c.arg[4] = hot_target(c.arg[2]);
	return c;
}

static struct kernel_call some_advice(void)
{
	static const int advice[] = {MADV_NORMAL,
				     MADV_RANDOM,
				     MADV_SEQUENTIAL,
				     MADV_WILLNEED,
				     MADV_DONTNEED,
				     MADV_FREE,
				     MADV_REMOVE,
				     MADV_DONTFORK,
				     MADV_DOFORK,
				     MADV_MERGEABLE,
				     MADV_UNMERGEABLE,
				     MADV_HUGEPAGE,
				     MADV_NOHUGEPAGE,
				     MADV_DONTDUMP,
				     MADV_DODUMP,
				     MADV_WIPEONFORK,
				     MADV_KEEPONFORK,
				     MADV_COLD,
				     MADV_PAGEOUT,
				     MADV_POPULATE_READ,
				     MADV_POPULATE_WRITE,
				     MADV_POPULATE_WRITE,
				     MADV_DONTNEED_LOCKED,
				     MADV_COLLAPSE,
				     102 /* GUARD_INSTALL */,
				     103 /* GUARD_REMOVE */,
				     9999};
	struct kernel_call c = {.nr = SYS_madvise};

	some_range(&c.arg[0], &c.arg[1]);
	c.arg[2] = (uint64_t)advice[upto(sizeof(advice) / sizeof(*advice))];
	return c;
}

static struct kernel_call some_brk(void)
{
	uintptr_t now = (uintptr_t)syscall(SYS_brk, 0);
	struct kernel_call c = {.nr = SYS_brk};

	switch (upto(6)) {
	case 0:
		break;
	case 1:
	case 2:
		c.arg[0] = now - upto(9 * PAGE);
		break;
	default:
		c.arg[0] = now + upto(20 * PAGE);
	}
	if (c.arg[0] && (c.arg[0] < heap_least || c.arg[0] > heap_most))
		c.arg[0] = heap_least;
	return c;
}

static struct kernel_call some_range_call(uint32_t nr, uint64_t third)
{
	struct kernel_call c = {.nr = nr, .arg = {0, 0, third}};

	some_range(&c.arg[0], &c.arg[1]);
	return c;
}

static struct kernel_call some_name(void)
{
	static const char *const names[] = {NULL, "one", "two"};
	struct kernel_call c = {.nr = SYS_prctl, .arg = {0x53564d41, 0}};

	some_range(&c.arg[2], &c.arg[3]);
	c.arg[4] = (uint64_t)names[upto(3)];
	return c;
}

static struct kernel_call some_shm(void)
{
	if (upto(2))
		return (struct kernel_call){.nr = SYS_shmdt, .arg = {attached}};
	return (struct kernel_call){.nr = SYS_shmat,
				    .arg = {(uint64_t)segments[upto(SEGMENTS)],
					    upto(2) ? hot_target(SEGMENTS * PAGE) : 0,
					    upto(4) ? 0 : SHM_REMAP}};
}

static struct kernel_call some_rare(void)
{
	static const unsigned long nodes = 1;

	switch (upto(10)) {
	case 0:
		return (struct kernel_call){.nr = SYS_mlockall, .arg = {MCL_ONFAULT + 1 + upto(3)}};
	case 1:
		return (struct kernel_call){.nr = SYS_munlockall};
	case 2: {
		struct kernel_call c = some_range_call(SYS_mbind, upto(4));

		c.arg[3] = (uint64_t)(c.arg[2] == 2 ? &nodes : NULL);
		c.arg[4] = c.arg[2] == 2 ? 8 : 0;
		return c;
	}
	case 3:
		return some_range_call(quiet_seal ? SYS_mlock : SYS_MSEAL, 0);
	case 4:
		return some_range_call(SYS_remap_file_pages, 0);
	case 5: {
		struct kernel_call c = some_range_call(SYS_pkey_mprotect, some_prot());

		c.arg[3] = (uint64_t)-1;
		return c;
	}
	case 6:
		return some_range_call(SYS_mprotect, some_prot() | PROT_GROWSDOWN);
	default:
		return some_shm();
	}
}

static struct kernel_call some_call(void)
{
	switch (upto(24)) {
	case 0 ... 6:
		return some_mmap();
	case 7 ... 10:
		return some_range_call(SYS_munmap, 0);
	case 11 ... 13:
		return some_range_call(SYS_mprotect, some_prot());
	case 14 ... 16:
		return some_advice();
	case 17 ... 19:
		return some_mremap();
	case 20:
		return some_brk();
	case 21:
		return some_range_call(upto(2) ? SYS_munlock : SYS_mlock2, upto(2));
	case 22:
		return some_name();
	default:
		return some_rare();
	}
}

static const char *trace_path(void)
{
	return getenv("ALLOCRIG_TRACE");
}

static void trace(const struct kernel_call *c, int i)
{
	if (trace_path())
		dprintf(2, "%d: nr %u by %u (%lx, %lx, %lx, %lx, %lx) = %lx err %d\n", i, c->nr,
			c->caller, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4],
			(unsigned long)c->result, c->err);
}

static struct kernel_call make_some(int i, uint32_t *ret_slot)
{
	struct kernel_call c = some_call();

	c.caller = upto(2) ? CALLER_PROGRAM : CALLER_ALLOCATOR;
	*ret_slot = c.caller == CALLER_PROGRAM ? upto(SLOTS) : 0;
	if (upto(40) == 0) {
		c.injected = true;
		c.err = ENOMEM;
		c.result = -ENOMEM;
	} else {
		make_call(&c);
	}
	if (c.nr == SYS_shmat && !c.err)
		attached = (uint64_t)c.result;
	trace(&c, i);
	return c;
}

/* The model starts anew from what the ledger says of the program. */
static void model_forget(struct zone *z)
{
	struct range r;

	memset(z->owner, 0, sizeof(z->owner));
	for (uintptr_t at = z->base;
	     range_set_first(ledger_program(ledger), at, z->base + z->pages * PAGE, &r); at = r.end)
		model_set(r.start, r.end, OF_PROGRAM + (unsigned)r.tag);
}

/* Changes that nobody told of, then calls beside them: odd in between, right when reconciled. */
static void disturb(void)
{
	struct ledger_drift drift;
	uint32_t slot;

	for (uint32_t n = 1 + upto(3); n; n--)
		make_some(-1, &slot);
	for (uint32_t n = upto(3); n; n--) {
		struct kernel_call c = make_some(-2, &slot);

		apply_call(&c, slot);
	}
	CHECK_EQ(ledger_reconcile(ledger, &drift), 0);
	model_forget(&area);
	model_forget(&heap);
	check_everything();
	CHECK_EQ(ledger_reconcile(ledger, &drift), 0);
	CHECK_EQ(drift.vmas, 0);
	CHECK_EQ(drift.maps, 0);
	CHECK_EQ(drift.mapped_bytes, 0);
}

static void run_calls(int calls)
{
	uint32_t slot;

	for (int i = 0; i < calls; i++) {
		struct kernel_call c = make_some(i, &slot);

		model_call(&c, slot);
		apply_call(&c, slot);
		check_everything();
	}
}

/* A fork makes neighbours that merge no more, and its child lacks what is under DONTFORK. */
static void run_in_fork(int calls)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(accounts_after_fork(acc), 0);
		CHECK_EQ(ledger_after_fork(ledger), 0);
		check_everything();
		run_calls(calls);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void zones_init(void)
{
	struct span brk_now;
	uintptr_t edge = (uintptr_t)map_pages(1, PROT_NONE, ANON);

	CHECK_EQ(munmap((void *)edge, PAGE), 0);
	area.base = grows_up() ? edge : edge + PAGE - ZONE_PAGES * PAGE;
	area.pages = ZONE_PAGES;
	CHECK_EQ(accounts_break(acc, &brk_now), 0);
	heap.base = brk_now.start;
	heap.pages = HEAP_PAGES;
	heap_least = brk_now.end;
	heap_most = heap.base + (HEAP_PAGES - 50) * PAGE;
	CHECK(heap_most > heap_least + 100 * PAGE);
	for (int i = 0; i < 4; i++) { /* holes that count for nothing */
		uintptr_t at = hot_address();
		size_t page;

		CHECK_EQ(accounts_exclude(acc, at, at + 2 * PAGE), 0);
		zone_of(at, &page);
		area.excluded[page] = true;
		if (page + 1 < area.pages)
			area.excluded[page + 1] = true;
	}
}

/* Before the accounts exclude what is there: the segments stay attached. */
static void open_sources(void)
{
	memfd = memfd_create("test", MFD_CLOEXEC);
	zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	CHECK(memfd >= 0 && zero_fd >= 0);
	CHECK_EQ(ftruncate(memfd, FILE_PAGES * PAGE), 0);
	for (size_t i = 0; i < SEGMENTS; i++) { /* without any, shmat fails: fine too */
		segments[i] = shmget(IPC_PRIVATE, (i + 1) * PAGE, IPC_CREAT | 0600);
		shmat(segments[i], NULL, 0);
		shmctl(segments[i], IPC_RMID, NULL); /* goes with the last process */
	}
}

static void start_random(uint64_t with_seed)
{
	seed = with_seed;
	open_sources();
	ledger_setup();
	zones_init();
	ledger_start();
	check_everything();
}

static uint64_t seed_now;

static void one_seed(void)
{
	alarm(120);
	quiet_seal = seed_now % 4 != 0;
	start_random(seed_now);
	for (int part = 0; part < 4; part++) {
		run_calls(CALLS / 5);
		if (part % 2)
			run_in_fork(CALLS / 20);
		disturb();
		check_everything();
	}
	CHECK(ledger_is_exact(ledger));
}

static void random_calls_agree_with_the_kernel(void **state)
{
	(void)state;
	for (seed_now = 1; seed_now <= 8 * rounds(); seed_now++) {
		int ret = in_child(one_seed);

		if (ret == CHILD_SKIPPED)
			skip();
		if (ret)
			print_message("seed %ju\n", (uintmax_t)seed_now);
		assert_int_equal(ret, 0);
	}
}

/* Filler until LIMIT_MARGIN maps are left. */
static void fill_table(void)
{
	int64_t limit = accounts_max_map_count();
	struct snapshot s;

	if (limit > 200000)
		CHILD_SKIP("max_map_count is too high to reach");
	size_t pages = 2 * (size_t)limit;
	unsigned char *p = map_pages(pages, PROT_NONE, ANON | MAP_NORESERVE);

	CHECK_EQ(accounts_exclude(acc, (uintptr_t)p, (uintptr_t)(p + pages * PAGE)), 0);
	CHECK_EQ(madvise(p, pages * PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_EQ(accounts_take(acc, SNAPSHOT_MAPS, &s), 0);
	for (int64_t i = s.total_maps; i + LIMIT_MARGIN < limit; i += 2)
		CHECK_EQ(mprotect(p + i * (int64_t)PAGE, PAGE, PROT_READ), 0);
}

/* Refusals that leave a part of their work behind: of one split, of some VMAs that moved. */
static void one_seed_at_the_limit(void)
{
	struct ledger_drift drift;
	uint64_t calls = LIMIT_CALLS * (rounds() > 1 ? 20 : 1), failed = 0;
	uint32_t slot;

	alarm(600);
	seed = seed_now;
	open_sources();
	ledger_setup();
	fill_table();
	zones_init();
	ledger_start();
	for (uint64_t i = 0; i < calls; i++) {
		for (int j = 0; j < 10; j++) {
			struct kernel_call c = make_some((int)i, &slot);

			failed += c.err == ENOMEM && !c.injected;
			apply_call(&c, slot);
		}
		check_counts();
	}
	CHECK(failed > calls);
	CHECK_EQ(ledger_reconcile(ledger, &drift), 0);
	CHECK_EQ(drift.vmas, 0);
	check_counts();
}

static void refused_calls_agree_with_the_kernel(void **state)
{
	(void)state;
	for (seed_now = 1; seed_now <= rounds(); seed_now++) {
		int ret = in_child(one_seed_at_the_limit);

		if (ret == CHILD_SKIPPED)
			skip();
		if (ret)
			print_message("seed %ju\n", (uintmax_t)seed_now);
		assert_int_equal(ret, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_agree_with_the_kernel),
		cmocka_unit_test(refused_calls_agree_with_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
