#include "harness/cli/run_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/kinds.h"
#include "harness/oracle/pages.h"

enum {
	KEY_JSON = 256,
	KEY_LOAD,
	KEY_SEED,
	KEY_CHECK,
	KEY_NO_ORACLES,
	KEY_WITHOUT,
	KEY_NO_TAPE,
	KEY_CHECK_LEDGER,
	KEY_STRICT,
	KEY_HANG,
	KEY_WRONG_RULE
};

static const struct argp_option options[] = {
	{"allocator", 'a', "NAME|FILE", 0, "built-in allocator, or path of a .so; may be repeated",
	 0},
	{"json", KEY_JSON, "FILE", 0, "write results as JSON Lines; - is standard output", 0},
	{"load", KEY_LOAD, "MODE", 0, "preload (default) or dlopen", 0},
	{"seed", KEY_SEED, "N", 0, "seed of the content pattern (default 1)", 0},
	{"check", KEY_CHECK, "HOW", 0,
	 "sampled (default: blocks over 64 KiB at head, tail and in every page) or full", 0},
	{"no-oracles", KEY_NO_ORACLES, NULL, 0, "make the calls, judge nothing", 0},
	{"without", KEY_WITHOUT, "KIND[,KIND...]", 0,
	 "do not judge findings of these kinds, and say so in the results; where a crash, a hang "
	 "or a "
	 "broken fork is not judged, a run that had one is broken, not clean; may be repeated",
	 0},
	{"no-tape", KEY_NO_TAPE, NULL, 0,
	 "do not watch kernel calls: snapshots at statement ends alone", 0},
	{"check-ledger", KEY_CHECK_LEDGER, NULL, 0,
	 "compare the ledger of mappings with /proc/self/maps after every op; slow", 0},
	{"strict", KEY_STRICT, NULL, 0, "findings that the profile knows count too", 0},
	{"wrong-rule", KEY_WRONG_RULE, "NAME", 0,
	 "for tests of allocrig itself: the page model follows a wrong rule", 0},
	{"hang-after", KEY_HANG, "TIME", 0, "watchdog: no progress for so long (default 10s)", 0},
	{0},
};

static const struct {
	const char *suffix;
	uint64_t ns;
} unit[] = {{"ns", 1},	       {"us", 1000},	   {"ms", 1000000},
	    {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};

static int leading_number(const char *text, char **ret_end, uint64_t *ret_n)
{
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret_n = strtoull(text, ret_end, 10);
	return errno ? -EINVAL : 0;
}

int parse_number(const char *text, uint64_t *ret_n)
{
	char *end;
	uint64_t n;

	if (leading_number(text, &end, &n) != 0 || *end)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

uint64_t option_number(const char *option, const char *arg, uint64_t least,
		       const struct argp_state *state)
{
	uint64_t n;

	if (parse_number(arg, &n) != 0 || n < least)
		cli_misuse(state->argv[0], "%s takes a number%s, not '%s'", option,
			   least ? " from 1 on" : "", arg);
	return n;
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	char *end;
	uint64_t n;

	if (leading_number(text, &end, &n) != 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++)
		if (strcmp(end, unit[i].suffix) == 0)
			return __builtin_mul_overflow(n, unit[i].ns, ret_ns) ? -EINVAL : 0;
	return -EINVAL;
}

static int add_allocator(struct run_options *o, char *arg)
{
	char **bigger = reallocarray(o->allocators, o->nallocators + 1, sizeof(*bigger));

	if (!bigger)
		return ENOMEM;
	o->allocators = bigger;
	o->allocators[o->nallocators++] = arg;
	return 0;
}

static int set_load(struct run_options *o, const char *arg, const struct argp_state *state)
{
	if (strcmp(arg, "preload") == 0)
		o->runner.load = LOAD_PRELOAD;
	else if (strcmp(arg, "dlopen") == 0)
		o->runner.load = LOAD_DLOPEN;
	else
		cli_misuse(state->argv[0], "--load takes preload or dlopen, not '%s'", arg);
	return 0;
}

static int set_check(struct run_options *o, const char *arg, const struct argp_state *state)
{
	if (strcmp(arg, "full") != 0 && strcmp(arg, "sampled") != 0)
		cli_misuse(state->argv[0], "--check takes sampled or full, not '%s'", arg);
	o->runner.check_full = strcmp(arg, "full") == 0;
	return 0;
}

static int add_without(struct run_options *o, const char *arg, const struct argp_state *state)
{
	if (kinds_parse(arg, &o->runner.without) != 0)
		cli_misuse(state->argv[0],
			   "--without takes kinds of findings, not '%s'; they are %s", arg,
			   kinds_words(UINT32_MAX).s);
	return 0;
}

static int set_wrong_rule(struct run_options *o, const char *arg, const struct argp_state *state)
{
	char names[1024] = "";
	size_t len = 0;
	int rule = pages_rule_by_name(arg);

	for (unsigned i = PAGES_ALL_RIGHT + 1; rule < 0 && i < PAGES_RULES; i++)
		len += (size_t)snprintf(names + len, len < sizeof(names) ? sizeof(names) - len : 0,
					" %s", pages_rule_name(i));
	if (rule < 0)
		cli_misuse(state->argv[0],
			   "--wrong-rule takes a rule of the page model, not '%s'; they are%s", arg,
			   names);
	o->runner.wrong_rule = (uint32_t)rule;
	return 0;
}

static int set_number(struct run_options *o, int key, const char *arg,
		      const struct argp_state *state)
{
	if (key == KEY_HANG) {
		if (parse_duration(arg, &o->runner.hang_ns) != 0 || o->runner.hang_ns == 0)
			cli_misuse(state->argv[0],
				   "--hang-after takes a time such as 10s, not '%s'", arg);
		return 0;
	}
	if (parse_number(arg, &o->runner.seed) != 0)
		cli_misuse(state->argv[0], "--seed takes a number, not '%s'", arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *o = state->input;

	switch (key) {
	case 'a':
		return add_allocator(o, arg);
	case KEY_JSON:
		o->json = arg;
		return 0;
	case KEY_LOAD:
		return set_load(o, arg, state);
	case KEY_CHECK:
		return set_check(o, arg, state);
	case KEY_SEED:
	case KEY_HANG:
		return set_number(o, key, arg, state);
	case KEY_NO_ORACLES:
		o->runner.oracles = false;
		return 0;
	case KEY_WITHOUT:
		return add_without(o, arg, state);
	case KEY_NO_TAPE:
		o->runner.watch = false;
		return 0;
	case KEY_CHECK_LEDGER:
		o->runner.check_ledger = true;
		return 0;
	case KEY_WRONG_RULE:
		return set_wrong_rule(o, arg, state);
	case KEY_STRICT:
		o->runner.strict = true;
		return 0;
	case ARGP_KEY_END:
		if (o->runner.check_ledger && !o->runner.watch)
			cli_misuse(state->argv[0], "--check-ledger needs the tape, which --no-tape "
						   "turns off");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_options_argp = {.options = options, .parser = parse};

void run_options_release(struct run_options *o)
{
	free(o->allocators);
	o->allocators = NULL;
}
