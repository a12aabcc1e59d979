#include "harness/cli/fuzz_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/fuzz_store.h"

#define NS_PER_S 1000000000u

enum {
	KEY_JSON = 1536,
	KEY_LOAD,
	KEY_SEED,
	KEY_STRICT,
	KEY_HANG,
	KEY_TIME,
	KEY_JOBS,
	KEY_OUT,
	KEY_CLIMB,
	KEY_OTHER,
	KEY_CORPUS,
	KEY_SHRINK_TIME,
	KEY_STALL,
	KEY_TARGETS
};

static const struct argp_option options[] = {
	{"allocator", 'a', "NAME|FILE", 0,
	 "built-in allocator, path of a .so, or kernel; several share the time", 0},
	{"out", KEY_OUT, "DIR", 0,
	 "corpus, findings and counts; a later call goes on where this one ends", 0},
	{"time", KEY_TIME, "TIME", 0, "for all allocators together (default 10m)", 0},
	{"jobs", KEY_JOBS, "N", 0, "targets side by side (default: one a processor)", 0},
	{"climb", KEY_CLIMB, "GOAL", 0,
	 "look for the worst program: maps (per live MiB), retained, lost or latency", 0},
	{"compare-with", KEY_OTHER, "NAME|FILE", 0,
	 "run each program on this allocator too, and report what differs", 0},
	{"corpus", KEY_CORPUS, "FOLDER", 0, "text programs to begin with; may be repeated", 0},
	{"strict", KEY_STRICT, NULL, 0, "findings that the profile knows count too", 0},
	{"hang-after", KEY_HANG, "TIME", 0, "watchdog: no progress for so long (default 1s)", 0},
	{"load", KEY_LOAD, "MODE", 0, "preload (default) or dlopen", 0},
	{"seed", KEY_SEED, "N", 0, "seed of all random choices (default 1)", 0},
	{"shrink-time", KEY_SHRINK_TIME, "TIME", 0,
	 "after the time: finish shrinking for at most so long (default 60s)", 0},
	{"stall-after", KEY_STALL, "TIME", 0,
	 "a target without one more input for so long is started again (default: 2m and 60 times "
	 "--hang-after)",
	 0},
	{"targets", KEY_TARGETS, "FOLDER", 0,
	 "where fuzz_alloc, fuzz_mmap and fuzz_diff are (default: beside allocrig)", 0},
	{"json", KEY_JSON, "FILE", 0, "write results as JSON Lines; - is standard output", 0},
	{0},
};

struct fuzz_command fuzz_command_defaults(void)
{
	struct fuzz_command cmd = {
		.options.runner = runner_defaults(),
		.json.fd = -1,
		.time_ns = 600 * (uint64_t)NS_PER_S,
		.shrink_ns = 60 * (uint64_t)NS_PER_S,
		.goal = -1,
	};

	cmd.options.runner.hang_ns = NS_PER_S;
	return cmd;
}

static int add_word(char ***words, size_t *n, char *word)
{
	char **bigger = reallocarray(*words, *n + 1, sizeof(*bigger));

	if (!bigger)
		return ENOMEM;
	*words = bigger;
	bigger[(*n)++] = word;
	return 0;
}

/* A time of `least` at least. */
static int set_time(const char *option, const char *arg, uint64_t least, uint64_t *ret_ns,
		    const struct argp_state *state)
{
	uint64_t ns;

	if (parse_duration(arg, &ns) != 0 || ns < least)
		cli_misuse(state->argv[0], "%s takes a time%s, not '%s'", option,
			   least == NS_PER_S ? " from 1s on, such as 10m" : " such as 10s", arg);
	*ret_ns = ns;
	return 0;
}

static int set_jobs(struct fuzz_command *cmd, const char *arg, const struct argp_state *state)
{
	uint64_t n = option_number("--jobs", arg, 1, state);

	if (n > FUZZ_JOBS_MAX)
		cli_misuse(state->argv[0], "--jobs takes at most %d, not '%s'", FUZZ_JOBS_MAX, arg);
	cmd->jobs = (unsigned)n;
	return 0;
}

static int set_climb(struct fuzz_command *cmd, const char *arg, const struct argp_state *state)
{
	cmd->goal = fuzz_goal_by_name(arg);
	if (cmd->goal < 0)
		cli_misuse(state->argv[0],
			   "--climb takes maps, retained, lost or latency, not '%s'", arg);
	return 0;
}

static int set_load(struct fuzz_command *cmd, const char *arg, const struct argp_state *state)
{
	bool dlopened = strcmp(arg, "dlopen") == 0;

	if (!dlopened && strcmp(arg, "preload") != 0)
		cli_misuse(state->argv[0], "--load takes preload or dlopen, not '%s'", arg);
	cmd->options.runner.load = dlopened ? LOAD_DLOPEN : LOAD_PRELOAD;
	return 0;
}

static void check(const struct fuzz_command *cmd, const char *command)
{
	if (!cmd->options.nallocators)
		cli_misuse(command, "no allocator; add -a NAME ('allocrig list' shows them) or "
				    "-a FILE.so");
	if (!cmd->out || !*cmd->out)
		cli_misuse(command, "no folder for what is found; add --out DIR");
	if (cmd->goal >= 0 && cmd->other)
		cli_misuse(command, "--climb is of one allocator, and --compare-with of two");
	if (cmd->time_ns / cmd->options.nallocators < NS_PER_S)
		cli_misuse(command, "--time leaves less than a second for each of %zu allocators",
			   cmd->options.nallocators);
}

static error_t parse_time(struct fuzz_command *cmd, int key, char *arg,
			  const struct argp_state *state)
{
	switch (key) {
	case KEY_TIME:
		return set_time("--time", arg, NS_PER_S, &cmd->time_ns, state);
	case KEY_SHRINK_TIME:
		return set_time("--shrink-time", arg, 0, &cmd->shrink_ns, state);
	case KEY_STALL:
		return set_time("--stall-after", arg, 1, &cmd->stall_ns, state);
	case KEY_HANG:
		return set_time("--hang-after", arg, 1, &cmd->options.runner.hang_ns, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_text(struct fuzz_command *cmd, int key, char *arg)
{
	switch (key) {
	case KEY_OUT:
		cmd->out = arg;
		return 0;
	case KEY_OTHER:
		cmd->other = arg;
		return 0;
	case KEY_TARGETS:
		cmd->targets = arg;
		return 0;
	case KEY_JSON:
		cmd->options.json = arg;
		return 0;
	case 'a':
		return add_word(&cmd->options.allocators, &cmd->options.nallocators, arg);
	case KEY_CORPUS:
		return add_word(&cmd->corpora, &cmd->ncorpora, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct fuzz_command *cmd = state->input;
	error_t ret = parse_text(cmd, key, arg);

	if (ret == ARGP_ERR_UNKNOWN)
		ret = parse_time(cmd, key, arg, state);
	if (ret != ARGP_ERR_UNKNOWN)
		return ret;
	switch (key) {
	case KEY_JOBS:
		return set_jobs(cmd, arg, state);
	case KEY_CLIMB:
		return set_climb(cmd, arg, state);
	case KEY_LOAD:
		return set_load(cmd, arg, state);
	case KEY_SEED:
		cmd->options.runner.seed = option_number("--seed", arg, 0, state);
		return 0;
	case KEY_STRICT:
		cmd->options.runner.strict = true;
		return 0;
	case ARGP_KEY_END:
		check(cmd, state->argv[0]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp fuzz_command_argp = {
	.options = options,
	.parser = parse,
	.doc = "Fuzzes allocators until the time is over: each finding is confirmed, filed once in "
	       "DIR/findings, told in one line, and made small beside the fuzzing. With several "
	       "allocators each has a folder of its name in DIR.\v"
	       "A call with the DIR of an earlier one goes on where that stopped, also where it "
	       "was killed: corpus, unfinished shrinking and counts. SIGINT ends it early, with "
	       "all that it prints.\n\n"
	       "Exit code: 0 nothing new was found, 1 there are findings that no earlier call "
	       "told (earlier ones and those that the profile knows are listed and counted), 2 "
	       "broken, 3 usage error (also where DIR is something else, of another allocator, or "
	       "in use), 77 unsupported.",
};
