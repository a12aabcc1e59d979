#include "bench/child/bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/child/child.h"
#include "bench/child/instructions.h"
#include "bench/child/sampling.h"
#include "bench/child/words.h"

struct lane_slot {
	_Alignas(128) struct lane lane;
};

/* Counters of the process as a phase begins. */
struct usage {
	uint64_t ops, minor, major, user_ns, system_ns, instructions;
};

static struct {
	struct bench *bench;
	struct usage before;
	bool alone;
	pid_t parent;
	atomic_flag ended;
	struct lane_slot lanes[BENCH_LANES];
} run = {.ended = ATOMIC_FLAG_INIT};

uint64_t child_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t of_timeval(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000000 + (uint64_t)tv->tv_usec * 1000;
}

struct lane *bench_lane(struct bench *b, unsigned index)
{
	(void)b;
	return &run.lanes[index].lane;
}

static void lanes_init(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_LANES; i++) {
		struct lane *l = bench_lane(b, i);

		*l = (struct lane){.counts = &b->page->lanes[i], .index = i};
		l->random = b->seed + i * UINT64_C(0xd1342543de82ef95);
		/* Lanes whose seeds are near each other have nothing else in common. */
		l->random = lane_random(l);
		/* A page fault less in a phase. */
		*(volatile uint64_t *)&l->counts->ops = 0;
	}
}

void bench_begin(struct bench *b, struct bench_page *page, const struct workload *w, bool alone)
{
	const struct bench_request_in *in = &page->in;

	*b = (struct bench){
		.page = page,
		.seed = in->seed,
		.threads = w->threads && in->threads ? in->threads : w->threads,
		.verify = in->verify,
	};
	run.bench = b;
	run.alone = alone;
	run.parent = getppid();
	lanes_init(b);
	instructions_open();
}

uint64_t bench_scaled(const struct bench *b, uint64_t n)
{
	uint64_t scaled = (uint64_t)((__uint128_t)n * b->page->in.scale_percent / 100);

	return scaled ? scaled : 1;
}

/* Whoever would answer may be gone, and nobody would end this process then. */
static void wait_for_go(struct bench_page *p, uint32_t at)
{
	struct timespec second = {.tv_sec = 1};
	uint32_t go;

	while ((go = atomic_load(&p->go)) != at) {
		long got = syscall(SYS_futex, &p->go, FUTEX_WAIT, go, &second, NULL, 0);

		if (got != 0 && errno == ETIMEDOUT && getppid() != run.parent)
			_exit(1);
	}
}

static void hand_over(struct bench *b)
{
	struct bench_page *p = b->page;
	uint32_t at = atomic_fetch_add(&p->at, 1) + 1;

	if (run.alone)
		return;
	syscall(SYS_futex, &p->at, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	wait_for_go(p, at);
}

static void usage_read(const struct bench *b, struct usage *ret)
{
	struct rusage usage = {0};

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < BENCH_LANES; i++)
		ret->ops += b->page->lanes[i].ops;
	getrusage(RUSAGE_SELF, &usage);
	ret->minor = (uint64_t)usage.ru_minflt - memory_faults();
	ret->major = (uint64_t)usage.ru_majflt;
	ret->user_ns = of_timeval(&usage.ru_utime);
	ret->system_ns = of_timeval(&usage.ru_stime);
	ret->instructions = instructions_read();
}

static void phase_fill(const struct bench *b, struct bench_phase *ph)
{
	struct usage now;

	usage_read(b, &now);
	ph->ops = now.ops - run.before.ops;
	ph->minor_faults = now.minor - run.before.minor;
	ph->major_faults = now.major - run.before.major;
	ph->user_ns = now.user_ns - run.before.user_ns;
	ph->system_ns = now.system_ns - run.before.system_ns;
	ph->instructions = now.instructions == UINT64_MAX
				   ? UINT64_MAX
				   : now.instructions - run.before.instructions;
	ph->live_bytes = ph->live_blocks = 0;
	for (unsigned i = 0; i < BENCH_LANES; i++) {
		ph->live_bytes += b->page->lanes[i].live_bytes;
		ph->live_blocks += b->page->lanes[i].live_blocks;
	}
}

static void phase_end(struct bench *b)
{
	struct bench_page *p = b->page;

	if (!p->nphases) {
		sampling_phase_end(b, false);
	} else {
		struct bench_phase *ph = &p->phases[p->nphases - 1];

		ph->end_ns = child_now_ns();
		phase_fill(b, ph);
		sampling_phase_end(b, ph->timed);
		if (ph->timed) {
			p->timed_ops += ph->ops;
			p->timed_ns += ph->end_ns - ph->begin_ns;
		}
	}
	hand_over(b);
}

void bench_phase(struct bench *b, const char *name, bool timed)
{
	struct bench_page *p = b->page;

	phase_end(b);
	if (p->nphases == BENCH_PHASES)
		bench_end(b, BENCH_END_BROKEN, "the workload has too many phases");
	struct bench_phase *ph = &p->phases[p->nphases];

	strncat(ph->name, name, sizeof(ph->name) - 1);
	ph->timed = timed;
	usage_read(b, &run.before);
	ph->begin_ns = child_now_ns();
	b->stop_ns = timed && p->in.time_ns ? ph->begin_ns + p->in.time_ns : 0;
	atomic_fetch_add(&p->nphases, 1);
}

void bench_finish(struct bench *b)
{
	phase_end(b);
}

bool bench_is_over(const struct bench *b)
{
	return b->stop_ns && child_now_ns() >= b->stop_ns;
}

void bench_end(struct bench *b, enum bench_end end, const char *text)
{
	struct bench_page *p = b->page;

	/* The first to come has the word. */
	while (atomic_flag_test_and_set(&run.ended))
		pause();
	p->text[0] = '\0';
	strncat(p->text, text, sizeof(p->text) - 1);
	p->end = end;
	if (run.alone)
		alone_report(p);
	_exit(end == BENCH_END_OK ? 0 : 1);
}

void bench_refused(size_t size)
{
	char text[64];
	struct words w;

	words_init(&w, text, sizeof(text));
	words_add(&w, "a request for ");
	words_number(&w, size);
	words_add(&w, " bytes was refused");
	bench_end(run.bench, BENCH_END_REFUSED, text);
}
