/*
 * print.h - what people read: one table row per run, one line per finding, progress.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdio.h>

#include "harness/cli/runner.h"

struct print_widths {
	int program, allocator; /* columns */
};

/* Makes the columns wide enough for one more name of each; either may be NULL. */
void print_widen(struct print_widths *w, const char *program, const char *allocator);

/* The head of the table; the widths hold for the rows that follow. */
void print_run_header(FILE *out, const struct print_widths *w);
void print_run(FILE *out, const struct outcome_of_run *r);

/* One finding, with its signature and what is known of it. */
void print_finding(FILE *out, const struct verdict_finding *f);

/* The kinds that are not judged, a line of their own; nothing where all are. */
void print_without(FILE *out, uint32_t without);
/* One line where a profile is not used or not for sure; else nothing. */
void print_profile_note(FILE *out, const struct subject *s);

/* "1.5 MiB", right for a column of 10; "-" for what was not measured. */
struct size_text {
	char s[24];
};
struct size_text print_size(int64_t bytes);

/* One line on standard error that the next one replaces; nothing unless it is a terminal. */
__attribute__((format(printf, 1, 2))) void print_progress(const char *format, ...);
void print_progress_clear(void);

/* A word of a shell's command line, in quotes where it needs some. */
void print_shell_word(FILE *out, const char *word);

#endif
