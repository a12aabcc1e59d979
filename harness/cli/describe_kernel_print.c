/*
 * describe_kernel_print.c - what was measured of the kernel, for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/describe_kernel.h"
#include "harness/cli/print.h"

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "not known";
}

static const char *word_of(int64_t value, const char *const *words, int64_t n)
{
	return value < 0 || value >= n ? "not known" : words[value];
}

static void print_memory(FILE *out, const struct kernel_machine *m)
{
	static const char *const modes[] = {"0, heuristic", "1, always", "2, never"};
	static const char *const thp[] = {"never", "madvise", "always"};

	fprintf(out, "overcommit        %s; %s committed, limit %s%s\n",
		word_of(m->overcommit, modes, 3), print_size(m->committed_bytes).s,
		print_size(m->commit_limit_bytes).s, m->overcommit == 2 ? "" : " (does not apply)");
	fprintf(out, "huge pages        transparent: %s", word_of(m->thp, thp, 3));
	if (m->thp_bytes > 0)
		fprintf(out, ", %s", print_size(m->thp_bytes).s);
	if (m->hugepages_free >= 0)
		fprintf(out, "; hugetlb: %" PRId64 " of %s free", m->hugepages_free,
			print_size(m->hugepage_bytes).s);
	fprintf(out, "\nmemory            %s, swap %s\n", print_size(m->ram_bytes).s,
		print_size(m->swap_bytes).s);
	fprintf(out, "locked memory     %s for this process%s\n",
		m->memlock_bytes == INT64_MAX ? "no limit" : print_size(m->memlock_bytes).s,
		m->root ? " (root)" : "");
}

static void print_machine(FILE *out, const struct kernel_machine *m)
{
	static const char *const aslr[] = {"off", "on, but not the break", "on"};

	fprintf(out, "kernel            %s\n", or_unknown(m->release));
	fprintf(out, "build id          %s\n", or_unknown(m->build_id));
	fprintf(out, "processor         %s, %u of %s\n", or_unknown(m->arch), m->cpus,
		or_unknown(m->cpu));
	fprintf(out, "page              %" PRId64 " bytes\n", m->page_bytes);
	if (m->max_map_count < 0)
		fprintf(out, "max_map_count     not known\n");
	else
		fprintf(out, "max_map_count     %" PRId64 " (L below)\n", m->max_map_count);
	print_memory(out, m);
	fprintf(out, "ASLR              %s%s\n", word_of(m->aslr, aslr, 3),
		m->aslr_off_here ? "; off for this process (personality)" : "");
}

/* "unsupported: ENOMEM", with what the group says where the row has nothing to say. */
static void print_why(FILE *out, int err, const char *group)
{
	if (err)
		fprintf(out, "unsupported: %s\n", strerror(err));
	else
		fprintf(out, "unsupported: %s\n", group[0] ? group : "it was not got to");
}

/* "L" and "L-6": a difference of nothing is no digit. */
static void print_bound(FILE *out, const struct limit_row *r)
{
	if (r->any)
		fprintf(out, "succeeds at any count");
	else if (r->highest == INT32_MIN)
		fprintf(out, "fails long before the limit");
	else if (r->highest == -1)
		fprintf(out, "succeeds while the count is < L");
	else
		fprintf(out, "succeeds while the count is <= L%.0d", r->highest);
	if (!r->any && r->refusal)
		fprintf(out, ", then %s", strerrorname_np(r->refusal));
	if (r->left_behind)
		fprintf(out, " and %d map%s more left behind", r->left_behind,
			r->left_behind == 1 ? "" : "s");
	fputc('\n', out);
}

static void print_limits(FILE *out, const struct kernel_description *d)
{
	const struct row_words *w;

	fprintf(out, "\nat the limit of maps%s\n",
		d->highest_count > 0 ? " (an mmap at L makes it L+1; 'any' ends there)" : "");
	for (size_t i = 0; (w = kernel_limit_words(i)); i++) {
		fprintf(out, "  %-36s", w->words);
		if (d->limit[i].measured)
			print_bound(out, &d->limit[i]);
		else
			print_why(out, d->limit[i].err, d->limits_why);
	}
}

static void print_merges(FILE *out, const struct kernel_description *d)
{
	const struct row_words *w;

	fprintf(out, "\nhow many maps it comes to\n");
	for (size_t i = 0; (w = kernel_merge_words(i)); i++) {
		const struct merge_row *r = &d->merge[i];

		fprintf(out, "  %-66s", w->words);
		if (r->measured)
			fprintf(out, "%d\n", r->maps);
		else
			print_why(out, r->err, d->merges_why);
	}
}

static void print_ns(FILE *out, double ns)
{
	if (ns < 10e3)
		fprintf(out, "%8.0f ns", ns);
	else if (ns < 10e6)
		fprintf(out, "%8.1f us", ns / 1e3);
	else
		fprintf(out, "%8.1f ms", ns / 1e6);
}

static void print_costs(FILE *out, const struct kernel_description *d)
{
	const struct row_words *w;

	fprintf(out, "\nwhat it costs\n");
	for (size_t i = 0; (w = kernel_cost_words(i)); i++) {
		const struct cost_row *r = &d->cost[i];

		fprintf(out, "  %-52s", w->words);
		if (!r->measured) {
			print_why(out, r->err, d->costs_why);
			continue;
		}
		print_ns(out, r->ns);
		fprintf(out, "  (%s)\n", w->how);
	}
}

static void print_features(FILE *out, const struct kernel_description *d)
{
	static const char *const states[] = {"unsupported", "yes", "no", "not tried"};

	fprintf(out, "\nwhat there is\n");
	for (uint32_t i = 0; i < d->nfeatures; i++) {
		const struct feature_row *r = &d->feature[i];

		fprintf(out, "  %-28s%s", r->name, states[r->state]);
		fprintf(out, r->detail[0] ? ": %s\n" : "%s\n", r->detail);
	}
	if (d->features_why[0])
		fprintf(out, "  the rest was not tried: %s\n", d->features_why);
}

void kernel_print(FILE *out, const struct kernel_machine *m, const struct kernel_description *d)
{
	print_machine(out, m);
	print_limits(out, d);
	print_merges(out, d);
	print_costs(out, d);
	print_features(out, d);
}
