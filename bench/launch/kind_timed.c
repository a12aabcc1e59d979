/*
 * kind_timed.c - workloads of bench/child: as they are for time and memory, and sampled for
 * latency and kernel calls. Two builds of one process, so two kinds of one body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/registry.h"
#include "bench/kinds.h"
#include "bench/launch/launch.h"

#define WORKLOADS_MAX 64
/* A little longer than the last moment that is asked for, 10 s. */
#define AFTER_NS	10050000000ull
#define PROGRAM_TIMED	"allocrig-bench-child"
#define PROGRAM_SAMPLED "allocrig-bench-sampled"

/* Those that say most in least time: small, server-like, hand-over, large and fragmented heaps. */
static const char *const quick_timed[] = {"cfrac",  "larson",	  "xmalloc",	  "mstress",
					  "rptest", "fragmenter", "glibc-simple", "drain"};
static const char *const quick_sampled[] = {"larson", "rptest"};

struct path {
	char s[PATH_MAX];
};

static struct path beside(const struct bench_tools *t, const char *name)
{
	struct path p;

	if (snprintf(p.s, sizeof(p.s), "%s/%s", t->own_dir, name) >= (int)sizeof(p.s))
		p.s[0] = '\0';
	return p;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_quick(const char *name, const char *kind)
{
	if (strcmp(kind, "timed") == 0)
		return is_among(name, quick_timed, sizeof(quick_timed) / sizeof(quick_timed[0]));
	return is_among(name, quick_sampled, sizeof(quick_sampled) / sizeof(quick_sampled[0]));
}

static void append(const struct workload_info *w, const char *kind, struct bench_item *ret)
{
	*ret = (struct bench_item){.threads = w->threads, .only_fixed = w->only_fixed};
	snprintf(ret->name, sizeof(ret->name), "%.*s", BENCH_NAME_MAX, w->name);
	snprintf(ret->summary, sizeof(ret->summary), "%.*s", (int)sizeof(w->summary) - 1,
		 w->summary);
	snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
	ret->quick = is_quick(w->name, kind);
}

static int list(const struct bench_tools *t, const char *program, const char *kind,
		struct bench_item *ret, unsigned *n, unsigned most)
{
	struct workload_info all[WORKLOADS_MAX];
	int found = launch_list(beside(t, program).s, all, WORKLOADS_MAX);

	for (int i = 0; i < found && *n < most; i++)
		append(&all[i], kind, &ret[(*n)++]);
	return found < 0 ? found : 0;
}

static int unsupported(struct bench_result *r, const char *why)
{
	r->status = STATUS_UNSUPPORTED;
	snprintf(r->why, sizeof(r->why), "%s", why);
	return -1;
}

/* The file to preload; "" for libc's own. Not 0: it cannot be run, and r says why. */
static int file_of(const struct bench_tools *t, const struct allocator_ref *ref, char *ret_file,
		   struct bench_result *r)
{
	char why[512];

	if (!ref->available)
		return unsupported(r, ref->reason);
	if (plugin_is_kernel(ref->plugin))
		return unsupported(r, "the kernel is no allocator");
	ret_file[0] = '\0';
	if (ref->plugin && strcmp(ref->plugin->name, "glibc") == 0)
		return 0;
	if (ref->plugin && ref->plugin->inside) {
		/* As a file of its own, since nothing of the harness is in the process. */
		if (!realpath(beside(t, "allocators/libvoid.so").s, ret_file))
			return unsupported(r, "there is no allocators/libvoid.so beside allocrig");
		return 0;
	}
	if (allocator_check_preload(ref, why, sizeof(why)) != 0)
		return unsupported(r, why);
	snprintf(ret_file, PATH_MAX, "%s", ref->path);
	return 0;
}

static enum bench_after after_of(const char *word)
{
	static const char *const words[] = {"", "idle", "light", "purge"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (enum bench_after)i;
	return BENCH_AFTER_NOTHING;
}

static struct bench_request_in request_of(const struct bench_item *item,
					  const struct allocator_ref *ref,
					  const struct bench_key *k)
{
	struct bench_request_in in = {
		.threads = k->threads,
		.seed = k->seed,
		.scale_percent = k->scale_percent,
		.time_ns = k->time_ns,
		/* Blocks of the void allocator overlap. */
		.verify = !(ref->plugin && ref->plugin->inside),
		.after = after_of(k->after),
	};

	if (in.after != BENCH_AFTER_NOTHING)
		in.after_ns = AFTER_NS;
	snprintf(in.workload, sizeof(in.workload), "%.*s", BENCH_NAME_MAX - 1, item->name);
	return in;
}

static void run(const struct bench_tools *t, const char *name, const struct bench_item *item,
		const struct allocator_ref *ref, struct bench_result *r)
{
	struct path program = beside(t, name);
	struct machine_state before;
	struct launch_request q = {
		.program = program.s,
		.ref = ref,
		.in = request_of(item, ref, &r->key),
		.curve = true,
	};

	r->ref = ref;
	if (q.in.after_ns && t->after_ns)
		q.in.after_ns = t->after_ns;
	q.limit_ns = t->limit_ns ? t->limit_ns + q.in.after_ns : 0;
	machine_state_read(&before);
	r->before = r->after = before;
	if (file_of(t, ref, q.in.file, r) != 0)
		return;
	launch(&q, r);
	machine_state_read(&r->after);
}

static int list_timed(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
		      unsigned most)
{
	return list(t, PROGRAM_TIMED, "timed", ret, n, most);
}

static int list_sampled(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
			unsigned most)
{
	return list(t, PROGRAM_SAMPLED, "sampled", ret, n, most);
}

static void run_timed(const struct bench_tools *t, const struct bench_item *item,
		      const struct allocator_ref *ref, struct bench_result *r)
{
	run(t, PROGRAM_TIMED, item, ref, r);
}

static void run_sampled(const struct bench_tools *t, const struct bench_item *item,
			const struct allocator_ref *ref, struct bench_result *r)
{
	run(t, PROGRAM_SAMPLED, item, ref, r);
}

const struct bench_kind bench_kind_timed = {
	.name = "timed", .list = list_timed, .run = run_timed, .release = launch_release};

const struct bench_kind bench_kind_sampled = {
	.name = "sampled", .list = list_sampled, .run = run_sampled, .release = launch_release};
