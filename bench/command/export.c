#include "bench/command/export.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/command/session.h"

/*
 * "larson/jemalloc/t4/idle/peak_rss_bytes". Slashes are what parts it, and a workload or a path may
 * have some: nobody splits it again.
 */
static void name_of(const struct bench_key *k, const char *metric, char *buf, size_t size)
{
	char threads[16] = "";

	if (k->threads > 1)
		snprintf(threads, sizeof(threads), "/t%u", k->threads);
	snprintf(buf, size, "%s/%s%s%s%s%s/%s", k->workload, k->allocator, threads,
		 k->after[0] ? "/" : "", k->after,
		 strcmp(k->build, "sampled") == 0 ? "/sampled" : "", metric);
}

/* How many runs have the same name as this one, and how many of them came before. */
static void count_repetitions(const struct rows *rows, size_t at, json_int_t *ret_n,
			      json_int_t *ret_before)
{
	char name[600], other[600];

	name_of(&rows->row[at]->key, "", name, sizeof(name));
	*ret_n = *ret_before = 0;
	for (size_t i = 0; i < rows->n; i++) {
		name_of(&rows->row[i]->key, "", other, sizeof(other));
		if (rows->row[i]->status != STATUS_OK || strcmp(name, other) != 0)
			continue;
		*ret_n += 1;
		*ret_before += i < at;
	}
}

static int add_row(const struct rows *rows, size_t at, json_t *benchmarks)
{
	const struct result_line *row = rows->row[at];
	json_int_t n, before;

	count_repetitions(rows, at, &n, &before);
	for (unsigned i = 0; i < row->nmetrics; i++) {
		const struct result_value *v = &row->metrics[i];
		char name[700];

		name_of(&row->key, v->name, name, sizeof(name));
		json_t *o = json_pack("{ss ss ss sI sI sI sI sf sf ss ss ss}", "name", name,
				      "run_name", name, "run_type", "iteration", "repetitions", n,
				      "repetition_index", before, "threads",
				      (json_int_t)(row->key.threads ? row->key.threads : 1),
				      "iterations", (json_int_t)1, "real_time", v->value,
				      "cpu_time", v->value, "time_unit", "ns", "unit", v->unit,
				      "better", v->more_is_better ? "more" : "less");

		if (!o || json_array_append_new(benchmarks, o) != 0)
			return -1;
	}
	return 0;
}

static json_t *context(void)
{
	char host[256] = "", date[64] = "";
	time_t now = time(NULL);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S+00:00", &tm);
	return json_pack("{ss ss ss sI sb}", "date", date, "host_name", host, "executable",
			 "allocrig bench", "num_cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN),
			 "cpu_scaling_enabled", 0);
}

json_t *export_gbench(const struct rows *rows)
{
	json_t *benchmarks = json_array();
	int err = benchmarks ? 0 : -1;

	for (size_t i = 0; i < rows->n && !err; i++)
		if (rows->row[i]->status == STATUS_OK)
			err = add_row(rows, i, benchmarks);
	if (err) {
		json_decref(benchmarks);
		return NULL;
	}
	return json_pack("{so so}", "context", context(), "benchmarks", benchmarks);
}
