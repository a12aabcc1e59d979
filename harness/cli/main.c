#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

const char *argp_program_version = "allocrig " ALLOCRIG_VERSION;

static const struct command commands[] = {
	{"list", "show the allocators and where each comes from", cmd_list},
	{"run", "run programs on allocators and judge every call", cmd_run},
	{"audit", "run the seed programs, or the conformance rules, on each allocator", cmd_audit},
	{"describe", "measure what one allocator does", cmd_describe},
	{"fuzz", "look for programs that show a finding, and file what they show", cmd_fuzz},
	{"shrink", "make a program smaller that shows a finding", cmd_shrink},
	{"emit-c", "write a program as one C file that needs nothing of allocrig", cmd_emit_c},
	{"bench", "measure allocators on workloads: memory, maps, latency, speed", cmd_bench},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* argp asks for the text behind the options, and frees it. */
static char *help_text(int key, const char *text, void *input)
{
	size_t size;
	char *help = NULL;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return NULL;
	fprintf(out, "Commands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\nEach has --help. Exit codes: 0 clean, 1 finding, 2 broken, 3 misuse, "
		     "77 unsupported.");
	fclose(out);
	return help;
}

static const struct argp main_argp = {
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Drives memory allocators through programs of calls, and checks that every call "
	       "behaves and that memory goes back to the kernel.\v ",
	.help_filter = help_text,
};

static const struct command *command_by_name(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int command_run(const struct command *c, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "allocrig %s", c->name);
	argv[0] = name;
	return c->run(argc, argv);
}

int main(int argc, char **argv)
{
	const struct command *c;
	char program[] = "allocrig";

	cli_guard_stdout();
	if (argc < 2)
		cli_misuse(program, "no command given");
	c = command_by_name(argv[1]);
	if (c)
		return command_run(c, argc - 1, argv + 1);
	argv[0] = program;
	if (argv[1][0] == '-')
		cli_parse(&main_argp, 2, (char *[]){program, argv[1], NULL}, ARGP_IN_ORDER, NULL);
	cli_misuse(program, "unknown command '%s'", argv[1]);
}
