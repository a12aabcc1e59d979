/*
 * describe_kept.c - what an allocator keeps of freed memory: at once, after a purge, after a
 * second.
 */
#include <string.h>

#include "harness/cli/describe.h"

static const char program[] = "allocrig 1\n"
			      "malloc b[0:300000:3] 512\n"
			      "malloc b[1:300000:3] 1280\n"
			      "malloc b[2:300000:3] 2048\n"
			      "touch b[0:300000]\n"
			      "free b[0:300000]\n"
			      "checkpoint freed\n"
			      "trim\n"
			      "checkpoint purged\n"
			      "sleep 1s\n"
			      "checkpoint idle\n";

static struct kept kept_at(const struct run_shared *s, const char *name)
{
	uint32_t n = atomic_load(&s->ncheckpoints);

	for (uint32_t i = 1; i < n; i++) {
		const struct snapshot *start = &s->checkpoint[0].at, *at = &s->checkpoint[i].at;

		if (strcmp(s->checkpoint[i].name, name) != 0)
			continue;
		int64_t lazy = at->lazyfree_bytes > 0 ? at->lazyfree_bytes : 0;

		return (struct kept){at->maps - start->maps,
				     at->rss_bytes - start->rss_bytes - lazy};
	}
	return (struct kept){-1, -1};
}

int describe_kept(const struct subject *s, const struct runner_options *o, struct description *d)
{
	struct described_run r;
	int err = describe_run(s, o, program, &r);

	if (err)
		return err;
	d->freed = d->purged = d->idle = (struct kept){-1, -1};
	if (r.run.result.shared) {
		d->freed = kept_at(r.run.result.shared, "freed");
		d->purged = kept_at(r.run.result.shared, "purged");
		d->idle = kept_at(r.run.result.shared, "idle");
	}
	described_run_release(&r);
	return 0;
}
