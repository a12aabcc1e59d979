#include "bench/cost/feed_inputs.h"

#include "harness/prog/wire.h"

#define RECORDS 24
#define OPS	256

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t codes(bool kernel)
{
	uint64_t set = UINT64_MAX;

	for (unsigned code = 0; kernel && code < OP_CODES; code++)
		if (op_is_block_call(code) || code == OP_TRIM)
			set &= ~(UINT64_C(1) << code);
	/* Both wait for other processes and threads. */
	return set &
	       ~(UINT64_C(1) << OP_FORK | UINT64_C(1) << OP_SLEEP | UINT64_C(1) << OP_PARALLEL);
}

/* Quick to run: the harness is measured, and not how fast memory is touched. */
static struct wire_limits limits_of(bool kernel)
{
	struct wire_limits l = wire_fuzz_limits;

	l.work = 400;
	l.rounds = 20;
	l.live_bytes = UINT64_C(64) << 20;
	l.resident_bytes = UINT64_C(1) << 20;
	l.threads = 1;
	l.faults = 0;
	l.codes = codes(kernel);
	return l;
}

void feed_input(uint64_t seed, bool kernel, struct input *ret_input)
{
	static struct op ops[OPS];
	struct program p = {.ops = ops, .max_ops = OPS};
	struct wire_limits limits = limits_of(kernel);
	uint64_t bytes[RECORDS * WIRE_RECORD_BYTES / sizeof(uint64_t)];

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		bytes[i] = next(&seed);
	wire_decode((struct wire_bytes){(const uint8_t *)bytes, sizeof(bytes)}, &limits, &p);
	p.header.has_ballast = 0;
	int len = program_write(&p, ret_input->text, sizeof(ret_input->text));

	ret_input->len = len < 0 ? 0 : (size_t)len;
}
