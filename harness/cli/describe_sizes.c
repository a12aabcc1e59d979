/*
 * describe_sizes.c - size classes, the mmap threshold and the overhead per block.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/describe.h"

#define CLASS_LIMIT 65536
#define TRIES	    8 /* blocks of one size that must each raise the mapped bytes alike */
#define PAGE	    4096ull

static char *class_program(void)
{
	size_t size = (size_t)CLASS_LIMIT * 48 + 64, n = 0;
	char *text = malloc(size);

	if (!text)
		return NULL;
	n += (size_t)snprintf(text, size, "allocrig 1\n");
	for (unsigned i = 1; i <= CLASS_LIMIT; i++)
		n += (size_t)snprintf(text + n, size - n, "malloc b[0] %u\nfree b[0]\n", i);
	return text;
}

/* Usable sizes for requests 1..CLASS_LIMIT become classes, and classes ranges of equal steps. */
static void add_class(struct description *d, uint32_t previous, uint32_t usable)
{
	struct class_range *last = d->nranges ? &d->range[d->nranges - 1] : NULL;

	d->nclasses++;
	if (last && usable - previous == last->step) {
		last->last = usable;
		return;
	}
	if (d->nranges == DESCRIBE_RANGES)
		return;
	d->range[d->nranges++] = (struct class_range){previous + 1, usable, usable - previous};
}

static void collect_classes(const struct run_shared *s, struct description *d)
{
	uint64_t n = atomic_load(&s->oplog_used);
	uint32_t previous = 0;

	for (uint64_t i = 0; i < n; i++) {
		const struct oplog_entry *e = &s->oplog[i];

		if (e->op_code != OP_MALLOC || e->usable == UINT64_MAX || e->usable > UINT32_MAX)
			continue;
		if (!d->min_block)
			d->min_block = e->usable;
		if (e->usable > previous) {
			add_class(d, previous, (uint32_t)e->usable);
			previous = (uint32_t)e->usable;
		}
	}
}

int describe_classes(const struct subject *s, const struct runner_options *o, struct description *d)
{
	struct runner_options quiet = *o;
	struct described_run r;
	char *text = class_program();

	if (!text)
		return -ENOMEM;
	quiet.sampling = false;
	quiet.oplog_capacity = 2 * CLASS_LIMIT;
	int err = describe_run(s, &quiet, text, &r);

	free(text);
	if (err)
		return err;
	if (r.run.result.shared) {
		collect_classes(r.run.result.shared, d);
		snprintf(d->version_by_itself, sizeof(d->version_by_itself), "%s",
			 r.run.result.shared->served.version);
	}
	if (!r.ran)
		snprintf(d->note, sizeof(d->note), "size classes: the run did not end: %.*s", 200,
			 r.run.verdict.reason[0] ? r.run.verdict.reason : "crash or hang");
	described_run_release(&r);
	return 0;
}

static char *threshold_program(uint64_t size)
{
	size_t cap = 2048, n = 0;
	char *text = malloc(cap);

	if (!text)
		return NULL;
	n += (size_t)snprintf(text, cap,
			      "allocrig 1\nmalloc b[0:4] 64\nmalloc b[4] %llu\n"
			      "checkpoint c\n",
			      (unsigned long long)size);
	for (unsigned i = 0; i < TRIES; i++)
		n += (size_t)snprintf(text + n, cap - n, "malloc b[%u] %llu\ncheckpoint c\n", i + 5,
				      (unsigned long long)size);
	return text;
}

/* Whether each of the blocks raised the mapped bytes by its size and little more. */
static bool each_has_mapping(const struct run_shared *s, uint64_t size, int64_t *ret_maps)
{
	const struct checkpoint_record *c = &s->checkpoint[1];

	if (atomic_load(&s->ncheckpoints) < TRIES + 2)
		return false;
	for (unsigned i = 0; i < TRIES; i++) {
		int64_t rise = c[i + 1].at.mapped_bytes - c[i].at.mapped_bytes;

		if (rise < (int64_t)size || rise > (int64_t)(size + size / 4 + 16 * PAGE))
			return false;
	}
	*ret_maps = c[TRIES].at.maps - c[0].at.maps;
	return true;
}

static int has_mapping(const struct subject *s, const struct runner_options *o, uint64_t size,
		       struct description *d)
{
	struct described_run r;
	int64_t maps = 0;
	char *text = threshold_program(size);
	int err = text ? describe_run(s, o, text, &r) : -ENOMEM;

	free(text);
	if (err)
		return err;
	bool own = r.ran && each_has_mapping(r.run.result.shared, size, &maps);

	if (own)
		d->mmap_maps_per_block = maps / TRIES;
	described_run_release(&r);
	return own;
}

int describe_threshold(const struct subject *s, const struct runner_options *o,
		       struct description *d)
{
	struct runner_options quiet = *o;
	uint64_t low = 0, high;
	int own = 0;

	quiet.sampling = false;
	for (high = PAGE; high <= (64ull << 20) && !own; high *= 2) {
		own = has_mapping(s, &quiet, high, d);
		if (own < 0)
			return own;
		if (own)
			break;
		low = high;
	}
	if (!own)
		return 0;
	while (high - low > 16) {
		uint64_t middle = (low + high) / 2;

		own = has_mapping(s, &quiet, middle, d);
		if (own < 0)
			return own;
		if (own)
			high = middle;
		else
			low = middle;
	}
	d->mmap_threshold = high;
	own = has_mapping(s, &quiet, high, d);
	return own < 0 ? own : 0;
}

static int one_overhead(const struct subject *s, const struct runner_options *o, uint64_t size,
			double *ret_bytes)
{
	uint64_t count = (32ull << 20) / size;
	struct described_run r;
	char text[256];

	if (count > 100000)
		count = 100000;
	snprintf(text, sizeof(text),
		 "allocrig 1\nmalloc b[0:%llu] %llu\ntouch b[0:%llu]\ncheckpoint full\n",
		 (unsigned long long)count, (unsigned long long)size, (unsigned long long)count);
	int err = describe_run(s, o, text, &r);

	if (err)
		return err;
	*ret_bytes = -1;
	if (r.ran && atomic_load(&r.run.result.shared->ncheckpoints) >= 2) {
		const struct checkpoint_record *c = r.run.result.shared->checkpoint;

		*ret_bytes = (double)(c[1].at.rss_bytes - c[0].at.rss_bytes) / (double)count -
			     (double)size;
	}
	described_run_release(&r);
	return 0;
}

int describe_overhead(const struct subject *s, const struct runner_options *o,
		      struct description *d)
{
	static const uint64_t size[DESCRIBE_OVERHEAD] = {16, 64, 256, 1024, 4096, 16384, 131072};
	struct runner_options quiet = *o;

	quiet.sampling = false;
	for (unsigned i = 0; i < DESCRIBE_OVERHEAD; i++) {
		d->overhead[i].size = size[i];
		int err = one_overhead(s, &quiet, size[i], &d->overhead[i].bytes);

		if (err)
			return err;
	}
	return 0;
}
