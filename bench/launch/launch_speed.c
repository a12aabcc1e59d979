#include <math.h>
#include <stdio.h>

#include "bench/launch/launch_run.h"

/* A quantile needs one sample beyond it. */
struct quantile {
	const char *name;
	double share;
	uint64_t samples;
};

static const struct quantile quantiles[] = {
	{"p50", 0.5, 20},
	{"p99", 0.99, 100},
	{"p999", 0.999, 1000},
	{"max", 1, 20},
};

static const char *const entered[] = {"user", "kernel"};

static void add_quantiles(struct bench_result *r, const char *call, bool kernel,
			  const struct histogram *h, double ns_per_tick)
{
	char name[48];

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		const struct quantile *q = &quantiles[i];

		if (h->count < q->samples)
			continue;
		snprintf(name, sizeof(name), "%s%s_%s_ns", call, kernel ? "_kernel" : "", q->name);
		result_add_named(r, METRIC_LATENCY, name,
				 (double)histogram_quantile(h, q->share) * ns_per_tick);
	}
}

static json_t *counted(const struct histogram *h, double ns_per_tick)
{
	json_t *o = json_object();

	json_object_set_new(o, "samples", json_integer((json_int_t)h->count));
	json_object_set_new(o, "mean_ns",
			    h->count ? json_real((double)h->sum / (double)h->count * ns_per_tick)
				     : json_null());
	return o;
}

static void add_latencies(const struct bench_sampled *s, struct bench_result *r)
{
	double ns = 1e6 / (double)s->ticks_per_ms;
	json_t *o = json_object();

	json_object_set_new(o, "one_in", json_integer(s->every));
	json_object_set_new(o, "timer_ns", json_real((double)s->timer_ticks * ns));
	json_object_set_new(o, "trap_ns", json_real((double)s->trap_ticks * ns));
	for (unsigned call = 0; call < BENCH_CALLS; call++) {
		json_t *both = json_object();

		for (unsigned kernel = 0; kernel < 2; kernel++) {
			const struct histogram *h = &s->latency[call][kernel];

			add_quantiles(r, latency_calls[call], kernel, h, ns);
			json_object_set_new(both, entered[kernel], counted(h, ns));
		}
		json_object_set_new(o, latency_calls[call], both);
	}
	json_object_set_new(r->more, "latency", o);
}

static void add_kernel_calls(const struct bench_sampled *s, struct bench_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "passed_by", json_integer((json_int_t)s->passed_by));
	json_object_set_new(o, "unsupported",
			    s->unsupported[0] ? json_string(s->unsupported) : json_null());
	json_object_set_new(r->more, "kernel_calls_seen", o);
	if (!s->unsupported[0])
		result_add(r, METRIC_KERNEL_CALLS, (double)s->kernel_calls);
}

/* Sums over timed phases. */
struct timed {
	double minor, major, system_s, instructions; /* NAN: not counted */
	unsigned n;
};

static struct timed timed_of(const struct bench_page *p)
{
	struct timed t = {0};

	for (unsigned i = 0; i < p->nphases; i++) {
		const struct bench_phase *ph = &p->phases[i];

		if (!ph->timed)
			continue;
		t.n++;
		t.minor += (double)ph->minor_faults;
		t.major += (double)ph->major_faults;
		t.system_s += (double)ph->system_ns / 1e9;
		t.instructions += ph->instructions == UINT64_MAX ? NAN : (double)ph->instructions;
	}
	return t;
}

void launch_speed(const struct launch_run *run, struct bench_result *r)
{
	const struct bench_page *p = run->copy;
	struct timed t = timed_of(p);

	if (p->sampled.every) {
		add_kernel_calls(&p->sampled, r);
		add_latencies(&p->sampled, r);
	}
	if (!t.n)
		return;
	result_add(r, METRIC_MINOR_FAULTS, t.minor);
	result_add(r, METRIC_MAJOR_FAULTS, t.major);
	result_add(r, METRIC_INSTRUCTIONS, t.instructions);
	result_add(r, METRIC_SYSTEM_TIME, t.system_s);
	result_add(r, METRIC_OPS_PER_S, 1e9 * (double)p->timed_ops / (double)p->timed_ns);
	result_add(r, METRIC_NS_PER_OP, (double)p->timed_ns / (double)p->timed_ops);
}
