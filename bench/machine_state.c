#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.h"
#include "bench/machine_text.h"

#define SPIN_STEPS (1u << 20)
#define SPIN_TIMES 3

/* Ticks of all processors since the machine started. */
struct ticks {
	double busy, steal; /* busy: neither idle nor stolen */
};

/* What others_cpu is counted from: the state that was read before. */
static struct {
	bool known;
	double at_s, busy, own_s;
} before;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Processor time of this process and of the children that it has waited for. */
static double own_cpu_s(void)
{
	struct rusage self = {0}, children = {0};

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return seconds(&self.ru_utime) + seconds(&self.ru_stime) + seconds(&children.ru_utime) +
	       seconds(&children.ru_stime);
}

/* "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guest is in user. */
static bool ticks_read(struct ticks *ret)
{
	char text[512];
	double v[8] = {0};
	unsigned n = 0;

	if (!machine_text("/proc/stat", text, sizeof(text)) || strncmp(text, "cpu ", 4) != 0)
		return false;
	for (char *p = text + 4, *end; n < 8; p = end, n++) {
		v[n] = strtod(p, &end);
		if (end == p)
			break;
	}
	if (n < 8)
		return false;
	*ret = (struct ticks){.busy = v[0] + v[1] + v[2] + v[5] + v[6], .steal = v[7]};
	return true;
}

static double highest_mhz(void)
{
	cpu_set_t allowed;
	char path[128];
	double best = -1, khz;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return -1;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", cpu);
		if (machine_number(path, &khz) && khz / 1000 > best)
			best = khz / 1000;
	}
	return best;
}

/* Each step needs the one before it, so it takes a fixed number of cycles. */
static double spin_once(void)
{
	uint64_t x = 1;
	double begin = now_s();

	for (unsigned i = 0; i < SPIN_STEPS; i++) {
		x += i;
		__asm__ volatile("" : "+r"(x));
	}
	return (now_s() - begin) * 1e9;
}

/* The least of a few: one that was interrupted says nothing of the frequency. */
static double spin_ns(void)
{
	double best = INFINITY;

	for (unsigned i = 0; i < SPIN_TIMES; i++)
		best = fmin(best, spin_once());
	return best;
}

static double others_since(double at_s, double busy, double own_s)
{
	double hertz = (double)sysconf(_SC_CLK_TCK);
	double passed = at_s - before.at_s;
	double others = -1;

	/* Ticks are of 10 ms: of less than ten there is nothing to say. */
	if (before.known && passed >= 10 / hertz)
		others = ((busy - before.busy) / hertz - (own_s - before.own_s)) / passed;
	return others < 0 && others > -1 ? 0 : others;
}

void machine_state_read(struct machine_state *ret)
{
	struct ticks t = {0};
	struct machine_state s = {.load1 = -1, .others_cpu = -1, .steal_ticks = -1};
	bool known = ticks_read(&t);
	double at = now_s(), own = own_cpu_s();

	machine_number("/proc/loadavg", &s.load1);
	s.mhz = highest_mhz();
	if (known) {
		s.steal_ticks = (int64_t)t.steal;
		s.others_cpu = others_since(at, t.busy, own);
	}
	before.known = known;
	before.at_s = at;
	before.busy = t.busy;
	before.own_s = own;
	s.spin_ns = spin_ns();
	*ret = s;
}

static json_t *known(double v)
{
	return v < 0 || !isfinite(v) ? json_null() : json_real(v);
}

json_t *machine_state_json(const struct machine_state *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "load1", known(s->load1));
	json_object_set_new(o, "mhz", known(s->mhz));
	json_object_set_new(o, "spin_ns", known(s->spin_ns));
	json_object_set_new(o, "others_cpu", known(s->others_cpu));
	json_object_set_new(o, "steal_ticks",
			    s->steal_ticks < 0 ? json_null() : json_integer(s->steal_ticks));
	return o;
}
