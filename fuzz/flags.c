#include "fuzz/flags.h"

#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/run_options.h"

#define HANG_NS 1000000000u

static const char artifacts[] = "-artifact_prefix=";

static int take_load(struct target_flags *f, const char *value)
{
	if (strcmp(value, "preload") == 0)
		f->load = LOAD_PRELOAD;
	else if (strcmp(value, "dlopen") == 0)
		f->load = LOAD_DLOPEN;
	else
		return -1;
	return 0;
}

static int take_hang(struct target_flags *f, const char *value)
{
	return parse_duration(value, &f->hang_ns) == 0 && f->hang_ns ? 0 : -1;
}

static int take_climb(struct target_flags *f, const char *value)
{
	int goal = goal_by_name(value);

	if (goal < 0)
		return -1;
	f->climb = (enum goal)goal;
	return 0;
}

/* Where the value goes: a text, a switch, or a function that reads it. */
static const struct {
	const char *name, *wants;
	size_t text, flag;
	int (*take)(struct target_flags *f, const char *value);
} known[] = {
#define TEXT(member)   .text = offsetof(struct target_flags, member)
#define SWITCH(member) .flag = offsetof(struct target_flags, member)
	{"allocator", "a name or a file", TEXT(allocator)},
	{"other", "a name or a file", TEXT(other)},
	{"load", "preload or dlopen", .take = take_load},
	{"inbox", "a folder", TEXT(inbox)},
	{"skip", "a file", TEXT(skip)},
	{"stats", "a file", TEXT(stats)},
	{"worst", "a file", TEXT(worst)},
	{"hang-after", "a time such as 1s", .take = take_hang},
	{"climb", "maps, retained, lost or latency", .take = take_climb},
	{"strict", NULL, SWITCH(strict)},
	{"no-state", NULL, SWITCH(no_state)},
	{"bytes", NULL, SWITCH(bytes)},
};

static int take(struct target_flags *f, size_t i, const char *value)
{
	if (known[i].take)
		return known[i].take(f, value);
	if (!*value)
		return -1;
	*(const char **)((char *)f + known[i].text) = value;
	return 0;
}

static int misuse_value(const char *arg, size_t i)
{
	cli_complain("%s: --%s takes %s, as in --%s=%s", arg, known[i].name, known[i].wants,
		     known[i].name, known[i].take == take_load ? "preload" : "...");
	return EXIT_MISUSE;
}

static int parse_one(struct target_flags *f, const char *arg)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != len || strncmp(known[i].name, name, len) != 0)
			continue;
		if (known[i].wants)
			return name[len] && take(f, i, name + len + 1) == 0 ? 0
									    : misuse_value(arg, i);
		if (name[len]) {
			cli_complain("%s: --%s takes no value", arg, known[i].name);
			return EXIT_MISUSE;
		}
		*(bool *)((char *)f + known[i].flag) = true;
		return 0;
	}
	cli_complain("no option %s; say --allocator=NAME|FILE, --inbox=FOLDER, --hang-after=TIME, "
		     "--climb=GOAL, or the engine's own with one dash, such as -runs=1000",
		     arg);
	return EXIT_MISUSE;
}

int flags_parse(int argc, char *const *argv, struct target_flags *ret_flags)
{
	struct target_flags f = {
		.allocator = getenv("ALLOCRIG_FUZZ_ALLOCATOR"),
		.other = getenv("ALLOCRIG_FUZZ_OTHER"),
		.artifacts = "./",
		.hang_ns = HANG_NS,
	};
	int code = 0;

	for (int i = 1; i < argc && !code; i++) {
		if (strncmp(argv[i], "--", 2) == 0)
			code = parse_one(&f, argv[i]);
		else if (strncmp(argv[i], artifacts, strlen(artifacts)) == 0)
			f.artifacts = argv[i] + strlen(artifacts);
	}
	if (!code && f.worst && !f.climb) {
		cli_complain("--worst is of a goal: add --climb=maps|retained|lost|latency");
		code = EXIT_MISUSE;
	}
	if (!code)
		*ret_flags = f;
	return code;
}
