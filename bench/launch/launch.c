#include "bench/launch/launch.h"

#include <stdlib.h>
#include <string.h>

#include "bench/launch/launch_run.h"
#include "harness/cli/json_out.h"

static double of_timeval(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void clear(struct bench_result *r)
{
	*r = (struct bench_result){
		.key = r->key, .ref = r->ref, .before = r->before, .after = r->after};
}

static void add_words(const struct launch_run *run, struct bench_result *r)
{
	if (run->output_len)
		json_object_set_new(r->more, "output", json_bytes(run->output, run->output_len));
	if (run->copy && run->copy->served[0])
		json_object_set_new(r->more, "served_by", json_text(run->copy->served));
}

void launch(const struct launch_request *q, struct bench_result *r)
{
	struct launch_run *run = calloc(1, sizeof(*run));

	clear(r);
	r->more = json_object();
	if (!run || !r->more) {
		r->status = STATUS_BROKEN;
		snprintf(r->why, sizeof(r->why), "out of memory");
		free(run);
		return;
	}
	run->q = q;
	launch_watch(run);
	launch_judge(run, r);
	r->wall_s = (double)(run->end_ns - run->begin_ns) / 1e9;
	r->user_s = of_timeval(&run->used.ru_utime);
	r->system_s = of_timeval(&run->used.ru_stime);
	add_words(run, r);
	if (r->status == STATUS_OK)
		launch_fill(run, r);
	launch_run_release(run);
	free(run);
}

void launch_release(struct bench_result *r)
{
	free(r->points);
	json_decref(r->more);
	r->points = NULL;
	r->npoints = 0;
	r->more = NULL;
}
