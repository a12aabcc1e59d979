#include "harness/cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/out_file.h"
#include "harness/cli/program.h"
#include "harness/prog/emit_c.h"

struct emit_request {
	const char *program;
	const char *file; /* NULL or "-": standard output */
};

static const struct argp_option options[] = {
	{.name = "output",
	 .key = 'o',
	 .arg = "FILE",
	 .doc = "write the C file there; - is standard output"},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct emit_request *request = state->input;

	switch (key) {
	case 'o':
		request->file = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (request->program)
			cli_misuse(state->name, "only one PROGRAM can be written, not also '%s'",
				   arg);
		request->program = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		cli_misuse(state->name, "a PROGRAM is missing");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp emit_argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PROGRAM",
	.doc = "Writes a program as one C file that stands alone: cc FILE.c && ./a.out makes the "
	       "same calls without allocrig, on whatever allocator the process has.\v"
	       "What it ends with: 0 right, 1 wrong (it says what, and in which line of the "
	       "program), 2 it could not do its work, 77 not possible on that machine.",
};

static int take_bytes(void *ctx, const char *bytes, size_t n)
{
	return n == 0 || fwrite(bytes, 1, n, ctx) == n ? 0 : -errno;
}

static int write_c(const struct emit_request *request, const struct program *program)
{
	const struct emit_options emit = {.name = program->name};
	struct prog_error error = {0};
	struct out_file out;
	int err = out_file_open(&out, request->file);

	if (!err)
		err = emit_c(program->fd, &emit, take_bytes, out.stream, &error);
	err = out_file_close(&out, err);
	if (err == -ENOTSUP && *error.message) {
		cli_complain("%s: %s", request->program, error.message);
		return EXIT_BROKEN;
	}
	if (err)
		cli_complain_write(request->file, err);
	return err ? EXIT_BROKEN : EXIT_CLEAN;
}

int cmd_emit_c(int argc, char **argv)
{
	struct emit_request request = {0};
	struct program program;

	cli_parse(&emit_argp, argc, argv, 0, &request);
	int code = program_open(request.program, &program);

	if (code)
		return code;
	code = programs_would_be_lost(&program, 1, "--output", request.file)
		       ? EXIT_MISUSE
		       : write_c(&request, &program);
	program_release(&program);
	return code;
}
