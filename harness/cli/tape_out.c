#include "harness/cli/tape_out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/print.h"
#include "harness/cli/tape_json.h"
#include "harness/cli/tape_print.h"

/* One write for hundreds of lines: the run must not wait for the disk at each. */
#define BUFFER_BYTES (256u << 10)

int tape_out_open(struct tape_out *t, const char *path, FILE *show)
{
	*t = (struct tape_out){.path = path, .json.fd = -1, .text = show};
	return json_out_open(&t->json, path);
}

bool tape_out_wanted(const struct tape_out *t)
{
	return t->path || t->text;
}

int tape_out_begin(struct tape_out *t, const char *allocator, const char *program)
{
	free(t->names);
	free(t->buf);
	t->names = tape_json_names(allocator, program);
	t->len = 0;
	t->size = BUFFER_BYTES + (t->names ? strlen(t->names) : 0) + TAPE_JSON;
	t->buf = malloc(t->size);
	return t->names && t->buf ? 0 : -ENOMEM;
}

static void flush(struct tape_out *t)
{
	if (!t->err && t->len)
		t->err = json_out_lines(&t->json, t->buf, t->len);
	t->len = 0;
}

static void keep_line(struct tape_out *t, int len)
{
	if (len < 0)
		t->err = t->err ? t->err : len;
	else
		t->len += (size_t)len;
}

static void show_entry(FILE *text, const struct tape_entry *e)
{
	char line[TAPE_LINE];

	if (tape_print(e, line, sizeof(line)) >= 0)
		fprintf(text, "%s\n", line);
}

void tape_out_entries(void *ctx, const struct tape_entry *entries, size_t n)
{
	struct tape_out *t = ctx;

	if (t->text && n)
		print_progress_clear();
	for (size_t i = 0; i < n; i++) {
		if (t->text)
			show_entry(t->text, &entries[i]);
		if (!t->path || t->err)
			continue;
		if (t->len >= BUFFER_BYTES)
			flush(t);
		keep_line(t,
			  tape_json_line(t->names, &entries[i], t->buf + t->len, t->size - t->len));
	}
	flush(t);
}

int tape_out_end(struct tape_out *t, uint64_t dropped)
{
	if (dropped && t->path)
		keep_line(t,
			  tape_json_dropped(t->names, dropped, t->buf + t->len, t->size - t->len));
	flush(t);
	if (dropped && t->text)
		fprintf(t->text,
			"[the tape is not whole: %" PRIu64 " calls came faster than it was read]\n",
			dropped);
	return t->err;
}

int tape_out_close(struct tape_out *t)
{
	free(t->names);
	free(t->buf);
	t->names = t->buf = NULL;
	return json_out_close(&t->json);
}
