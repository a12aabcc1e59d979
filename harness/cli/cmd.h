/*
 * cmd.h - the commands of allocrig: one entry in main.c's table, one cmd_x.c each.
 *
 * A command gets argc and argv with "allocrig NAME" in argv[0], parses with cli_parse, and returns
 * an enum cli_exit. It may exit by itself only through cli_misuse. Progress and complaints go to
 * standard error; a complaint is one line that begins with "allocrig: ".
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

/* Of several runs in one command the gravest decides. */
enum cli_exit {
	EXIT_CLEAN = 0,
	EXIT_FINDING = 1,
	EXIT_BROKEN = 2, /* the harness could not do its work */
	EXIT_MISUSE = 3,
	EXIT_UNSUPPORTED = 77
};

struct command {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(int argc, char **argv);
};

int cmd_list(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_describe(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);
int cmd_emit_c(int argc, char **argv);
int cmd_shrink(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#endif
