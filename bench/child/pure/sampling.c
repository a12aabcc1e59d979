#include "bench/child/sampling.h"

void sampling_begin(struct bench *b)
{
	(void)b;
}

void sampling_lane(struct bench *b, struct lane *l)
{
	(void)b;
	(void)l;
}

void sampling_thread_begin(struct bench *b, struct lane *l)
{
	(void)b;
	(void)l;
}

void sampling_thread_end(struct lane *l)
{
	(void)l;
}

void sampling_phase_end(struct bench *b, bool timed)
{
	(void)b;
	(void)timed;
}

void sampling_report(const struct bench_page *p)
{
	(void)p;
}
