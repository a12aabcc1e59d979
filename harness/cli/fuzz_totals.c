#include "harness/cli/fuzz_totals.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#define COUNT(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct fuzz_totals, name), false                                   \
	}
#define HEIGHT(name)                                                                               \
	{                                                                                          \
#name, offsetof(struct fuzz_totals, name), true                                    \
	}

static const struct field {
	const char *name;
	size_t offset;
	bool is_height;
} fields[] = {
	COUNT(inputs),	     COUNT(ops),	   COUNT(children),    COUNT(finding_inputs),
	COUNT(known_inputs), COUNT(reported),	   COUNT(unconfirmed), COUNT(refused),
	COUNT(child_ns),     COUNT(confirming_ns), HEIGHT(edges),      HEIGHT(edges_seen),
	HEIGHT(peak_maps),   HEIGHT(worst_milli),  COUNT(fuzzed_ns),   COUNT(sessions),
	COUNT(restarts),     COUNT(repeated),	   HEIGHT(features),   HEIGHT(coverage),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static uint64_t *at(struct fuzz_totals *t, const struct field *f)
{
	return (uint64_t *)((char *)t + f->offset);
}

static uint64_t value(const struct fuzz_totals *t, const struct field *f)
{
	return *(const uint64_t *)((const char *)t + f->offset);
}

void totals_add(struct fuzz_totals *t, const struct fuzz_totals *more)
{
	for (size_t i = 0; i < FIELDS; i++) {
		uint64_t *sum = at(t, &fields[i]), n = value(more, &fields[i]);

		if (!fields[i].is_height)
			*sum += n;
		else if (n > *sum)
			*sum = n;
	}
}

void totals_since(struct fuzz_totals *t, const struct fuzz_totals *before)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (!fields[i].is_height)
			*at(t, &fields[i]) -= value(before, &fields[i]);
}

void totals_add_page(struct fuzz_totals *t, const struct job_stats *page)
{
	if (atomic_load(&page->abi) != JOB_STATS_ABI)
		return;
	const struct fuzz_totals of_page = {
		.inputs = atomic_load(&page->inputs),
		.ops = atomic_load(&page->executed),
		.children = atomic_load(&page->children),
		.finding_inputs = atomic_load(&page->findings),
		.known_inputs = atomic_load(&page->known),
		.reported = atomic_load(&page->reported),
		.unconfirmed = atomic_load(&page->unconfirmed),
		.refused = atomic_load(&page->refused),
		.child_ns = atomic_load(&page->ns_child),
		.confirming_ns = atomic_load(&page->ns_confirming),
		.edges = atomic_load(&page->edges),
		.edges_seen = atomic_load(&page->edges_seen),
		.peak_maps = atomic_load(&page->peak_maps),
		.worst_milli = atomic_load(&page->worst_milli),
	};

	totals_add(t, &of_page);
}

void totals_add_file(struct fuzz_totals *t, const char *path)
{
	struct job_stats page;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, &page, sizeof(page)) == (ssize_t)sizeof(page))
		totals_add_page(t, &page);
	close(fd);
}

json_t *totals_json(const struct fuzz_totals *t)
{
	json_t *o = json_object();

	for (size_t i = 0; i < FIELDS; i++)
		json_object_set_new(o, fields[i].name,
				    json_integer((json_int_t)value(t, &fields[i])));
	return o;
}

void totals_of_json(const json_t *o, struct fuzz_totals *ret_totals)
{
	*ret_totals = (struct fuzz_totals){0};
	for (size_t i = 0; i < FIELDS; i++) {
		json_int_t n = json_integer_value(json_object_get(o, fields[i].name));

		*at(ret_totals, &fields[i]) = n > 0 ? (uint64_t)n : 0;
	}
}
