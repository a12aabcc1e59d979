#include "bench/workloads/counted/counted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/counted/calls.h"

#define OWN_MAX 8

/* In front of each block. */
struct head {
	_Alignas(16) uint64_t size;
	uint64_t born;
};

static struct counted counted;
static struct bench_page page;
static void *own[OWN_MAX];
static unsigned nown;
static bool drained;

static void took(size_t size)
{
	if (size < COUNTED_SIZES)
		counted.sizes[size]++;
	counted.live_bytes += size;
	if (counted.live_bytes > counted.peak_bytes)
		counted.peak_bytes = counted.live_bytes;
	if (counted.live_blocks > counted.peak_blocks)
		counted.peak_blocks = counted.live_blocks;
}

void *bench_malloc(struct lane *l, size_t size)
{
	struct head *h = malloc(sizeof(*h) + size);

	if (!h)
		bench_refused(size);
	l->counts->ops++;
	*h = (struct head){.size = size, .born = counted.mallocs++};
	counted.live_blocks++;
	took(size);
	return h + 1;
}

void *bench_realloc(struct lane *l, void *p, size_t old, size_t size)
{
	struct head *h = (struct head *)p - 1;

	l->counts->ops++;
	counted.wrong_sizes += h->size != old;
	h = realloc(h, sizeof(*h) + size);
	if (!h)
		bench_refused(size);
	h->size = size;
	counted.reallocs++;
	counted.live_bytes -= old;
	took(size);
	return h + 1;
}

void bench_free(struct lane *l, void *p, size_t size)
{
	struct head *h = (struct head *)p - 1;
	/* The next one that is allocated is the first after its life. */
	uint64_t life = counted.mallocs - h->born;

	l->counts->ops++;
	counted.frees++;
	counted.wrong_sizes += h->size != size;
	counted.live_blocks--;
	counted.live_bytes -= size;
	if (!drained) {
		counted.nlives++;
		counted.lives[life < COUNTED_LIVES ? life : COUNTED_LIVES - 1]++;
	}
	free(h);
}

uint64_t bench_scaled(const struct bench *b, uint64_t n)
{
	return n * b->page->in.scale_percent / 100;
}

void bench_phase(struct bench *b, const char *name, bool timed)
{
	(void)name;
	drained = b->page->nphases++ && !timed;
}

void *bench_memory(struct bench *b, size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p || nown == OWN_MAX)
		bench_end(b, BENCH_END_BROKEN, "no memory for the benchmark itself");
	own[nown++] = p;
	return p;
}

bool bench_is_over(const struct bench *b)
{
	(void)b;
	return false;
}

void bench_end(struct bench *b, enum bench_end end, const char *text)
{
	(void)b;
	fprintf(stderr, "ended (%d): %s\n", (int)end, text);
	abort();
}

void bench_refused(size_t size)
{
	fprintf(stderr, "out of memory: %zu bytes\n", size);
	abort();
}

const struct counted *counted_run(const struct workload *w, uint64_t percent)
{
	struct bench b = {.page = &page, .seed = 1, .verify = true};
	struct lane l = {.counts = &page.lanes[0], .random = 1};

	memset(&counted, 0, sizeof(counted));
	memset(&page, 0, sizeof(page));
	page.in.scale_percent = percent;
	drained = false;
	w->run(&b, &l);
	while (nown)
		free(own[--nown]);
	return &counted;
}

uint64_t counted_quantile(const uint64_t *counts, size_t n, double share)
{
	uint64_t all = 0, so_far = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		all += counts[i];
	while (at + 1 < n && (double)(so_far += counts[at]) < share * (double)all)
		at++;
	return at;
}
