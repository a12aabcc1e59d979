#include "bench/whole/whole.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/whole/whole_loads.h"

/* Objects of up to 512 bytes would come from pymalloc, which takes 256 KiB at a time. */
static const char *const python_environment[] = {"PYTHONMALLOC=malloc", "PYTHONHASHSEED=0", NULL};
static const char *const no_environment[] = {NULL};

const struct whole_program whole_programs[] = {
	{
		.name = "redis",
		.summary = "redis-server under redis-benchmark: set, get, lpush, lpop by "
			   "pipelines, values read back, all flushed; no persistence",
		/* Debian's redis-tools has the server too, under another name. */
		.tools = {"redis-server", "redis-check-rdb"},
		.package = "redis-tools",
		.server = "redis-server",
		.is_redis = true,
		.quick = true,
		.output = "checked",
		.environment = no_environment,
		.args = {"redis-server", "--port", "0", "--unixsocket", "socket", "--save", "",
			 "--appendonly", "no", "--latency-tracking", "no"},
	},
	{
		.name = "sqlite3",
		.summary = "sqlite3 on a script: rows as text, indices, joins, JSON, blobs, "
			   "deletions; a database in memory",
		.tools = {"sqlite3"},
		.package = "sqlite3",
		.server = "sqlite3",
		.quick = true,
		.load = "load.sql",
		.write_load = load_sql,
		.output = WHOLE_STDOUT,
		.environment = no_environment,
		.args = {"sqlite3", "-batch", "-init", "/dev/null", ":memory:", ".read load.sql"},
	},
	{
		.name = "gcc",
		.summary = "gcc -O2 on a generated file of C: cc1, most of whose memory comes "
			   "from its own collector",
		.tools = {"gcc"},
		.package = "gcc",
		.server = "cc1",
		.is_inner = true,
		.load = "load.c",
		.write_load = load_c,
		.output = "load.s",
		.environment = no_environment,
		.args = {"gcc", "-O2", "-S", "-o", "load.s", "load.c"},
	},
	{
		.name = "clang",
		.summary = "clang -O2 on the same file",
		.tools = {"clang"},
		.package = "clang",
		.server = "clang",
		.load = "load.c",
		.write_load = load_c,
		.output = "load.s",
		.environment = no_environment,
		.args = {"clang", "-O2", "-S", "-o", "load.s", "load.c"},
	},
	{
		.name = "python3",
		.summary = "python3 on records, JSON, strings and numbers, with "
			   "PYTHONMALLOC=malloc: every object is a block of the allocator",
		.tools = {"/usr/bin/python3"},
		.package = "python3",
		.server = "python3",
		.load = "load.py",
		.load_source = "load.py",
		.output = WHOLE_STDOUT,
		.environment = python_environment,
		.args = {"python3", "-s", "-S", "-B", "load.py"},
	},
	{
		.name = "lua",
		.summary = "lua5.4 on tables, strings, closures and coroutines: each is a block",
		.tools = {"lua5.4"},
		.package = "lua5.4",
		.server = "lua5.4",
		.quick = true,
		.load = "load.lua",
		.load_source = "load.lua",
		.output = WHOLE_STDOUT,
		.environment = no_environment,
		.args = {"lua5.4", "load.lua"},
	},
	{
		.name = "z3",
		.summary = "z3 on a schedule, clauses and products of bit vectors; small objects "
			   "come from pools of its own",
		.tools = {"z3"},
		.package = "z3",
		.server = "z3",
		.load = "load.smt2",
		.write_load = load_smt,
		.output = WHOLE_STDOUT,
		.environment = no_environment,
		.args = {"z3", "load.smt2"},
	},
	{
		.name = "gs",
		.summary = "gs renders pages of text, curves and shades; small objects come from "
			   "chunks of its own",
		.tools = {"gs"},
		.package = "ghostscript",
		.server = "gs",
		.load = "load.ps",
		.write_load = load_postscript,
		.output = "pages.pgm",
		.environment = no_environment,
		.args = {"gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-sDEVICE=pgmraw", "-r72",
			 "-sOutputFile=pages.pgm", "load.ps"},
	},
};

const unsigned whole_nprograms = sizeof(whole_programs) / sizeof(whole_programs[0]);

const struct whole_program *whole_by_name(const char *name)
{
	for (unsigned i = 0; i < whole_nprograms; i++) {
		if (strcmp(whole_programs[i].name, name) == 0)
			return &whole_programs[i];
	}
	return NULL;
}

/* A path of dir and name; whether it fits. */
static bool joined(char ret[PATH_MAX], const char *dir, size_t len, const char *name)
{
	int n = snprintf(ret, PATH_MAX, "%.*s/%s", (int)len, dir, name);

	return n > 0 && n < PATH_MAX;
}

int whole_find_tool(const char *tool, char ret_path[PATH_MAX])
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(tool, '/'))
		return access(tool, X_OK) == 0 && realpath(tool, ret_path) ? 0 : -ENOENT;
	for (at = at ? at : "/usr/bin:/bin"; at;
	     at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		size_t len = strcspn(at, ":");

		/* As it is called there: a program may look at its own name. */
		if (len && at[0] == '/' && joined(path, at, len, tool) && access(path, X_OK) == 0) {
			memcpy(ret_path, path, sizeof(path));
			return 0;
		}
	}
	return -ENOENT;
}

int whole_tool(const struct whole_program *p, char ret_path[PATH_MAX])
{
	int err = -ENOENT;

	for (unsigned i = 0; i < 2 && p->tools[i] && err; i++)
		err = whole_find_tool(p->tools[i], ret_path);
	return err;
}

static int copy_behind_scale(FILE *out, const char *path, unsigned percent)
{
	FILE *in = fopen(path, "re");
	int c;

	if (!in)
		return -errno;
	fprintf(out, "SCALE = %u\n", percent);
	while ((c = getc(in)) != EOF)
		putc(c, out);
	int err = ferror(in) ? -EIO : 0;

	fclose(in);
	return err;
}

int whole_write_load(const struct whole_program *p, const char *dir, const char *sources,
		     unsigned percent)
{
	char path[PATH_MAX], source[PATH_MAX];
	int err = 0;

	if (!p->load)
		return 0;
	if (!joined(path, dir, strlen(dir), p->load) ||
	    (p->load_source && !joined(source, sources, strlen(sources), p->load_source)))
		return -ENAMETOOLONG;
	FILE *out = fopen(path, "wxe");

	if (!out)
		return -errno;
	if (p->load_source)
		err = copy_behind_scale(out, source, percent);
	else
		p->write_load(out, percent);
	if (ferror(out))
		err = err ? err : -EIO;
	if (fclose(out) != 0)
		err = err ? err : -errno;
	return err;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
	(void)s;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

int whole_remove_folder(const char *dir)
{
	if (nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return -errno;
	return access(dir, F_OK) == 0 ? -ENOTEMPTY : 0;
}
