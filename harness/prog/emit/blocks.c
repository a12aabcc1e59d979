#include "harness/prog/emit/blocks.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/prog/emit/calls.h"
#include "harness/prog/emit/forks.h"
#include "harness/prog/emit/requests.h"
#include "harness/prog/emit/runs.h"
#include "harness/prog/emit/say.h"
#include "harness/prog/emit/shadow.h"
#include "harness/prog/emit/vmas.h"

#define BLOCK_RUNS	(1u << 20)
#define ERRNO_CANARY	ENOTNAM /* no memory call sets it */
#define SCUDO_PURGE	(-101)	/* of mallopt */
#define SCUDO_PURGE_ALL (-104)
#define ALL_ARENAS	"arena.4096.purge" /* of jemalloc's mallctl */

static const char *const names[] = {
	[MALLOC] = "malloc",
	[CALLOC] = "calloc",
	[REALLOC] = "realloc",
	[REALLOCARRAY] = "reallocarray",
	[ALIGNED_ALLOC] = "aligned_alloc",
	[POSIX_MEMALIGN] = "posix_memalign",
	[MEMALIGN] = "memalign",
	[VALLOC] = "valloc",
	[PVALLOC] = "pvalloc",
	[FREE] = "free",
	[FREE_SIZED] = "free_sized",
	[FREE_ALIGNED_SIZED] = "free_aligned_sized",
	[USABLE] = "malloc_usable_size",
};

#define FUNCTIONS (sizeof(names) / sizeof(names[0]))

typedef void *one_size(size_t);
typedef void *two_sizes(size_t, size_t);

static void *found[FUNCTIONS];
static bool was_asked[FUNCTIONS];
static struct runs *live; /* by address, in bytes */
void (*block_goes)(void *p, size_t size);
static bool has_ended;

/* What the allocator's constructors map is its own already. */
__attribute__((section(".preinit_array"),
	       used)) static void (*const before_constructors)(void) = vmas_exclude_present;

/* The function that the file has which malloc comes from. */
static void *find_function(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name), *first = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info of_p, of_malloc;

	if (!p || !dladdr(p, &of_p) || !dladdr(first, &of_malloc))
		return NULL;
	return of_p.dli_fbase == of_malloc.dli_fbase ? p : NULL;
}

/*
 * NULL: the allocator has none. Asked when it is first used, because to ask for what nobody has
 * makes libc allocate.
 */
static void *function(enum by call)
{
	if (!was_asked[call])
		found[call] = find_function(names[call]);
	was_asked[call] = true;
	return found[call];
}

static void on_exit_of_others(void)
{
	if (!has_ended)
		wrong("the process exited in the middle of the program");
}

/* What other threads were in the middle of is nobody's in a fork child. */
static void drop_busy(void)
{
	for (unsigned i = 0; i < block_slots; i++) {
		if (!b[i].is_busy)
			continue;
		if (b[i].p)
			runs_remove(live, (uintptr_t)b[i].p, (uintptr_t)b[i].p + 1);
		memset(&b[i], 0, sizeof(b[i]));
	}
}

void blocks_start(void)
{
	live = runs_new(BLOCK_RUNS, MAP_PRIVATE);
	is_shared_with_allocator = true;
	forks_tell(drop_busy, blocks_finish);
	atexit(on_exit_of_others);
}

/* One call on a slot at a time; in_call also for the message. */
static struct block *enter(enum by call, unsigned slot)
{
	struct block *x = &b[slot];

	in_call(names[call], 'b', slot);
	while (__atomic_test_and_set(&x->is_busy, __ATOMIC_ACQUIRE))
		sched_yield();
	return x;
}

static int leave(struct block *x, int outcome)
{
	__atomic_clear(&x->is_busy, __ATOMIC_RELEASE);
	return outcome;
}

static void *call_function(struct request *r)
{
	void *f = function(r->call);
	static char nothing;
	int (*posix)(void **, size_t, size_t);

	switch (r->call) {
	case MALLOC:
	case VALLOC:
	case PVALLOC:
		return ((one_size *)f)(r->a);
	case CALLOC:
	case ALIGNED_ALLOC:
	case MEMALIGN:
		return ((two_sizes *)f)(r->a, r->b);
	case REALLOC:
		return ((void *(*)(void *, size_t))f)(r->before, r->a);
	case REALLOCARRAY:
		return ((void *(*)(void *, size_t, size_t))f)(r->before, r->a, r->b);
	default:
		r->out = &nothing;
		posix = (int (*)(void **, size_t, size_t))f;
		r->result = posix(&r->out, r->a, r->b);
		if (r->result && r->out != &nothing)
			wrong("it failed and changed the pointer that it was given");
		return r->result ? NULL : r->out;
	}
}

/* The bytes that a block has for itself: one of no bytes has an address of its own. */
static uint64_t end_of(const struct block *x)
{
	size_t bytes = x->knows_usable && x->usable > x->size ? x->usable : x->size;

	return (uintptr_t)x->p + (bytes ? bytes : 1);
}

/* With the lock. */
static void judge_place(unsigned slot, const struct block *x)
{
	uint64_t start = (uintptr_t)x->p, end = end_of(x);
	const struct run *r = runs_first(live, start);

	if (r && r->start < end)
		wrong("the %llu bytes at %p reach into b[%u] at %#llx",
		      (unsigned long long)(end - start), x->p, r->slot,
		      (unsigned long long)r->start);
	r = runs_first(shadow_pages(), start / PAGE);
	if (r && r->start * PAGE < end)
		wrong("the %llu bytes at %p reach into m[%u]", (unsigned long long)(end - start),
		      x->p, r->slot);
	runs_insert(live, &(struct run){.start = start, .end = end, .slot = slot});
}

static void place(unsigned slot, const struct block *x)
{
	shadow_lock();
	judge_place(slot, x);
	shadow_unlock();
}

static void take_away(const struct block *x)
{
	shadow_lock();
	runs_remove(live, (uintptr_t)x->p, end_of(x));
	shadow_unlock();
}

static size_t ask_usable(void *p)
{
	return ((size_t(*)(void *))function(USABLE))(p);
}

static void judge_usable(const struct block *x)
{
	size_t now = x->knows_usable ? ask_usable(x->p) : 0;

	if (x->knows_usable && now != x->usable)
		wrong("its usable size was %zu and is %zu now", x->usable, now);
}

static void judge_content(const struct block *x, const char *when)
{
	uint64_t off;

	if (!pattern_is_there(&x->pattern, x->p, &off))
		wrong("byte %llu of %zu bytes at %p is not what was written there%s",
		      (unsigned long long)off, x->size, x->p, when);
}

static void learn_usable(const struct request *r, struct block *x)
{
	size_t promised = r->call == PVALLOC ? (x->size + PAGE - 1) / PAGE * PAGE : x->size;

	x->knows_usable = function(USABLE) != NULL;
	if (!x->knows_usable)
		return;
	x->usable = ask_usable(x->p);
	if (x->usable < promised)
		wrong("%zu usable bytes, fewer than the %zu requested", x->usable, promised);
}

static void told_of_rest(const struct request *r, const struct block *x, size_t before)
{
	size_t now = x->knows_usable ? x->usable : x->size;

	if (!r->before || !block_goes)
		return;
	if (r->before != x->p)
		block_goes(r->before, before);
	else if (now < before)
		block_goes((char *)x->p + now, before - now);
}

static void new_block(const struct request *r, unsigned slot, struct block *x)
{
	static uint64_t last_id;
	uint64_t off, before = x->knows_usable ? x->usable : x->size;

	request_judge_accepted(r);
	x->p = r->ret;
	x->size = r->bytes;
	x->align = r->align;
	x->by = r->call;
	learn_usable(r, x);
	told_of_rest(r, x, before);
	request_judge_alignment(r);
	place(slot, x);
	if (r->before) {
		pattern_cut(&x->pattern, x->size);
		judge_content(x, ", and realloc must keep it");
	}
	if (!r->before) {
		x->pattern.n = 0;
		x->pattern.id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED) << 32;
	}
	if (r->call == CALLOC) {
		off = pattern_first_dirty(x->p, x->size);
		if (off < x->size)
			wrong("byte %llu of %zu at %p is not 0", (unsigned long long)off, x->size,
			      x->p);
	}
}

/* NULL for no bytes, without an error: the block is gone. */
static bool realloc_has_freed(const struct request *r)
{
	return r->before && r->bytes == 0 && r->err == r->err_before;
}

static int outcome_of(const struct request *r)
{
	if (r->call == POSIX_MEMALIGN)
		return r->result;
	if (r->ret || (r->bytes == 0 && r->err == r->err_before))
		return OK;
	return r->err == r->err_before ? NO_ERRNO : r->err;
}

static int allocate(enum by call, unsigned slot, size_t first, size_t second)
{
	bool resizes = call == REALLOC || call == REALLOCARRAY;
	struct request r = {.call = call, .a = first, .b = second};
	struct block *x = enter(call, slot);

	if (!function(call) || (x->p && !resizes))
		return leave(x, SKIPPED);
	request_read(&r);
	r.before = x->p;
	if (x->p) {
		judge_usable(x);
		judge_content(x, "");
		take_away(x);
	}
	r.err_before = errno = call == POSIX_MEMALIGN ? ERRNO_CANARY : 0;
	r.ret = call_function(&r);
	r.err = errno;
	if (call == POSIX_MEMALIGN)
		request_judge_posix_memalign(&r);
	else if (!r.ret)
		request_judge_null(&r);
	if (r.ret) {
		new_block(&r, slot, x);
	} else if (realloc_has_freed(&r)) {
		x->p = NULL;
	} else if (x->p) {
		place(slot, x);
		judge_content(x, ", and a realloc that fails must keep it");
	}
	return leave(x, outcome_of(&r));
}

int malloc_block(unsigned slot, size_t size, size_t unused)
{
	return allocate(MALLOC, slot, size, unused);
}

int calloc_block(unsigned slot, size_t n, size_t size)
{
	return allocate(CALLOC, slot, n, size);
}

int realloc_block(unsigned slot, size_t size, size_t unused)
{
	return allocate(REALLOC, slot, size, unused);
}

int reallocarray_block(unsigned slot, size_t n, size_t size)
{
	return allocate(REALLOCARRAY, slot, n, size);
}

int aligned_alloc_block(unsigned slot, size_t align, size_t size)
{
	return allocate(ALIGNED_ALLOC, slot, align, size);
}

int posix_memalign_block(unsigned slot, size_t align, size_t size)
{
	return allocate(POSIX_MEMALIGN, slot, align, size);
}

int memalign_block(unsigned slot, size_t align, size_t size)
{
	return allocate(MEMALIGN, slot, align, size);
}

int valloc_block(unsigned slot, size_t size, size_t unused)
{
	return allocate(VALLOC, slot, size, unused);
}

int pvalloc_block(unsigned slot, size_t size, size_t unused)
{
	return allocate(PVALLOC, slot, size, unused);
}

/* C23 7.24.3.4, 7.24.3.5: which blocks they may be given. */
static bool may_free(enum by call, const struct block *x)
{
	if (!x->p || call == FREE)
		return true;
	return call == FREE_SIZED ? x->by <= REALLOCARRAY : x->by == ALIGNED_ALLOC;
}

static void call_free(enum by call, const struct block *x)
{
	void *f = function(call);

	if (call == FREE)
		((void (*)(void *))f)(x->p);
	else if (call == FREE_SIZED)
		((void (*)(void *, size_t))f)(x->p, x->size);
	else
		((void (*)(void *, size_t, size_t))f)(x->p, x->align, x->size);
}

static int give_back(enum by call, unsigned slot)
{
	struct block *x = enter(call, slot);
	size_t size;

	if (!function(call) || !may_free(call, x))
		return leave(x, SKIPPED);
	if (x->p) {
		judge_usable(x);
		judge_content(x, "");
		take_away(x);
	}
	size = x->knows_usable ? x->usable : x->size;
	errno = ERRNO_CANARY;
	call_free(call, x);
	if (errno != ERRNO_CANARY)
		wrong("it changed errno to %s", errno_word(errno));
	if (x->p && block_goes)
		block_goes(x->p, size);
	x->p = NULL;
	return leave(x, OK);
}

int free_block(unsigned slot, size_t unused_a, size_t unused_b)
{
	(void)unused_a;
	(void)unused_b;
	return give_back(FREE, slot);
}

int free_sized_block(unsigned slot, size_t unused_a, size_t unused_b)
{
	(void)unused_a;
	(void)unused_b;
	return give_back(FREE_SIZED, slot);
}

int free_aligned_sized_block(unsigned slot, size_t unused_a, size_t unused_b)
{
	(void)unused_a;
	(void)unused_b;
	return give_back(FREE_ALIGNED_SIZED, slot);
}

int usable_block(unsigned slot, size_t unused_a, size_t unused_b)
{
	struct block *x = enter(USABLE, slot);

	(void)unused_a;
	(void)unused_b;
	if (!function(USABLE))
		return leave(x, SKIPPED);
	if (x->p)
		judge_usable(x);
	else if (ask_usable(NULL))
		wrong("the usable size of NULL is not 0");
	return leave(x, OK);
}

int touch_block(unsigned slot, size_t off, size_t len)
{
	struct block *x = enter(MALLOC, slot);
	size_t size = x->knows_usable ? x->usable : x->size;

	in_call("touch", 'b', slot);
	if (off == SIZE_MAX && len == 0) {
		off = 0;
		len = size;
	}
	if (!x->p || off > size || len > size - off)
		return leave(x, SKIPPED);
	pattern_write(&x->pattern, x->p, off, len);
	return leave(x, OK);
}

static void purge_others(void)
{
	int (*mallctl)(const char *, void *, size_t *, void *, size_t);
	void (*mi_collect)(int), (*tc_release)(void);
	int (*mallopt)(int, int);

	*(void **)&mallctl = find_function("mallctl");
	*(void **)&mi_collect = find_function("mi_collect");
	*(void **)&tc_release = find_function("MallocExtension_ReleaseFreeMemory");
	*(void **)&mallopt = find_function("mallopt");
	if (mallctl) {
		mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
		mallctl(ALL_ARENAS, NULL, NULL, NULL, 0);
	} else if (mi_collect) {
		mi_collect(1);
	} else if (tc_release) {
		tc_release();
	} else if (mallopt && mallopt(SCUDO_PURGE_ALL, 0) != 1) {
		mallopt(SCUDO_PURGE, 0);
	}
}

int trim_heap(unsigned unused, size_t unused_a, size_t unused_b)
{
	int (*trim)(size_t);

	(void)unused;
	(void)unused_a;
	(void)unused_b;
	*(void **)&trim = find_function("malloc_trim");
	if (!trim) {
		purge_others();
		return OK;
	}
	int ret = trim(0);

	if (ret != 0 && ret != 1)
		wrong("malloc_trim returned %d, neither 0 nor 1", ret);
	return OK;
}

void blocks_finish(void)
{
	has_ended = true;
	for (unsigned i = 0; i < block_slots; i++) {
		in_call("at the end", 'b', i);
		if (b[i].p)
			judge_content(&b[i], "");
	}
}
