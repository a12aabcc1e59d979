#include "bench/command/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct rows *r)
{
	size_t room = r->room ? 2 * r->room : 64;
	struct result_line **bigger = reallocarray(r->row, room, sizeof(struct result_line *));

	if (!bigger)
		return -ENOMEM;
	r->row = bigger;
	r->room = room;
	return 0;
}

int rows_add(struct rows *r, const char *line, size_t len, char *err, size_t err_size)
{
	struct result_line *l = malloc(sizeof(*l));
	int rc = l ? 0 : -ENOMEM;

	if (!rc && r->n == r->room)
		rc = grow(r);
	if (rc)
		snprintf(err, err_size, "%s", strerror(-rc));
	else
		rc = result_json_read(line, len, l, err, err_size);
	if (rc)
		free(l);
	else
		r->row[r->n++] = l;
	return rc;
}

void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->row[i]);
	free(r->row);
	*r = (struct rows){0};
}

static bool same_run(const struct bench_key *a, const struct bench_key *b)
{
	return strcmp(a->workload, b->workload) == 0 && strcmp(a->allocator, b->allocator) == 0 &&
	       strcmp(a->build, b->build) == 0 && strcmp(a->after, b->after) == 0 &&
	       a->threads == b->threads && a->rep == b->rep && a->seed == b->seed &&
	       a->scale_percent == b->scale_percent && a->time_ns == b->time_ns;
}

const struct result_line *rows_find(const struct rows *r, const struct bench_key *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (same_run(&r->row[i]->key, key))
			return r->row[i];
	return NULL;
}
