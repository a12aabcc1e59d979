/*
 * launch_fake_main.c - a benchmark's process for tests: no workload and no allocator, but a page
 * that is filled as asked, and memory that comes and goes by mapping calls of known size.
 *
 * What it does is the workload's name on the page. Whatever is late or wrong here is on purpose.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/page.h"

#define MIB	    ((size_t)1 << 20)
#define SPLIT_PAGES 2001
#define PAGE	    ((size_t)4096)

static struct bench_page *page;
static char *split; /* pages without access, to be split */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void wait_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
			     .tv_nsec = (long)(ns % 1000000000)};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static void stop(void)
{
	uint32_t at = atomic_fetch_add(&page->at, 1) + 1, go;

	syscall(SYS_futex, &page->at, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	while ((go = atomic_load(&page->go)) != at)
		syscall(SYS_futex, &page->go, FUTEX_WAIT, go, NULL, NULL, 0);
}

static void phase_end(void)
{
	if (page->nphases) {
		struct bench_phase *ph = &page->phases[page->nphases - 1];

		ph->end_ns = now_ns();
		ph->live_bytes = page->lanes[0].live_bytes;
		ph->instructions = UINT64_MAX;
		if (ph->timed) {
			ph->ops = 1000;
			ph->minor_faults = 7;
			page->timed_ops += ph->ops;
			page->timed_ns += ph->end_ns - ph->begin_ns;
		}
	}
	stop();
}

static void phase(const char *name, bool timed)
{
	phase_end();
	struct bench_phase *ph = &page->phases[page->nphases];

	snprintf(ph->name, sizeof(ph->name), "%s", name);
	ph->timed = timed;
	ph->begin_ns = now_ns();
	atomic_fetch_add(&page->nphases, 1);
}

static void end(enum bench_end how, const char *text)
{
	snprintf(page->text, sizeof(page->text), "%s", text);
	page->end = how;
	_exit(how == BENCH_END_OK ? 0 : 1);
}

static void *take(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		end(BENCH_END_BROKEN, "mmap");
	/* Small pages: what is touched is what is resident. */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
	return p;
}

static void do_grow(void)
{
	phase("take", true);
	char *p = take(64 * MIB);

	page->lanes[0].live_bytes = 48 << 20;
	page->lanes[3].live_bytes = 16 << 20;
	page->lanes[0].live_bytes += page->lanes[3].live_bytes;
	page->lanes[3].live_bytes = 0;
	phase("half", false);
	munmap(p, 32 * MIB);
	page->lanes[0].live_bytes = 16 << 20;
}

/* Comes and goes between two looks. */
static void do_spike(void)
{
	phase("spike", true);
	munmap(take(64 * MIB), 64 * MIB);
}

static void do_split(void)
{
	phase("split", true);
	for (size_t i = 1; i < SPLIT_PAGES; i += 2)
		mprotect(split + i * PAGE, PAGE, PROT_READ | PROT_WRITE);
	phase("unsplit", false);
	mprotect(split, SPLIT_PAGES * PAGE, PROT_NONE);
}

static void do_own(void)
{
	phase("own", true);
	/* Said before it is touched: a sample in between is too low, never a peak. */
	atomic_fetch_add(&page->own_bytes, 16 * MIB);
	take(16 * MIB);
	take(1 * MIB);
}

/* All is freed and kept, then given back in three steps. */
static void do_steps(void)
{
	uint64_t step = page->in.after_ns / 4;

	phase("fill", true);
	char *p = take(64 * MIB);

	page->lanes[0].live_bytes = 64 << 20;
	phase("free", false);
	page->lanes[0].live_bytes = 0;
	phase("after", false);
	wait_ns(step);
	munmap(p, 40 * MIB);
	wait_ns(step);
	munmap(p + 40 * MIB, 23 * MIB);
	wait_ns(step);
}

static void do_crash(void)
{
	phase("churn", true);
	fprintf(stderr, "first words\nfree(): invalid pointer\n");
	raise(SIGSEGV);
}

static void do_kill(void)
{
	phase("churn", true);
	raise(SIGKILL);
}

static void do_exit(void)
{
	phase("churn", true);
	_exit(3);
}

static void do_early(void)
{
	_exit(4);
}

/* More than a pipe takes: nobody may wait for its reader. */
static void do_talk(void)
{
	char line[1001];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	phase("talk", true);
	for (unsigned i = 0; i < 2000; i++)
		(void)!write(STDERR_FILENO, line, sizeof(line));
}

static void do_hang(void)
{
	phase("hang", true);
	for (;;)
		pause();
}

/* Whoever watches is interrupted while this is in a phase. */
static void do_interrupt(void)
{
	phase("hang", true);
	kill(getppid(), SIGINT);
	for (;;)
		pause();
}

static void do_wrong(void)
{
	phase("churn", true);
	phase_end();
	snprintf(page->served, sizeof(page->served), "/elsewhere/libother.so");
	end(BENCH_END_OK, "");
}

static void do_refuse(void)
{
	phase("churn", true);
	end(BENCH_END_REFUSED, "a request for 7 bytes was refused");
}

static void do_output(void)
{
	phase("churn", true);
	end(BENCH_END_WRONG_OUTPUT, "two blocks overlap");
}

static void do_unsupported(void)
{
	end(BENCH_END_UNSUPPORTED, "no such thing here");
}

static void do_late(void)
{
	phase("churn", true);
	phase_end();
	page->end = BENCH_END_OK;
	raise(SIGABRT);
}

static void do_damage_at(void)
{
	phase("churn", true);
	atomic_store(&page->at, 1000);
	syscall(SYS_futex, &page->at, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	for (;;)
		pause();
}

static void do_damage_request(void)
{
	phase("churn", true);
	page->in.seed++;
}

static void do_damage_times(void)
{
	phase("churn", true);
	phase_end();
	page->phases[0].end_ns = page->phases[0].begin_ns - 1;
	end(BENCH_END_OK, "");
}

static void do_damage_all(void)
{
	phase("churn", true);
	phase_end();
	memset(page, 0xff, sizeof(*page));
	_exit(0);
}

/* Alive while all that can be read live is nonsense. */
static void do_damage_live(void)
{
	phase("churn", true);
	memset(page->phases, 0xff, sizeof(page->phases));
	memset(page->lanes, 0xff, sizeof(page->lanes));
	page->lanes[0].live_bytes = INT64_MIN;
	atomic_store(&page->nphases, UINT32_MAX);
	atomic_store(&page->own_bytes, UINT64_MAX / 2);
	raise(SIGBUS);
}

static void do_sampled(void)
{
	struct bench_sampled *s = &page->sampled;

	phase("churn", true);
	phase_end();
	s->every = 64;
	s->ticks_per_ms = 2000000; /* 2 GHz: half a nanosecond each */
	s->kernel_calls = 12;
	for (unsigned i = 0; i < 1000; i++)
		histogram_add(&s->latency[BENCH_MALLOC][0], i < 999 ? 20 : 2000);
	for (unsigned i = 0; i < 19; i++)
		histogram_add(&s->latency[BENCH_FREE][1], 5000);
	end(BENCH_END_OK, "");
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{"grow", do_grow},
	{"spike", do_spike},
	{"split", do_split},
	{"own", do_own},
	{"steps", do_steps},
	{"crash", do_crash},
	{"kill", do_kill},
	{"exit", do_exit},
	{"early", do_early},
	{"talk", do_talk},
	{"hang", do_hang},
	{"interrupt", do_interrupt},
	{"wrong", do_wrong},
	{"refuse", do_refuse},
	{"output", do_output},
	{"unsupported", do_unsupported},
	{"late", do_late},
	{"damage-at", do_damage_at},
	{"damage-request", do_damage_request},
	{"damage-times", do_damage_times},
	{"damage-all", do_damage_all},
	{"damage-live", do_damage_live},
	{"sampled", do_sampled},
};

static int list(void)
{
	printf("ld.so: a line that is none of the list\n");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		printf("%s\t%zu\t%d\tdoes as its name says\n", modes[i].name, i, i == 0);
	return 0;
}

static void say_who_serves(void)
{
	Dl_info who = {0};

	if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &who) && who.dli_fname &&
	    realpath(who.dli_fname, page->served))
		return;
	page->served[0] = '\0';
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, BENCH_PAGE_FD, 0);
	if (page == MAP_FAILED)
		return 2;
	/* Whole in memory from the start, so that none of it counts. */
	for (size_t i = 0; i < sizeof(*page); i += PAGE)
		((volatile char *)page)[i] = ((volatile char *)page)[i];
	say_who_serves();
	split = mmap(NULL, SPLIT_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(page->in.workload, modes[i].name) != 0)
			continue;
		modes[i].run();
		phase_end();
		end(BENCH_END_OK, "");
	}
	end(BENCH_END_BROKEN, "no such mode");
}
