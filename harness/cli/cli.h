/*
 * cli.h - what every command says and how: options, complaints, standard output.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <argp.h>

/*
 * Parses with argp. --help and --version print and exit 0. A misuse (an unknown option, a missing
 * or surplus argument, a word that argp's parser left alone) is one line on standard error that
 * names the word and says what to type instead, and exit 3. `flags` are argp's; children of the
 * argp are not looked at.
 */
void cli_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input);

/* "allocrig: MESSAGE; try 'COMMAND --help'", exit 3. `command` is argv[0] of the command. */
__attribute__((noreturn, format(printf, 2, 3))) void cli_misuse(const char *command,
								const char *format, ...);

/* "allocrig: MESSAGE" on standard error. */
__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

/* "FILE:LINE:COLUMN: MESSAGE" on standard error. */
void cli_complain_at(const char *file, unsigned line, unsigned column, const char *message);

/*
 * "allocrig: cannot write FILE: why". NULL or "-" is standard output, whose loss is then not told a
 * second time at exit. `err` is positive or negative.
 */
void cli_complain_write(const char *file, int err);

/*
 * Makes lost output known: when standard output cannot be written (disk full, closed pipe), the
 * process says so in one line and exits 2. Standard descriptors that are closed are filled, a file
 * that may not grow is an error and no signal. Called once, first thing in main.
 */
void cli_guard_stdout(void);

#endif
