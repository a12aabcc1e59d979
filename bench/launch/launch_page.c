#include "bench/launch/launch_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIVE_MOST ((int64_t)1 << 47) /* of an address space of user mode */

int page_make(const struct bench_request_in *in, int *ret_fd, struct bench_page **ret_page)
{
	int fd = memfd_create("allocrig-bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p = MAP_FAILED;

	if (fd < 0)
		return -errno;
	/* An allocator that shrank it would take the page from under the controller. */
	if (ftruncate(fd, sizeof(struct bench_page)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		p = mmap(NULL, sizeof(struct bench_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);
	if (p == MAP_FAILED) {
		int err = errno;

		close(fd);
		return -err;
	}
	*ret_page = p;
	(*ret_page)->in = *in;
	(*ret_page)->in.abi = BENCH_ABI;
	*ret_fd = fd;
	return 0;
}

void page_unmap(struct bench_page *p)
{
	if (p)
		munmap(p, sizeof(*p));
}

static void make_printable(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

struct bench_page *page_copy(const struct bench_page *shared)
{
	struct bench_page *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	memcpy(p, shared, sizeof(*p));
	if (p->nphases > BENCH_PHASES)
		p->nphases = BENCH_PHASES;
	for (unsigned i = 0; i < BENCH_PHASES; i++)
		make_printable(p->phases[i].name, sizeof(p->phases[i].name));
	if (p->end > BENCH_END_BROKEN)
		p->end = BENCH_END_NONE;
	make_printable(p->text, sizeof(p->text));
	p->served[sizeof(p->served) - 1] = '\0';
	make_printable(p->sampled.unsupported, sizeof(p->sampled.unsupported));
	return p;
}

__attribute__((format(printf, 3, 4))) static int wrong(char *err, size_t size, const char *format,
						       ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err, size, format, args);
	va_end(args);
	return -EBADMSG;
}

static bool is_request(const struct bench_request_in *a, const struct bench_request_in *in)
{
	struct bench_request_in b = *in;

	b.abi = BENCH_ABI;
	return a->abi == b.abi && a->threads == b.threads && a->seed == b.seed &&
	       a->scale_percent == b.scale_percent && a->time_ns == b.time_ns &&
	       a->verify == b.verify && a->after == b.after && a->after_ns == b.after_ns &&
	       memcmp(a->workload, b.workload, sizeof(b.workload)) == 0 &&
	       memcmp(a->file, b.file, sizeof(b.file)) == 0;
}

static int check_phases(const struct bench_page *p, uint64_t from_ns, uint64_t to_ns, char *err,
			size_t size)
{
	uint64_t ops = 0, ns = 0, before = from_ns;

	for (unsigned i = 0; i < p->nphases; i++) {
		const struct bench_phase *ph = &p->phases[i];

		if (ph->begin_ns < before || ph->end_ns < ph->begin_ns || ph->end_ns > to_ns)
			return wrong(err, size, "the times of phase %u '%s' cannot be", i,
				     ph->name);
		if (ph->live_bytes < 0 || ph->live_bytes > LIVE_MOST)
			return wrong(err, size, "phase %u '%s' ends with %lld bytes live", i,
				     ph->name, (long long)ph->live_bytes);
		before = ph->end_ns;
		ops += ph->timed ? ph->ops : 0;
		ns += ph->timed ? ph->end_ns - ph->begin_ns : 0;
	}
	if (ops != p->timed_ops || ns != p->timed_ns)
		return wrong(err, size, "the sums over timed phases do not fit the phases");
	return 0;
}

static bool histogram_is_sound(const struct histogram *h)
{
	unsigned highest = 0;
	uint64_t n = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->buckets[i];
		if (h->buckets[i])
			highest = i;
	}
	return n == h->count && (!n || highest == histogram_bucket(h->max));
}

static int check_sampled(const struct bench_sampled *s, char *err, size_t size)
{
	if (!s->every)
		return 0;
	if (s->ticks_per_ms < 1000 || s->ticks_per_ms > 100000000)
		return wrong(err, size, "%llu ticks of the timer in a millisecond cannot be",
			     (unsigned long long)s->ticks_per_ms);
	for (unsigned call = 0; call < BENCH_CALLS; call++)
		for (unsigned kernel = 0; kernel < 2; kernel++)
			if (!histogram_is_sound(&s->latency[call][kernel]))
				return wrong(err, size, "a histogram of latency does not add up");
	return 0;
}

int page_check(const struct bench_page *p, const struct bench_request_in *in, uint64_t from_ns,
	       uint64_t to_ns, char *err, size_t err_size)
{
	if (!is_request(&p->in, in))
		return wrong(err, err_size, "the request on it has changed");
	if (!p->nphases)
		return wrong(err, err_size, "it has no phase");
	int rc = check_phases(p, from_ns, to_ns, err, err_size);

	return rc ? rc : check_sampled(&p->sampled, err, err_size);
}

int64_t page_live(const struct bench_page *shared)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BENCH_LANES; i++)
		sum += (uint64_t) * (const volatile int64_t *)&shared->lanes[i].live_bytes;
	int64_t live = (int64_t)sum;

	if (live > LIVE_MOST || live < -LIVE_MOST)
		return -1;
	/* Lanes are read one after the other: what moved meanwhile may be missing for a moment. */
	return live < 0 ? 0 : live;
}

void page_phase_name(const struct bench_page *shared, unsigned phase, char buf[BENCH_NAME_MAX])
{
	buf[0] = '\0';
	if (phase >= BENCH_PHASES)
		return;
	memcpy(buf, shared->phases[phase].name, BENCH_NAME_MAX);
	make_printable(buf, BENCH_NAME_MAX);
}
