/*
 * result.h - what one run of a benchmark came to: status, metrics, curves; and its line of JSON.
 *
 * A result file is JSON Lines of schema `allocrig.bench/1`, one object a run, written whole and at
 * once; what a metric is (unit, which way is better) stands in each line, so that readers need no
 * table of ours. A run that did not end as it should has a status and no metrics.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "allocators/provenance.h"
#include "bench/machine.h"

enum bench_status {
	STATUS_OK,
	STATUS_CRASH,
	STATUS_TIMEOUT,
	STATUS_WRONG_OUTPUT,
	STATUS_WRONG_ALLOCATOR, /* another file served the calls, or the file did not load */
	STATUS_OUT_OF_MEMORY,	/* a request was refused */
	STATUS_UNSUPPORTED,	/* not here, with a reason: package missing, kernel too old */
	STATUS_INTERRUPTED,	/* not written to files: the run is made again */
	STATUS_BROKEN		/* the harness's own trouble */
};

/* In the order of tables: what is quiet first, time last. */
enum metric_id {
	METRIC_PEAK_MAPS,  /* VMAs of the process at its highest, less those before the workload */
	METRIC_FINAL_MAPS, /* at the end of the last phase */
	METRIC_HEADROOM_MAPS, /* max_map_count less the highest count of the whole process */
	METRIC_PEAK_RSS,      /* bytes; less before the workload, less the benchmark's own memory */
	METRIC_FINAL_RSS,
	METRIC_PEAK_MAPPED,
	METRIC_FINAL_MAPPED,
	METRIC_PEAK_FRAGMENTATION, /* resident over live bytes where resident is highest */
	METRIC_MEAN_FRAGMENTATION, /* resident byte seconds by live ones: a mean over time */
	METRIC_RESIDUE,		   /* resident bytes beyond live ones after the last phase */
	METRIC_KEPT_0S,		   /* resident beyond live, after the last phase and so long */
	METRIC_KEPT_1S,
	METRIC_KEPT_10S,
	METRIC_KEPT_AREA, /* byte seconds under the curve */
	METRIC_T50,	  /* s until half of what was freed is back; absent: not that far */
	METRIC_T90,
	METRIC_LOST,	/* bytes; of programs: refused, and never given back or used again */
	METRIC_REACHED, /* bytes; of bench maps: live when the kernel refuses */
	METRIC_REACHED_BLOCKS,
	METRIC_KERNEL_CALLS, /* of the allocator in timed phases; sampled build */
	METRIC_MINOR_FAULTS, /* in timed phases */
	METRIC_MAJOR_FAULTS,
	METRIC_INSTRUCTIONS, /* in user mode, of timed phases; where the machine counts them */
	METRIC_SYSTEM_TIME,  /* s */
	METRIC_LATENCY,	     /* ns; call, quantile and whether the kernel was entered in the name */
	METRIC_OPS_PER_S,
	METRIC_NS_PER_OP,     /* wall time by calls: the loop's own cost is in it */
	METRIC_NET_NS_PER_OP, /* less that of the void allocator in the same block */
	METRIC_WALL,	      /* s; of whole programs */
	METRICS
};

struct metric_kind {
	const char *name; /* snake_case, with its unit: "peak_rss_bytes" */
	const char *unit; /* "bytes", "maps", "ns", ... */
	bool more_is_better;
	const char *summary; /* one line: what it is and how it is measured */
};

extern const struct metric_kind metric_kinds[METRICS];

struct bench_metric {
	enum metric_id id;
	/* metric_kinds[id].name; of a latency "malloc_p99_ns", "free_kernel_p999_ns", "..._max_ns"
	 */
	char name[48];
	double value;
};

/* Of enum bench_call: "malloc", "realloc", ... */
extern const char *const latency_calls[];

#define RESULT_METRICS_MAX 80
#define RESULT_CURVE_MAX   4096

/* One sample; -1 where it was not taken at that moment. Less what was before the workload. */
struct curve_point {
	double s; /* since the first phase began */
	int64_t rss, mapped, maps, live;
	uint32_t phase;
};

/* What makes two runs the same: their figures may be compared. */
struct bench_key {
	char workload[64];   /* "larson", "program/map-limit", "whole/redis" */
	char allocator[256]; /* as people see it: name, or path where two files have one name */
	char build[16];	     /* "timed", "sampled", "program", "whole" */
	char after[16];	     /* "", "idle", "light", "purge" */
	unsigned threads, rep, block;
	uint64_t seed, scale_percent, time_ns;
};

struct bench_result {
	struct bench_key key;
	const struct allocator_ref *ref;
	enum bench_status status;
	char why[512]; /* "" or one line */
	unsigned nmetrics;
	struct bench_metric metrics[RESULT_METRICS_MAX];
	const char *instrumentation[8];	    /* "none" is an empty list; NULL-terminated */
	struct machine_state before, after; /* load, frequency */
	double wall_s, user_s, system_s;
	uint32_t npoints;
	struct curve_point *points; /* owned by who made the result; at most RESULT_CURVE_MAX */
	/* At its end, less what was before the workload; -1: not known. */
	struct result_phase {
		char name[24];
		bool timed;
		double begin_s, end_s;
		uint64_t ops;
		int64_t live_bytes, rss, mapped, maps;
		/* MADV_FREE'd pages count as resident until they are taken; huge pages. */
		int64_t lazyfree, anon_huge;
	} phases[64];
	unsigned nphases;
	/* Members that only this sort of run has, or NULL; owned by who made the result. */
	json_t *more;
};

const char *status_name(enum bench_status s); /* "ok", "crash", "timeout", "wrong-output", ... */
/* 0, or -1: no such name. */
int status_by_name(const char *name, enum bench_status *ret_status);

/* METRICS: none of ours. */
enum metric_id metric_by_name(const char *name);

/* NULL where it was not measured. */
const struct bench_metric *result_metric(const struct bench_result *r, const char *name);

/* Adds one under the name of its kind; values that are not finite are left out. */
void result_add(struct bench_result *r, enum metric_id id, double value);
void result_add_named(struct bench_result *r, enum metric_id id, const char *name, double value);

/* A new reference, or NULL: out of memory. */
json_t *result_json(const struct bench_result *r);

/*
 * "larson/jemalloc/timed/t4/s1/x100/rep3": what tells runs of one file apart, for resuming. Behind
 * the build stands "/idle" where something follows, behind the scale "/2s" of a fixed time.
 */
void result_id(const struct bench_key *k, char *buf, size_t size);

/* What tables and resuming need of a line that was written before, maybe by another version. */
struct result_line {
	struct bench_key key;
	enum bench_status status;
	char why[512];
	struct result_allocator {
		char path[PATH_MAX], version[65], build_id[65], sha256[65];
	} allocator;
	unsigned nmetrics;
	struct result_value {
		enum metric_id id; /* METRICS: not one of ours */
		char name[48], unit[16];
		bool more_is_better;
		double value;
	} metrics[RESULT_METRICS_MAX];
};

/*
 * Reads one line (with or without its newline) of schema allocrig.bench/1. Returns 0; or -EBADMSG
 * with one line in err: what is wrong ("not JSON: ... at byte 17", "no member \"status\"", ...).
 * -EPROTO: an object, but of another schema. Members and metrics that are not known are no error.
 */
int result_json_read(const char *line, size_t len, struct result_line *ret_line, char *err,
		     size_t err_size);

/* NULL where the line has none of that name. */
const struct result_value *result_line_metric(const struct result_line *l, const char *name);

#endif
