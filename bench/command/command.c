#include "bench/command/command.h"

#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/run_options.h"

enum {
	KEY_WORKLOAD = 256,
	KEY_REPS,
	KEY_TIME,
	KEY_SCALE,
	KEY_THREADS,
	KEY_AFTER,
	KEY_AFTER_TIME,
	KEY_QUICK,
	KEY_LATENCY,
	KEY_LIMIT,
	KEY_SEED,
	KEY_JSON,
	KEY_FRESH,
	KEY_LIST,
	KEY_TABLE,
	KEY_METRIC,
	KEY_GBENCH
};

static const struct argp_option options[] = {
	{"workload", KEY_WORKLOAD, "NAME", 0,
	 "what to run, or a pattern such as 'program/*'; may be repeated (default: all)", 0},
	{"allocator", 'a', "NAME|FILE", 0,
	 "built-in allocator, or path of a .so; may be repeated (default: all that are here)", 0},
	{"reps", KEY_REPS, "N", 0,
	 "repetitions, each in a block of its own (default 5; quick: of what is quiet 1)", 0},
	{"time", KEY_TIME, "TIME", 0,
	 "run each timed phase for so long instead of fixed work; for throughput alone", 0},
	{"scale", KEY_SCALE, "PERCENT", 0, "of the fixed work (default 100, quick 25)", 0},
	{"threads", KEY_THREADS, "N", 0, "of workloads that have a number of them", 0},
	{"after", KEY_AFTER, "WHAT", 0,
	 "watch what is given back behind the last phase under idle, light (work) or purge; may be "
	 "repeated",
	 0},
	{"after-time", KEY_AFTER_TIME, "TIME", 0, "for so long (default 10s)", 0},
	{"quick", KEY_QUICK, NULL, 0, "the quick set, some minutes for all allocators", 0},
	{"latency", KEY_LATENCY, "on|off", 0,
	 "also run the build that times calls and counts kernel calls (default on; quick: once)",
	 0},
	{"limit", KEY_LIMIT, "TIME", 0, "a run that takes longer is killed (default 60s)", 0},
	{"seed", KEY_SEED, "N", 0, "of all random choices (default 1)", 0},
	{"json", KEY_JSON, "FILE", 0,
	 "write results as JSON Lines; runs that FILE has already are not made again; - is "
	 "standard "
	 "output",
	 0},
	{"fresh", KEY_FRESH, NULL, 0, "begin FILE anew", 0},
	{"list", KEY_LIST, NULL, 0, "show what there is to run", 0},
	{"table", KEY_TABLE, "FILE", 0, "run nothing, print the results in FILE", 0},
	{"metric", KEY_METRIC, "NAME", 0,
	 "show these in tables, or a pattern; may be repeated (default: the main ones)", 0},
	{"gbench", KEY_GBENCH, "FILE", 0,
	 "also write all results as google-benchmark does, for its compare.py; - is standard "
	 "output",
	 0},
	{0},
};

struct bench_command bench_command_defaults(void)
{
	return (struct bench_command){
		.latency = -1,
		.seed = 1,
		.limit_ns = UINT64_C(60000000000),
	};
}

static void add_word(struct command_list *l, const char *option, const char *word,
		     const struct argp_state *state)
{
	if (l->n == COMMAND_LIST_MAX)
		cli_misuse(state->argv[0], "%s is given more than %d times", option,
			   COMMAND_LIST_MAX);
	l->word[l->n++] = word;
}

static void add_after(struct bench_command *c, const char *word, const struct argp_state *state)
{
	if (strcmp(word, "idle") != 0 && strcmp(word, "light") != 0 && strcmp(word, "purge") != 0)
		cli_misuse(state->argv[0], "--after takes idle, light or purge, not '%s'", word);
	for (unsigned i = 0; i < c->after.n; i++)
		if (strcmp(c->after.word[i], word) == 0)
			return;
	add_word(&c->after, "--after", word, state);
}

static uint64_t duration(const char *option, const char *arg, const struct argp_state *state)
{
	uint64_t ns;

	if (parse_duration(arg, &ns) != 0 || !ns)
		cli_misuse(state->argv[0], "%s takes a time such as 10s, not '%s'", option, arg);
	return ns;
}

static uint64_t number(const char *option, const char *arg, uint64_t most,
		       const struct argp_state *state)
{
	uint64_t n = option_number(option, arg, 1, state);

	if (n > most)
		cli_misuse(state->argv[0], "%s takes at most %llu, not '%s'", option,
			   (unsigned long long)most, arg);
	return n;
}

static void set_latency(struct bench_command *c, const char *arg, const struct argp_state *state)
{
	if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
		cli_misuse(state->argv[0], "--latency takes on or off, not '%s'", arg);
	c->latency = strcmp(arg, "on") == 0;
}

static void add_allocator(struct bench_command *c, char *arg, const struct argp_state *state)
{
	if (c->nallocators == COMMAND_LIST_MAX)
		cli_misuse(state->argv[0], "more than %d allocators", COMMAND_LIST_MAX);
	c->allocators[c->nallocators++] = arg;
}

/* "10%" is 10. */
static uint64_t percent(const char *arg, const struct argp_state *state)
{
	char digits[32];
	size_t len = strlen(arg);

	if (!len || len >= sizeof(digits) || arg[len - 1] != '%')
		return number("--scale", arg, 100000, state);
	memcpy(digits, arg, len);
	digits[len - 1] = '\0';
	return number("--scale", digits, 100000, state);
}

static bool set_word(struct bench_command *c, int key, char *arg, const struct argp_state *state)
{
	switch (key) {
	case 'a':
		add_allocator(c, arg, state);
		return true;
	case KEY_WORKLOAD:
		add_word(&c->workloads, "--workload", arg, state);
		return true;
	case KEY_METRIC:
		add_word(&c->metrics, "--metric", arg, state);
		return true;
	case KEY_AFTER:
		add_after(c, arg, state);
		return true;
	case KEY_LATENCY:
		set_latency(c, arg, state);
		return true;
	case KEY_JSON:
		c->json = arg;
		return true;
	case KEY_TABLE:
		c->table = arg;
		return true;
	case KEY_GBENCH:
		c->gbench = arg;
		return true;
	default:
		return false;
	}
}

static bool set_number(struct bench_command *c, int key, const char *arg,
		       const struct argp_state *state)
{
	switch (key) {
	case KEY_REPS:
		c->reps = (unsigned)number("--reps", arg, 10000, state);
		return true;
	case KEY_THREADS:
		c->threads = (unsigned)number("--threads", arg, BENCH_LANES - 1, state);
		return true;
	case KEY_SCALE:
		c->scale_percent = percent(arg, state);
		return true;
	case KEY_SEED:
		c->seed = option_number("--seed", arg, 0, state);
		return true;
	case KEY_TIME:
		c->time_ns = duration("--time", arg, state);
		return true;
	case KEY_AFTER_TIME:
		c->after_ns = duration("--after-time", arg, state);
		return true;
	case KEY_LIMIT:
		c->limit_ns = duration("--limit", arg, state);
		return true;
	default:
		return false;
	}
}

static bool set_flag(struct bench_command *c, int key)
{
	bool *flag = key == KEY_QUICK	? &c->quick
		     : key == KEY_FRESH ? &c->fresh
		     : key == KEY_LIST	? &c->list
					: NULL;

	if (flag)
		*flag = true;
	return flag != NULL;
}

static void check(const struct bench_command *c, const struct argp_state *state)
{
	if (c->table && (c->json || c->fresh || c->list || c->maps))
		cli_misuse(state->argv[0], "--table prints a file and runs nothing");
	if (c->fresh && !c->json)
		cli_misuse(state->argv[0], "--fresh is for the file of --json, and there is none");
	if (c->time_ns && c->after.n)
		cli_misuse(state->argv[0], "--after compares what fixed work leaves; not with "
					   "--time");
	if (c->gbench && c->json && strcmp(c->gbench, c->json) == 0)
		cli_misuse(state->argv[0], "--json and --gbench are the same");
	if (c->maps && (c->time_ns || c->scale_percent || c->threads || c->after.n))
		cli_misuse(state->argv[0], "maps has no --time, --scale, --threads and --after");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_command *c = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (c->maps || strcmp(arg, "maps") != 0)
			cli_misuse(state->argv[0],
				   "unexpected argument '%s'; workloads are named with --workload",
				   arg);
		c->maps = true;
		return 0;
	case ARGP_KEY_END:
		check(c, state);
		return 0;
	default:
		return set_word(c, key, arg, state) || set_number(c, key, arg, state) ||
				       set_flag(c, key)
			       ? 0
			       : ARGP_ERR_UNKNOWN;
	}
}

const struct argp bench_command_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[maps]",
	.doc = "Measures allocators on workloads, each run in a fresh process, and prints a table "
	       "for each workload and who stands where in each metric. With `maps` it asks which "
	       "live heap each allocator reaches before the kernel refuses it a call.\v"
	       "What is interrupted goes on when it is called again with the same --json FILE. "
	       "Exit code: 0 all measured, 1 an allocator crashed, hung, was wrong or refused, 2 "
	       "broken or interrupted, 3 usage error, 77 unsupported.",
};
