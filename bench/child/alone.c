#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child/child.h"
#include "bench/child/sampling.h"
#include "bench/child/words.h"

#define SECOND UINT64_C(1000000000)

static const char *const after_names[] = {"nothing", "idle", "light", "purge"};

/* "10s", "250ms", "10": seconds without a unit. */
static bool parse_time(const char *text, uint64_t *ret_ns)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || n > UINT32_MAX)
		return false;
	if (strcmp(end, "ms") == 0)
		*ret_ns = n * (SECOND / 1000);
	else if (strcmp(end, "s") == 0 || !*end)
		*ret_ns = n * SECOND;
	else
		return false;
	return true;
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end || *text == '-')
		return false;
	*ret = n;
	return true;
}

static bool parse_after(const char *text, uint32_t *ret)
{
	for (uint32_t i = 0; i < sizeof(after_names) / sizeof(after_names[0]); i++) {
		if (strcmp(text, after_names[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool option(const char *name, const char *value, struct bench_request_in *in)
{
	uint64_t n;

	if (strcmp(name, "--time") == 0)
		return parse_time(value, &in->time_ns);
	if (strcmp(name, "--after-time") == 0)
		return parse_time(value, &in->after_ns);
	if (strcmp(name, "--after") == 0)
		return parse_after(value, &in->after);
	if (strcmp(name, "--file") == 0)
		return memccpy(in->file, value, '\0', sizeof(in->file)) != NULL;
	if (!parse_number(value, &n))
		return false;
	if (strcmp(name, "--threads") == 0 && n < UINT32_MAX)
		in->threads = (uint32_t)n;
	else if (strcmp(name, "--scale") == 0)
		in->scale_percent = n;
	else if (strcmp(name, "--seed") == 0)
		in->seed = n;
	else if (strcmp(name, "--verify") == 0)
		in->verify = n != 0;
	else
		return false;
	return true;
}

bool alone_options(int argc, char **argv, struct bench_page *page)
{
	struct bench_request_in *in = &page->in;

	*in = (struct bench_request_in){.abi = BENCH_ABI,
					.seed = 1,
					.scale_percent = 100,
					.verify = 1,
					.after_ns = 10 * SECOND};
	if (argc < 3 || argc % 2 == 0 || strlen(argv[2]) >= sizeof(in->workload))
		return false;
	strncat(in->workload, argv[2], sizeof(in->workload) - 1);
	for (int i = 3; i < argc; i += 2)
		if (!option(argv[i], argv[i + 1], in))
			return false;
	return true;
}

void alone_usage(void)
{
	static const char text[] =
		"usage: allocrig-bench-child --list\n"
		"       allocrig-bench-child --alone WORKLOAD [--threads N] [--scale PERCENT]\n"
		"           [--seed S] [--time 1s] [--verify 0|1] [--file REAL-PATH]\n"
		"           [--after nothing|idle|light|purge] [--after-time 10s]\n"
		"Without a word it takes its orders from a page that `allocrig bench` made.\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

void alone_list(void)
{
	char line[512];
	struct words w;

	words_init(&w, line, sizeof(line));
	for (unsigned i = 0; i < bench_nworkloads; i++) {
		const struct workload *l = bench_workloads[i];

		words_add(&w, l->name);
		words_add(&w, "\t");
		words_number(&w, l->threads);
		words_add(&w, l->only_fixed ? "\t1\t" : "\t0\t");
		words_add(&w, l->summary);
		words_add(&w, "\n");
		words_write(&w, STDOUT_FILENO);
	}
}

static void report_phase(struct words *w, const struct bench_phase *ph)
{
	uint64_t ns = ph->end_ns - ph->begin_ns;

	words_add(w, ph->timed ? "* " : "  ");
	words_add(w, ph->name);
	words_pad(w, 26);
	words_ratio(w, ns, 1000000);
	words_add(w, " ms");
	words_pad(w, 40);
	words_number(w, ph->ops);
	words_add(w, " ops");
	words_pad(w, 58);
	words_ratio(w, ns, ph->ops);
	words_add(w, " ns/op");
	words_pad(w, 74);
	words_ratio(w, (uint64_t)ph->live_bytes, 1 << 20);
	words_add(w, " MiB live");
	words_pad(w, 92);
	words_number(w, ph->minor_faults);
	words_add(w, " faults\n");
	words_write(w, STDOUT_FILENO);
}

void alone_report(const struct bench_page *p)
{
	static const char *const ends[] = {
		[BENCH_END_NONE] = "not ended",
		[BENCH_END_OK] = "ok",
		[BENCH_END_WRONG_ALLOCATOR] = "wrong allocator",
		[BENCH_END_WRONG_OUTPUT] = "wrong output",
		[BENCH_END_REFUSED] = "refused",
		[BENCH_END_UNSUPPORTED] = "unsupported",
		[BENCH_END_BROKEN] = "broken",
	};
	char line[PATH_MAX + 512];
	struct words w;

	words_init(&w, line, sizeof(line));
	for (unsigned i = 0; i < p->nphases; i++)
		if (p->phases[i].end_ns)
			report_phase(&w, &p->phases[i]);
	sampling_report(p);
	words_add(&w, p->in.workload);
	words_add(&w, ": ");
	words_add(&w, ends[p->end]);
	words_add(&w, p->text[0] ? ": " : "");
	words_add(&w, p->text);
	words_add(&w, "; timed phases (*): ");
	words_ratio(&w, p->timed_ns, p->timed_ops);
	words_add(&w, " ns/op, on ");
	words_add(&w, p->served);
	words_add(&w, "\n");
	words_write(&w, STDOUT_FILENO);
}
