#include "harness/exec/sampler.h"

#include <errno.h>
#include <string.h>

#include "harness/exec/child.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/residency.h"

/*
 * What full-rate sampling may cost, in lines of /proc/self/maps read (about 0.4 us each) plus a
 * base cost per sample.
 */
#define SAMPLE_BUDGET	 (4u << 20)
#define SAMPLE_BASE	 64
#define STATM_EVERY_FROM 262144 /* statements after which statm is read now and then only */
#define STATM_EVERY	 64

struct sampler {
	struct child *child;
	struct run_shared *shared;
	struct accounts *accounts;
	struct snapshot start;
	uint64_t spent; /* of SAMPLE_BUDGET */
	uint64_t statements, next_at;
	uint64_t high_size, high_resident; /* statm at samples, pages */
	bool started;
};

size_t sampler_arena_bytes(void)
{
	return sizeof(struct sampler) + _Alignof(struct sampler);
}

int sampler_new(struct arena *a, struct child *c, struct sampler **ret_sampler)
{
	struct sampler *s = arena_take(a, sizeof(*s), _Alignof(struct sampler));

	if (!s)
		return -ENOMEM;
	s->child = c;
	s->shared = c->shared;
	s->accounts = c->accounts;
	*ret_sampler = s;
	return 0;
}

void sampler_begin(struct sampler *s)
{
	*s = (struct sampler){.child = s->child, .shared = s->shared, .accounts = s->accounts};
}

static void raise_to(int64_t *high, int64_t value)
{
	if (value > *high)
		*high = value;
}

static void feed_peak(struct sampler *s, const struct snapshot *now)
{
	struct snapshot *peak = &s->shared->peak.at;

	if (s->child->proc || s->child->again)
		return;
	if (now->maps > peak->maps && !ledger_is_exact(s->child->ledger))
		child_maps_rose(s->child);
	raise_to(&peak->maps, now->maps);
	raise_to(&peak->mapped_bytes, now->mapped_bytes);
	raise_to(&peak->rss_bytes, now->rss_bytes);
	raise_to(&peak->total_maps, now->total_maps);
	raise_to(&peak->anon_huge_bytes, now->anon_huge_bytes);
	raise_to(&peak->lazyfree_bytes, now->lazyfree_bytes);
	raise_to(&peak->vmdata_bytes, now->vmdata_bytes);
	raise_to(&peak->locked_bytes, now->locked_bytes);
	s->shared->peak.samples++;
}

/* With a ledger maps are known anyway; a reading finds what no kernel call explains too. */
static int take(struct sampler *s, unsigned parts, struct snapshot *ret_now)
{
	static const struct snapshot nothing = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
	const struct ledger *l = s->child->ledger;

	if (!ledger_is_exact(l))
		return accounts_take(s->accounts, parts, ret_now);
	int err = parts & SNAPSHOT_MAPS ? kcalls_reconcile(s->child) : 0;

	parts &= ~(unsigned)SNAPSHOT_MAPS;
	*ret_now = nothing;
	if (!err && parts)
		err = accounts_take(s->accounts, parts, ret_now);
	if (err)
		return err;
	ret_now->maps = ledger_now(l)->maps;
	ret_now->mapped_bytes = ledger_now(l)->mapped_bytes;
	ret_now->total_maps = ledger_now(l)->total_maps;
	return 0;
}

static void share_of_allocator(const struct ledger *l, bool resident, struct checkpoint_record *r)
{
	bool exact = ledger_is_exact(l);

	r->allocator_maps = exact ? ledger_now(l)->maps_by[CALLER_ALLOCATOR] : -1;
	r->allocator_mapped_bytes = exact ? ledger_now(l)->mapped_by[CALLER_ALLOCATOR] : -1;
	r->allocator_rss_bytes = -1;
	if (resident)
		ledger_resident(l, &r->allocator_rss_bytes);
}

/* A fork child is judged once, at its end. */
static void judge_residency(struct sampler *s, const struct snapshot *now)
{
	if (s->child->proc == 0)
		residency_judge(s->child, now->rss_bytes);
}

int sampler_checkpoint(struct sampler *s, const struct checkpoint_at *at)
{
	struct run_shared *shared = s->shared;
	struct snapshot now;
	unsigned parts = shared->config.accounts;
	int err = take(s, parts, &now);

	if (err)
		return err;
	if (!s->started) {
		s->start = now;
		shared->peak.at = now;
		s->started = true;
	}
	feed_peak(s, &now);
	judge_residency(s, &now);
	uint32_t n = atomic_load_explicit(&shared->ncheckpoints, memory_order_relaxed);

	/* The last place is kept for "end". */
	if (n >= CHECKPOINT_MAX || (n == CHECKPOINT_MAX - 1 && strcmp(at->name, "end") != 0)) {
		shared->checkpoints_dropped++;
		return 0;
	}
	struct checkpoint_record *r = &shared->checkpoint[n];

	memccpy(r->name, at->name, '\0', sizeof(r->name) - 1);
	r->stmt = at->stmt;
	r->iteration = at->iteration;
	r->in_fork = at->in_fork;
	r->at = now;
	share_of_allocator(s->child->ledger, parts & SNAPSHOT_RSS, r);
	atomic_store_explicit(&shared->ncheckpoints, n + 1, memory_order_release);
	return 0;
}

static void sample(struct sampler *s)
{
	const struct ledger *l = s->child->ledger;
	bool exact = ledger_is_exact(l);
	struct snapshot now;

	if (accounts_take(s->accounts, exact ? SNAPSHOT_RSS : SNAPSHOT_RSS | SNAPSHOT_MAPS, &now))
		return;
	feed_peak(s, &now);
	judge_residency(s, &now);
	s->spent += SAMPLE_BASE + (uint64_t)(exact ? ledger_now(l)->total_maps : now.total_maps);
}

/* A new high by more than an eighth, or mapped in any way more than at all earlier samples. */
static bool statm_is_new_high(struct sampler *s)
{
	uint64_t size, resident;

	if (accounts_statm(s->accounts, &size, &resident) != 0)
		return false;
	bool high = size > s->high_size + s->high_size / 64 ||
		    resident > s->high_resident + s->high_resident / 8;

	if (high) {
		s->high_size = size;
		s->high_resident = resident;
	}
	return high;
}

void sampler_statement(struct sampler *s)
{
	s->statements++;
	if (s->spent < SAMPLE_BUDGET) {
		sample(s);
		s->next_at = s->statements + s->statements / 8 + 1;
		return;
	}
	bool due = s->statements >= s->next_at;

	if (!due && (s->statements < STATM_EVERY_FROM || s->statements % STATM_EVERY == 0))
		due = statm_is_new_high(s);
	if (!due) {
		s->shared->peak.samples_left_out++;
		return;
	}
	sample(s);
	if (s->statements >= s->next_at)
		s->next_at = s->statements + s->statements / 8 + 1;
}

static unsigned parts_for(unsigned metric)
{
	switch (metric) {
	case METRIC_RSS:
	case METRIC_RSS_PEAK:
		return SNAPSHOT_RSS | SNAPSHOT_MAPS;
	case METRIC_ANON_HUGE:
	case METRIC_LAZYFREE:
		return SNAPSHOT_ROLLUP | SNAPSHOT_MAPS;
	case METRIC_LOCKED:
	case METRIC_VMDATA:
		return SNAPSHOT_STATUS | SNAPSHOT_MAPS;
	default:
		return SNAPSHOT_MAPS;
	}
}

/* The highest so far: of every kernel call, or of the samples. */
static int64_t peak_since_start(const struct sampler *s, unsigned metric)
{
	const struct run_watch *w = &s->shared->watch;
	const struct snapshot *peak = &s->shared->peak.at, *start = &s->start;

	if (metric == METRIC_MAPS_PEAK)
		return w->exact ? w->peak.maps - w->start.maps : peak->maps - start->maps;
	return w->exact ? w->peak.mapped_bytes - w->start.mapped_bytes
			: peak->mapped_bytes - start->mapped_bytes;
}

/* Untrapped, what happens inside allocator calls is not seen: exact until the first one. */
static enum certainty calls_certainty(const struct sampler *s, enum certainty otherwise)
{
	const struct child *c = s->child;

	return c->allocator_called && (!c->trapping || s->shared->watch.passed_by) ? otherwise
										   : CERTAIN_EXACT;
}

/* Between samples, and while nobody looked, it may have been higher. */
static enum certainty peak_certainty(const struct sampler *s)
{
	const struct run_watch *w = &s->shared->watch;

	if (!w->exact || w->untracked.maps || w->untracked.mapped_bytes)
		return CERTAIN_AT_LEAST;
	return calls_certainty(s, CERTAIN_AT_LEAST);
}

/* Without the ledger it is known of how many bytes, not of how many maps. */
static enum certainty lost_certainty(const struct sampler *s, unsigned metric,
				     const struct run_lost *lost)
{
	if (metric == METRIC_MAPS_LOST && lost->measured && !lost->maps_known)
		return CERTAIN_NOTHING;
	return calls_certainty(s, CERTAIN_NOTHING);
}

/* What /proc says of the whole process, as far as this kernel has it. */
static struct measured since_start(int64_t now, int64_t start)
{
	if (now < 0 || start < 0)
		return (struct measured){.certainty = CERTAIN_NOTHING};
	return (struct measured){.value = now - start};
}

static struct measured of_accounts(struct sampler *s, unsigned metric, const struct snapshot *now)
{
	const struct snapshot *peak = &s->shared->peak.at, *start = &s->start;

	switch (metric) {
	case METRIC_MAPS:
		return since_start(now->maps, start->maps);
	case METRIC_MAPPED:
		return since_start(now->mapped_bytes, start->mapped_bytes);
	case METRIC_MAPS_PEAK:
	case METRIC_MAPPED_PEAK:
		return (struct measured){peak_since_start(s, metric), peak_certainty(s)};
	case METRIC_RSS:
		return since_start(now->rss_bytes, start->rss_bytes);
	case METRIC_RSS_PEAK:
		return since_start(peak->rss_bytes, start->rss_bytes);
	case METRIC_ANON_HUGE:
		return since_start(now->anon_huge_bytes, start->anon_huge_bytes);
	case METRIC_LAZYFREE:
		return since_start(now->lazyfree_bytes, start->lazyfree_bytes);
	case METRIC_LOCKED:
		return since_start(now->locked_bytes, start->locked_bytes);
	default:
		return since_start(now->vmdata_bytes, start->vmdata_bytes);
	}
}

static int measure_accounts(struct sampler *s, unsigned metric, struct measured *ret)
{
	struct snapshot now;
	int err = take(s, parts_for(metric), &now);

	if (err)
		return err;
	feed_peak(s, &now);
	*ret = of_accounts(s, metric, &now);
	return 0;
}

static int measure_lost(struct sampler *s, unsigned metric, struct measured *ret)
{
	struct run_lost lost;
	int err = kcalls_outstanding(s->child, false, &lost);

	if (err)
		return err;
	ret->value = metric == METRIC_MAPS_LOST ? lost.maps : lost.mapped_bytes;
	ret->certainty = lost_certainty(s, metric, &lost);
	return 0;
}

int sampler_measure(struct sampler *s, const struct op_expect *expect,
		    struct measured *ret_measured)
{
	switch (expect->metric) {
	case METRIC_CALL_MADE:
		ret_measured->value = (int64_t)s->shared->counts.call[expect->call].made;
		ret_measured->certainty = calls_certainty(s, CERTAIN_AT_LEAST);
		return 0;
	case METRIC_CALL_FAILED:
		ret_measured->value = (int64_t)s->shared->counts.call[expect->call].failed;
		ret_measured->certainty = calls_certainty(s, CERTAIN_AT_LEAST);
		return 0;
	case METRIC_MAPS_LOST:
	case METRIC_MAPPED_LOST:
		return measure_lost(s, expect->metric, ret_measured);
	default:
		return measure_accounts(s, expect->metric, ret_measured);
	}
}

int64_t sampler_rss_since_start(struct sampler *s)
{
	struct snapshot now;
	bool asked = s->shared->config.accounts & SNAPSHOT_RSS;

	if (!asked || accounts_take(s->accounts, SNAPSHOT_RSS, &now) != 0)
		return -1;
	return now.rss_bytes - s->start.rss_bytes;
}
