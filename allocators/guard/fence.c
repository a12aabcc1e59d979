#include "allocators/guard/fence.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/guard/fence_fault.h"
#include "allocators/guard/fence_quarantine.h"
#include "allocators/guard/fence_run.h"
#include "allocators/guard/fork.h"
#include "allocators/guard/knob.h"
#include "allocators/guard/lock.h"

#define SLACK 0xb5
/* No address space holds this: not worth the quarantine. */
#define SIZE_HOPELESS ((size_t)1 << 47)
#define COPY_SPARSE   ((size_t)1 << 20)
#define PER_THREAD    static _Thread_local __attribute__((tls_model("initial-exec")))

static const char *const entry_names[] = {
	[ENTRY_MALLOC] = "malloc",
	[ENTRY_CALLOC] = "calloc",
	[ENTRY_REALLOC] = "realloc",
	[ENTRY_REALLOCARRAY] = "reallocarray",
	[ENTRY_ALIGNED_ALLOC] = "aligned_alloc",
	[ENTRY_MEMALIGN] = "memalign",
	[ENTRY_POSIX_MEMALIGN] = "posix_memalign",
	[ENTRY_VALLOC] = "valloc",
	[ENTRY_PVALLOC] = "pvalloc",
	[ENTRY_FREE] = "free",
	[ENTRY_FREE_SIZED] = "free_sized",
	[ENTRY_FREE_ALIGNED_SIZED] = "free_aligned_sized",
	[ENTRY_USABLE_SIZE] = "malloc_usable_size",
	[ENTRY_TRIM] = "malloc_trim",
};

struct call {
	enum entry by;
	uint64_t number;
};

static struct lock fence_lock;
/* This thread holds the lock: a fault is then one of guard's own, and not to be explained. */
PER_THREAD volatile bool inside;
PER_THREAD bool prepared;
static bool installed; /* the handler */
static _Atomic bool knobs_known;
static _Atomic uint64_t calls;
static size_t align_max = 16;

static void enter(void)
{
	lock_take(&fence_lock);
	inside = true;
}

static void leave(void)
{
	inside = false;
	lock_drop(&fence_lock);
}

static struct call call_next(enum entry by)
{
	return (struct call){by, atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1};
}

uint64_t fence_calls(void)
{
	return atomic_load_explicit(&calls, memory_order_relaxed);
}

static void knobs_read(void)
{
	static const char *const aligns[] = {"1", "2", "4", "8", "16"};
	static const char *const fences[] = {"auto", "protect"};
	const struct knob_words align = {aligns, 5, 4, "1, 2, 4, 8 or 16"};
	const struct knob_words fence = {fences, 2, 0, "auto or protect"};

	quarantine_bound(knob_size("GUARD_QUARANTINE_BLOCKS", 4096),
			 knob_size("GUARD_QUARANTINE", (size_t)64 << 20));
	align_max = (size_t)1 << knob_word("GUARD_ALIGN", &align);
	if (knob_word("GUARD_FENCE", &fence) == 1)
		chunk_use_protection();
}

/*
 * What each thread's first block needs. Nothing is locked before the fork handlers are registered,
 * which may allocate: so threads may read the knobs side by side, and find the same.
 */
static void prepare(void)
{
	prepared = true;
	if (!atomic_load(&knobs_known)) {
		knobs_read();
		atomic_store(&knobs_known, true);
	}
	fork_prepare_once();
	enter();
	if (!installed)
		fence_fault_install();
	installed = true;
	leave();
}

static void say_call(struct line *l, const char *verb, unsigned by, uint64_t number)
{
	line_text(l, verb);
	line_text(l, entry_names[by]);
	line_text(l, ", call ");
	line_number(l, number);
}

/* "block 0x... of 24 bytes" */
static void say_block(struct line *l, const struct run *r)
{
	line_text(l, "block ");
	line_hex(l, r->p);
	line_text(l, " of ");
	line_bytes(l, r->size);
}

static void say_history(struct line *l, const struct run *r)
{
	if (r->state == RUN_LIVE) {
		say_call(l, ", allocated by ", r->made_by, r->made);
		return;
	}
	say_call(l, ", freed by ", r->ended_by, r->ended);
	say_call(l, " (allocated by ", r->made_by, r->made);
	line_text(l, ")");
}

/* "3 bytes behind block ..." */
static void say_place(struct line *l, const struct run *r, uintptr_t address)
{
	if (address < r->p) {
		line_bytes(l, r->p - address);
		line_text(l, " before ");
	} else if (address < r->p + r->size) {
		line_text(l, "inside ");
	} else {
		line_bytes(l, address - (r->p + r->size) + 1);
		line_text(l, " behind ");
	}
	say_block(l, r);
	say_history(l, r);
}

/* "guard: free of 0x..." */
static void say_misuse(struct line *l, enum entry by, uintptr_t p)
{
	line_begin(l);
	line_text(l, entry_names[by]);
	line_text(l, " of ");
	line_hex(l, p);
}

/* Without the lock, which a handler of SIGABRT may need. */
_Noreturn static void die(struct line *l)
{
	leave();
	line_write(l);
	abort();
}

_Noreturn static void die_of_address(enum entry by, uintptr_t p)
{
	struct line l;
	bool ours;
	const struct run *r = run_near(p, &ours);

	say_misuse(&l, by, p);
	line_text(&l, ": not a block");
	if (r && p >= r->p && p < r->p + r->size) {
		line_text(&l, ", ");
		say_place(&l, r, p);
	}
	die(&l);
}

/* The live block at p, or the end of the process. */
static struct run *live(void *p, enum entry by)
{
	struct run *r = run_at((uintptr_t)p);
	struct line l;

	if (!r)
		die_of_address(by, (uintptr_t)p);
	if (r->state == RUN_LIVE)
		return r;
	say_misuse(&l, by, (uintptr_t)p);
	line_text(&l, ": already freed: ");
	say_block(&l, r);
	say_history(&l, r);
	die(&l);
}

static void slack_fill(const struct run *r)
{
	uintptr_t start = run_start(r), end = r->p + r->size;

	memset((void *)start, SLACK, r->p - start);
	memset((void *)end, SLACK, run_slack_end(r) - end);
}

static bool is_slack(uintptr_t from, uintptr_t end)
{
	const unsigned char *p = (const unsigned char *)from;
	size_t len = end - from;

	return len == 0 || (p[0] == SLACK && memcmp(p, p + 1, len - 1) == 0);
}

/* The byte of the slack that was written and is nearest to the block; 0: none was. */
static uintptr_t slack_find(const struct run *r)
{
	uintptr_t start = run_start(r), end = r->p + r->size;

	if (!is_slack(end, run_slack_end(r))) {
		for (uintptr_t at = end;; at++) {
			if (*(unsigned char *)at != SLACK)
				return at;
		}
	}
	if (!is_slack(start, r->p)) {
		for (uintptr_t at = r->p - 1;; at--) {
			if (*(unsigned char *)at != SLACK)
				return at;
		}
	}
	return 0;
}

static void slack_check(const struct run *r, enum entry by)
{
	uintptr_t at = slack_find(r);
	struct line l;

	if (!at)
		return;
	say_misuse(&l, by, r->p);
	line_text(&l, ": found a write of ");
	line_hex(&l, at);
	line_text(&l, ": ");
	say_place(&l, r, at);
	die(&l);
}

static size_t align_of(const struct run *r)
{
	return r->align_log ? (size_t)1 << (r->align_log - 1) : 0;
}

static void say_claim(struct line *l, const char *what, size_t value)
{
	line_text(l, what);
	line_number(l, value);
}

/* C23 7.24.3.4 and .5: the size, and the alignment or none, that the block was asked for with. */
static void claim_check(const struct run *r, const struct fence_claim *claim, enum entry by)
{
	size_t align = align_of(r);
	bool size_fits = !claim->has_size || claim->size == r->size;
	struct line l;

	if (size_fits && (!claim->has_size || (claim->has_align ? claim->align : 0) == align))
		return;
	say_misuse(&l, by, r->p);
	say_claim(&l, " with size ", claim->size);
	if (claim->has_align)
		say_claim(&l, " and alignment ", claim->align);
	line_text(&l, ": ");
	say_block(&l, r);
	if (align)
		say_claim(&l, " with alignment ", align);
	say_history(&l, r);
	die(&l);
}

/* C17 7.22.3: aligned for any object that fits, as far as GUARD_ALIGN goes. */
static size_t natural_align(size_t size)
{
	if (size >= align_max)
		return align_max;
	return size ? (size_t)1 << (63 - __builtin_clzl(size)) : 1;
}

static uint8_t align_log(size_t align)
{
	return align ? (uint8_t)(64 - __builtin_clzl(align)) : 0;
}

/* Blocks that were freed stand back where memory, addresses or maps are short. */
static struct run *run_have(size_t size, size_t align)
{
	struct run *r = run_new(size, align);

	if (!r && size < SIZE_HOPELESS && align < SIZE_HOPELESS && quarantine_flush())
		r = run_new(size, align);
	return r;
}

static void *block_new(size_t size, size_t align, struct call call)
{
	size_t natural = natural_align(size);

	if (size > PTRDIFF_MAX)
		return NULL;
	enter();
	struct run *r = run_have(size, align > natural ? align : natural);

	if (r) {
		r->made = call.number;
		r->made_by = (uint8_t)call.by;
		r->align_log = align_log(align);
		slack_fill(r);
	}
	void *p = r ? (void *)r->p : NULL;

	leave();
	return p;
}

static void block_end(struct run *r, struct call call)
{
	slack_check(r, call.by);
	r->ended = call.number;
	r->ended_by = (uint8_t)call.by;
	quarantine_add(r);
}

void *fence_alloc(size_t size, size_t align, enum entry by)
{
	if (__builtin_expect(!prepared, 0))
		prepare();
	void *p = block_new(size, align, call_next(by));

	if (!p)
		errno = ENOMEM;
	return p;
}

/* Into memory that reads zero: pages that do are not written, so that none becomes resident. */
static void copy(void *to, const void *from, size_t size)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	for (size_t at = 0, len; at < size; at += len) {
		len = size - at < OS_PAGE || size < COPY_SPARSE ? size - at : OS_PAGE;
		if (size < COPY_SPARSE || in[at] || memcmp(in + at, in + at + 1, len - 1) != 0)
			memcpy(out + at, in + at, len);
	}
}

/* In its place, where there is no memory for another: becoming smaller never fails. */
static bool block_shrink(void *p, size_t size, struct call call)
{
	enter();
	struct run *r = live(p, call.by);
	bool smaller = size < r->size;

	if (smaller) {
		slack_check(r, call.by);
		run_shrink(r, size);
		slack_fill(r);
	}
	leave();
	return smaller;
}

static size_t block_size(void *p, enum entry by)
{
	enter();
	size_t size = live(p, by)->size;

	leave();
	return size;
}

static void *block_move(void *p, size_t old_size, size_t size, struct call call)
{
	void *to = block_new(size, 0, call);

	if (!to)
		return block_shrink(p, size, call) ? p : NULL;
	copy(to, p, size < old_size ? size : old_size);
	enter();
	block_end(live(p, call.by), call);
	leave();
	return to;
}

void *fence_resize(void *p, size_t size, enum entry by)
{
	if (!p)
		return fence_alloc(size, 0, by);
	if (!size) {
		fence_free(p, &(struct fence_claim){0}, by);
		return NULL;
	}
	struct call call = call_next(by);
	size_t old_size = block_size(p, by);

	if (size == old_size)
		return p;
	p = block_move(p, old_size, size, call);
	if (!p)
		errno = ENOMEM;
	return p;
}

void fence_free(void *p, const struct fence_claim *claim, enum entry by)
{
	struct call call = call_next(by);

	if (!p)
		return;
	enter();
	struct run *r = live(p, by);

	claim_check(r, claim, by);
	block_end(r, call);
	leave();
}

size_t fence_usable(void *p)
{
	call_next(ENTRY_USABLE_SIZE);
	return p ? block_size(p, ENTRY_USABLE_SIZE) : 0;
}

bool fence_trim(void)
{
	call_next(ENTRY_TRIM);
	enter();
	bool went = quarantine_flush();

	went |= run_trim();
	leave();
	return went;
}

/* A fault inside a live block is none of ours: the program took away access to its own memory. */
bool fence_explain(struct line *l, uintptr_t address, const char *access)
{
	bool ours = false;

	if (inside)
		return false;
	enter();
	const struct run *r = run_near(address, &ours);

	if (r && r->state == RUN_LIVE && address >= r->p && address < r->p + r->size)
		ours = false;
	if (ours) {
		line_begin(l);
		line_text(l, access);
		line_text(l, " of ");
		line_hex(l, address);
		line_text(l, ": ");
		if (r)
			say_place(l, r, address);
		else
			line_text(l, "where no block is");
	}
	leave();
	return ours;
}

void fence_lock_all(void)
{
	enter();
}

void fence_unlock_all(void)
{
	leave();
}

void fence_reset_all(void)
{
	inside = false;
	lock_reset(&fence_lock);
}
