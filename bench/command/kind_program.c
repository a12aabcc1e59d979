/*
 * kind_program.c - the programs of corpus/bench: what text can say, and the map limit above all.
 *
 * Each repetition is two runs. In the first nothing is watched, and it gives the time and what is
 * left at the end. In the second every kernel call is seen and every block judged: it gives exact
 * maps, what is resident at checkpoints, what was lost.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/command/program_run.h"
#include "harness/cli/host.h"
#include "harness/cli/json_out.h"
#include "harness/cli/paths.h"

#define FOLDER	"corpus/bench"
#define PREFIX	"program/"
#define PROGRAM ".prog"

/* They take their time: some seconds each. */
static const char *const quick[] = {"map-limit-malloc"};

/* The first comment up to the end of its first sentence. */
static void read_summary(const char *path, char *buf, size_t size)
{
	FILE *in = fopen(path, "re");
	char line[512];
	size_t len = 0;

	buf[0] = '\0';
	while (in && fgets(line, sizeof(line), in)) {
		const char *end;

		if (line[0] != '#' && !len)
			continue;
		if (line[0] != '#')
			break;
		line[strcspn(line, "\n")] = '\0';
		end = strstr(line, ". ");
		len += (size_t)snprintf(buf + len, size - len, "%s%.*s", len ? " " : "",
					(int)(end ? (size_t)(end - line) - 1 : strlen(line)),
					line + 1 + (line[1] == ' '));
		if (end || len >= size || line[strlen(line) - 1] == '.')
			break;
	}
	if (in)
		fclose(in);
	len = strlen(buf);
	while (len && (buf[len - 1] == '.' || buf[len - 1] == ' '))
		buf[--len] = '\0';
}

static int is_program(const struct dirent *d)
{
	size_t len = strlen(d->d_name), end = strlen(PROGRAM);

	return d->d_name[0] != '.' && len > end && strcmp(d->d_name + len - end, PROGRAM) == 0;
}

static void fill_item(const char *dir, const char *file, struct bench_item *item)
{
	char path[PATH_MAX + NAME_MAX + 2], name[NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(PROGRAM)), file);
	*item = (struct bench_item){.only_fixed = true};
	snprintf(item->name, sizeof(item->name), PREFIX "%.50s", name);
	snprintf(item->kind, sizeof(item->kind), "program");
	read_summary(path, item->summary, sizeof(item->summary));
	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		item->quick |= strcmp(quick[i], name) == 0;
}

static int list(const struct bench_tools *t, struct bench_item *ret, unsigned *n, unsigned most)
{
	char dir[PATH_MAX];
	struct dirent **entry;
	int err = paths_data_dir(FOLDER, dir);

	(void)t;
	if (err)
		return err == -ENOENT ? 0 : err;
	int found = scandir(dir, &entry, is_program, alphasort);

	if (found < 0)
		return -errno;
	for (int i = 0; i < found; i++) {
		if (*n < most)
			fill_item(dir, entry[i]->d_name, &ret[(*n)++]);
		free(entry[i]);
	}
	free(entry);
	return 0;
}

static void add_known(struct bench_result *r, enum metric_id id, int64_t value)
{
	if (value >= 0)
		result_add(r, id, (double)value);
}

/* Of the run that nobody watched. */
static void take_time(const struct outcome_of_run *o, struct bench_result *r)
{
	const struct run_shared *s = o->result.shared;
	const struct checkpoint_record *end = program_checkpoint(s, "end");
	const struct snapshot *start = &s->checkpoint[0].at;
	uint64_t worked_ns = s->run_ns > s->slept_ns ? s->run_ns - s->slept_ns : 0;

	r->wall_s = (double)o->result.wall_ns / 1e9;
	r->user_s = (double)o->result.cpu_ns / 1e9;
	if (s->counts.executed && worked_ns) {
		result_add(r, METRIC_NS_PER_OP, (double)worked_ns / (double)s->counts.executed);
		result_add(r, METRIC_OPS_PER_S,
			   (double)s->counts.executed * 1e9 / (double)worked_ns);
	}
	if (!end)
		return;
	result_add(r, METRIC_FINAL_MAPS, (double)(end->at.maps - start->maps));
	result_add(r, METRIC_FINAL_RSS, (double)program_since(end->at.rss_bytes, start->rss_bytes));
	result_add(r, METRIC_FINAL_MAPPED, (double)(end->at.mapped_bytes - start->mapped_bytes));
}

static void take_kept(const struct run_shared *s, const char *checkpoint, enum metric_id id,
		      struct bench_result *r)
{
	const struct checkpoint_record *at = program_checkpoint(s, checkpoint);

	if (at)
		add_known(r, id, program_since(at->at.rss_bytes, s->checkpoint[0].at.rss_bytes));
}

static void take_phases(const struct run_shared *s, struct bench_result *r)
{
	const struct snapshot *start = &s->checkpoint[0].at;
	uint32_t n = atomic_load(&s->ncheckpoints);

	for (uint32_t i = 1; i < n && i < CHECKPOINT_MAX && r->nphases < 64; i++) {
		const struct checkpoint_record *c = &s->checkpoint[i];
		struct result_phase *p = &r->phases[r->nphases++];

		*p = (struct result_phase){
			.begin_s = -1,
			.end_s = -1,
			.live_bytes = -1,
			.rss = program_since(c->at.rss_bytes, start->rss_bytes),
			.mapped = c->at.mapped_bytes - start->mapped_bytes,
			.maps = c->at.maps - start->maps,
			.lazyfree = program_since(c->at.lazyfree_bytes, start->lazyfree_bytes),
			.anon_huge = program_since(c->at.anon_huge_bytes, start->anon_huge_bytes),
		};
		snprintf(p->name, sizeof(p->name), "%.23s", c->name);
	}
}

/* Of the run in which everything is seen. */
static void take_accounts(const struct outcome_of_run *o, struct bench_result *r)
{
	const struct run_shared *s = o->result.shared;
	const struct snapshot *start = &s->checkpoint[0].at, *peak = &s->peak.at;
	bool exact = s->watch.exact;
	int64_t maps = exact ? s->watch.peak.maps - s->watch.start.maps : peak->maps - start->maps;
	int64_t mapped = exact ? s->watch.peak.mapped_bytes - s->watch.start.mapped_bytes
			       : peak->mapped_bytes - start->mapped_bytes;
	int64_t total = exact ? s->watch.peak.total_maps : peak->total_maps;
	struct host h;

	host_read(&h);
	add_known(r, METRIC_PEAK_MAPS, maps);
	if (h.max_map_count > 0)
		result_add(r, METRIC_HEADROOM_MAPS, (double)(h.max_map_count - total));
	add_known(r, METRIC_PEAK_RSS, program_since(peak->rss_bytes, start->rss_bytes));
	add_known(r, METRIC_PEAK_MAPPED, mapped);
	take_kept(s, "freed", METRIC_KEPT_0S, r);
	take_kept(s, "idle", METRIC_KEPT_1S, r);
	if (s->lost.measured)
		add_known(r, METRIC_LOST, s->lost.bytes);
	if (s->watch.traps == WATCH_ON)
		result_add(r, METRIC_KERNEL_CALLS, (double)program_kernel_calls(s));
	take_phases(s, r);
}

static json_t *more_of(const struct outcome_of_run *o)
{
	const struct run_shared *s = o->result.shared;
	json_t *more = json_object(), *findings = json_array();

	for (unsigned i = 0; i < o->verdict.nfindings; i++)
		json_array_append_new(findings, json_text(o->verdict.finding[i].signature));
	json_object_set_new(more, "program_sha256", json_text(o->in.program->sha256));
	json_object_set_new(more, "findings", findings);
	json_object_set_new(more, "nulls", json_integer((json_int_t)s->counts.null_at_refusal));
	json_object_set_new(more, "lost_maps",
			    s->lost.measured ? json_integer(s->lost.maps) : json_null());
	return more;
}

/* What returns NULL served less than the others, and its figures are of less work. */
static void judge_nulls(const struct outcome_of_run *o, struct bench_result *r)
{
	uint64_t nulls = o->result.shared->counts.null_at_refusal;

	if (!nulls || r->status != STATUS_OK)
		return;
	r->status = STATUS_OUT_OF_MEMORY;
	snprintf(r->why, sizeof(r->why),
		 "%llu requests came back NULL, as the kernel refused it memory",
		 (unsigned long long)nulls);
}

/* Either run; its figures are taken where it went well. */
static bool run_once(const struct bench_tools *t, const struct program *p, bool watched,
		     struct bench_result *r)
{
	const struct runner_options options = program_options(t, r->key.seed, watched);
	struct outcome_of_run o;

	program_run(p, r->ref, &options, &o);
	r->status = program_status(&o, r->why, sizeof(r->why));
	if (r->status == STATUS_OK && watched) {
		take_accounts(&o, r);
		r->more = more_of(&o);
		judge_nulls(&o, r);
	} else if (r->status == STATUS_OK) {
		take_time(&o, r);
	}
	runner_release(&o);
	return r->status == STATUS_OK;
}

static void run(const struct bench_tools *t, const struct bench_item *item,
		const struct allocator_ref *ref, struct bench_result *r)
{
	char dir[PATH_MAX], path[PATH_MAX + 128];
	struct program p;
	int err = paths_data_dir(FOLDER, dir);

	r->ref = ref;
	r->status = STATUS_BROKEN;
	r->instrumentation[0] = "interpreter";
	r->instrumentation[1] = "second-run:ledger";
	r->instrumentation[2] = "second-run:oracles";
	machine_state_read(&r->before);
	snprintf(path, sizeof(path), "%s/%s" PROGRAM, err ? "" : dir, item->name + strlen(PREFIX));
	if (err || program_open(path, &p) != 0) {
		snprintf(r->why, sizeof(r->why), "cannot run %.400s", path);
		return;
	}
	if (run_once(t, &p, false, r))
		run_once(t, &p, true, r);
	machine_state_read(&r->after);
	program_release(&p);
}

static void release(struct bench_result *r)
{
	json_decref(r->more);
	r->more = NULL;
}

const struct bench_kind bench_kind_program = {
	.name = "program", .list = list, .run = run, .release = release};
