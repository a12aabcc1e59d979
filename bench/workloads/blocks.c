#include "bench/workloads/blocks.h"

#include "bench/child/words.h"

static BENCH_HOT void drain(struct lane *l, struct block *blocks, size_t n, struct odd *o)
{
	for (size_t i = 0; i < n; i++) {
		if (!blocks[i].p)
			continue;
		block_check(&blocks[i], i, o);
		bench_free(l, blocks[i].p, blocks[i].size);
		blocks[i].p = NULL;
	}
}

void blocks_drain(struct bench *b, struct lane *l, struct block *blocks, size_t n)
{
	struct odd odd = {0};

	drain(l, blocks, n, &odd);
	odd_judge(b, &odd);
}

void odd_judge(struct bench *b, const struct odd *o)
{
	char text[160];
	struct words w;

	if (!o->seen || !b->verify)
		return;
	words_init(&w, text, sizeof(text));
	words_add(&w, "a block of ");
	words_number(&w, o->size);
	words_add(&w, " bytes, in slot ");
	words_number(&w, o->slot);
	words_add(&w, ", was not as it had been left");
	bench_end(b, BENCH_END_WRONG_OUTPUT, text);
}
