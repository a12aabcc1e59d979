#include "harness/exec/kcalls.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/exec/crash.h"
#include "harness/exec/reached.h"

/* Initial-exec: a handler must not be the first to touch storage that libc allocates lazily. */
static _Thread_local struct child *own __attribute__((tls_model("initial-exec")));

/* Untouched ones cost nothing. */
#define LOST_RECORDS (1u << 20)

/* Each range is one slot's or lies behind a split of a VMA, and the kernel bounds those. */
static uint32_t program_ranges(const struct run_config *cfg)
{
	int64_t max_maps = accounts_max_map_count();

	return 2 * cfg->map_slots + (uint32_t)(max_maps > 0 ? max_maps : 65530) + 1024;
}

static struct ledger_options ledger_options(const struct run_config *cfg, struct accounts *accounts)
{
	return (struct ledger_options){.accounts = accounts, .program_ranges = program_ranges(cfg)};
}

static bool judges_lost(const struct run_config *cfg)
{
	return cfg->watch && cfg->oracles;
}

size_t kcalls_arena_bytes(const struct run_config *cfg)
{
	struct ledger_options o = ledger_options(cfg, NULL);
	size_t size = ledger_arena_bytes(&o) + sizeof(struct fault_plan_state) + 64;

	if (judges_lost(cfg))
		size += lost_arena_bytes(LOST_RECORDS) + growth_arena_bytes();
	return size;
}

int kcall_of(uint32_t nr)
{
	switch (nr) {
	case SYS_mmap:
		return KCALL_MMAP;
	case SYS_munmap:
		return KCALL_MUNMAP;
	case SYS_mremap:
		return KCALL_MREMAP;
	case SYS_mprotect:
		return KCALL_MPROTECT;
	case SYS_madvise:
		return KCALL_MADVISE;
	case SYS_process_madvise:
		return KCALL_PROCESS_MADVISE;
	case SYS_brk:
		return KCALL_BRK;
	default:
		return -1;
	}
}

static void note_count(struct child *c, const struct kernel_call *call)
{
	struct run_counts *counts = c->counts;
	int kcall = kcall_of(call->nr);

	if (kcall < 0) {
		if (call->nr < OTHER_CALLS)
			counts->other[call->caller][call->nr]++;
		return;
	}
	counts->call[kcall].made++;
	counts->call[kcall].failed += call->err != 0;
	counts->call[kcall].injected += call->injected;
	counts->call[kcall].by_allocator += call->caller == CALLER_ALLOCATOR;
}

static void note_tape(struct child *c, const struct kernel_call *call)
{
	struct run_shared *s = c->shared;
	uint64_t at = atomic_load_explicit(&s->tape.written, memory_order_relaxed);
	uint64_t read = atomic_load_explicit(&s->tape.read, memory_order_acquire);

	if (at - read >= s->config.tape_capacity) {
		atomic_fetch_add_explicit(&s->tape.dropped, 1, memory_order_relaxed);
		return;
	}
	bool exact = ledger_is_exact(c->ledger);
	const struct ledger_counts *now = ledger_now(c->ledger);

	run_tape(s)[at % s->config.tape_capacity] = (struct tape_entry){
		.stmt = c->pos->stmt,
		.slot = c->pos->slot,
		.iteration = c->pos->iteration,
		.op_code = (uint8_t)c->pos->op_code,
		.thread = (uint8_t)c->pos->thread,
		.has_slot = (uint8_t)c->pos->has_slot,
		.proc = (uint8_t)c->proc,
		.again = c->again,
		.call = *call,
		.maps = exact ? now->maps - s->watch.start.maps : INT64_MIN,
		.mapped_bytes = exact ? now->mapped_bytes - s->watch.start.mapped_bytes : INT64_MIN,
	};
	atomic_store_explicit(&s->tape.written, at + 1, memory_order_release);
}

static void not_exact(struct child *c, const char *why)
{
	c->shared->watch.exact = 0;
	memccpy(c->shared->watch.reason, why, '\0', sizeof(c->shared->watch.reason) - 1);
}

static void note_peak(struct child *c)
{
	if (c->proc || c->again || !ledger_is_exact(c->ledger))
		return;
	const struct ledger_counts *peak = ledger_peak(c->ledger);

	if (peak->maps > c->shared->watch.peak.maps)
		child_maps_rose(c);
	c->shared->watch.peak = *peak;
}

/* The call was made or refused: everyone who has to know is told. */
static void note(struct child *c, const struct kernel_call *call, uint32_t slot)
{
	struct effect effect;

	effect_of(call, c->page_bytes, &effect);
	bool was_exact = ledger_is_exact(c->ledger);
	int64_t maps_before = ledger_now(c->ledger)->total_maps;
	int err = ledger_apply(c->ledger, call, &effect, slot);

	if (err && was_exact)
		not_exact(c, "the ledger could not follow a kernel call");
	if (err && call->caller == CALLER_PROGRAM && !was_exact)
		child_failed(c, err, "the ledger could not follow the program's mappings");
	if (effect_is_refusal(call)) {
		int kcall = kcall_of(call->nr);

		c->refused++;
		c->refused_set |= kcall < 0 ? 0 : 1u << kcall;
		c->round_refused = true;
		if (c->lane)
			atomic_fetch_add(&c->main->refusals, 1);
	}
	if (c->lost && call->caller == CALLER_ALLOCATOR) {
		const struct lost_at at = {
			.stmt = c->pos->stmt,
			.slot = c->pos->slot,
			.iteration = c->pos->iteration,
			.op_code = (uint8_t)c->pos->op_code,
			.thread = (uint8_t)c->pos->thread,
			.has_slot = (uint8_t)c->pos->has_slot,
			.in_fork = c->proc != 0,
		};

		lost_call(c->lost, call, &effect, &at);
	}
	if (c->reached)
		reached_kernel_call(c, call, &effect, maps_before);
	note_count(c, call);
	note_peak(c);
	if (c->shared->config.tape_capacity)
		note_tape(c, call);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The clock is read for the tape alone. */
static void make_timed(const struct child *c, struct kernel_call *call)
{
	uint64_t begin = c->shared->config.tape_capacity ? now_ns() : 0;

	kernel_call_make(call);
	if (begin)
		call->ns = now_ns() - begin;
}

/*
 * What changes mappings is made and noted in one piece: what other threads do comes before it or
 * after. Other calls may wait for those threads.
 */
static bool is_noted_at_once(const struct kernel_call *call)
{
	return kcall_of(call->nr) >= 0 || call->nr == SYS_shmat || call->nr == SYS_shmdt ||
	       call->nr == SYS_remap_file_pages || call->nr == SYS_pkey_mprotect;
}

static void make_or_refuse(struct child *c, struct kernel_call *call)
{
	int refused_with = c->faults->n ? fault_decide(c->faults, call, (uint64_t)c->pos->stmt) : 0;

	if (refused_with)
		kernel_call_refuse(call, refused_with);
	else
		make_timed(c, call);
}

/* In the handler of the trap. Only the call itself runs as the allocator's doing. */
static void on_trap(void *ctx, struct kernel_call *call, uintptr_t ip)
{
	struct child *c = own ? own : ctx;
	uint32_t phase = c->pos->phase;
	bool at_once = is_noted_at_once(call);

	call->caller = CALLER_ALLOCATOR;
	if (at_once)
		shared_enter(c);
	position_phase(c->pos, PHASE_CALL);
	atomic_store_explicit(&c->pos->trap_ip, ip, memory_order_relaxed);
	make_or_refuse(c, call);
	position_phase(c->pos, PHASE_HARNESS);
	if (!at_once)
		shared_enter(c);
	note(c, call, 0);
	shared_leave(c);
	position_phase(c->pos, phase);
	atomic_store_explicit(&c->pos->trap_ip, 0, memory_order_relaxed);
}

void kcalls_work_with(struct child *c)
{
	own = c;
	crash_thread_lane(c->lane ? c->pos : NULL, c->pos->thread);
}

struct child *kcalls_works_with(void)
{
	return own;
}

/* A refused mprotect or munlock has changed what lies before a hole, unless there was no room. */
static void follow_pages(struct child *c, const struct pages_call *maps)
{
	struct pages_call call = *maps;
	bool splits = call.call->nr == SYS_mprotect || call.call->nr == SYS_munlock;

	call.at_limit = call.call->err == ENOMEM && splits && !child_headroom_left(c);
	pages_follow(c->pages, &call);
}

int kcalls_program_maps(struct child *c, struct kernel_call *call, uint32_t slot,
			const struct pages_call *maps)
{
	call->caller = CALLER_PROGRAM;
	shared_enter(c);
	position_phase(c->pos, PHASE_CALL);
	make_timed(c, call);
	position_phase(c->pos, PHASE_HARNESS);
	note(c, call, slot);
	if (c->pages && call->nr != SYS_ftruncate)
		follow_pages(c, maps);
	shared_leave(c);
	return call->err;
}

int kcalls_program(struct child *c, struct kernel_call *call, uint32_t slot)
{
	return kcalls_program_maps(c, call, slot, &(struct pages_call){.call = call});
}

static int refuse_unsupported(struct child *c, const char *why, int err)
{
	c->shared->refusal = REFUSAL_UNSUPPORTED;
	memccpy(c->shared->refusal_text, why, '\0', sizeof(c->shared->refusal_text) - 1);
	return err;
}

static int plan_faults(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;
	int err = 0;

	*c->faults = (struct fault_plan_state){0};
	for (uint32_t i = 0; i < cfg->nfaults && !err; i++)
		err = fault_add(c->faults, &cfg->faults[i]);
	return err;
}

static int plan_oracles(struct child *c, struct arena *a)
{
	if (!c->trapping || !judges_lost(&c->shared->config))
		return 0;
	int err = lost_new(a, LOST_RECORDS, &c->lost);

	return err ? err : growth_new(a, &c->growth);
}

int kcalls_plan(struct child *c, struct arena *a)
{
	int err = plan_faults(c);

	if (!err)
		err = plan_oracles(c, a);
	if (err)
		return child_refuse(c, REFUSAL_ARENA, err);
	if (c->faults->n && !c->trapping)
		return refuse_unsupported(c, c->shared->watch.reason, -ENOTSUP);
	return 0;
}

/* Without the trap a run goes on, with snapshots alone, but for a fault plan. */
static void init_trap(struct child *c)
{
	const char *reason = "";
	struct run_watch *w = &c->shared->watch;

	if (!c->shared->config.watch)
		return;
	int err = trap_install(on_trap, c, &reason);

	c->trapping = err == 0;
	w->traps = err ? WATCH_UNSUPPORTED : WATCH_ON;
	if (err)
		memccpy(w->reason, reason, '\0', sizeof(w->reason) - 1);
}

int kcalls_init(struct child *c, struct arena *a)
{
	struct ledger_options o = ledger_options(&c->shared->config, c->accounts);
	int err = ledger_new(a, &o, &c->ledger);

	c->faults = arena_take(a, sizeof(*c->faults), _Alignof(struct fault_plan_state));
	if (err || !c->faults)
		return child_refuse(c, REFUSAL_ARENA, err ? err : -ENOMEM);
	init_trap(c);
	return 0;
}

int kcalls_arm_thread(struct child *c)
{
	return c->trapping ? trap_arm_thread() : 0;
}

/* The pages that the process has mapped beside those of the ledger, which do not change. */
static int pages_beside(struct child *c, int64_t *ret_pages)
{
	uint64_t size, resident;
	int err = accounts_statm(c->accounts, &size, &resident);

	if (!err)
		*ret_pages = (int64_t)size -
			     ledger_now(c->ledger)->mapped_bytes / (int64_t)c->page_bytes;
	return err;
}

/* Somebody unwatched may have mapped something since the last program. */
static int begin_again(struct child *c)
{
	int64_t beside;
	int err = pages_beside(c, &beside);

	if (!err && beside != c->pages_beside) {
		err = kcalls_reconcile(c);
		c->shared->watch.untracked = (struct ledger_drift){0};
		if (!err)
			err = pages_beside(c, &c->pages_beside);
	}
	if (!err)
		ledger_restart_peak(c->ledger);
	return err;
}

static int begin(struct child *c, bool *ret_exact)
{
	*ret_exact = ledger_is_exact(c->ledger);
	if (*ret_exact)
		return begin_again(c);
	int err = c->trapping ? ledger_begin(c->ledger, ret_exact) : 0;

	return err || !*ret_exact ? err : pages_beside(c, &c->pages_beside);
}

int kcalls_begin(struct child *c)
{
	struct run_watch *w = &c->shared->watch;
	bool exact = false;
	int err = begin(c, &exact);

	if (err)
		return err;
	w->exact = exact;
	if (exact)
		w->start = w->peak = *ledger_now(c->ledger);
	else if (c->trapping)
		not_exact(c, "this kernel has no PROCMAP_QUERY (Linux 6.11), or does not let us: "
			     "samples alone are known");
	if (!exact)
		c->growth = NULL;
	return 0;
}

int kcalls_follow(struct child *c, uintptr_t start, uintptr_t end)
{
	const struct kernel_call call = {
		.nr = SYS_mprotect, .caller = CALLER_ALLOCATOR, .arg = {start, end - start}};
	struct effect effect;

	if (start == end || !ledger_is_exact(c->ledger))
		return 0;
	effect_of(&call, c->page_bytes, &effect);
	return ledger_apply(c->ledger, &call, &effect, 0);
}

int kcalls_after_fork(struct child *c)
{
	c->growth = NULL;
	int err = ballast_after_fork(&c->ballast, c->accounts);

	if (!err)
		err = ledger_after_fork(c->ledger);
	return err ? err : kcalls_arm_thread(c);
}

int kcalls_reconcile(struct child *c)
{
	struct ledger_drift drift, *sum = &c->shared->watch.untracked;

	if (!ledger_is_exact(c->ledger))
		return 0;
	int err = ledger_reconcile(c->ledger, &drift);

	if (err)
		return err;
	sum->vmas += drift.vmas;
	sum->maps += drift.maps;
	sum->mapped_bytes += drift.mapped_bytes;
	note_peak(c);
	return 0;
}

static void reconcile_or_fail(struct child *c)
{
	int err = kcalls_reconcile(c);

	if (err)
		child_failed(c, err, "the table of mappings could not be read");
}

void kcalls_passed_by(struct child *c)
{
	int saved = errno;

	c->passed_by = true;
	shared_enter(c);
	c->shared->watch.passed_by++;
	reconcile_or_fail(c);
	shared_leave(c);
	errno = saved;
}

int kcalls_outstanding(struct child *c, bool judged, struct run_lost *ret_lost)
{
	struct run_lost sum = {
		.measured = c->lost != NULL,
		.maps_known = ledger_is_exact(c->ledger) || (c->lost && !lost_any(c->lost)),
	};
	struct lost_range r;
	uintptr_t at = 0, counted = 0;

	for (; c->lost && lost_next(c->lost, at, &r); at = r.end) {
		struct lost_piece piece = {.record = r.record, .bytes = r.end - r.start};
		int64_t resident;
		int err = accounts_resident(c->accounts, r.start, r.end, &resident);

		if (err)
			return err;
		piece.resident_bytes = (uint64_t)resident;
		if (r.purge)
			piece.bytes = piece.resident_bytes;
		else if (sum.maps_known)
			piece.maps = ledger_maps_over(c->ledger, r.start, r.end, &counted);
		else
			piece.maps = LOST_MAPS_UNKNOWN;
		sum.maps += sum.maps_known ? (int64_t)piece.maps : 0;
		sum.mapped_bytes += r.purge ? 0 : (int64_t)piece.bytes;
		sum.rss_bytes += resident;
		sum.bytes += (int64_t)piece.bytes;
		if (judged)
			lost_measured(c->lost, &piece);
	}
	*ret_lost = sum;
	return 0;
}

bool kcalls_refusing(const struct child *c)
{
	const struct fault_plan_state *f = c->faults;

	for (uint32_t i = 0; i < f->n && !f->off; i++)
		if (f->rule[i].count == 0 && f->refused[i])
			return true;
	return false;
}

static char *put_text(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static char *put_number(char *at, int64_t n)
{
	char digits[24];
	int len = 0;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	if (n < 0)
		*at++ = '-';
	do
		digits[len++] = (char)('0' + left % 10);
	while (left /= 10);
	while (len)
		*at++ = digits[--len];
	return at;
}

struct three {
	int64_t total, maps, bytes;
};

static char *put_three(char *at, const char *who, const struct three *t)
{
	at = put_number(put_text(put_text(at, who), " has "), t->total);
	at = put_number(put_text(at, " maps, "), t->maps);
	at = put_number(put_text(at, " owned, "), t->bytes);
	return put_text(at, " bytes");
}

/* Threads that the allocator has started map memory at any time, and nobody watches them. */
static bool has_own_threads(struct child *c)
{
	uint64_t threads = 0, programs = c->proc ? 1 : c->shared->config.threads;

	return accounts_threads(c->accounts, &threads) == 0 && threads > programs;
}

static void check_ledger(struct child *c)
{
	struct snapshot s;
	const struct ledger_counts *now = ledger_now(c->ledger);
	char text[192];

	if (!ledger_is_exact(c->ledger))
		return;
	int err = accounts_take(c->accounts, SNAPSHOT_MAPS, &s);

	if (err) {
		child_failed(c, err, "the table of mappings could not be read");
		return;
	}
	if (s.maps == now->maps && s.mapped_bytes == now->mapped_bytes &&
	    s.total_maps == now->total_maps)
		return;
	if (has_own_threads(c)) {
		c->shared->watch.own_threads = 1;
		reconcile_or_fail(c);
		return;
	}
	const struct three kept = {now->total_maps, now->maps, now->mapped_bytes};
	const struct three read = {s.total_maps, s.maps, s.mapped_bytes};
	char *at = put_number(put_text(text, "ledger at op "), c->pos->stmt);

	at = put_number(put_text(at, " slot "), c->pos->slot);
	at = put_three(at, "", &kept);
	at = put_three(put_text(at, ", "), "the kernel", &read);
	*at = '\0';
	child_failed(c, -EUCLEAN, text);
}

void kcalls_check_ledger(struct child *c)
{
	shared_enter(c);
	check_ledger(c);
	shared_leave(c);
}
