/*
 * whole_once_main.c - whole programs without a plan, for tests:
 *
 *     whole-once PROGRAM PERCENT LIMIT_MS ALLOCATOR...    one run each, one line of JSON each
 *     whole-once --export LINES DIR                        hyperfine's files
 */
#include <stdlib.h>
#include <string.h>

#include "bench/kinds.h"
#include "bench/whole/whole_hyperfine.h"
#include "harness/cli/paths.h"
#include "harness/cli/runner.h"

static int resolve(const char *arg, const char *own_dir, struct allocator_ref *ref)
{
	char err[512] = "no file";

	if (allocator_resolve(arg, own_dir, ref, err, sizeof(err)) == 0)
		return 0;
	/* A file that is refused there is of interest here. */
	*ref = (struct allocator_ref){.available = true};
	snprintf(ref->name, sizeof(ref->name), "%.200s", arg);
	snprintf(ref->given, sizeof(ref->given), "%s", arg);
	if (realpath(arg, ref->path))
		return 0;
	fprintf(stderr, "whole-once: %s: %s\n", arg, err);
	return -1;
}

static int run_one(const struct bench_tools *t, char **argv, const char *allocator)
{
	static struct allocator_ref ref;
	static struct bench_result r;
	struct bench_item item = {.kind = "whole"};

	if (resolve(allocator, t->own_dir, &ref) != 0)
		return 2;
	memset(&r, 0, sizeof(r));
	snprintf(item.name, sizeof(item.name), "whole/%s", argv[1]);
	snprintf(r.key.workload, sizeof(r.key.workload), "whole/%s", argv[1]);
	snprintf(r.key.allocator, sizeof(r.key.allocator), "%.255s", ref.name);
	snprintf(r.key.build, sizeof(r.key.build), "whole");
	r.key.scale_percent = strtoul(argv[2], NULL, 10);
	bench_kind_whole.run(t, &item, &ref, &r);
	json_t *line = result_json(&r);

	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
	bench_kind_whole.release(&r);
	return r.status == STATUS_INTERRUPTED ? 130 : 0;
}

static int export(const char *lines, const char *dir)
{
	char err[512];
	int n = whole_hyperfine_export(lines, dir, err, sizeof(err));

	if (n < 0)
		fprintf(stderr, "whole-once: %s\n", err);
	return n < 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct bench_tools t = {0};
	int code = 0;

	if (argc == 4 && strcmp(argv[1], "--export") == 0)
		return export(argv[2], argv[3]);
	if (argc < 5 || paths_own_dir(t.own_dir) != 0)
		return 3;
	t.limit_ns = strtoull(argv[3], NULL, 10) * 1000000u;
	runner_catch_interrupts();
	for (int i = 4; i < argc && !code; i++)
		code = run_one(&t, argv, argv[i]);
	return code;
}
