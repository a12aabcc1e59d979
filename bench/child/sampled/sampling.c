#include "bench/child/sampling.h"

#include <string.h>
#include <sys/syscall.h>

#include "bench/child/child.h"
#include "bench/child/sampled/calibrate.h"
#include "bench/child/sampled/sample.h"

#define CALIBRATION_NS 25000000

#define SAMPLING_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

static SAMPLING_LOCAL struct sampling *mine;

static struct {
	bool seeing; /* kernel calls can be seen here */
	uint64_t timer_ticks, trap_ticks;
	struct sampling *lanes[BENCH_LANES]; /* NULL: never used */
} samplings;

static uint32_t distance(struct sampling *s)
{
	s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	/* 1 .. 2 * BENCH_EVERY - 1, all alike. */
	return 1 + (uint32_t)(((s->random >> 32) * (2 * BENCH_EVERY - 1)) >> 32);
}

static uint64_t less(uint64_t n, uint64_t by)
{
	return n > by ? n - by : 0;
}

void sample_add(struct sampling *s, enum bench_call call, uint64_t ticks)
{
	uint64_t entered = s->kernel_calls - s->entered_at;
	bool kernel = entered || call == BENCH_MMAP;

	ticks = less(ticks, samplings.timer_ticks + entered * samplings.trap_ticks);
	histogram_add(&s->latency[call][kernel], ticks);
	s->left = distance(s);
}

/* Of a thread that ends, libc's own calls are seen too: signal masks, and the end itself. */
static bool is_memory(uint32_t nr)
{
	switch (nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_brk:
		return true;
	default:
		return false;
	}
}

static void on_kernel_call(void *ctx, struct kernel_call *call, uintptr_t ip)
{
	(void)ctx;
	(void)ip;
	if (!mine->ending || is_memory(call->nr))
		mine->kernel_calls++;
	kernel_call_make(call);
}

static void say_unsupported(struct bench *b, const char *reason)
{
	char *text = b->page->sampled.unsupported;

	text[0] = '\0';
	strncat(text, reason, sizeof(b->page->sampled.unsupported) - 1);
}

static void calibrate(struct bench_sampled *p)
{
	p->every = BENCH_EVERY;
	p->ticks_per_ms = calibrate_ticks_per_ms(CALIBRATION_NS);
	p->timer_ticks = samplings.timer_ticks = calibrate_timer();
	p->trap_ticks = samplings.trap_ticks = samplings.seeing ? calibrate_trap() : 0;
}

void sampling_lane(struct bench *b, struct lane *l)
{
	struct sampling *s = samplings.lanes[l->index];

	if (!s) {
		s = samplings.lanes[l->index] = bench_memory(b, sizeof(*s));
		s->random = b->seed * UINT64_C(0x9e3779b97f4a7c15) + l->index;
		s->left = distance(s);
	}
	l->sampling = s;
}

void sampling_thread_begin(struct bench *b, struct lane *l)
{
	mine = l->sampling;
	mine->ending = false;
	if (samplings.seeing && trap_arm_thread() != 0)
		bench_end(b, BENCH_END_BROKEN, "a thread's kernel calls cannot be seen");
}

void sampling_thread_end(struct lane *l)
{
	l->sampling->passed_by += trap_passed_by();
	l->sampling->ending = true;
	if (samplings.seeing)
		trap_on();
}

void sampling_begin(struct bench *b)
{
	const char *reason = "this kernel cannot show system calls";
	struct lane *l = bench_lane(b, 0);
	bool steady = true;

	if (!ticks_known(&steady))
		bench_end(b, BENCH_END_UNSUPPORTED, "this processor has no rdtscp");
	if (!steady)
		bench_end(b, BENCH_END_UNSUPPORTED, "the time stamp counter is not steady here");
	sampling_lane(b, l);
	samplings.seeing = trap_install(on_kernel_call, NULL, &reason) == 0;
	if (!samplings.seeing)
		say_unsupported(b, reason);
	sampling_thread_begin(b, l);
	calibrate(&b->page->sampled);
	/* The calibration's own. */
	mine->kernel_calls = 0;
}

static void lane_add(struct bench_sampled *p, struct sampling *s)
{
	p->kernel_calls += s->kernel_calls;
	p->passed_by += s->passed_by;
	for (unsigned call = 0; call < BENCH_CALLS; call++)
		for (unsigned kernel = 0; kernel < 2; kernel++)
			histogram_merge(&p->latency[call][kernel], &s->latency[call][kernel]);
}

void sampling_phase_end(struct bench *b, bool timed)
{
	mine->passed_by += trap_passed_by();
	for (unsigned i = 0; i < BENCH_LANES; i++) {
		struct sampling *s = samplings.lanes[i];

		if (!s)
			continue;
		if (timed)
			lane_add(&b->page->sampled, s);
		s->kernel_calls = s->passed_by = 0;
		memset(s->latency, 0, sizeof(s->latency));
	}
}
