#include "bench/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/page.h"

const char *const latency_calls[BENCH_CALLS] = {
	[BENCH_MALLOC] = "malloc", [BENCH_REALLOC] = "realloc", [BENCH_ALIGNED] = "aligned",
	[BENCH_FREE] = "free",	   [BENCH_MMAP] = "mmap",
};

static const char *const status_names[] = {
	[STATUS_OK] = "ok",
	[STATUS_CRASH] = "crash",
	[STATUS_TIMEOUT] = "timeout",
	[STATUS_WRONG_OUTPUT] = "wrong-output",
	[STATUS_WRONG_ALLOCATOR] = "wrong-allocator",
	[STATUS_OUT_OF_MEMORY] = "out-of-memory",
	[STATUS_UNSUPPORTED] = "unsupported",
	[STATUS_INTERRUPTED] = "interrupted",
	[STATUS_BROKEN] = "broken",
};

#define STATUSES (sizeof(status_names) / sizeof(status_names[0]))

const struct metric_kind metric_kinds[METRICS] = {
	[METRIC_PEAK_MAPS] =
		{"peak_maps", "maps", false,
		 "VMAs beyond those before the workload, at most: of samples, each end of a phase"},
	[METRIC_FINAL_MAPS] = {"final_maps", "maps", false,
			       "the same at the end of the last phase"},
	[METRIC_HEADROOM_MAPS] = {"headroom_maps", "maps", true,
				  "max_map_count less the highest count of the whole process"},
	[METRIC_PEAK_RSS] = {"peak_rss_bytes", "bytes", false,
			     "resident beyond before the workload, at most: samples and VmHWM"},
	[METRIC_FINAL_RSS] = {"final_rss_bytes", "bytes", false,
			      "the same at the end of the last phase: smaps_rollup"},
	[METRIC_PEAK_MAPPED] = {"peak_mapped_bytes", "bytes", false,
				"address space beyond before the workload, of any protection, at "
				"most"},
	[METRIC_FINAL_MAPPED] = {"final_mapped_bytes", "bytes", false,
				 "the same at the end of the last phase"},
	[METRIC_PEAK_FRAGMENTATION] =
		{"peak_fragmentation", "ratio", false,
		 "resident over requested bytes, at the sample with most requested where resident "
		 "is within 1 % of its highest"},
	[METRIC_MEAN_FRAGMENTATION] = {"mean_fragmentation", "ratio", false,
				       "resident byte seconds over requested byte seconds"},
	[METRIC_RESIDUE] = {"residue_bytes", "bytes", false,
			    "resident beyond requested after the last phase"},
	[METRIC_KEPT_0S] = {"kept_0s_bytes", "bytes", false,
			    "resident beyond requested when the last phase has ended"},
	[METRIC_KEPT_1S] = {"kept_1s_bytes", "bytes", false, "the same 1 s later"},
	[METRIC_KEPT_10S] = {"kept_10s_bytes", "bytes", false, "the same 10 s later"},
	[METRIC_KEPT_AREA] = {"kept_area_byte_s", "byte s", false,
			      "area under resident beyond requested after the last phase"},
	[METRIC_T50] = {"t50_s", "s", false,
			"after the last phase until half is given back of its peak less what is "
			"live; missing: not while it was watched"},
	[METRIC_T90] = {"t90_s", "s", false, "the same for 90 %"},
	[METRIC_KERNEL_CALLS] = {"kernel_calls", "calls", false,
				 "made by the allocator inside calls of timed phases"},
	[METRIC_MINOR_FAULTS] = {"minor_faults", "faults", false, "in timed phases"},
	[METRIC_MAJOR_FAULTS] = {"major_faults", "faults", false, "in timed phases"},
	[METRIC_INSTRUCTIONS] = {"instructions", "instructions", false,
				 "in user mode, in timed phases, of all threads"},
	[METRIC_SYSTEM_TIME] = {"system_time_s", "s", false,
				"processor time in the kernel, in timed phases"},
	[METRIC_LATENCY] = {"latency_ns", "ns", false,
			    "of sampled calls, the timer's cost taken off, by call and by whether "
			    "it entered the kernel"},
	[METRIC_OPS_PER_S] = {"ops_per_s", "1/s", true, "calls by wall time of timed phases"},
	[METRIC_NS_PER_OP] = {"ns_per_op", "ns", false,
			      "wall time of timed phases by calls: the loop's own cost is in it"},
	[METRIC_NET_NS_PER_OP] = {"net_ns_per_op", "ns", false,
				  "less that of the void allocator in the same block"},
	[METRIC_WALL] = {"wall_s", "s", false, "wall time of a whole program"},
	[METRIC_LOST] = {"lost_bytes", "bytes", false,
			 "that the kernel did not take back in free, and that never went back or "
			 "was used again, as a second run with the ledger has it"},
	[METRIC_REACHED] = {"reached_bytes", "bytes", true,
			    "live bytes when the kernel first refuses the allocator a call, or all "
			    "that were asked for"},
	[METRIC_REACHED_BLOCKS] = {"reached_blocks", "blocks", true, "the same in blocks"},
};

const char *status_name(enum bench_status s)
{
	return (unsigned)s < STATUSES ? status_names[s] : "broken";
}

int status_by_name(const char *name, enum bench_status *ret_status)
{
	for (unsigned i = 0; i < STATUSES; i++) {
		if (strcmp(status_names[i], name) == 0) {
			*ret_status = (enum bench_status)i;
			return 0;
		}
	}
	return -1;
}

const struct bench_metric *result_metric(const struct bench_result *r, const char *name)
{
	for (unsigned i = 0; i < r->nmetrics; i++)
		if (strcmp(r->metrics[i].name, name) == 0)
			return &r->metrics[i];
	return NULL;
}

void result_add_named(struct bench_result *r, enum metric_id id, const char *name, double value)
{
	if (!isfinite(value) || r->nmetrics == RESULT_METRICS_MAX || result_metric(r, name))
		return;
	struct bench_metric *m = &r->metrics[r->nmetrics++];

	m->id = id;
	m->value = value;
	snprintf(m->name, sizeof(m->name), "%s", name);
}

void result_add(struct bench_result *r, enum metric_id id, double value)
{
	result_add_named(r, id, metric_kinds[id].name, value);
}

enum metric_id metric_by_name(const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < METRICS; i++)
		if (strcmp(metric_kinds[i].name, name) == 0)
			return (enum metric_id)i;
	for (unsigned i = 0; i < BENCH_CALLS; i++) {
		const char *call = latency_calls[i];

		if (strncmp(name, call, strlen(call)) == 0 && name[strlen(call)] == '_' &&
		    len > 3 && strcmp(name + len - 3, "_ns") == 0)
			return METRIC_LATENCY;
	}
	return METRICS;
}

void result_id(const struct bench_key *k, char *buf, size_t size)
{
	char after[sizeof(k->after) + 1] = "", time[40] = "";

	if (k->after[0])
		snprintf(after, sizeof(after), "/%s", k->after);
	if (k->time_ns)
		snprintf(time, sizeof(time), "/%gs", (double)k->time_ns / 1e9);
	snprintf(buf, size, "%s/%s/%s%s/t%u/s%llu/x%llu%s/rep%u", k->workload, k->allocator,
		 k->build, after, k->threads, (unsigned long long)k->seed,
		 (unsigned long long)k->scale_percent, time, k->rep);
}
