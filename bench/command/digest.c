#include "bench/command/digest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/registry.h"
#include "bench/command/session.h"

/* Rows of one group, while it is worked on. */
struct gathering {
	struct digest *d;
	const struct result_line **row;
	size_t n;
	double *values; /* scratch */
};

static struct digest_group group_of(const struct bench_key *k)
{
	struct digest_group g = {.threads = k->threads, .time_ns = k->time_ns};

	memcpy(g.workload, k->workload, sizeof(g.workload));
	memcpy(g.after, k->after, sizeof(g.after));
	return g;
}

static int by_group(const void *a, const void *b)
{
	const struct digest_group *x = a, *y = b;
	int order = strcmp(x->workload, y->workload);

	if (!order)
		order = strcmp(x->after, y->after);
	if (!order)
		order = (x->threads > y->threads) - (x->threads < y->threads);
	return order ? order : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static int make_groups(const struct rows *rows, struct digest *d)
{
	size_t n = 0;

	d->groups = calloc(rows->n + 1, sizeof(*d->groups));
	if (!d->groups)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		d->groups[i] = group_of(&rows->row[i]->key);
	qsort(d->groups, rows->n, sizeof(*d->groups), by_group);
	for (size_t i = 0; i < rows->n; i++)
		if (!n || by_group(&d->groups[n - 1], &d->groups[i]) != 0)
			d->groups[n++] = d->groups[i];
	d->ngroups = n;
	return 0;
}

/* The loop comes last, files by path behind the built-in ones. */
static size_t place_of(const char *name)
{
	if (strcmp(name, LOOP_NAME) == 0)
		return plugin_count() + 1;
	for (size_t i = 0; i < plugin_count(); i++)
		if (strcmp(plugin_at(i)->name, name) == 0)
			return i;
	return plugin_count();
}

static int by_place(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	size_t i = place_of(x), j = place_of(y);

	return i != j ? (i > j) - (i < j) : strcmp(x, y);
}

static int make_allocators(const struct rows *rows, struct digest *d)
{
	size_t n = 0;

	d->allocators = calloc(rows->n + 1, sizeof(*d->allocators));
	if (!d->allocators)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++) {
		size_t j = 0;

		while (j < n && strcmp(d->allocators[j], rows->row[i]->key.allocator) != 0)
			j++;
		if (j == n)
			d->allocators[n++] = rows->row[i]->key.allocator;
	}
	qsort(d->allocators, n, sizeof(*d->allocators), by_place);
	d->nallocators = n;
	d->loop = n && strcmp(d->allocators[n - 1], LOOP_NAME) == 0 ? n - 1 : n;
	return 0;
}

size_t digest_metric_by_name(const struct digest *d, const char *name)
{
	size_t i = 0;

	while (i < d->nmetrics && strcmp(d->metrics[i].name, name) != 0)
		i++;
	return i;
}

/* Stable: latencies stay in the order of their lines. */
static void sort_metrics(struct digest *d)
{
	for (size_t i = 1; i < d->nmetrics; i++) {
		struct digest_metric m = d->metrics[i];
		size_t j = i;

		for (; j && d->metrics[j - 1].rank > m.rank; j--)
			d->metrics[j] = d->metrics[j - 1];
		d->metrics[j] = m;
	}
}

static int add_metric(struct digest *d, const struct result_value *v)
{
	struct digest_metric *bigger, *m;

	if (digest_metric_by_name(d, v->name) < d->nmetrics)
		return 0;
	bigger = reallocarray(d->metrics, d->nmetrics + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	d->metrics = bigger;
	m = &d->metrics[d->nmetrics++];
	*m = (struct digest_metric){.more_is_better = v->more_is_better, .rank = v->id};
	memcpy(m->name, v->name, sizeof(m->name));
	memcpy(m->unit, v->unit, sizeof(m->unit));
	return 0;
}

static int make_metrics(const struct rows *rows, struct digest *d)
{
	int err = 0;

	for (size_t i = 0; i < rows->n; i++)
		for (unsigned j = 0; j < rows->row[i]->nmetrics && !err; j++)
			err = add_metric(d, &rows->row[i]->metrics[j]);
	sort_metrics(d);
	return err;
}

static struct spread *cell(const struct digest *d, size_t group, size_t allocator, size_t metric)
{
	return &d->cells[(group * d->nallocators + allocator) * d->nmetrics + metric];
}

const struct spread *digest_cell(const struct digest *d, size_t group, size_t allocator,
				 size_t metric)
{
	return cell(d, group, allocator, metric);
}

static size_t gather(const struct gathering *g, const char *allocator, const char *metric,
		     bool sampled)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct result_line *row = g->row[i];
		const struct result_value *v;

		if (row->status != STATUS_OK || strcmp(row->key.allocator, allocator) != 0 ||
		    (strcmp(row->key.build, "sampled") == 0) != sampled)
			continue;
		v = result_line_metric(row, metric);
		if (v)
			g->values[n++] = v->value;
	}
	return n;
}

static void fill_group(const struct gathering *g, size_t group)
{
	const struct digest *d = g->d;

	for (size_t a = 0; a < d->nallocators; a++) {
		for (size_t m = 0; m < d->nmetrics; m++) {
			const char *name = d->metrics[m].name;
			size_t n = gather(g, d->allocators[a], name, false);

			if (!n)
				n = gather(g, d->allocators[a], name, true);
			*cell(d, group, a, m) = spread_of(g->values, n);
		}
	}
}

static struct digest_trouble *trouble_of(struct digest *d, size_t group, size_t allocator,
					 enum bench_status status)
{
	for (size_t i = 0; i < d->ntroubles; i++) {
		struct digest_trouble *t = &d->troubles[i];

		if (t->group == group && t->allocator == allocator && t->status == status)
			return t;
	}
	struct digest_trouble *bigger =
		reallocarray(d->troubles, d->ntroubles + 1, sizeof(*bigger));

	if (!bigger)
		return NULL;
	d->troubles = bigger;
	bigger[d->ntroubles] =
		(struct digest_trouble){.group = group, .allocator = allocator, .status = status};
	return &bigger[d->ntroubles++];
}

static size_t allocator_index(const struct digest *d, const char *name)
{
	size_t i = 0;

	while (strcmp(d->allocators[i], name) != 0)
		i++;
	return i;
}

static int by_allocator(const void *a, const void *b)
{
	const struct digest_trouble *x = a, *y = b;

	if (x->allocator != y->allocator)
		return (x->allocator > y->allocator) - (x->allocator < y->allocator);
	return (x->status > y->status) - (x->status < y->status);
}

static int fill_troubles(const struct gathering *g, size_t group)
{
	struct digest *d = g->d;
	size_t first = d->ntroubles;

	for (size_t i = 0; i < g->n; i++) {
		const struct result_line *row = g->row[i];

		if (row->status == STATUS_OK && !row->why[0])
			continue;
		struct digest_trouble *t =
			trouble_of(d, group, allocator_index(d, row->key.allocator), row->status);

		if (!t)
			return -ENOMEM;
		if (t->runs++ == 0)
			t->why = row->why;
	}
	for (size_t i = first; i < d->ntroubles; i++)
		for (size_t j = 0; j < g->n; j++)
			d->troubles[i].of += strcmp(g->row[j]->key.allocator,
						    d->allocators[d->troubles[i].allocator]) == 0;
	if (d->ntroubles > first)
		qsort(&d->troubles[first], d->ntroubles - first, sizeof(*d->troubles),
		      by_allocator);
	return 0;
}

static int fill(const struct rows *rows, struct digest *d)
{
	struct gathering g = {
		.d = d,
		.row = calloc(rows->n + 1, sizeof(struct result_line *)),
		.values = calloc(rows->n + 1, sizeof(*g.values)),
	};
	int err = g.row && g.values ? 0 : -ENOMEM;

	for (size_t i = 0; i < d->ngroups && !err; i++) {
		g.n = 0;
		for (size_t j = 0; j < rows->n; j++) {
			struct digest_group of = group_of(&rows->row[j]->key);

			if (by_group(&of, &d->groups[i]) == 0)
				g.row[g.n++] = rows->row[j];
		}
		fill_group(&g, i);
		err = fill_troubles(&g, i);
	}
	free(g.row);
	free(g.values);
	return err;
}

int digest_make(const struct rows *rows, struct digest *ret_digest)
{
	struct digest d = {0};
	int err = make_groups(rows, &d);

	if (!err)
		err = make_allocators(rows, &d);
	if (!err)
		err = make_metrics(rows, &d);
	if (!err) {
		d.cells = calloc(d.ngroups * d.nallocators * d.nmetrics + 1, sizeof(*d.cells));
		err = d.cells ? fill(rows, &d) : -ENOMEM;
	}
	if (err)
		digest_release(&d);
	else
		*ret_digest = d;
	return err;
}

void digest_release(struct digest *d)
{
	free(d->groups);
	free(d->allocators);
	free(d->metrics);
	free(d->cells);
	free(d->troubles);
	*d = (struct digest){0};
}

bool digest_has(const struct digest *d, size_t group, size_t allocator)
{
	for (size_t m = 0; m < d->nmetrics; m++)
		if (cell(d, group, allocator, m)->n)
			return true;
	return false;
}

struct digest_ratio digest_ratio(const struct digest *d, size_t metric, size_t allocator,
				 size_t base)
{
	double more = metric_is_count(d->metrics[metric].unit) ? 1 : 0, sum = 0;
	struct digest_ratio r = {.ratio = 1};

	for (size_t g = 0; g < d->ngroups; g++) {
		const struct spread *x = cell(d, g, allocator, metric);
		const struct spread *y = cell(d, g, base, metric);

		if (!x->n || !y->n || x->median + more <= 0 || y->median + more <= 0)
			continue;
		sum += log((x->median + more) / (y->median + more));
		r.n++;
	}
	if (r.n)
		r.ratio = exp(sum / (double)r.n);
	return r;
}
