#include <unistd.h>

#include "bench/child/sampling.h"
#include "bench/child/words.h"

static void add_ns(struct words *w, const struct bench_sampled *s, uint64_t ticks)
{
	words_ratio(w, ticks * 1000000, s->ticks_per_ms);
}

static void report_latency(struct words *w, const struct bench_sampled *s, unsigned call,
			   unsigned kernel)
{
	static const char *const names[] = {"malloc", "realloc", "aligned", "free", "mmap"};
	static const struct {
		const char *name;
		double share;
	} shares[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
	const struct histogram *h = &s->latency[call][kernel];

	if (!h->count)
		return;
	words_add(w, "  ");
	words_add(w, names[call]);
	words_add(w, kernel ? " with kernel calls" : "");
	words_pad(w, 30);
	words_number(w, h->count);
	words_add(w, " timed");
	for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		words_pad(w, 46 + i * 17);
		words_add(w, shares[i].name);
		words_add(w, " ");
		add_ns(w, s, histogram_quantile(h, shares[i].share));
	}
	words_add(w, " ns\n");
	words_write(w, STDOUT_FILENO);
}

void sampling_report(const struct bench_page *p)
{
	const struct bench_sampled *s = &p->sampled;
	char line[256];
	struct words w;

	words_init(&w, line, sizeof(line));
	words_number(&w, s->kernel_calls);
	words_add(&w, " kernel calls of the allocator");
	words_add(&w, s->unsupported[0] ? " seen: " : "");
	words_add(&w, s->unsupported);
	words_add(&w, "; ");
	words_number(&w, s->passed_by);
	words_add(&w, " unseen; timing costs ");
	add_ns(&w, s, s->timer_ticks);
	words_add(&w, " ns and seeing a call ");
	add_ns(&w, s, s->trap_ticks);
	words_add(&w, " ns, taken off\n");
	words_write(&w, STDOUT_FILENO);
	for (unsigned call = 0; call < BENCH_CALLS; call++)
		for (unsigned kernel = 0; kernel < 2; kernel++)
			report_latency(&w, s, call, kernel);
}
