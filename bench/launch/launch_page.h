/*
 * launch_page.h - the page that is shared with the benchmark's process, and what may be believed
 * of it: the allocator under test could write there too.
 */
#ifndef BENCH_LAUNCH_PAGE_H
#define BENCH_LAUNCH_PAGE_H

#include <stddef.h>

#include "bench/page.h"

/* A memfd of fixed size and the page mapped here; all zero but for abi and `in`. 0 or -errno. */
int page_make(const struct bench_request_in *in, int *ret_fd, struct bench_page **ret_page);
void page_unmap(struct bench_page *p);

/*
 * A copy of our own, sound: strings end and are printable, counts are bounded. NULL: no memory. To
 * be freed.
 */
struct bench_page *page_copy(const struct bench_page *shared);

/*
 * Whether a copy tells of this request and of what can have been: times that go on, histograms that
 * add up, phases that were asked for. 0, or -EBADMSG with one line in err. `from_ns`, `to_ns`: when
 * the process began and was over.
 */
int page_check(const struct bench_page *copy, const struct bench_request_in *in, uint64_t from_ns,
	       uint64_t to_ns, char *err, size_t err_size);

/* Live bytes of all lanes as they are now; -1: that cannot be. */
int64_t page_live(const struct bench_page *shared);

/* The name of a phase that may be written to at this moment, or "". */
void page_phase_name(const struct bench_page *shared, unsigned phase, char buf[BENCH_NAME_MAX]);

#endif
