#include <errno.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/prog/form.h"
#include "harness/prog/names.h"
#include "harness/prog/wire_item.h"
#include "harness/prog/wire_value.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t protections[16] = {
	[0 ... 9] = PROT_READ | PROT_WRITE,
	[10 ... 11] = PROT_NONE,
	[12 ... 13] = PROT_READ,
	[14] = PROT_READ | PROT_EXEC,
	[15] = PROT_READ | PROT_WRITE | PROT_EXEC,
};

static const uint8_t sources[16] = {
	[0 ... 8] = SOURCE_ANON, [9 ... 10] = SOURCE_MEMFD, [11] = SOURCE_FILE, [12] = SOURCE_SHM,
	[13] = SOURCE_ZERO,	 [14] = SOURCE_SLOT,	    [15] = SOURCE_NONE,
};

static const uint8_t sharings[8] = {
	[0 ... 4] = MAP_PRIVATE, [5 ... 6] = MAP_SHARED, [7] = MAP_SHARED_VALIDATE};

static const int extra_flags[16] = {0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    MAP_NORESERVE,
				    MAP_POPULATE,
				    MAP_POPULATE | MAP_NONBLOCK,
				    MAP_STACK,
				    MAP_GROWSDOWN,
				    MAP_LOCKED,
				    MAP_32BIT,
				    MAP_HUGETLB,
				    MAP_HUGETLB | MAP_HUGE_2MB,
				    MAP_NORESERVE};

/* fixed=, fixed_noreplace= and hint= */
enum place { PLACE_NONE, PLACE_HINT, PLACE_FIXED, PLACE_NOREPLACE };

static const uint8_t places[16] = {[0 ... 10] = PLACE_NONE,
				   [11] = PLACE_HINT,
				   [12 ... 13] = PLACE_FIXED,
				   [14 ... 15] = PLACE_NOREPLACE};

static const int place_flags[] = {
	[PLACE_FIXED] = MAP_FIXED, [PLACE_NOREPLACE] = MAP_FIXED_NOREPLACE};

static const uint8_t mremap_flags[8] = {
	MREMAP_MAYMOVE,
	MREMAP_MAYMOVE,
	MREMAP_MAYMOVE,
	0,
	MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
	MREMAP_MAYMOVE | MREMAP_FIXED,
	MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
	MREMAP_FIXED,
};

/* Sets behind `->`: how many errors, and which. */
struct endings {
	uint8_t ok, nerr, err[3];
};

static const struct endings call_endings[] = {
	{.ok = 1},
	{.ok = 1, .nerr = 1, .err = {ENOMEM}},
	{.nerr = 1, .err = {ENOMEM}},
	{.nerr = 1, .err = {EINVAL}},
	{.ok = 1, .nerr = 1, .err = {EINVAL}},
	{.ok = 1, .nerr = 1, .err = {EAGAIN}},
	{.nerr = 1, .err = {EACCES}},
	{.nerr = 1, .err = {EEXIST}},
	{.nerr = 1, .err = {EBADF}},
	{.nerr = 1, .err = {EFAULT}},
	{.nerr = 1, .err = {EPERM}},
	{.ok = 1, .nerr = 2, .err = {ENOMEM, EINVAL}},
	{.nerr = 2, .err = {ENOMEM, EINVAL}},
	{.nerr = 2, .err = {EINVAL, ENOMEM}},
	{.nerr = 1, .err = {EOVERFLOW}},
	{.nerr = 1, .err = {EBUSY}},
};

static const struct endings access_endings[] = {
	{.ok = 1},
	{.nerr = 1, .err = {OUTCOME_SIGSEGV}},
	{.nerr = 1, .err = {OUTCOME_SIGBUS}},
	{.ok = 1, .nerr = 1, .err = {OUTCOME_SIGSEGV}},
	{.ok = 1, .nerr = 1, .err = {OUTCOME_SIGBUS}},
	{.nerr = 2, .err = {OUTCOME_SIGSEGV, OUTCOME_SIGBUS}},
	{.nerr = 2, .err = {OUTCOME_SIGBUS, OUTCOME_SIGSEGV}},
	{.ok = 1, .nerr = 2, .err = {OUTCOME_SIGSEGV, OUTCOME_SIGBUS}},
};

#define OUTCOME_CODES 192 /* codes from here on have outcomes */

static const struct endings *endings_at(unsigned index, bool access)
{
	return access ? &access_endings[index % COUNT_OF(access_endings)]
		      : &call_endings[index % COUNT_OF(call_endings)];
}

static void outcomes_item(const struct wire_record *r, bool access, struct outcomes *o)
{
	if (r->outcome < OUTCOME_CODES)
		return;
	const struct endings *e = endings_at(r->outcome, access);

	o->present = 1;
	o->ok = e->ok;
	o->nerr = e->nerr;
	memcpy(o->err, e->err, sizeof(e->err));
}

/* One with outcomes, if not the same ones: `present` has no other place in a record. */
static uint8_t outcomes_code(const struct outcomes *o, bool access)
{
	if (!o->present)
		return 0;
	for (unsigned code = OUTCOME_CODES; code < 256; code++) {
		const struct endings *e = endings_at(code, access);

		if (e->ok == o->ok && e->nerr == o->nerr && memcmp(e->err, o->err, e->nerr) == 0)
			return (uint8_t)code;
	}
	return OUTCOME_CODES;
}

static int advice_of(uint8_t code)
{
	const char *word = advice_at(code % 32);
	int advice = MADV_DONTNEED;

	/* The two that give memory back have half of the codes, and those without a word. */
	if (code >= 128)
		return code & 1 ? MADV_FREE : MADV_DONTNEED;
	if (word)
		advice_by_name(word, strlen(word), &advice);
	return advice;
}

/* The lowest code of 128 that means this. */
static uint8_t advice_code(int advice)
{
	uint8_t code = 0;

	while (code < 127 && advice_of(code) != advice)
		code++;
	return code;
}

static uint8_t index_of(const uint8_t *table, uint8_t n, unsigned value)
{
	for (uint8_t i = 0; i < n; i++)
		if (table[i] == value)
			return i;
	return 0;
}

static void map_flags_item(const struct wire_record *r, struct op_map *map)
{
	enum place place = places[r->arg1[1] >> 4];

	map->source = sources[r->arg1[0] & 15];
	map->flags = sharings[(r->arg1[0] >> 4) & 7] | extra_flags[r->arg1[1] & 15];
	if (map->source == SOURCE_SLOT)
		map->of = wire_slot(r->other);
	if (r->len >> 7)
		map->offset = wire_span(r->off & 127);
	if (place == PLACE_NONE)
		return;
	map->has_target = 1;
	map->target = wire_slot(r->target);
	map->target_off = wire_span(r->target_off & 127);
	if (place != PLACE_HINT)
		map->flags |= place_flags[place];
}

static enum place place_of(const struct op_map *map)
{
	if (!map->has_target)
		return PLACE_NONE;
	if (map->flags & MAP_FIXED)
		return PLACE_FIXED;
	return map->flags & MAP_FIXED_NOREPLACE ? PLACE_NOREPLACE : PLACE_HINT;
}

/* An extension says the flags that no code has. */
static void map_flags_of(const struct op_map *map, struct wire_record *r)
{
	int place = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS;
	uint8_t sharing = index_of(sharings, 8, (unsigned)map->flags & MAP_TYPE);
	int extra = map->flags & ~place & ~sharings[sharing];
	uint8_t at = 0;

	while (at < 15 && extra_flags[at] != extra)
		at++;
	r->arg1[0] = (uint8_t)(index_of(sources, 16, map->source) | sharing << 4);
	r->arg1[1] = (uint8_t)(at | index_of(places, 16, place_of(map)) << 4);
	r->other = wire_slot_code(map->of);
	if (map->offset) {
		r->off = wire_span_code(map->offset);
		r->len = 128;
	}
	r->target = wire_slot_code(map->target);
	r->target_off = wire_span_code(map->target_off);
}

static void mremap_flags_item(const struct wire_record *r, struct op_map *map)
{
	map->flags = mremap_flags[r->arg1[0] % 8];
	map->has_target = (map->flags & MREMAP_FIXED) != 0;
	if (map->has_target) {
		map->target = wire_slot(r->target);
		map->target_off = wire_span(r->target_off & 127);
	}
	map->has_to = r->arg1[1] >= 192;
	if (map->has_to)
		map->to = wire_slot(r->other);
}

static void mremap_flags_of(const struct op_map *map, struct wire_record *r)
{
	r->arg1[0] = index_of(mremap_flags, 8, (unsigned)map->flags);
	r->arg1[1] = map->has_to ? 192 : 0;
	r->target = wire_slot_code(map->target);
	r->target_off = wire_span_code(map->target_off);
	r->other = wire_slot_code(map->to);
}

void wire_flags_item(const struct wire_record *r, char form, struct op *op)
{
	switch (form) {
	case ITEM_PROT:
		op->map.prot = protections[r->protection % 16];
		break;
	case ITEM_MAP_FLAGS:
		map_flags_item(r, &op->map);
		break;
	case ITEM_MREMAP_FLAGS:
		mremap_flags_item(r, &op->map);
		break;
	case ITEM_MSYNC_FLAGS:
		op->map.flags = r->arg1[0] % 8;
		break;
	case ITEM_ADVICE:
		op->map.advice = advice_of(r->arg1[0]);
		break;
	case ITEM_OUTCOMES:
		outcomes_item(r, false, &op->outcomes);
		break;
	case ITEM_ACCESS:
		if (op->space == SPACE_MAP)
			outcomes_item(r, true, &op->outcomes);
		break;
	default:
		break;
	}
}

void wire_flags_of(const struct op *op, char form, struct wire_record *r)
{
	switch (form) {
	case ITEM_PROT:
		r->protection = index_of(protections, 16, (unsigned)op->map.prot);
		break;
	case ITEM_MAP_FLAGS:
		map_flags_of(&op->map, r);
		break;
	case ITEM_MREMAP_FLAGS:
		mremap_flags_of(&op->map, r);
		break;
	case ITEM_MSYNC_FLAGS:
		r->arg1[0] = (uint8_t)op->map.flags;
		break;
	case ITEM_ADVICE:
		r->arg1[0] = advice_code(op->map.advice);
		break;
	case ITEM_OUTCOMES:
		r->outcome = outcomes_code(&op->outcomes, false);
		break;
	case ITEM_ACCESS:
		r->outcome = outcomes_code(&op->outcomes, true);
		break;
	default:
		break;
	}
}
