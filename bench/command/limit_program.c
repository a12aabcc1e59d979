#include "bench/command/limit_program.h"

#include <inttypes.h>
#include <stdio.h>

/* Room for what libc and the harness have mapped, and for an allocator that takes two for one. */
#define MORE 1000

enum { FILL, PUNCH, REFILL, FULL, FREE_EVEN, FREE_ODD };

static int put_others(struct limit_program *p, int len, uint64_t pages)
{
	p->first = 2;
	return len + snprintf(p->text + len, sizeof(p->text) - (size_t)len,
			      "mmap m[0:%" PRIu64 "] 1p rw private,anon -> ok\n"
			      "munmap m[0:%" PRIu64 ":2] -> ok|ENOMEM\n",
			      pages, pages);
}

void limit_program_make(struct limit_program *p, uint64_t block_bytes, int64_t max_map_count,
			bool half_full)
{
	uint64_t n = 2 * ((uint64_t)max_map_count + MORE);
	int len;

	*p = (struct limit_program){.blocks = n, .block_bytes = block_bytes};
	len = snprintf(p->text, sizeof(p->text), "allocrig 1\n");
	if (half_full)
		len = put_others(p, len, (uint64_t)max_map_count);
	len += snprintf(p->text + len, sizeof(p->text) - (size_t)len,
			"malloc b[0:%" PRIu64 "] %" PRIu64 "\n"
			"free b[1:%" PRIu64 ":2]\n"
			"malloc b[1:%" PRIu64 ":2] %" PRIu64 "\n"
			"checkpoint full\n"
			"free b[0:%" PRIu64 ":2]\n"
			"free b[1:%" PRIu64 ":2]\n"
			"checkpoint freed\n",
			n, block_bytes, n, n, 2 * block_bytes, n, n);
	p->len = (size_t)len;
}

int32_t limit_program_full(const struct limit_program *p)
{
	return p->first + FULL;
}

struct limit_live limit_program_live(const struct limit_program *p, int32_t stmt, uint64_t slot)
{
	uint64_t half = p->blocks / 2, done = slot / 2, size = p->block_bytes;

	switch (stmt - p->first) {
	case FILL:
		return (struct limit_live){slot, slot * size};
	case PUNCH:
		return (struct limit_live){p->blocks - done, (p->blocks - done) * size};
	case REFILL:
		return (struct limit_live){half + done, (half + 2 * done) * size};
	case FULL:
		return (struct limit_live){p->blocks, 3 * half * size};
	case FREE_EVEN:
		return (struct limit_live){p->blocks - done, (3 * half - done) * size};
	case FREE_ODD:
		return (struct limit_live){half - done, 2 * (half - done) * size};
	default:
		return (struct limit_live){0, 0};
	}
}

const char *limit_program_op(const struct limit_program *p, int32_t stmt)
{
	static const char *const op[] = {
		[FILL] = "malloc", [PUNCH] = "free",	 [REFILL] = "malloc",
		[FULL] = "",	   [FREE_EVEN] = "free", [FREE_ODD] = "free",
	};

	int32_t at = stmt - p->first;

	return at >= FILL && at <= FREE_ODD ? op[at] : "";
}
