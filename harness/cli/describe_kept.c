/*
 * describe_kept.c - what an allocator keeps of freed memory: at once, after a purge, after a
 * second.
 */
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

int describe_kept(const struct subject *s, const struct runner_options *o, struct description *d)
{
	struct described_run r;
	int err = describe_run(s, o, program, &r);

	if (err)
		return err;
	const struct run_shared *shared = r.run.result.shared;

	d->freed = left_behind_at(shared, "freed");
	d->purged = left_behind_at(shared, "purged");
	d->idle = left_behind_at(shared, "idle");
	described_run_release(&r);
	return 0;
}
