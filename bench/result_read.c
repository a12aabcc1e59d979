#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/result.h"

#define SCHEMA "allocrig.bench/1"

struct reader {
	char *err;
	size_t size;
	int rc; /* of the first complaint */
};

__attribute__((format(printf, 3, 4))) static void complain(struct reader *r, int rc,
							   const char *format, ...)
{
	va_list args;

	if (r->rc)
		return;
	va_start(args, format);
	vsnprintf(r->err, r->size, format, args);
	va_end(args);
	/* What jansson says may quote a line break. */
	for (char *p = r->err; r->size && *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	r->rc = rc;
}

static const json_t *member(struct reader *r, const json_t *o, const char *key, json_type type)
{
	static const char *const what[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "a whole number",
	};
	const json_t *v = json_object_get(o, key);

	if (!v)
		complain(r, -EBADMSG, "no member \"%s\"", key);
	else if (json_typeof(v) != type)
		complain(r, -EBADMSG, "\"%s\" is not %s", key, what[type]);
	else
		return v;
	return NULL;
}

static void text(struct reader *r, const json_t *o, const char *key, char *buf, size_t size)
{
	const json_t *v = member(r, o, key, JSON_STRING);

	if (!v)
		return;
	if (json_string_length(v) >= size)
		complain(r, -EBADMSG, "\"%s\" is longer than %zu bytes", key, size - 1);
	snprintf(buf, size, "%s", json_string_value(v));
}

/* Nothing is decided by it: null and no member at all are "", and what is too long is cut. */
static void maybe_text(struct reader *r, const json_t *o, const char *key, char *buf, size_t size)
{
	const json_t *v = json_object_get(o, key);

	buf[0] = '\0';
	if (!v || json_is_null(v))
		return;
	if (json_is_string(v))
		snprintf(buf, size, "%s", json_string_value(v));
	else
		complain(r, -EBADMSG, "\"%s\" is not a string", key);
}

static uint64_t count(struct reader *r, const json_t *o, const char *key, uint64_t most)
{
	const json_t *v = member(r, o, key, JSON_INTEGER);
	uint64_t n = v ? (uint64_t)json_integer_value(v) : 0;

	if (n > most)
		complain(r, -EBADMSG, "\"%s\" is out of range", key);
	return n;
}

static void read_key(struct reader *r, const json_t *o, struct bench_key *k)
{
	text(r, o, "workload", k->workload, sizeof(k->workload));
	text(r, o, "build", k->build, sizeof(k->build));
	maybe_text(r, o, "after", k->after, sizeof(k->after));
	k->threads = (unsigned)count(r, o, "threads", UINT_MAX);
	k->rep = (unsigned)count(r, o, "rep", UINT_MAX);
	k->block = (unsigned)count(r, o, "block", UINT_MAX);
	k->seed = count(r, o, "seed", UINT64_MAX);
	k->scale_percent = count(r, o, "scale_percent", UINT64_MAX);
	k->time_ns = count(r, o, "time_ns", UINT64_MAX);
}

static void read_allocator(struct reader *r, const json_t *o, struct result_line *l)
{
	const json_t *a = member(r, o, "allocator", JSON_OBJECT);
	struct result_allocator *to = &l->allocator;

	if (!a)
		return;
	text(r, a, "name", l->key.allocator, sizeof(l->key.allocator));
	maybe_text(r, a, "path", to->path, sizeof(to->path));
	maybe_text(r, a, "version", to->version, sizeof(to->version));
	maybe_text(r, a, "build_id", to->build_id, sizeof(to->build_id));
	maybe_text(r, a, "sha256", to->sha256, sizeof(to->sha256));
}

static void read_status(struct reader *r, const json_t *o, struct result_line *l)
{
	char name[32] = "";

	text(r, o, "status", name, sizeof(name));
	if (!r->rc && status_by_name(name, &l->status) != 0)
		complain(r, -EBADMSG, "\"status\" is \"%s\", which is none", name);
	maybe_text(r, o, "why", l->why, sizeof(l->why));
}

static void read_metric(struct reader *r, const char *name, const json_t *o, struct result_line *l)
{
	const json_t *value = json_object_get(o, "value");
	char better[8] = "";

	if (!json_is_number(value) || !isfinite(json_number_value(value))) {
		complain(r, -EBADMSG, "metric \"%s\" has no number as its \"value\"", name);
		return;
	}
	if (l->nmetrics == RESULT_METRICS_MAX) {
		complain(r, -EBADMSG, "more than %d metrics", RESULT_METRICS_MAX);
		return;
	}
	struct result_value *v = &l->metrics[l->nmetrics++];

	if (strlen(name) >= sizeof(v->name))
		complain(r, -EBADMSG, "the name of metric \"%s\" is too long", name);
	snprintf(v->name, sizeof(v->name), "%s", name);
	v->id = metric_by_name(v->name);
	v->value = json_number_value(value);
	text(r, o, "unit", v->unit, sizeof(v->unit));
	text(r, o, "better", better, sizeof(better));
	v->more_is_better = strcmp(better, "more") == 0;
	if (!r->rc && !v->more_is_better && strcmp(better, "less") != 0)
		complain(r, -EBADMSG, "metric \"%s\": \"better\" is neither more nor less", name);
}

static void read_metrics(struct reader *r, const json_t *o, struct result_line *l)
{
	const json_t *all = member(r, o, "metrics", JSON_OBJECT);
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)all, name, one) read_metric(r, name, one, l);
}

static void read_schema(struct reader *r, const json_t *o)
{
	const char *schema = json_string_value(json_object_get(o, "schema"));

	if (!json_is_object(o))
		complain(r, -EBADMSG, "not a JSON object");
	else if (!schema)
		complain(r, -EPROTO, "no member \"schema\": not a line of results");
	else if (strcmp(schema, SCHEMA) != 0)
		complain(r, -EPROTO, "of schema \"%s\", not %s", schema, SCHEMA);
}

int result_json_read(const char *line, size_t len, struct result_line *ret_line, char *err,
		     size_t err_size)
{
	struct reader r = {.err = err, .size = err_size};
	struct result_line l = {0};
	json_error_t why;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (!o) {
		complain(&r, -EBADMSG, "not JSON: %s at byte %d", why.text, why.position);
		return r.rc;
	}
	read_schema(&r, o);
	if (!r.rc) {
		read_key(&r, o, &l.key);
		read_allocator(&r, o, &l);
		read_status(&r, o, &l);
		read_metrics(&r, o, &l);
	}
	json_decref(o);
	if (!r.rc)
		*ret_line = l;
	return r.rc;
}

const struct result_value *result_line_metric(const struct result_line *l, const char *name)
{
	for (unsigned i = 0; i < l->nmetrics; i++)
		if (strcmp(l->metrics[i].name, name) == 0)
			return &l->metrics[i];
	return NULL;
}
