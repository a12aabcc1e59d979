/* Mutations and crossover by whole ops, for engines that ask their targets for them. */
#include <string.h>

#include "fuzz/budget.h"
#include "fuzz/engine.h"
#include "fuzz/mutate.h"
#include "fuzz/target.h"

/* One in eight by bytes: what no op can say, such as lengths that are no whole records. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t len, size_t max_len, unsigned seed)
{
	if (LLVMFuzzerMutate && (target_mutates_bytes() || seed % 8 == 0))
		return LLVMFuzzerMutate(bytes, len, max_len);
	enum budget of = budget_of(len);
	size_t room = max_len > WIRE_RECORD_BYTES ? max_len - (WIRE_RECORD_BYTES - 1) : max_len;

	struct mutant m = {
		.bytes = bytes, .len = budget_strip(len), .max_len = room, .random = seed};

	m.sizes = target_sizes(&m.nsizes);
	/* More than it had is of use to what asks for it alone. */
	if (target_budget(of, seed) > of)
		mutate_as(&m, MUTATE_WIDEN);
	mutate_some(&m);
	/* Not each time: most long loops show nothing that short ones do not. */
	if (seed / 64 % 2 == 0)
		of = budget_needed(bytes, m.len, of);
	return budget_mark(bytes, m.len, max_len, target_budget(of, seed));
}

/* By bytes: as an engine does that knows nothing of ops, a piece of one and then of the other. */
static size_t cross_bytes(struct wire_bytes a, struct wire_bytes b, struct mutant *out)
{
	size_t first = a.len ? out->random % (a.len + 1) : 0;
	size_t from = b.len ? (out->random / 7) % (b.len + 1) : 0, second = b.len - from;

	first = first < out->max_len ? first : out->max_len;
	second = second < out->max_len - first ? second : out->max_len - first;
	memcpy(out->bytes, a.bytes, first);
	memcpy(out->bytes + first, b.bytes + from, second);
	return first + second;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
				 uint8_t *out, size_t max_len, unsigned seed)
{
	size_t room = max_len > WIRE_RECORD_BYTES ? max_len - (WIRE_RECORD_BYTES - 1) : max_len;
	struct mutant mutant = {.bytes = out, .max_len = room, .random = seed};
	const struct wire_bytes first = {a, a_len}, second = {b, b_len};

	if (target_mutates_bytes())
		return cross_bytes(first, second, &mutant);
	size_t len = mutate_cross((struct wire_bytes){a, budget_strip(a_len)},
				  (struct wire_bytes){b, budget_strip(b_len)}, &mutant);

	return budget_mark(out, len, max_len, target_budget(budget_of(a_len), seed));
}
