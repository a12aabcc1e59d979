/*
 * json_out.h - JSON Lines that stay valid: each result is one line, written whole and at once.
 */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct json_out {
	int fd; /* -1: nothing was asked for */
	bool is_stdout;
	bool is_regular;
	off_t good; /* length of the complete lines in a regular file */
};

/* `path` NULL: no output; "-": standard output. A file is emptied. Returns 0 or -errno. */
int json_out_open(struct json_out *o, const char *path);

/*
 * One line. Takes the reference. When the line cannot be written whole (disk full), a regular
 * file is cut back to its last complete line. Returns 0 or -errno.
 */
int json_out_write(struct json_out *o, json_t *object);

/* The same for lines that are put together already, each with its newline: `len` bytes of them. */
int json_out_lines(struct json_out *o, const char *lines, size_t len);

/*
 * Whether two paths (or NULL) mean the same regular file, as far as can be told: two that do not
 * exist yet are told apart by their spelling.
 */
bool json_out_same_file(const char *a, const char *b);

/* Returns 0 or -errno of the close. */
int json_out_close(struct json_out *o);

/*
 * For commands: open and close with a complaint. Where results go to standard output, people read
 * on standard error: *ret_text. Return an exit code of cmd.h.
 */
int json_out_begin(struct json_out *o, const char *path, FILE **ret_text);
int json_out_end(struct json_out *o, const char *path, int code);

/* A JSON string of bytes that may not be UTF-8: foreign bytes become "\xNN". */
json_t *json_bytes(const char *bytes, size_t len);

/* The same for a C string; NULL and "" are null. */
json_t *json_text(const char *text);

#endif
