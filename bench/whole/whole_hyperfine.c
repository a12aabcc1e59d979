#include "bench/whole/whole_hyperfine.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/out_file.h"

#define PREFIX "whole/"

static json_t *member(json_t *o, const char *name, json_t *(*make)(void))
{
	json_t *found = json_object_get(o, name);

	if (!found) {
		found = make();
		json_object_set_new(o, name, found);
	}
	return found;
}

/* {program: {allocator: [results of hyperfine's]}}, in the order of the lines. */
static void take_line(json_t *all, const json_t *line)
{
	const char *workload = json_string_value(json_object_get(line, "workload"));
	const json_t *allocator = json_object_get(line, "allocator");
	const char *name = json_string_value(json_object_get(allocator, "name"));
	const char *status = json_string_value(json_object_get(line, "status"));
	json_t *one = json_object_get(line, "hyperfine");

	if (!workload || strncmp(workload, PREFIX, strlen(PREFIX)) != 0 || !name || !status ||
	    strcmp(status, "ok") != 0 || !json_is_object(one))
		return;
	json_t *program = member(all, workload + strlen(PREFIX), json_object);

	json_array_append(member(program, name, json_array), one);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double mean_of(const json_t *runs, const char *name)
{
	double sum = 0;
	const json_t *run;
	size_t i;

	json_array_foreach(runs, i, run) sum += json_number_value(json_object_get(run, name));
	return sum / (double)json_array_size(runs);
}

static void add_statistics(json_t *o, double *times, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += times[i];
	for (size_t i = 0; i < n; i++)
		squares += (times[i] - sum / (double)n) * (times[i] - sum / (double)n);
	qsort(times, n, sizeof(*times), by_value);
	json_object_set_new(o, "mean", json_real(sum / (double)n));
	json_object_set_new(o, "stddev",
			    n > 1 ? json_real(sqrt(squares / (double)(n - 1))) : json_null());
	json_object_set_new(o, "median", json_real((times[(n - 1) / 2] + times[n / 2]) / 2));
	json_object_set_new(o, "min", json_real(times[0]));
	json_object_set_new(o, "max", json_real(times[n - 1]));
}

/* Each run's result has a list of one time. */
static json_t *merged(const char *program, const char *allocator, const json_t *runs)
{
	size_t n = json_array_size(runs), i;
	double *times = calloc(n, sizeof(*times));
	json_t *list = json_array(), *codes = json_array(), *o;
	const json_t *run;

	if (!times)
		return NULL;
	json_array_foreach(runs, i, run)
	{
		json_t *code = json_array_get(json_object_get(run, "exit_codes"), 0);

		times[i] = json_number_value(json_object_get(run, "mean"));
		json_array_append_new(list, json_real(times[i]));
		json_array_append(codes, code ? code : json_null());
	}
	o = json_pack("{s:o}", "command", json_sprintf("%s %s", program, allocator));
	add_statistics(o, times, n);
	json_object_set_new(o, "user", json_real(mean_of(runs, "user")));
	json_object_set_new(o, "system", json_real(mean_of(runs, "system")));
	json_object_set_new(o, "times", list);
	json_object_set_new(o, "exit_codes", codes);
	json_object_set_new(o, "parameters", json_pack("{s:s}", "allocator", allocator));
	free(times);
	return o;
}

static int write_program(const char *dir, const char *program, json_t *allocators)
{
	char path[PATH_MAX];
	json_t *results = json_array(), *o = json_pack("{s:o}", "results", results), *runs;
	const char *allocator;
	struct out_file out;
	int n = snprintf(path, sizeof(path), "%s/%s.json", dir, program);
	int err = n >= (int)sizeof(path) || strchr(program, '/') ? -ENAMETOOLONG : 0;

	json_object_foreach(allocators, allocator, runs)
		json_array_append_new(results, merged(program, allocator, runs));
	if (!err) {
		err = out_file_open(&out, path);
		if (!err && json_dumpf(o, out.stream, JSON_INDENT(2)) != 0)
			err = -EIO;
		err = out_file_close(&out, err);
	}
	json_decref(o);
	return err;
}

static int read_lines(const char *path, json_t *all)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return -errno;
	while (getline(&line, &size, in) > 0) {
		json_t *one = json_loads(line, 0, NULL);

		take_line(all, one);
		json_decref(one);
	}
	int err = ferror(in) ? -EIO : 0;

	free(line);
	fclose(in);
	return err;
}

/* With the folders above it. */
static int make_folder(const char *dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s", dir);

	if (n >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(path, 0777) != 0 && errno != EEXIST ? -errno : 0;
}

int whole_hyperfine_export(const char *lines_path, const char *dir, char *err, size_t err_size)
{
	json_t *all = json_object(), *allocators;
	const char *program, *what = lines_path;
	int written = 0, failed = read_lines(lines_path, all);

	if (!failed && json_object_size(all)) {
		what = dir;
		failed = make_folder(dir);
	}
	json_object_foreach(all, program, allocators)
	{
		if (!failed)
			failed = write_program(dir, program, allocators);
		written++;
	}
	json_decref(all);
	if (failed)
		snprintf(err, err_size, "%s: %s", what, strerror(-failed));
	return failed ? failed : written;
}
