#include "bench/command/table.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH	  100
#define WIDTH_MIN 60
#define CELL_MAX  64

/* What is shown without being asked for; the file has all. */
static const char *const main_metrics[] = {
	"peak_maps",	 "peak_rss_bytes", "final_rss_bytes", "peak_fragmentation", "kept_0s_bytes",
	"kept_1s_bytes", "kept_10s_bytes", "t90_s",	      "lost_bytes",	    "reached_*",
	"kernel_calls",	 "minor_faults",   "instructions",    "malloc_p99_ns",	    "free_p99_ns",
	"ops_per_s",	 "net_ns_per_op",  "wall_s",
};

#define MAIN_METRICS (sizeof(main_metrics) / sizeof(main_metrics[0]))

unsigned table_width(FILE *out)
{
	struct winsize w;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &w) != 0 || !w.ws_col)
		return WIDTH;
	return w.ws_col < WIDTH_MIN ? WIDTH_MIN : w.ws_col;
}

/* Three digits and a power of 1000 or 1024. */
static struct table_text scaled(double value, double base, const char *const *unit, unsigned units)
{
	struct table_text t;
	unsigned i = 0;

	while (i + 1 < units && fabs(value) >= base - 0.5) {
		value /= base;
		i++;
	}
	snprintf(t.s, sizeof(t.s), "%.*f%s", fabs(value) < 9.95 && value != rint(value) ? 1 : 0,
		 value, unit[i]);
	return t;
}

static struct table_text seconds(double s)
{
	static const char *const unit[] = {" ns", " us", " ms"};
	struct table_text t;

	if (fabs(s) < 0.9995)
		return scaled(s * 1e9, 1000, unit, 3);
	snprintf(t.s, sizeof(t.s), "%.*f s", fabs(s) < 99.95 ? 1 : 0, s);
	return t;
}

struct table_text table_value(double value, const char *unit)
{
	static const char *const bytes[] = {" B", " KiB", " MiB", " GiB", " TiB"};
	static const char *const byte_s[] = {" B s", " KiB s", " MiB s", " GiB s", " TiB s"};
	static const char *const rate[] = {"/s", " k/s", " M/s", " G/s"};
	static const char *const count[] = {"", " k", " M", " G", " T"};
	struct table_text t;

	if (strcmp(unit, "bytes") == 0)
		return scaled(value, 1024, bytes, 5);
	if (strcmp(unit, "byte s") == 0)
		return scaled(value, 1024, byte_s, 5);
	if (strcmp(unit, "1/s") == 0)
		return scaled(value, 1000, rate, 4);
	if (strcmp(unit, "ns") == 0)
		return seconds(value / 1e9);
	if (strcmp(unit, "s") == 0)
		return seconds(value);
	if (strcmp(unit, "ratio") == 0) {
		snprintf(t.s, sizeof(t.s), "%.2f", value);
		return t;
	}
	/* Maps are told exactly: one more or less is what it is about. */
	if (fabs(value) < 99999.5) {
		snprintf(t.s, sizeof(t.s), "%.*f", value == rint(value) ? 0 : 1, value);
		return t;
	}
	return scaled(value, 1000, count, 5);
}

static bool is_shown(const struct table *t, const char *name)
{
	const char *const *patterns = t->nmetrics ? t->metrics : main_metrics;
	size_t n = t->nmetrics ? t->nmetrics : MAIN_METRICS;

	for (size_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* Columns on a terminal: of UTF-8 the bytes that begin a letter. */
static unsigned columns_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Blanks at the end of a text are kept for the next one, so that no line ends with them. */
static void put_right(FILE *out, const char *text, unsigned width, unsigned *blanks)
{
	unsigned n = columns_of(text);
	size_t len = strlen(text);

	*blanks += width > n ? width - n : 0;
	while (len && text[len - 1] == ' ')
		len--;
	fprintf(out, "%*s%.*s", (int)*blanks, "", (int)len, text);
	*blanks = (unsigned)(strlen(text) - len);
}

struct head {
	char s[sizeof(((struct digest_metric *)0)->name)];
};

/* "peak_rss_bytes" is "peak rss": the unit stands with the value. */
static struct head head_of(const struct digest_metric *m)
{
	static const char *const unit[] = {"_bytes", "_byte_s", "_ns", "_s"};
	struct head t;
	size_t len;

	snprintf(t.s, sizeof(t.s), "%s", m->name);
	len = strlen(t.s);
	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		size_t n = strlen(unit[i]);

		if (len > n && strcmp(t.s + len - n, unit[i]) == 0 &&
		    strcmp(m->name, "ops_per_s") != 0) {
			t.s[len - n] = '\0';
			break;
		}
	}
	for (char *p = t.s; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	return t;
}

/* Whether `x` is as good as the best one, as far as the metric can tell them apart. */
static bool is_best(const struct digest *d, size_t group, size_t metric, const struct spread *x)
{
	const struct digest_metric *m = &d->metrics[metric];
	double floor = metric_floor(m->rank) * fabs(x->median);
	size_t others = 0;

	for (size_t a = 0; a < d->loop; a++) {
		const struct spread *y = digest_cell(d, group, a, metric);

		if (!y->n || y == x)
			continue;
		others++;
		if (m->more_is_better ? y->median > x->median + floor
				      : y->median < x->median - floor)
			return false;
	}
	return others > 0;
}

/* " 283 MiB ±1%~*" */
static void cell_text(const struct digest *d, size_t group, size_t allocator, size_t metric,
		      char text[CELL_MAX])
{
	const struct spread *x = digest_cell(d, group, allocator, metric);
	const struct digest_metric *m = &d->metrics[metric];
	char spread[16] = "";

	if (!x->n) {
		snprintf(text, CELL_MAX, "-  ");
		return;
	}
	if (x->n > 1)
		snprintf(spread, sizeof(spread), " \u00b1%.0f%%", fmin(x->deviation * 100, 999));
	snprintf(text, CELL_MAX, "%s%s%s%s", table_value(x->median, m->unit).s, spread,
		 x->deviation > metric_floor(m->rank) ? "~" : " ",
		 is_best(d, group, metric, x) ? "*" : " ");
}

static unsigned column_width(const struct digest *d, size_t group, size_t metric)
{
	unsigned most = columns_of(head_of(&d->metrics[metric]).s) + 2;
	char text[CELL_MAX];

	for (size_t a = 0; a < d->loop; a++) {
		cell_text(d, group, a, metric, text);
		most = columns_of(text) > most ? columns_of(text) : most;
	}
	return most + 1;
}

static bool anybody_has(const struct digest *d, size_t group, size_t metric)
{
	for (size_t a = 0; a < d->loop; a++)
		if (digest_cell(d, group, a, metric)->n)
			return true;
	return false;
}

static unsigned name_width(const struct digest *d)
{
	unsigned most = 9;

	for (size_t a = 0; a < d->loop; a++) {
		unsigned n = columns_of(d->allocators[a]);

		most = n > most ? n : most;
	}
	return most;
}

/* Metrics that stand side by side in one group. */
struct band {
	size_t group;
	size_t *metric;
	unsigned *width;
	size_t n;
};

static void print_band(const struct table *t, const struct digest *d, const struct band *b)
{
	unsigned names = name_width(d), blanks = 0;
	char text[CELL_MAX];

	fprintf(t->out, "  %-*s", (int)names, "");
	for (size_t i = 0; i < b->n; i++) {
		snprintf(text, sizeof(text), "%s  ", head_of(&d->metrics[b->metric[i]]).s);
		put_right(t->out, text, b->width[i], &blanks);
	}
	fprintf(t->out, "\n");
	for (size_t a = 0; a < d->loop; a++) {
		if (!digest_has(d, b->group, a))
			continue;
		fprintf(t->out, "  %-*s", (int)names, d->allocators[a]);
		blanks = 0;
		for (size_t i = 0; i < b->n; i++) {
			cell_text(d, b->group, a, b->metric[i], text);
			put_right(t->out, text, b->width[i], &blanks);
		}
		fprintf(t->out, "\n");
	}
}

static void print_bands(const struct table *t, const struct digest *d, struct band *b)
{
	unsigned names = name_width(d) + 2, used = names;

	for (size_t m = 0; m < d->nmetrics; m++) {
		if (!is_shown(t, d->metrics[m].name) || !anybody_has(d, b->group, m))
			continue;
		unsigned width = column_width(d, b->group, m);

		if (b->n && used + width > t->width) {
			print_band(t, d, b);
			b->n = 0;
			used = names;
		}
		b->metric[b->n] = m;
		b->width[b->n++] = width;
		used += width;
	}
	if (b->n)
		print_band(t, d, b);
}

static void print_loop(const struct table *t, const struct digest *d, size_t group)
{
	size_t m = digest_metric_by_name(d, metric_kinds[METRIC_NS_PER_OP].name);
	const struct spread *x;

	if (d->loop == d->nallocators || m == d->nmetrics)
		return;
	x = digest_cell(d, group, d->loop, m);
	if (x->n)
		fprintf(t->out,
			"  loop: %.2f ns an op of its own, which net ns per op is without\n",
			x->median);
}

static void print_troubles(const struct table *t, const struct digest *d, size_t group)
{
	for (size_t i = 0; i < d->ntroubles; i++) {
		const struct digest_trouble *x = &d->troubles[i];
		const char *name = d->allocators[x->allocator];

		if (x->group != group)
			continue;
		if (x->status == STATUS_OK)
			fprintf(t->out, "  %s: %s\n", name, x->why);
		else
			fprintf(t->out, "  %s: %s in %u of %u%s%s\n", name, status_name(x->status),
				x->runs, x->of, x->why[0] ? ": " : "", x->why);
	}
}

static void print_group_name(FILE *out, const struct digest_group *g)
{
	fprintf(out, "\n%s", g->workload);
	if (g->threads)
		fprintf(out, ", %u thread%s", g->threads, g->threads == 1 ? "" : "s");
	if (g->after[0])
		fprintf(out, ", then %s", g->after);
	if (g->time_ns)
		fprintf(out, ", for %s", table_value((double)g->time_ns, "ns").s);
	fprintf(out, "\n");
}

struct standing {
	size_t allocator;
	struct digest_ratio ratio;
};

static int by_ratio(const void *a, const void *b)
{
	double x = ((const struct standing *)a)->ratio.ratio;
	double y = ((const struct standing *)b)->ratio.ratio;

	return (x > y) - (x < y);
}

static void print_standings(const struct table *t, const struct digest *d, size_t metric,
			    struct standing *s, size_t n)
{
	bool more = d->metrics[metric].more_is_better;
	unsigned used = 22;
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = s[i].ratio.n > most ? s[i].ratio.n : most;
	qsort(s, n, sizeof(*s), by_ratio);
	fprintf(t->out, "  %-20s", head_of(&d->metrics[metric]).s);
	for (size_t i = 0; i < n; i++) {
		const struct standing *x = &s[more ? n - 1 - i : i];
		char text[400], of[64] = "";

		if (x->ratio.n < most)
			snprintf(of, sizeof(of), " (%zu of %zu)", x->ratio.n, most);
		int len = snprintf(text, sizeof(text), "  %s %.2f%s", d->allocators[x->allocator],
				   x->ratio.ratio, of);

		if (used + (unsigned)len > t->width) {
			fprintf(t->out, "\n%22s", "");
			used = 22;
		}
		used += (unsigned)len;
		fputs(text, t->out);
	}
	fprintf(t->out, "\n");
}

static void print_ranking(const struct table *t, const struct digest *d)
{
	struct standing *s = calloc(d->nallocators + 1, sizeof(*s));

	if (!s || d->loop < 2) {
		free(s);
		return;
	}
	fprintf(t->out,
		"\nRanked per metric, best first: geometric mean over workloads of the ratio to "
		"%s\n",
		d->allocators[0]);
	for (size_t m = 0; m < d->nmetrics; m++) {
		size_t n = 0;

		for (size_t a = 0; a < d->loop && is_shown(t, d->metrics[m].name); a++) {
			s[n] = (struct standing){a, digest_ratio(d, m, a, 0)};
			n += s[n].ratio.n > 0;
		}
		if (n > 1)
			print_standings(t, d, m, s, n);
	}
	free(s);
}

void table_print(const struct table *t, const struct digest *d)
{
	struct band b = {
		.metric = calloc(d->nmetrics + 1, sizeof(*b.metric)),
		.width = calloc(d->nmetrics + 1, sizeof(*b.width)),
	};

	for (size_t g = 0; g < d->ngroups && b.metric && b.width; g++) {
		b.group = g;
		b.n = 0;
		print_group_name(t->out, &d->groups[g]);
		print_bands(t, d, &b);
		print_loop(t, d, g);
		print_troubles(t, d, g);
	}
	free(b.metric);
	free(b.width);
	if (!d->ngroups)
		return;
	fprintf(t->out, "\nMedians \u00b1 median absolute deviation; * best, as far as the metric "
			"tells; ~ spread above its floor\n");
	print_ranking(t, d);
}
