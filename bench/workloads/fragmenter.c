/*
 * fragmenter - holes that are always half as large as what is asked for next.
 *
 * With a budget of 128 MiB and sizes that double from 1 KiB: each round allocates pairs until the
 * budget is used up, then frees one of each, so that half as much is left for the next round and no
 * hole between two blocks is large enough for it. An allocator that cannot move blocks needs up to
 * twice the budget. At last all is freed.
 */
#include "bench/workloads/blocks.h"

#include "bench/child/words.h"

#define BUDGET	  (UINT64_C(128) << 20)
#define BYTES_MIN 1024

struct fragmenter {
	struct block *blocks;
	uint64_t n, budget;
};

static BENCH_HOT void pairs(struct lane *l, struct fragmenter *f, size_t size)
{
	for (; f->budget >= 2 * size; f->budget -= 2 * size) {
		for (unsigned i = 0; i < 2; i++) {
			struct block *k = &f->blocks[f->n];

			k->size = size;
			k->p = bench_malloc(l, size);
			bench_touch(k->p, size);
			block_tag(k, f->n++);
		}
	}
}

/* What stays moves together in the table, and gets the tag of its new slot. */
static BENCH_HOT void thin_out(struct lane *l, struct fragmenter *f, uint64_t from, struct odd *o)
{
	uint64_t n = f->n;

	f->n = from;
	for (uint64_t i = from; i < n; i += 2) {
		struct block *stays = &f->blocks[i], *goes = &f->blocks[i + 1];

		block_check(stays, i, o);
		block_check(goes, i + 1, o);
		bench_free(l, goes->p, goes->size);
		f->budget += goes->size;
		f->blocks[f->n] = *stays;
		block_tag(&f->blocks[f->n], f->n);
		f->n++;
	}
}

static void phase(struct bench *b, const char *what, size_t size)
{
	char name[BENCH_NAME_MAX];
	struct words w;

	words_init(&w, name, sizeof(name));
	words_add(&w, what);
	words_number(&w, size / 1024);
	words_add(&w, "K");
	bench_phase(b, name, true);
}

static void run(struct bench *b, struct lane *l)
{
	struct fragmenter f = {.budget = bench_scaled(b, BUDGET)};
	struct odd odd = {0};

	f.blocks = bench_memory(b, (f.budget / BYTES_MIN + 2) * sizeof(*f.blocks));
	for (size_t size = BYTES_MIN; f.budget >= 2 * size; size *= 2) {
		uint64_t from = f.n;

		phase(b, "pairs-", size);
		pairs(l, &f, size);
		phase(b, "thin-out-", size);
		thin_out(l, &f, from, &odd);
		odd_judge(b, &odd);
	}
	bench_phase(b, "drained", true);
	blocks_drain(b, l, f.blocks, f.n);
}

const struct workload workload_fragmenter = {
	.name = "fragmenter",
	.summary = "rounds of ever larger pairs, one of each freed: no hole fits the next",
	.only_fixed = true,
	.run = run,
};
