/*
 * kind_limit.c - bench maps: the live heap that an allocator reaches before the kernel refuses it
 * a call, and what its calls do then.
 *
 * One run of limit_program.h with every kernel call seen. Without THP the child inherits
 * PR_SET_THP_DISABLE, which also overrules an allocator's MADV_HUGEPAGE; with it everything is as
 * the machine is set, and whether there are huge pages is the allocator's choice under `madvise`.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench/command/limit_program.h"
#include "bench/command/program_run.h"
#include "harness/cli/host.h"
#include "harness/cli/json_out.h"
#include "harness/cli/print.h"
#include "harness/cli/syscall_name.h"

#define PAGES_A_BLOCK 3 /* a header, its page table, and the model's record of it */

static const struct limit_case {
	const char *name;
	uint64_t block_bytes;
	bool no_thp, half_full;
} cases[] = {
	{"maps/16K", UINT64_C(16) << 10, false, false},
	{"maps/16K/half", UINT64_C(16) << 10, false, true},
	{"maps/16K/no-thp", UINT64_C(16) << 10, true, false},
	{"maps/128K", UINT64_C(128) << 10, false, false},
	{"maps/128K/half", UINT64_C(128) << 10, false, true},
	{"maps/128K/no-thp", UINT64_C(128) << 10, true, false},
	{"maps/1M", UINT64_C(1) << 20, false, false},
	{"maps/1M/half", UINT64_C(1) << 20, false, true},
	{"maps/1M/no-thp", UINT64_C(1) << 20, true, false},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static int list(const struct bench_tools *t, struct bench_item *ret, unsigned *n, unsigned most)
{
	(void)t;
	for (size_t i = 0; i < CASES && *n < most; i++) {
		struct bench_item *item = &ret[(*n)++];

		*item = (struct bench_item){.only_fixed = true};
		snprintf(item->name, sizeof(item->name), "%s", cases[i].name);
		snprintf(item->kind, sizeof(item->kind), "limit");
		snprintf(item->summary, sizeof(item->summary),
			 "blocks of %s, every second one freed, until the kernel refuses%s%s",
			 print_size((int64_t)cases[i].block_bytes).s,
			 cases[i].no_thp ? "; without transparent huge pages" : "",
			 cases[i].half_full ? "; others have half of the map table" : "");
	}
	return 0;
}

/* What the tape tells of the first call of the allocator that the kernel refused. */
struct refusal_seen {
	uint64_t n;
	struct tape_entry first;
};

static bool is_refusal(const struct tape_entry *e)
{
	return !e->again && e->call.caller == CALLER_ALLOCATOR &&
	       (e->call.err == ENOMEM || e->call.err == EAGAIN);
}

static void on_tape(void *ctx, const struct tape_entry *entries, size_t n)
{
	struct refusal_seen *seen = ctx;

	for (size_t i = 0; i < n; i++)
		if (is_refusal(&entries[i]) && seen->n++ == 0)
			seen->first = entries[i];
}

static uint64_t available_bytes(void)
{
	FILE *in = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (in)
		fclose(in);
	return kib * 1024;
}

/* Where every touched page may become a huge one, blocks are resident as a whole. */
static uint64_t needed_bytes(const struct limit_program *p, const struct limit_case *c,
			     const struct host *h)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	bool whole = !c->no_thp && strcmp(h->thp, "always") == 0;

	return whole ? p->blocks * p->block_bytes * 2 : p->blocks * page * PAGES_A_BLOCK;
}

static bool has_memory(const struct limit_program *p, const struct limit_case *c,
		       struct bench_result *r)
{
	struct host h;
	uint64_t have = available_bytes();

	host_read(&h);
	uint64_t need = needed_bytes(p, c, &h);

	if (!have || need <= have)
		return true;
	r->status = STATUS_UNSUPPORTED;
	snprintf(r->why, sizeof(r->why), "may need %s of memory, and %s is free (THP is %s)",
		 print_size((int64_t)need).s, print_size((int64_t)have).s, h.thp);
	return false;
}

static const char *errno_word(int err)
{
	return strerrorname_np(err) ? strerrorname_np(err) : "an error";
}

/* The first malloc that came back NULL, of `entries` of the op log; NULL: none did. */
static const struct oplog_entry *first_null(const struct limit_program *p,
					    const struct run_shared *s, uint64_t *ret_nulls)
{
	uint64_t n = atomic_load(&s->oplog_used);
	const struct oplog_entry *first = NULL;

	*ret_nulls = 0;
	for (uint64_t i = 0; i < n; i++) {
		const struct oplog_entry *e = &s->oplog[i];

		if (strcmp(limit_program_op(p, (int32_t)e->stmt), "malloc") != 0 || e->address)
			continue;
		(*ret_nulls)++;
		first = first ? first : e;
	}
	return first;
}

struct place {
	int32_t stmt;
	uint64_t slot;
};

static struct place earlier(struct place a, struct place b)
{
	return b.stmt < a.stmt || (b.stmt == a.stmt && b.slot < a.slot) ? b : a;
}

/* Whichever came first ends what was reached: a refusal, a NULL, or the end of the process. */
static struct limit_live reached(const struct limit_program *p, const struct refusal_seen *seen,
				 const struct oplog_entry *null, const struct run_shared *s)
{
	struct place at = {limit_program_full(p), 0};

	if (atomic_load(&s->state) < RUN_ENDED)
		at = earlier(at, (struct place){atomic_load(&s->pos[0].stmt), s->pos[0].slot});
	if (null)
		at = earlier(at, (struct place){(int32_t)null->stmt, null->slot});
	if (seen->n)
		at = earlier(at, (struct place){seen->first.stmt, seen->first.slot});
	return limit_program_live(p, at.stmt, at.slot);
}

static int put(char *buf, size_t size, int len, const char *text)
{
	int more = snprintf(buf + len, size - (size_t)len, "%s%s", len ? "; " : "", text);

	return len + more < (int)size ? len + more : (int)size - 1;
}

/* "munmap in free refused 67 times, first at 67530 blocks; loses 8.4 MiB" */
static void put_words(const struct limit_program *p, const struct run_shared *s,
		      const struct refusal_seen *seen, const struct oplog_entry *null,
		      uint64_t nulls, char *buf, size_t size)
{
	char text[256];
	int len = 0;

	buf[0] = '\0';
	if (seen->n) {
		struct syscall_word name = syscall_word(seen->first.call.nr);

		snprintf(text, sizeof(text), "%s in %s refused with %s, %" PRIu64 " calls in all",
			 name.s, limit_program_op(p, seen->first.stmt),
			 errno_word(seen->first.call.err), seen->n);
		len = put(buf, size, len, text);
	}
	if (null) {
		snprintf(text, sizeof(text), "malloc returns NULL with %s, %" PRIu64 " times",
			 null->err ? errno_word(null->err) : "errno 0", nulls);
		len = put(buf, size, len, text);
	}
	if (s->lost.measured && s->lost.bytes > 0) {
		snprintf(text, sizeof(text), "loses %s for good", print_size(s->lost.bytes).s);
		len = put(buf, size, len, text);
	}
	if (!seen->n && !null)
		put(buf, size, len, "never refused");
	else if (!null && !(s->lost.measured && s->lost.bytes > 0))
		put(buf, size, len, "goes on");
}

static json_t *more_of(const struct limit_program *p, const struct limit_case *c,
		       const struct limit_live *live, const struct refusal_seen *seen,
		       const char *words)
{
	json_t *o = json_object(), *more = json_object();
	struct host h;

	host_read(&h);
	json_object_set_new(o, "block_bytes", json_integer((json_int_t)p->block_bytes));
	json_object_set_new(o, "blocks", json_integer((json_int_t)p->blocks));
	json_object_set_new(o, "half_full", json_boolean(c->half_full));
	json_object_set_new(o, "thp", json_text(c->no_thp ? "off" : h.thp));
	json_object_set_new(o, "live_blocks", json_integer((json_int_t)live->blocks));
	json_object_set_new(o, "live_bytes", json_integer((json_int_t)live->bytes));
	json_object_set_new(o, "refused_calls", json_integer((json_int_t)seen->n));
	json_object_set_new(o, "then", json_text(words));
	json_object_set_new(more, "limit", o);
	return more;
}

static void take(const struct limit_program *p, const struct limit_case *c,
		 const struct outcome_of_run *o, const struct refusal_seen *seen,
		 struct bench_result *r)
{
	const struct run_shared *s = o->result.shared;
	uint64_t nulls;
	const struct oplog_entry *null = first_null(p, s, &nulls);
	struct limit_live live = reached(p, seen, null, s);
	char words[400], why[sizeof(r->why)];

	put_words(p, s, seen, null, nulls, words, sizeof(words));
	r->more = more_of(p, c, &live, seen, words);
	/* A crash at the limit is what is asked for here, and how far it came belongs to it. */
	snprintf(why, sizeof(why), "%.400s", r->why);
	if (r->status == STATUS_OK || r->status == STATUS_OUT_OF_MEMORY)
		snprintf(r->why, sizeof(r->why), "%s", words);
	else
		snprintf(r->why, sizeof(r->why), "at %" PRIu64 " blocks, %s: %.400s", live.blocks,
			 print_size((int64_t)live.bytes).s, why);
	if (r->status == STATUS_OUT_OF_MEMORY)
		r->status = STATUS_OK;
	result_add(r, METRIC_REACHED, (double)live.bytes);
	result_add(r, METRIC_REACHED_BLOCKS, (double)live.blocks);
	result_add(r, METRIC_PEAK_MAPS, (double)(s->watch.peak.maps - s->watch.start.maps));
	if (s->lost.measured)
		result_add(r, METRIC_LOST, (double)s->lost.bytes);
	result_add(r, METRIC_KERNEL_CALLS, (double)program_kernel_calls(s));
}

static void run_program_of(const struct bench_tools *t, const struct limit_program *p,
			   const struct limit_case *c, struct bench_result *r)
{
	struct runner_options options = program_options(t, r->key.seed, true);
	struct refusal_seen seen = {0};
	struct outcome_of_run o;
	struct program program;

	options.on_tape = on_tape;
	options.tape_ctx = &seen;
	options.sampling = false;
	options.oplog_capacity = 4 * p->blocks;
	if (program_from_text("bench-maps", p->text, p->len, &program) != 0) {
		snprintf(r->why, sizeof(r->why), "the program could not be made");
		return;
	}
	if (c->no_thp)
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	program_run(&program, r->ref, &options, &o);
	if (c->no_thp)
		prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	r->status = program_status(&o, r->why, sizeof(r->why));
	if (o.result.shared && o.result.end != RUN_END_REFUSED && r->status != STATUS_INTERRUPTED &&
	    r->status != STATUS_BROKEN) {
		if (o.result.shared->watch.exact) {
			take(p, c, &o, &seen, r);
		} else {
			r->status = STATUS_UNSUPPORTED;
			snprintf(r->why, sizeof(r->why), "maps are not counted exactly: %s",
				 verdict_unwatched(o.result.shared));
		}
	}
	r->wall_s = (double)o.result.wall_ns / 1e9;
	r->user_s = (double)o.result.cpu_ns / 1e9;
	runner_release(&o);
	program_release(&program);
}

static void run(const struct bench_tools *t, const struct bench_item *item,
		const struct allocator_ref *ref, struct bench_result *r)
{
	const struct limit_case *c = cases;
	struct limit_program p;
	struct host h;

	while (c < &cases[CASES - 1] && strcmp(c->name, item->name) != 0)
		c++;
	host_read(&h);
	r->ref = ref;
	r->status = STATUS_BROKEN;
	r->instrumentation[0] = "ledger";
	r->instrumentation[1] = "tape";
	r->instrumentation[2] = "oracles";
	machine_state_read(&r->before);
	if (h.max_map_count < 0) {
		r->status = STATUS_UNSUPPORTED;
		snprintf(r->why, sizeof(r->why), "vm.max_map_count cannot be read");
		return;
	}
	limit_program_make(&p, c->block_bytes, h.max_map_count, c->half_full);
	if (has_memory(&p, c, r))
		run_program_of(t, &p, c, r);
	machine_state_read(&r->after);
}

static void release(struct bench_result *r)
{
	json_decref(r->more);
	r->more = NULL;
}

const struct bench_kind bench_kind_limit = {
	.name = "limit", .list = list, .run = run, .release = release};
