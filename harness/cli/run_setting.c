#include "harness/cli/run_setting.h"

#include <inttypes.h>

#include "harness/cli/cli.h"
#include "harness/cli/fault_rule.h"
#include "harness/cli/run_options.h"

enum { KEY_FAULT = 768, KEY_BALLAST, KEY_PROFILE };

static const struct argp_option options[] = {
	{"fault", KEY_FAULT, "RULE", 0,
	 "refuse kernel calls of the allocator: 'munmap ENOMEM nth=3 count=1', as in a program's "
	 "fault line, beside the program's own; several calls joined by commas are counted "
	 "together; may be repeated",
	 0},
	{"ballast", KEY_BALLAST, "N", 0,
	 "fill the map table up to N before its limit, so that the kernel itself refuses "
	 "(instead of the program's ballast line)",
	 0},
	{"profile", KEY_PROFILE, "FILE", 0,
	 "what is known and accepted of the allocator, of which there must be one", 0},
	{0},
};

static int add_fault(struct runner_options *o, const char *arg, const struct argp_state *state)
{
	struct prog_error err;

	if (o->nfaults == FAULT_RULES)
		cli_misuse(state->argv[0], "at most %d --fault", FAULT_RULES);
	if (fault_rule_parse(arg, &o->faults[o->nfaults], &err) != 0)
		cli_misuse(state->argv[0], "--fault '%s': column %" PRIu32 ": %s", arg, err.column,
			   err.message);
	o->nfaults++;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct runner_options *o = state->input;

	switch (key) {
	case KEY_FAULT:
		return add_fault(o, arg, state);
	case KEY_BALLAST:
		o->has_ballast = true;
		o->ballast = option_number("--ballast", arg, 0, state);
		return 0;
	case KEY_PROFILE:
		o->profile = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_setting_argp = {.options = options, .parser = parse};
