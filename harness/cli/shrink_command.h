/*
 * shrink_command.h - what `allocrig shrink` was asked to do, and how far it got.
 */
#ifndef CLI_SHRINK_COMMAND_H
#define CLI_SHRINK_COMMAND_H

#include "harness/cli/json_out.h"
#include "harness/cli/run_options.h"
#include "harness/cli/shrink_work.h"

struct shrink_command {
	/* As parsed. */
	struct run_options options;
	const char *path;
	const char *out;       /* NULL or "-": standard output */
	const char *signature; /* NULL: the gravest */
	const char *clean_on;  /* NULL: as it needs */
	uint64_t time_ns;      /* 0: to the end */
	/* While it is done. */
	struct program program;
	struct subject subject, reference;
	struct hunt hunt;
	char *text; /* with the refusals and the ballast of the command line in it */
	size_t len;
	uint64_t begin_ns, written_ns; /* when the program was last written */
	size_t kept_len;
	struct shrink_work work; /* of `hunt` and `text` */
	struct json_out json;
};

extern const struct argp shrink_command_argp; /* input: struct shrink_command * */

/* Whether the program itself goes to standard output: with --json - it stands in the JSON. */
bool shrink_prints_program(const struct shrink_command *cmd);

/* Writes a program to where it belongs, under a comment of what it shows. Returns an exit code. */
int shrink_write(const struct shrink_command *cmd, const char *text, size_t len);

/* How it went, for people, on standard error. */
void shrink_say(const struct shrink_command *cmd);

/* allocrig.shrink/1 */
json_t *shrink_json(const struct shrink_command *cmd);

#endif
