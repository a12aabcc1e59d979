/*
 * cmd_describe.c - allocrig describe ALLOCATOR|kernel: what it does, measured.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/describe.h"
#include "harness/cli/describe_kernel.h"
#include "harness/cli/json_out.h"
#include "harness/cli/print.h"
#include "harness/cli/run_json.h"
#include "harness/cli/run_options.h"

struct describe_command {
	struct run_options options;
	char *name;
	const char *profile; /* write one there; NULL: none */
	struct rulebook book;
};

enum { KEY_PROFILE = 512 };

static const struct argp_option options[] = {
	{"profile", KEY_PROFILE, "FILE", 0,
	 "write what was measured as a first profile; - is standard output", 0},
	{0},
};

static bool is_dash(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct describe_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		return 0;
	case KEY_PROFILE:
		cmd->profile = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (cmd->name)
			cli_misuse(state->argv[0], "describe takes one allocator, found also '%s'",
				   arg);
		cmd->name = arg;
		return 0;
	case ARGP_KEY_END:
		if (cmd->options.runner.without)
			cli_misuse(state->argv[0], "describe judges nothing, with or without");
		if (!cmd->name && cmd->options.nallocators == 1)
			cmd->name = cmd->options.allocators[0];
		if (!cmd->name)
			cli_misuse(state->argv[0], "no allocator; name one ('allocrig list' shows "
						   "them) or a FILE.so");
		if (is_dash(cmd->profile) && is_dash(cmd->options.json))
			cli_misuse(state->argv[0],
				   "only one of --json and --profile can be standard output");
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
	.args_doc = "ALLOCATOR|kernel",
	.doc = "Measures what an allocator does: size classes, mmap threshold, overhead, what it "
	       "keeps after free, and its answers where the rules leave a choice. Of the kernel: "
	       "at "
	       "which number of maps each call still succeeds, what merges, what calls cost, and "
	       "which calls and advices there are.",
};

static void print_classes(const struct description *d)
{
	if (!d->nranges) {
		printf("size classes      not measured: no malloc_usable_size\n");
		return;
	}
	printf("smallest block    %" PRIu64 " usable bytes\n", d->min_block);
	printf("size classes      %u up to 64 KiB:\n", d->nclasses);
	for (uint32_t i = 0; i < d->nranges; i++) {
		const struct class_range *r = &d->range[i];

		if (r->first + r->step - 1 == r->last)
			printf("  %6u\n", r->last);
		else
			printf("  %6u .. %u step %u\n", r->first + r->step - 1, r->last, r->step);
	}
	if (d->nranges == DESCRIBE_RANGES)
		printf("  (the list is cut here)\n");
}

static void print_kept(const char *when, const struct left_behind *k)
{
	if (k->maps < 0 && k->bytes < 0)
		printf("  %-16snot measured\n", when);
	else
		printf("  %-16s%s in %" PRId64 " maps\n", when, print_size(k->bytes).s, k->maps);
}

/* What others say of it, beside what was measured. */
static void print_retention(const struct subject *s)
{
	for (size_t i = 0; s->has_profile && i < s->profile.nretention; i++)
		printf("%s%s\n    (%s)\n", i ? "  " : "the profile says of that:\n  ",
		       s->profile.retention[i].words, s->profile.retention[i].source);
}

static void print_description(const struct subject *s, const struct description *d)
{
	printf("allocator         %s\n", s->ref.name);
	printf("file              %s\n", s->ref.path[0] ? s->ref.path : "(inside allocrig)");
	printf("version           %s%s%s%s\n", s->ref.version[0] ? s->ref.version : "not known",
	       d->version_by_itself[0] ? " (says " : "", d->version_by_itself,
	       d->version_by_itself[0] ? ")" : "");
	print_classes(d);
	if (d->mmap_threshold)
		printf("mmap threshold    %" PRIu64 " bytes: blocks get a mapping of their own, "
		       "%" PRId64 " maps each\n",
		       d->mmap_threshold, d->mmap_maps_per_block);
	else
		printf("mmap threshold    none up to 64 MiB\n");
	printf("overhead per block, resident bytes beyond the request:\n");
	for (unsigned i = 0; i < DESCRIBE_OVERHEAD; i++) {
		if (d->overhead[i].bytes < -1e9)
			continue;
		printf("  %6" PRIu64 "          %.1f\n", d->overhead[i].size, d->overhead[i].bytes);
	}
	printf("kept after 300000 blocks (366 MiB) were freed:\n");
	print_kept("after free", &d->freed);
	print_kept("after purge", &d->purged);
	print_kept("after 1 s", &d->idle);
	print_retention(s);
	printf("answers where the rules leave a choice:\n");
	for (uint32_t i = 0; i < d->nanswers; i++)
		printf("  %-24s%s\n", d->answer[i].rule->question,
		       answer_words(d->answer[i].value.s).s);
	if (d->note[0])
		printf("note              %s\n", d->note);
}

/* In words, and as profiles have it. */
static void add_answer(json_t *words, json_t *values, const struct answer *a)
{
	json_object_set_new(words, a->rule->profile, json_string(answer_words(a->value.s).s));
	json_object_set_new(values, a->rule->profile, json_string(a->value.s));
}

static json_t *description_json(const struct subject *s, const struct description *d)
{
	json_t *classes = json_array(), *overhead = json_array(), *answers = json_object();
	json_t *values = json_object();

	for (uint32_t i = 0; i < d->nranges; i++)
		json_array_append_new(classes, json_pack("{s:I, s:I, s:I}", "first",
							 (json_int_t)d->range[i].first, "last",
							 (json_int_t)d->range[i].last, "step",
							 (json_int_t)d->range[i].step));
	for (unsigned i = 0; i < DESCRIBE_OVERHEAD; i++)
		json_array_append_new(overhead, json_pack("{s:I, s:f}", "size",
							  (json_int_t)d->overhead[i].size, "bytes",
							  d->overhead[i].bytes));
	for (uint32_t i = 0; i < d->nanswers; i++)
		add_answer(answers, values, &d->answer[i]);
	return json_pack("{s:s, s:o, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:s}",
			 "schema", "allocrig.describe/1", "allocator", allocator_json(&s->ref),
			 "min_block", (json_int_t)d->min_block, "classes", (json_int_t)d->nclasses,
			 "class_ranges", classes, "mmap_threshold", (json_int_t)d->mmap_threshold,
			 "maps_per_mapped_block", (json_int_t)d->mmap_maps_per_block, "overhead",
			 overhead, "after_free", left_behind_json(&d->freed), "after_purge",
			 left_behind_json(&d->purged), "after_1s", left_behind_json(&d->idle),
			 "answers", answers, "answer_values", values, "host", host_json(), "note",
			 d->note);
}

/* Whole or not at all, and never over a profile that somebody has worked on. */
static int save(const char *path, const char *text, size_t len)
{
	FILE *out = is_dash(path) ? stdout : fopen(path, "wxe");
	int err = out ? 0 : errno;

	if (out && fwrite(text, 1, len, out) != len)
		err = errno;
	if (out && (out == stdout ? fflush(out) : fclose(out)) != 0 && !err)
		err = errno;
	if (err)
		cli_complain_write(path, err);
	return err ? EXIT_BROKEN : EXIT_CLEAN;
}

static int write_profile(struct describe_command *cmd, const struct subject *s,
			 const struct description *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int code = EXIT_BROKEN;

	if (!out)
		return EXIT_BROKEN;
	int err = describe_profile(out, s, &cmd->options.runner, &cmd->book, d);

	if (fclose(out) == 0 && !err)
		code = save(cmd->profile, text, len);
	free(text);
	return code;
}

static int measure(struct describe_command *cmd, const struct subject *s, struct json_out *json)
{
	struct description d;

	print_progress("measuring %s", s->ref.name);
	int err = describe_measure(s, &cmd->options.runner, &cmd->book, &d);

	print_progress_clear();
	if (runner_interrupted())
		return EXIT_BROKEN;
	if (err) {
		cli_complain("describe %s: %s", s->ref.name, strerror(-err));
		return EXIT_BROKEN;
	}
	if (!json->is_stdout && !is_dash(cmd->profile))
		print_description(s, &d);
	err = json_out_write(json, description_json(s, &d));
	if (err)
		cli_complain_write(cmd->options.json, -err);
	if (err)
		return EXIT_BROKEN;
	return cmd->profile ? write_profile(cmd, s, &d) : EXIT_CLEAN;
}

static bool profile_is_there(const struct describe_command *cmd)
{
	if (!cmd->profile || is_dash(cmd->profile) || access(cmd->profile, F_OK) != 0)
		return false;
	cli_complain("%s is there already; remove it, or name another file", cmd->profile);
	return true;
}

static int describe(struct describe_command *cmd, const struct subject *s)
{
	struct json_out json;
	FILE *text;

	if (!s->ref.available) {
		cli_complain("%s is not here: %s", s->ref.name, s->ref.reason);
		return EXIT_UNSUPPORTED;
	}
	int code = rulebook_open(NULL, NULL, 0, &cmd->book);

	if (!code)
		code = json_out_begin(&json, cmd->options.json, &text);
	if (code)
		return code;
	runner_catch_interrupts();
	print_profile_note(stderr, s);
	return json_out_end(&json, cmd->options.json, measure(cmd, s, &json));
}

static int kernel_has_no_profile(void)
{
	cli_complain("a profile is of an allocator, and the kernel is none: type "
		     "'allocrig describe kernel'");
	return EXIT_MISUSE;
}

static int execute(struct describe_command *cmd)
{
	struct subject s;

	if (profile_is_there(cmd))
		return EXIT_MISUSE;
	int code = subject_open(cmd->name, &cmd->options.runner, &s);

	if (code)
		return code;
	if (subject_is_kernel(&s))
		code = cmd->profile ? kernel_has_no_profile()
				    : describe_kernel(&s, cmd->options.json);
	else
		code = describe(cmd, &s);
	subject_release(&s);
	rulebook_release(&cmd->book);
	return code;
}

int cmd_describe(int argc, char **argv)
{
	struct describe_command cmd = {.options.runner = runner_defaults()};

	cli_parse(&argp, argc, argv, 0, &cmd);
	int code = execute(&cmd);

	run_options_release(&cmd.options);
	return code;
}
