#include "harness/cli/fuzz_store_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/json_out.h"

#define SCHEMA	"allocrig.fuzz-dir/1"
#define SEVERAL "each in a folder of its name"

static json_t *worst_json(const struct fuzz_store *s)
{
	json_t *o = json_object();

	for (int i = 0; i < FUZZ_GOALS; i++)
		json_object_set_new(o, fuzz_goal_name((enum fuzz_goal)i),
				    json_integer((json_int_t)s->worst[i]));
	return o;
}

static json_t *counted_json(const struct fuzz_store *s)
{
	json_t *list = json_array();
	unsigned n = FUZZ_JOBS_MAX;

	while (n && !s->counted[n - 1])
		n--;
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)s->counted[i]));
	return list;
}

char *store_json_text(const struct fuzz_store *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "schema", json_string(SCHEMA));
	if (!s->key.allocator) {
		json_object_set_new(o, "allocators", json_string(SEVERAL));
	} else {
		json_object_set_new(o, "allocator", json_text(s->key.allocator));
		json_object_set_new(o, "other", json_text(s->key.other));
		json_object_set_new(o, "climb",
				    s->goal < 0
					    ? json_null()
					    : json_string(fuzz_goal_name((enum fuzz_goal)s->goal)));
		json_object_set_new(o, "worst_milli", worst_json(s));
		json_object_set_new(o, "counted", counted_json(s));
		json_object_set_new(o, "totals", totals_json(&s->totals));
	}
	char *text = json_dumps(o, JSON_INDENT(1));
	char *whole = NULL;

	json_decref(o);
	if (text && asprintf(&whole, "%s\n", text) < 0)
		whole = NULL;
	free(text);
	return whole;
}

static bool same_text(const json_t *o, const char *key, const char *wanted)
{
	json_t *mine = json_text(wanted);
	bool same = json_equal(json_object_get(o, key), mine);

	json_decref(mine);
	return same;
}

static int check_key(const struct fuzz_store *s, const json_t *o, char *why, size_t why_size)
{
	bool several = json_object_get(o, "allocators") != NULL;
	const char *other = json_string_value(json_object_get(o, "other"));

	if (!s->key.allocator && several)
		return 0;
	if (several)
		snprintf(why, why_size, "holds a folder for each of several allocators");
	else if (!s->key.allocator)
		snprintf(why, why_size, "is of one allocator, and there are several");
	else if (same_text(o, "allocator", s->key.allocator) && same_text(o, "other", s->key.other))
		return 0;
	else
		snprintf(why, why_size, "is of %s%s%s",
			 json_string_value(json_object_get(o, "allocator")),
			 other ? " beside " : "", other ? other : "");
	return -EPERM;
}

static void load_counts(struct fuzz_store *s, const json_t *o)
{
	const json_t *counted = json_object_get(o, "counted");
	const char *goal = json_string_value(json_object_get(o, "climb"));

	s->goal = goal ? fuzz_goal_by_name(goal) : -1;
	totals_of_json(json_object_get(o, "totals"), &s->totals);
	for (unsigned i = 0; i < FUZZ_JOBS_MAX && i < json_array_size(counted); i++)
		s->counted[i] = (uint64_t)json_integer_value(json_array_get(counted, i));
	for (int i = 0; i < FUZZ_GOALS; i++)
		s->worst[i] = (uint64_t)json_integer_value(json_object_get(
			json_object_get(o, "worst_milli"), fuzz_goal_name((enum fuzz_goal)i)));
}

int store_json_parse(struct fuzz_store *s, const char *text, size_t len, char *why, size_t why_size)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *schema = json_string_value(json_object_get(o, "schema"));
	int err = schema && strcmp(schema, SCHEMA) == 0 ? 0 : -EINVAL;

	if (!err)
		err = check_key(s, o, why, why_size);
	if (!err)
		load_counts(s, o);
	json_decref(o);
	return err;
}
