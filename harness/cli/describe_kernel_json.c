/*
 * describe_kernel_json.c - what was measured of the kernel, as one JSON object.
 */
#include <string.h>

#include "harness/cli/describe_kernel.h"
#include "harness/cli/json_out.h"
#include "harness/cli/run_json.h"
#include "harness/prog/names.h"

static json_t *number_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *machine_json(const struct kernel_machine *m)
{
	json_t *o = json_object();

	json_object_set_new(o, "release", json_text(m->release));
	json_object_set_new(o, "build_id", json_text(m->build_id));
	json_object_set_new(o, "arch", json_text(m->arch));
	json_object_set_new(o, "page_bytes", number_or_null(m->page_bytes));
	json_object_set_new(o, "max_map_count", number_or_null(m->max_map_count));
	json_object_set_new(o, "overcommit", number_or_null(m->overcommit));
	json_object_set_new(o, "commit_limit_bytes", number_or_null(m->commit_limit_bytes));
	json_object_set_new(o, "committed_bytes", number_or_null(m->committed_bytes));
	json_object_set_new(o, "thp", number_or_null(m->thp));
	json_object_set_new(o, "thp_bytes", number_or_null(m->thp_bytes));
	json_object_set_new(o, "ram_bytes", number_or_null(m->ram_bytes));
	json_object_set_new(o, "swap_bytes", number_or_null(m->swap_bytes));
	json_object_set_new(o, "memlock_bytes", /* null: no limit */
			    m->memlock_bytes == INT64_MAX ? json_null()
							  : number_or_null(m->memlock_bytes));
	json_object_set_new(o, "hugepages_free", number_or_null(m->hugepages_free));
	json_object_set_new(o, "hugepage_bytes", number_or_null(m->hugepage_bytes));
	json_object_set_new(o, "aslr", number_or_null(m->aslr));
	json_object_set_new(o, "aslr_off_here", json_boolean(m->aslr_off_here));
	json_object_set_new(o, "root", json_boolean(m->root));
	return o;
}

/* A row of a table, with the reason where it is not measured. */
static json_t *row_json(const struct row_words *w, bool measured, int err, const char *group)
{
	const char *why = err ? strerror(err) : group[0] ? group : "it was not got to";
	json_t *o = json_object();

	json_object_set_new(o, "key", json_text(w->key));
	json_object_set_new(o, "words", json_text(w->words));
	json_object_set_new(o, "unsupported", measured ? json_null() : json_text(why));
	return o;
}

static json_t *errno_json(int err)
{
	return err ? json_text(errno_name(err)) : json_null();
}

static json_t *limits_json(const struct kernel_description *d)
{
	json_t *list = json_array();
	const struct row_words *w;

	for (size_t i = 0; (w = kernel_limit_words(i)); i++) {
		const struct limit_row *r = &d->limit[i];
		bool number = r->measured && !r->any && r->highest != INT32_MIN;
		json_t *o = row_json(w, r->measured, r->err, d->limits_why);

		json_object_set_new(o, "any", r->measured ? json_boolean(r->any) : json_null());
		json_object_set_new(o, "highest", number ? json_integer(r->highest) : json_null());
		json_object_set_new(o, "refusal", errno_json(r->refusal));
		json_object_set_new(o, "left_behind",
				    r->measured ? json_integer(r->left_behind) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *merges_json(const struct kernel_description *d)
{
	json_t *list = json_array();
	const struct row_words *w;

	for (size_t i = 0; (w = kernel_merge_words(i)); i++) {
		const struct merge_row *r = &d->merge[i];
		json_t *o = row_json(w, r->measured, r->err, d->merges_why);

		json_object_set_new(o, "maps", r->measured ? json_integer(r->maps) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *costs_json(const struct kernel_description *d)
{
	json_t *list = json_array();
	const struct row_words *w;

	for (size_t i = 0; (w = kernel_cost_words(i)); i++) {
		const struct cost_row *r = &d->cost[i];
		json_t *o = row_json(w, r->measured, r->err, d->costs_why);

		json_object_set_new(o, "ns", r->measured ? json_real(r->ns) : json_null());
		json_object_set_new(o, "how", json_text(w->how));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *features_json(const struct kernel_description *d)
{
	static const char *const states[] = {"unsupported", "yes", "no", "not-tried"};
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->nfeatures; i++) {
		const struct feature_row *r = &d->feature[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:o}", "name", r->name, "state",
						states[r->state], "detail", json_text(r->detail)));
	}
	return list;
}

json_t *kernel_json(const struct subject *s, const struct kernel_machine *m,
		    const struct kernel_description *d)
{
	return json_pack("{s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "schema",
			 "allocrig.describe-kernel/1", "allocator", allocator_json(&s->ref),
			 "machine", machine_json(m), "highest_count", d->highest_count, "limits",
			 limits_json(d), "merges", merges_json(d), "costs", costs_json(d),
			 "features", features_json(d), "host", host_json());
}
