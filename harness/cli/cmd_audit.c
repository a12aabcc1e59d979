/*
 * cmd_audit.c - allocrig audit: the seed programs, or the conformance rules, on each allocator.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/registry.h"
#include "harness/cli/audit.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"

enum { KEY_CORPUS = 512, KEY_CONFORMANCE, KEY_PROFILE };

static const struct argp_option options[] = {
	{"corpus", KEY_CORPUS, "DIR", 0,
	 "folder of programs to run (default: the seeds, or the conformance rules)", 0},
	{"conformance", KEY_CONFORMANCE, NULL, 0,
	 "run the conformance rules and print which of them each allocator keeps", 0},
	{"profile", KEY_PROFILE, "FILE", 0,
	 "what is known and accepted of the allocator, of which there must be one", 0},
	{0},
};

static int add_only(struct audit *a, char *arg, const struct argp_state *state)
{
	if (!a->conformance)
		cli_misuse(state->argv[0], "audit takes no programs, found '%s'; use --corpus DIR",
			   arg);
	char **bigger = reallocarray(a->only, a->nonly + 1, sizeof(*bigger));

	if (!bigger)
		return ENOMEM;
	a->only = bigger;
	a->only[a->nonly++] = arg;
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct audit *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->options;
		return 0;
	case KEY_CORPUS:
		a->corpus = arg;
		return 0;
	case KEY_CONFORMANCE:
		a->conformance = true;
		return 0;
	case KEY_PROFILE:
		a->options.runner.profile = arg;
		return 0;
	case ARGP_KEY_ARG:
		return add_only(a, arg, state);
	case ARGP_KEY_END:
		if (a->options.runner.profile && a->options.nallocators != 1)
			cli_misuse(state->argv[0], "--profile is for one allocator; name it with "
						   "-a");
		if (a->conformance && !a->options.runner.oracles)
			cli_misuse(state->argv[0],
				   "--conformance judges, and --no-oracles does not");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&run_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "[RULE...]",
	.doc = "Runs the seed programs on each allocator (default: all built-in ones that are "
	       "installed) and prints a scorecard; with --conformance runs the rules of the "
	       "standards and manuals, all or those named (07-aligned-alloc-3, or 7), and prints "
	       "a table.\v"
	       "Exit code: 0 clean, 1 finding, 2 broken, 3 usage error, 77 unsupported.",
};

/* Without -a: every built-in that can be judged. */
static int open_subjects(struct audit *a)
{
	char *names[64];
	size_t n = 0;

	if (a->options.nallocators) {
		a->nsubjects = a->options.nallocators;
		return subjects_open(a->options.allocators, a->nsubjects, &a->options.runner,
				     &a->subjects);
	}
	for (size_t i = 0; i < plugin_count() && n < 64; i++)
		if (!plugin_at(i)->inside)
			names[n++] = (char *)plugin_at(i)->name;
	a->nsubjects = n;
	return subjects_open(names, n, &a->options.runner, &a->subjects);
}

/* Of the seeds and the rules there is none that asks the kernel alone. */
static int refuse_kernel(const struct audit *a)
{
	for (size_t i = 0; i < a->nsubjects; i++)
		if (subject_is_kernel(&a->subjects[i]))
			return kernel_has_no_blocks(a->conformance ? "audit --conformance"
								   : "audit");
	return 0;
}

int audit_begin(struct audit *a, const struct program *programs, size_t nprograms)
{
	int code = open_subjects(a);

	if (!code)
		code = refuse_kernel(a);
	if (code)
		return code;
	if (programs_would_be_lost(programs, nprograms, "--json", a->options.json))
		return EXIT_MISUSE;
	if (json_out_same_file(a->options.json, a->options.runner.profile)) {
		cli_complain("--json and --profile are the same file");
		return EXIT_MISUSE;
	}
	code = json_out_begin(&a->json, a->options.json, &a->text);
	if (code)
		return code;
	runner_catch_interrupts();
	for (size_t i = 0; i < a->nsubjects; i++)
		print_profile_note(a->text, &a->subjects[i]);
	return 0;
}

int audit_write(struct audit *a, json_t *line)
{
	int err = json_out_write(&a->json, line);

	if (err)
		cli_complain_write(a->options.json, -err);
	return err ? EXIT_BROKEN : 0;
}

void audit_not_here(struct audit *a, const struct subject *s)
{
	fprintf(a->text, "%s is not here: %s\n", s->ref.name, s->ref.reason);
	outcome_count(&a->tally, OUTCOME_UNSUPPORTED);
}

const char *audit_profile_words(const struct audit *a)
{
	static char words[PATH_MAX + 16];

	if (!a->options.runner.profile)
		return "";
	snprintf(words, sizeof(words), " --profile %s", a->options.runner.profile);
	return words;
}

int cmd_audit(int argc, char **argv)
{
	struct audit a = {.options.runner = runner_defaults(), .json.fd = -1};

	cli_parse(&argp, argc, argv, 0, &a);
	int err = paths_self(a.self), code = EXIT_BROKEN;

	if (err)
		cli_complain("cannot read /proc/self/exe: %s", strerror(-err));
	else
		code = a.conformance ? audit_conformance(&a) : audit_seeds(&a);
	if (a.subjects)
		subjects_free(a.subjects, a.nsubjects);
	free(a.only);
	run_options_release(&a.options);
	return code;
}
