#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/launch/launch_page.h"
#include "bench/launch/launch_run.h"
#include "harness/cli/runner.h"
#include "harness/exec/work.h"

#define SAMPLE_NS  5000000u
#define MAPS_SHARE 100 /* of the time, one part at most is spent reading maps */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t beyond(int64_t now, int64_t before)
{
	if (now < 0 || before < 0)
		return -1;
	return now > before ? now - before : 0;
}

/* Less what was there before, and less what the benchmark took for itself since. */
static struct curve_point point_of(const struct launch_run *run, const struct memory *now,
				   const struct memory *before)
{
	uint64_t own = atomic_load(&run->page->own_bytes) - run->stops[0].own;
	int64_t old = own < INT64_MAX / 2 && before->rss >= 0 ? before->rss + (int64_t)own : -1;

	return (struct curve_point){
		.rss = beyond(now->rss, old),
		.mapped = beyond(now->mapped, before->mapped),
		.maps = beyond(now->maps, before->maps),
		.live = page_live(run->page),
		.phase = run->nstops ? run->nstops - 1 : 0,
	};
}

static void keep(struct launch_run *run, const struct curve_sample *s)
{
	int err = curve_add(&run->curve, s);

	if (err)
		run->err = err;
}

/* `phase`: which one the point is of, since at a stop one ends and another one begins. */
static void keep_stop(struct launch_run *run, unsigned phase, uint64_t ns)
{
	const struct launch_stop *s = &run->stops[run->nstops - 1];
	struct curve_sample sample = {
		.at = point_of(run, &s->exact, &run->stops[0].exact),
		.ns = ns,
		.is_exact = true,
	};

	sample.at.live = s->live;
	sample.at.phase = phase;
	keep(run, &sample);
}

static void take_stop(struct launch_run *run)
{
	struct launch_stop *s = &run->stops[run->nstops++];

	s->ns = now_ns();
	s->quick = meter_quick(&run->meter);
	s->exact = meter_exact(&run->meter);
	s->own = atomic_load(&run->page->own_bytes);
	s->live = page_live(run->page);
	if (run->nstops == 1)
		run->peak_is_reset = meter_reset_peak(&run->meter);
	s->peaks = meter_peaks(&run->meter);
	if (run->nstops > 1)
		keep_stop(run, run->nstops - 2, s->ns);
}

/* False: the process cannot have written that. */
static bool on_stop(struct launch_run *run, uint32_t at)
{
	struct bench_page *p = run->page;

	if (at != run->nstops + 1 || run->nstops == LAUNCH_STOPS_MAX)
		return false;
	take_stop(run);
	uint64_t now = now_ns();

	keep_stop(run, run->nstops - 1, now);
	run->next_sample_ns = now + SAMPLE_NS;
	atomic_store(&p->go, at);
	syscall(SYS_futex, &p->go, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	return true;
}

static int64_t sample_maps(struct launch_run *run, uint64_t begin)
{
	if (begin < run->next_maps_ns)
		return -1;
	int64_t maps = meter_maps(&run->meter);
	uint64_t end = now_ns();

	run->maps_ns += end - begin;
	run->maps_samples++;
	run->next_maps_ns = end + MAPS_SHARE * (end - begin);
	return maps;
}

static void take_sample(struct launch_run *run, uint64_t now)
{
	struct memory m = meter_quick(&run->meter);
	struct curve_sample s = {.ns = now};

	run->nsamples++;
	s.at = point_of(run, &m, &run->stops[0].quick);
	s.at.maps = beyond(sample_maps(run, now), run->stops[0].exact.maps);
	/* A process that ends has no memory any more, and is none of the curve. */
	if (s.at.rss >= 0)
		keep(run, &s);
	run->next_sample_ns = now + SAMPLE_NS;
}

static void drain_output(struct launch_run *run)
{
	char rest[4096];
	ssize_t n;

	do {
		size_t room = sizeof(run->output) - run->output_len;

		if (room) {
			n = read(run->child.output_fd, run->output + run->output_len, room);
			run->output_len += n > 0 ? (size_t)n : 0;
		} else {
			n = read(run->child.output_fd, rest, sizeof(rest));
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
}

static bool has_ended(const struct launch_run *run)
{
	struct pollfd fd = {.fd = run->child.pidfd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static void end_by_kill(struct launch_run *run, enum launch_kill why)
{
	run->kill = why;
	kill(run->child.pid, SIGKILL);
}

static void wait_for_stop(struct launch_run *run, uint32_t at, uint64_t now)
{
	bool samples = run->q->curve && run->nstops;
	uint64_t ns = samples && run->next_sample_ns > now ? run->next_sample_ns - now : SAMPLE_NS;
	struct timespec t = {.tv_nsec = (long)(ns < SAMPLE_NS ? ns : SAMPLE_NS)};

	syscall(SYS_futex, &run->page->at, FUTEX_WAIT, at, &t, NULL, 0);
}

/* One look at the process; whatever it does next wakes the wait at its end, or that is short. */
static void look(struct launch_run *run)
{
	uint32_t at = atomic_load(&run->page->at);
	uint64_t now = now_ns();

	if (runner_interrupted())
		end_by_kill(run, KILL_INTERRUPT);
	else if (run->q->limit_ns && now - run->begin_ns > run->q->limit_ns)
		end_by_kill(run, KILL_LIMIT);
	else if (at != run->nstops && !on_stop(run, at))
		end_by_kill(run, KILL_DAMAGE);
	else if (run->q->curve && run->nstops && now >= run->next_sample_ns)
		take_sample(run, now);
	if (!run->kill)
		wait_for_stop(run, run->nstops, now);
}

static void reap(struct launch_run *run)
{
	/* Before the leader is reaped its group number cannot be anybody else's. */
	kill(-run->child.pid, SIGKILL);
	while (wait4(run->child.pid, &run->status, 0, &run->used) < 0 && errno == EINTR)
		;
	run->end_ns = now_ns();
	drain_output(run);
	run->copy = page_copy(run->page);
	if (!run->copy)
		run->err = -ENOMEM;
}

static void watch(struct launch_run *run)
{
	struct pollfd end = {.fd = run->child.pidfd, .events = POLLIN};

	run->err = meter_init(&run->meter, run->child.pid);
	while (!run->err && !run->kill && !has_ended(run)) {
		drain_output(run);
		look(run);
	}
	if (run->err)
		kill(run->child.pid, SIGKILL);
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	reap(run);
	meter_release(&run->meter);
}

void launch_watch(struct launch_run *run)
{
	struct launch_spawn spawn = {
		.program = run->q->program,
		.preload = run->q->in.file,
		.page_fd = -1,
	};

	run->oom_kills = oom_kills();
	run->begin_ns = run->end_ns = now_ns();
	run->err = page_make(&run->q->in, &spawn.page_fd, &run->page);
	if (run->err)
		return;
	run->err = launch_spawn(&spawn, &run->child);
	close(spawn.page_fd);
	if (run->err)
		return;
	watch(run);
	launched_release(&run->child);
}

void launch_run_release(struct launch_run *run)
{
	page_unmap(run->page);
	free(run->copy);
	curve_release(&run->curve);
}
