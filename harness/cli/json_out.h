/*
 * json_out.h - JSON Lines to a file or standard output, one whole object a line.
 *
 * Each line is written when it is complete, so that an interrupted command leaves valid results of
 * what was done. Errors: 0 or -errno; the caller complains.
 */
#ifndef CLI_JSON_OUT_H
#define CLI_JSON_OUT_H

#include <jansson.h>
#include <stdio.h>

struct json_out {
	FILE *file; /* NULL: nothing is written */
};

/* `path` NULL writes nothing, "-" is standard output. */
int json_out_open(struct json_out *out, const char *path);

/* Writes the object and drops the caller's reference to it, also on failure. */
int json_out_write(struct json_out *out, json_t *object);

/* Tells of output that was lost at the last moment. Standard output stays open. */
int json_out_close(struct json_out *out);

/* A string, with bytes that are not UTF-8 shown as '?': paths may hold any. NULL and "" are null.
 */
json_t *json_text(const char *text);

#endif
