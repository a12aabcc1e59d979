#include "harness/cli/run_json.h"

#include <stdio.h>
#include <string.h>

#include "harness/cli/fault_rule.h"
#include "harness/cli/host.h"
#include "harness/cli/json_out.h"
#include "harness/cli/kinds.h"
#include "harness/cli/left_behind.h"
#include "harness/cli/syscall_name.h"
#include "harness/prog/names.h"

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_text(text));
}

json_t *allocator_json(const struct allocator_ref *a)
{
	json_t *o = json_object();

	set_text(o, "name", a->name);
	set_text(o, "path", a->path);
	set_text(o, "version", a->version);
	set_text(o, "build_id", a->build_id);
	set_text(o, "sha256", a->sha256);
	set_text(o, "package", a->package);
	return o;
}

json_t *host_json(void)
{
	struct host h;
	json_t *o = json_object();

	host_read(&h);
	set_text(o, "kernel", h.kernel);
	json_object_set_new(o, "max_map_count", json_integer(h.max_map_count));
	set_text(o, "thp", h.thp);
	set_text(o, "cpu", h.cpu);
	set_count(o, "cpus", h.cpus);
	return o;
}

static json_t *program_json(const struct program *p)
{
	json_t *o = json_object();

	set_text(o, "name", p->name);
	set_text(o, "sha256", p->sha256);
	set_text(o, "path", p->path);
	return o;
}

static json_t *finding_json(const struct verdict_finding *vf)
{
	const struct finding *f = vf->finding;
	json_t *o = json_object();

	set_text(o, "kind", finding_kind_name(f->kind));
	set_text(o, "rule", finding_rule_name(f->rule));
	json_object_set_new(o, "op", json_integer(f->stmt));
	if (f->has_slot)
		set_count(o, "slot", f->slot);
	set_count(o, "iteration", f->iteration);
	set_count(o, "thread", f->thread);
	json_object_set_new(o, "in_fork", json_boolean(f->in_fork));
	json_object_set_new(o, "again", json_boolean(f->again));
	set_count(o, "count", f->count);
	set_text(o, "signature", vf->signature);
	set_text(o, "message", vf->message);
	json_object_set_new(o, "known", json_boolean(vf->known != NULL));
	if (vf->known) {
		set_text(o, "link", vf->known->link);
		set_text(o, "reason", vf->known->reason);
	}
	return o;
}

static json_t *difference(int64_t now, int64_t start)
{
	return now < 0 || start < 0 ? json_null() : json_integer(now - start);
}

static json_t *snapshot_json(const struct snapshot *now, const struct snapshot *start)
{
	json_t *o = json_object();

	json_object_set_new(o, "maps", difference(now->maps, start->maps));
	json_object_set_new(o, "mapped_bytes", difference(now->mapped_bytes, start->mapped_bytes));
	json_object_set_new(o, "rss_bytes", difference(now->rss_bytes, start->rss_bytes));
	json_object_set_new(o, "anon_huge_bytes",
			    difference(now->anon_huge_bytes, start->anon_huge_bytes));
	json_object_set_new(o, "lazyfree_bytes",
			    difference(now->lazyfree_bytes, start->lazyfree_bytes));
	json_object_set_new(o, "vmdata_bytes", difference(now->vmdata_bytes, start->vmdata_bytes));
	json_object_set_new(o, "locked_bytes", difference(now->locked_bytes, start->locked_bytes));
	return o;
}

/* Of a checkpoint's numbers, the allocator's own; the rest is the program's. */
static json_t *share_json(const struct checkpoint_record *now,
			  const struct checkpoint_record *start)
{
	json_t *o = json_object();

	json_object_set_new(o, "maps", difference(now->allocator_maps, start->allocator_maps));
	json_object_set_new(o, "mapped_bytes",
			    difference(now->allocator_mapped_bytes, start->allocator_mapped_bytes));
	json_object_set_new(o, "rss_bytes",
			    difference(now->allocator_rss_bytes, start->allocator_rss_bytes));
	return o;
}

static json_t *checkpoints_json(const struct run_shared *s)
{
	json_t *list = json_array();
	uint32_t n = atomic_load(&s->ncheckpoints);

	for (uint32_t i = 0; i < n && i < CHECKPOINT_MAX; i++) {
		const struct checkpoint_record *r = &s->checkpoint[i];
		json_t *o = snapshot_json(&r->at, &s->checkpoint[0].at);

		/* Of the whole machine, whoever else is at work on it: no peak, no verdict. */
		json_object_set_new(
			o, "committed_bytes",
			difference(r->at.committed_bytes, s->checkpoint[0].at.committed_bytes));
		json_object_set_new(o, "allocator", share_json(r, &s->checkpoint[0]));
		set_text(o, "name", r->name);
		json_object_set_new(o, "op", json_integer(r->stmt));
		set_count(o, "iteration", r->iteration);
		json_object_set_new(o, "in_fork", json_boolean(r->in_fork));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *harness_json(const struct run_shared *s)
{
	static const char *const rss[] = {"none", "PAGEMAP_SCAN", "pagemap"};
	json_t *o = json_object();

	if (atomic_load(&s->ncheckpoints) == 0) {
		json_object_set_new(o, "maps", json_null());
		return o;
	}
	const struct snapshot *start = &s->checkpoint[0].at;

	/* All VMAs right before the first op: with peak.maps they give the process's own count. */
	json_object_set_new(o, "maps", json_integer(start->total_maps));
	json_object_set_new(o, "allocator_maps_at_start", json_integer(start->maps));
	set_text(o, "rss_method", rss[s->rss_method <= RSS_PAGEMAP ? s->rss_method : 0]);
	return o;
}

static void set_number(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

/* Of every kernel call, not of samples; what was resident in between is not known. */
static void add_ledger_peak(json_t *o, const struct run_watch *w)
{
	const struct ledger_counts *p = &w->peak, *s = &w->start;

	set_number(o, "maps", p->maps - s->maps);
	set_number(o, "mapped_bytes", p->mapped_bytes - s->mapped_bytes);
	set_number(o, "maps_allocator",
		   p->maps_by[CALLER_ALLOCATOR] - s->maps_by[CALLER_ALLOCATOR]);
	set_number(o, "maps_program", p->maps_by[CALLER_PROGRAM] - s->maps_by[CALLER_PROGRAM]);
	set_number(o, "mapped_allocator_bytes",
		   p->mapped_by[CALLER_ALLOCATOR] - s->mapped_by[CALLER_ALLOCATOR]);
	set_number(o, "mapped_program_bytes",
		   p->mapped_by[CALLER_PROGRAM] - s->mapped_by[CALLER_PROGRAM]);
}

static json_t *peak_json(const struct run_shared *s)
{
	bool started = atomic_load(&s->ncheckpoints) > 0;
	json_t *o = started ? snapshot_json(&s->peak.at, &s->checkpoint[0].at) : json_object();

	if (started && peak_is_exact(s))
		add_ledger_peak(o, &s->watch);
	if (peak_is_exact(s))
		set_text(o, "method", "ledger");
	else
		set_text(o, "method", s->config.sampling ? "sampled" : "checkpoints");
	if (s->config.oracles && !s->config.kernel) {
		set_count(o, "live_peak_bytes", s->live_peak_bytes);
		set_count(o, "live_bytes", s->live_bytes_at_peak);
	}
	set_count(o, "samples", s->peak.samples);
	set_count(o, "samples_left_out", s->peak.samples_left_out);
	return o;
}

static const char *unmeasured_lost(const struct run_shared *s)
{
	if (s->watch.traps != WATCH_ON)
		return verdict_unwatched(s);
	return s->config.oracles ? "the run did not get as far" : "the oracles are off";
}

/* Where no call of an allocator was made nothing was lost, whoever looks. */
static json_t *lost_json(const struct verdict_input *in)
{
	const struct run_shared *s = in->result->shared;
	const struct run_lost *l = &s->lost;
	bool known = l->measured || !in->program->info.has_block_ops;
	bool maps_known = l->measured ? l->maps_known : known;
	json_t *o = json_object();

	json_object_set_new(o, "maps", maps_known ? json_integer(l->maps) : json_null());
	json_object_set_new(o, "mapped_bytes", known ? json_integer(l->mapped_bytes) : json_null());
	json_object_set_new(o, "rss_bytes", known ? json_integer(l->rss_bytes) : json_null());
	if (!maps_known)
		set_text(o, "unsupported", known ? s->watch.reason : unmeasured_lost(s));
	return o;
}

static void add_other_calls(json_t *calls, const struct run_shared *s)
{
	for (uint32_t nr = 0; nr < OTHER_CALLS; nr++) {
		struct syscall_word name = syscall_word(nr);
		uint64_t by_allocator = s->counts.other[CALLER_ALLOCATOR][nr];
		uint64_t made = by_allocator + s->counts.other[CALLER_PROGRAM][nr];

		if (!made || json_object_get(calls, name.s))
			continue;
		json_t *o = json_object();

		set_count(o, "made", made);
		set_count(o, "by_allocator", by_allocator);
		json_object_set_new(calls, name.s, o);
	}
}

static json_t *calls_json(const struct run_shared *s)
{
	json_t *calls = json_object();

	for (unsigned i = 0; i < KCALL_COUNT; i++) {
		if (!s->counts.call[i].made)
			continue;
		json_t *o = json_object();

		set_count(o, "made", s->counts.call[i].made);
		set_count(o, "failed", s->counts.call[i].failed);
		set_count(o, "injected", s->counts.call[i].injected);
		set_count(o, "by_allocator", s->counts.call[i].by_allocator);
		json_object_set_new(calls, kcall_name(i), o);
	}
	add_other_calls(calls, s);
	return calls;
}

static json_t *untracked_json(const struct ledger_drift *d)
{
	json_t *o = d->vmas ? json_object() : json_null();

	if (!d->vmas)
		return o;
	set_count(o, "vmas", d->vmas);
	set_number(o, "maps", d->maps);
	set_number(o, "mapped_bytes", d->mapped_bytes);
	return o;
}

static json_t *watch_json(const struct run_shared *s)
{
	static const char *const tape[] = {"off", "on", "unsupported"};
	const struct run_watch *w = &s->watch;
	json_t *o = json_object();

	set_text(o, "tape", tape[w->traps]);
	set_text(o, "reason", w->reason);
	set_text(o, "ledger", w->exact ? "exact" : "sampled");
	set_count(o, "passed_by", w->passed_by);
	json_object_set_new(o, "untracked", untracked_json(&w->untracked));
	set_count(o, "tape_dropped", atomic_load(&s->tape.dropped));
	/* The program's allocator calls were made once more, to see what comes back. */
	json_object_set_new(o, "work_again", json_boolean(s->lost.again));
	return o;
}

/* A loop that seemed to grow; null: none. */
static json_t *growth_json(const struct run_shared *s)
{
	static const char *const metric[GROWTH_METRICS] = {"maps", "mapped_bytes", "rss_bytes"};
	const struct run_growth *g = &s->growth;
	bool confirmed = false;

	if (!g->suspected)
		return json_null();
	for (uint32_t i = 0; i < s->findings.n && i < FINDING_MAX; i++) {
		const struct finding *f = &s->findings.v[i];

		confirmed |= f->stmt == g->stmt &&
			     (f->kind == FINDING_MAP_GROWTH || f->kind == FINDING_FOOTPRINT_GROWTH);
	}
	json_t *o = json_object();

	set_number(o, "op", g->stmt);
	set_text(o, "metric", metric[g->line.metric]);
	json_object_set_new(o, "per_round", json_real(g->line.per_round));
	set_number(o, "risen", g->line.risen);
	set_count(o, "rounds", g->line.rounds);
	json_object_set_new(o, "confirmed", json_boolean(confirmed));
	return o;
}

static json_t *ops_json(const struct run_shared *s)
{
	json_t *o = json_object(), *absent = json_object();

	set_count(o, "executed", s->counts.executed);
	set_count(o, "skipped", s->counts.skipped);
	set_count(o, "failed", s->counts.failed);
	set_count(o, "null_at_refusal", s->counts.null_at_refusal);
	for (unsigned i = 0; i < OP_CODES; i++)
		if (s->counts.absent[i])
			set_count(absent, op_name(i), s->counts.absent[i]);
	json_object_set_new(o, "absent", absent);
	return o;
}

/* `when` blocks that were not entered. */
static json_t *not_run_json(const struct run_shared *s)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->nnot_run; i++) {
		const struct not_run *n = &s->not_run[i];
		json_t *o = json_object();

		set_number(o, "op", n->stmt);
		set_number(o, "line", n->line);
		set_text(o, "fact", fact_name(n->wanted.fact));
		set_text(o, "relation", relation_name(n->wanted.relation));
		set_number(o, "wanted", n->wanted.value);
		set_number(o, "found", n->found);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *instrumentation_json(const struct run_shared *s)
{
	const struct run_config *cfg = &s->config;
	json_t *list = json_array();

	if (cfg->oracles)
		json_array_append_new(list, json_string("oracles"));
	if (cfg->check_full)
		json_array_append_new(list, json_string("check-full"));
	if (cfg->sampling)
		json_array_append_new(list, json_string("sampling"));
	if (s->watch.traps == WATCH_ON)
		json_array_append_new(list, json_string("tape"));
	if (cfg->check_ledger && s->watch.exact)
		json_array_append_new(list, json_string("check-ledger"));
	return list;
}

static json_t *faults_json(const struct run_config *cfg)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < cfg->nfaults && i < FAULT_RULES; i++)
		json_array_append_new(list, json_string(fault_rule_words(&cfg->faults[i]).s));
	return list;
}

static json_t *served_json(const struct run_shared *s)
{
	static const char *const name[SYMBOL_COUNT] = {
#define FAMILY(member, symbol) #symbol,
#define VENDOR(member, symbol) #symbol,
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
	};
	json_t *own = json_array();

	for (unsigned i = 0; i < SYMBOL_COUNT; i++)
		if (s->served.nobjects && s->served.by[i] == (int)s->served.own)
			json_array_append_new(own, json_string(name[i]));
	return own;
}

static const char *end_name(enum run_end end)
{
	static const char *const name[] = {"normal",  "crashed",     "hung",
					   "refused", "interrupted", "broken"};

	return name[end];
}

static const char *load_name(uint32_t load)
{
	static const char *const name[] = {"preload", "dlopen", "inside"};

	return name[load];
}

static void add_details(json_t *o, const struct verdict_input *in, const struct verdict *v)
{
	const struct run_result *r = in->result;
	const struct run_shared *s = r->shared;

	set_text(o, "end", end_name(r->end));
	set_text(o, "reason", v->reason);
	set_text(o, "load", load_name(s->config.load));
	set_count(o, "seed", s->config.seed);
	json_object_set_new(o, "served_by_own_file", served_json(s));
	json_object_set_new(o, "faults", faults_json(&s->config));
	json_object_set_new(o, "ballast",
			    s->config.has_ballast ? json_integer((json_int_t)s->config.ballast)
						  : json_null());
	set_text(o, "version_by_itself", s->served.version);
	set_count(o, "findings_dropped", s->findings.dropped);
	set_count(o, "checkpoints_dropped", s->checkpoints_dropped);
	set_count(o, "live_blocks_at_end", s->live_blocks);
	set_count(o, "live_bytes_at_end", s->live_bytes);
	if (r->output_len)
		json_object_set_new(o, "output", json_bytes(r->output, r->output_len));
	set_count(o, "run_ns", s->run_ns);
	set_count(o, "wall_ns", r->wall_ns);
}

/* A run that never started: the same object, with nothing measured. */
static void add_nothing(json_t *o, const struct verdict *v)
{
	json_object_set_new(o, "checkpoints", json_array());
	json_object_set_new(o, "harness", json_object());
	json_object_set_new(o, "peak", json_object());
	json_object_set_new(o, "lost", json_object());
	json_object_set_new(o, "watch", json_object());
	json_object_set_new(o, "growth", json_null());
	json_object_set_new(o, "calls", json_object());
	json_object_set_new(o, "ops", json_object());
	json_object_set_new(o, "not_run", json_array());
	json_object_set_new(o, "instrumentation", json_array());
	json_object_set_new(o, "without", json_array());
	json_object_set_new(o, "host", host_json());
	set_text(o, "end", "not-run");
	set_text(o, "reason", v->reason);
	set_count(o, "wall_ns", 0);
}

json_t *run_json(const struct verdict_input *in, const struct verdict *v)
{
	const struct run_shared *s = in->result->shared;
	json_t *o = json_object(), *findings = json_array();

	if (!o || !findings)
		return NULL;
	for (unsigned i = 0; i < v->nfindings; i++)
		json_array_append_new(findings, finding_json(&v->finding[i]));
	set_text(o, "schema", "allocrig.run/1");
	json_object_set_new(o, "allocator", allocator_json(in->allocator));
	json_object_set_new(o, "program", program_json(in->program));
	set_text(o, "profile", in->profile ? in->profile->path : NULL);
	set_text(o, "outcome", outcome_name(v->outcome));
	json_object_set_new(o, "findings", findings);
	if (!s) {
		add_nothing(o, v);
		return o;
	}
	json_object_set_new(o, "checkpoints", checkpoints_json(s));
	json_object_set_new(o, "harness", harness_json(s));
	json_object_set_new(o, "peak", peak_json(s));
	json_object_set_new(o, "lost", lost_json(in));
	json_object_set_new(o, "watch", watch_json(s));
	json_object_set_new(o, "growth", growth_json(s));
	json_object_set_new(o, "calls", calls_json(s));
	json_object_set_new(o, "ops", ops_json(s));
	json_object_set_new(o, "not_run", not_run_json(s));
	json_object_set_new(o, "instrumentation", instrumentation_json(s));
	json_object_set_new(o, "without", kinds_json(s->config.without));
	json_object_set_new(o, "host", host_json());
	add_details(o, in, v);
	return o;
}
