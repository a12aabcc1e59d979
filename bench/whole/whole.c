#include "bench/whole/whole.h"

#include <stdlib.h>
#include <string.h>

#include "bench/whole/whole_proof.h"
#include "harness/cli/host.h"

#define PREFIX "whole/"

/* Whether the allocator is something that can be preloaded at all. */
static enum bench_status check_ref(const struct allocator_ref *ref, char why[512])
{
	if (!ref->available) {
		snprintf(why, 512, "%.500s", ref->reason);
		return STATUS_UNSUPPORTED;
	}
	if (!ref->path[0]) {
		snprintf(why, 512, "%.200s is no file that can be preloaded into a program",
			 ref->name);
		return STATUS_UNSUPPORTED;
	}
	return allocator_check_preload(ref, why, 512) == 0 ? STATUS_OK : STATUS_UNSUPPORTED;
}

static void add_known(struct bench_result *r, enum metric_id id, int64_t value)
{
	if (value >= 0)
		result_add(r, id, (double)value);
}

/* Of the process with its libraries: nothing is taken off, for there is no moment before. */
static void add_metrics(const json_t *run, const json_t *hyperfine, struct bench_result *r)
{
	const json_t *wall = json_object_get(hyperfine, "mean");
	int64_t maps = whole_number(run, "peak_maps");
	struct host h;

	host_read(&h);
	r->wall_s = json_number_value(wall);
	r->user_s = (double)whole_number(run, "user_ns") / 1e9;
	r->system_s = (double)whole_number(run, "system_ns") / 1e9;
	add_known(r, METRIC_PEAK_MAPS, maps);
	if (maps >= 0 && h.max_map_count > 0)
		result_add(r, METRIC_HEADROOM_MAPS, (double)(h.max_map_count - maps));
	add_known(r, METRIC_FINAL_MAPS, whole_number(run, "final_maps"));
	add_known(r, METRIC_PEAK_RSS, whole_number(run, "max_rss_bytes"));
	add_known(r, METRIC_FINAL_RSS, whole_number(run, "final_rss_bytes"));
	add_known(r, METRIC_MINOR_FAULTS, whole_number(run, "minor_faults"));
	add_known(r, METRIC_MAJOR_FAULTS, whole_number(run, "major_faults"));
	result_add(r, METRIC_SYSTEM_TIME, r->system_s);
	if (json_is_number(wall))
		result_add(r, METRIC_WALL, r->wall_s);
}

static json_t *calls_json(const uint64_t *calls)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < WHOLE_CALLS; i++)
		json_object_set_new(o, whole_call_names[i], json_integer((json_int_t)calls[i]));
	return o;
}

/* `hyperfine`: its own result. `whole`: what the launcher saw, and how often malloc is called. */
static json_t *more_of(const struct whole_folder *f, const struct whole_reference *ref,
		       const char *sha256, json_t *run, json_t *hyperfine)
{
	json_t *more = json_object(), *whole = json_object();

	json_object_set_new(whole, "tool", json_string(f->tool));
	json_object_set_new(whole, "output_sha256", json_string(sha256));
	json_object_set_new(whole, "expected_sha256", json_string(ref->sha256));
	json_object_set_new(whole, "calls_on_glibc", calls_json(ref->calls));
	json_object_set(whole, "run", run);
	json_object_set_new(more, "whole", whole);
	json_object_set(more, "hyperfine", hyperfine);
	return more;
}

static void judge_run(const struct bench_tools *t, const struct whole_folder *f,
		      const struct whole_reference *ref, const json_t *run, const char *sha256,
		      struct bench_result *r)
{
	if (whole_number(run, "file_seen") == 0) {
		r->status = STATUS_WRONG_ALLOCATOR;
		snprintf(r->why, sizeof(r->why), "%s has no map of %.400s", ref->program->server,
			 r->ref->path);
		return;
	}
	r->status = whole_judge_end(f, run, t->limit_ns, r->why);
	if (r->status != STATUS_OK || strcmp(sha256, ref->sha256) == 0)
		return;
	r->status = STATUS_WRONG_OUTPUT;
	snprintf(r->why, sizeof(r->why), "%s has the checksum %.12s, on glibc it is %.12s",
		 ref->program->output, *sha256 ? sha256 : "(no file)", ref->sha256);
}

static void run_timed(const struct bench_tools *t, const struct whole_reference *ref,
		      struct bench_result *r)
{
	char name[400], sha256[65];
	struct whole_request q = {.program = ref->program,
				  .percent = ref->percent,
				  .limit_ns = t->limit_ns,
				  .preload = r->ref->path,
				  .file = r->ref->path,
				  .name = name};
	json_t *run = NULL, *hyperfine = NULL;
	struct whole_folder f;

	snprintf(name, sizeof(name), "%s %s", ref->program->name, r->key.allocator);
	r->status = whole_folder_init(t, ref->program, ref->percent, &f, r->why);
	if (r->status != STATUS_OK)
		return;
	machine_state_read(&r->before);
	r->status = whole_start(&f, &q, &run, &hyperfine, r->why);
	machine_state_read(&r->after);
	if (r->status == STATUS_OK) {
		whole_output_sha256(&f, ref->program, sha256);
		judge_run(t, &f, ref, run, sha256, r);
		r->more = more_of(&f, ref, sha256, run, hyperfine);
		if (r->status == STATUS_OK)
			add_metrics(run, hyperfine, r);
	}
	json_decref(run);
	json_decref(hyperfine);
	whole_folder_release(&f);
}

static void run(const struct bench_tools *t, const struct bench_item *item,
		const struct allocator_ref *ref, struct bench_result *r)
{
	const struct whole_program *p = NULL;
	unsigned percent = r->key.scale_percent ? (unsigned)r->key.scale_percent : 100;

	if (strncmp(item->name, PREFIX, strlen(PREFIX)) == 0)
		p = whole_by_name(item->name + strlen(PREFIX));
	r->ref = ref;
	r->instrumentation[0] = "hyperfine";
	r->instrumentation[1] = "proc-sampling";
	r->status = p ? check_ref(ref, r->why) : STATUS_BROKEN;
	if (r->status != STATUS_OK)
		return;
	const struct whole_reference *reference = whole_reference(t, p, percent);

	r->status = reference->status;
	snprintf(r->why, sizeof(r->why), "%s", reference->why);
	if (r->status == STATUS_OK)
		r->status = whole_prove(t, p, ref, reference->calls, r->why);
	if (r->status == STATUS_OK)
		run_timed(t, reference, r);
}

static int list(const struct bench_tools *t, struct bench_item *ret, unsigned *n, unsigned most)
{
	(void)t;
	for (unsigned i = 0; i < whole_nprograms && *n < most; i++) {
		struct bench_item *item = &ret[(*n)++];

		*item = (struct bench_item){
			.kind = "whole", .quick = whole_programs[i].quick, .only_fixed = true};
		snprintf(item->name, sizeof(item->name), PREFIX "%s", whole_programs[i].name);
		snprintf(item->summary, sizeof(item->summary), "%s", whole_programs[i].summary);
	}
	return 0;
}

static void release(struct bench_result *r)
{
	json_decref(r->more);
	r->more = NULL;
}

const struct bench_kind bench_kind_whole = {
	.name = "whole", .list = list, .run = run, .release = release};
