#include "harness/exec/sampler.h"

#include <errno.h>
#include <string.h>

/*
 * What full-rate sampling may cost, in lines of /proc/self/maps read (about 0.4 us each) plus a
 * base cost per sample.
 */
#define SAMPLE_BUDGET	 (4u << 20)
#define SAMPLE_BASE	 64
#define STATM_EVERY_FROM 262144 /* statements after which statm is read now and then only */
#define STATM_EVERY	 64

struct sampler {
	struct run_shared *shared;
	struct accounts *accounts;
	struct snapshot start;
	uint64_t spent; /* of SAMPLE_BUDGET */
	uint64_t statements, next_at;
	uint64_t high_size, high_resident; /* statm at samples, pages */
	bool block_calls_unseen, block_called, started, in_fork;
};

size_t sampler_arena_bytes(void)
{
	return sizeof(struct sampler) + _Alignof(struct sampler);
}

int sampler_new(struct arena *a, const struct sampler_setup *setup, struct sampler **ret_sampler)
{
	struct sampler *s = arena_take(a, sizeof(*s), _Alignof(struct sampler));

	if (!s)
		return -ENOMEM;
	s->shared = setup->shared;
	s->accounts = setup->accounts;
	s->block_calls_unseen = setup->block_calls_unseen;
	*ret_sampler = s;
	return 0;
}

static void raise_to(int64_t *high, int64_t value)
{
	if (value > *high)
		*high = value;
}

static void feed_peak(struct sampler *s, const struct snapshot *now)
{
	struct snapshot *peak = &s->shared->peak.at;

	if (s->in_fork)
		return;
	raise_to(&peak->maps, now->maps);
	raise_to(&peak->mapped_bytes, now->mapped_bytes);
	raise_to(&peak->rss_bytes, now->rss_bytes);
	raise_to(&peak->total_maps, now->total_maps);
	raise_to(&peak->anon_huge_bytes, now->anon_huge_bytes);
	raise_to(&peak->lazyfree_bytes, now->lazyfree_bytes);
	s->shared->peak.samples++;
}

int sampler_checkpoint(struct sampler *s, const struct checkpoint_at *at)
{
	struct run_shared *shared = s->shared;
	struct snapshot now;
	int err = accounts_take(s->accounts, SNAPSHOT_ALL, &now);

	if (err)
		return err;
	if (!s->started) {
		s->start = now;
		shared->peak.at = now;
		s->started = true;
	}
	feed_peak(s, &now);
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
	atomic_store_explicit(&shared->ncheckpoints, n + 1, memory_order_release);
	return 0;
}

static void sample(struct sampler *s)
{
	struct snapshot now;

	if (accounts_take(s->accounts, SNAPSHOT_MAPS | SNAPSHOT_RSS, &now) != 0)
		return;
	feed_peak(s, &now);
	s->spent += SAMPLE_BASE + (uint64_t)now.total_maps;
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

void sampler_note_block_call(struct sampler *s)
{
	s->block_called = true;
}

void sampler_after_fork(struct sampler *s)
{
	s->in_fork = true;
}

static unsigned parts_for(unsigned metric)
{
	return metric == METRIC_RSS || metric == METRIC_RSS_PEAK ? SNAPSHOT_RSS | SNAPSHOT_MAPS
								 : SNAPSHOT_MAPS;
}

static int measure_accounts(struct sampler *s, unsigned metric, struct measured *ret)
{
	const struct snapshot *peak = &s->shared->peak.at, *start = &s->start;
	struct snapshot now;
	int err = accounts_take(s->accounts, parts_for(metric), &now);

	if (err)
		return err;
	if (!(parts_for(metric) & SNAPSHOT_RSS))
		now.rss_bytes = -1;
	now.anon_huge_bytes = now.lazyfree_bytes = -1;
	feed_peak(s, &now);
	bool rss = metric == METRIC_RSS || metric == METRIC_RSS_PEAK;

	ret->certainty = rss && accounts_rss_method(s->accounts) == RSS_NONE ? CERTAIN_NOTHING
									     : CERTAIN_EXACT;
	switch (metric) {
	case METRIC_MAPS:
		ret->value = now.maps - start->maps;
		break;
	case METRIC_MAPS_PEAK:
		ret->value = peak->maps - start->maps;
		break;
	case METRIC_MAPPED:
		ret->value = now.mapped_bytes - start->mapped_bytes;
		break;
	case METRIC_MAPPED_PEAK:
		ret->value = peak->mapped_bytes - start->mapped_bytes;
		break;
	case METRIC_RSS:
		ret->value = now.rss_bytes - start->rss_bytes;
		break;
	default:
		ret->value = peak->rss_bytes - start->rss_bytes;
		break;
	}
	return 0;
}

/* What happens inside allocator calls is not seen: numbers are exact until the first one. */
static enum certainty calls_certainty(const struct sampler *s, enum certainty otherwise)
{
	return s->block_calls_unseen && s->block_called ? otherwise : CERTAIN_EXACT;
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
		ret_measured->value = 0;
		ret_measured->certainty = calls_certainty(s, CERTAIN_NOTHING);
		return 0;
	default:
		return measure_accounts(s, expect->metric, ret_measured);
	}
}
