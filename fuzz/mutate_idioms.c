#include "fuzz/mutate_idioms.h"

#include "fuzz/budget.h"
#include "fuzz/mutate_numbers.h"
#include "harness/prog/wire_value.h"

#define RECORDS	      64 /* what is longer is cut off */
#define MOST_RESIZING 32

#define OWN_THREAD  128 /* and its number */
#define MANY	    128 /* a shape that is a slice, and which count */
#define STEP_TWO    (2 << 5)
#define OCTAVE	    (128 * 256 / 27) /* between the codes of a size and of twice as much */
#define MOST_KIN    4
#define OTHER_EDGES 0x8000 /* codes of sizes from here on are edges */
#define REFUSED	    192	   /* the outcome of a fault that counts from where it stands */

/* Below it growth in what is resident is not seen (harness/exec/rounds.c). */
#define LEAST_ROUNDS 32

/* What is being written, and what its steps have in common. */
struct idiom {
	struct mutant *m;
	struct wire_record v[RECORDS];
	size_t n;
	uint8_t slot, shape;
	uint8_t taker, giver; /* threads */
	uint8_t takes;	      /* the kind of op that takes */
	uint16_t size;	      /* code of it */
	uint8_t kin;	      /* blocks of different sizes */
	bool looped;
};

static bool one_in(struct idiom *d, uint64_t n)
{
	return random_under(d->m, n) == 0;
}

static struct wire_record *add(struct idiom *d, unsigned kind, uint8_t thread)
{
	struct wire_record *r = &d->v[d->n < RECORDS - 1 ? d->n++ : d->n];

	*r = (struct wire_record){
		.kind = wire_kind_code(kind),
		.thread = thread,
		.slot = d->slot,
		.shape = d->shape,
	};
	return r;
}

static void put_code(uint8_t bytes[2], uint16_t code)
{
	bytes[0] = (uint8_t)code;
	bytes[1] = (uint8_t)(code >> 8);
}

/*
 * Most blocks of most programs are small: 8 bytes to 128 KiB one half of the time; and some have
 * next to nothing.
 */
static uint16_t any_size(struct idiom *d)
{
	if (one_in(d, 16))
		return wire_scaled_code(&wire_bytes_scale, random_under(d->m, 3));
	uint64_t known = one_in(d, 4) ? number_known(d->m) : 0;

	/* Or the nearest that a code has. */
	if (known)
		return wire_scaled_code(&wire_bytes_scale, known);
	if (one_in(d, 2))
		return (uint16_t)(3 * OCTAVE + random_under(d->m, 14 * OCTAVE));
	struct wire_record r = random_record(d->m, OP_MALLOC);

	return (uint16_t)(r.arg0[0] | r.arg0[1] << 8);
}

/* A size that is mostly asked of the kernel: 64 KiB to 16 MiB. */
static uint16_t large_size(struct idiom *d)
{
	return (uint16_t)(16 * OCTAVE + random_under(d->m, 8 * OCTAVE));
}

enum direction { DOWN, UP, ANYWHERE };

/* One that is up to three octaves, or a few edges, beside it. */
static uint16_t other_size(struct idiom *d, uint16_t code, enum direction to)
{
	uint16_t by = (uint16_t)(256 + random_under(d->m, 3 * OCTAVE));
	bool is_edge = code >= OTHER_EDGES;

	if (to == ANYWHERE && one_in(d, 3))
		return any_size(d);
	if (to == ANYWHERE)
		to = one_in(d, 2) ? DOWN : UP;
	if (is_edge)
		by &= 0xff00;
	if (to == UP)
		return (uint16_t)(code + by) / OTHER_EDGES == code / OTHER_EDGES
			       ? (uint16_t)(code + by)
			       : code;
	return code % OTHER_EDGES > by ? (uint16_t)(code - by) : code;
}

/* The op with that size; a count is 1, an alignment a power of two. */
static void add_sized(struct idiom *d, unsigned kind, uint8_t thread, uint16_t size)
{
	struct wire_record *r = add(d, kind, thread);

	switch (kind) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		put_code(r->arg1, size);
		break;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		put_code(r->arg1, size);
		put_code(r->arg0, wire_align_code(UINT64_C(8) << random_under(d->m, 14)));
		break;
	default:
		put_code(r->arg0, size);
	}
}

static unsigned random_take(struct idiom *d)
{
	static const uint8_t kinds[] = {OP_MALLOC,	  OP_MALLOC,	     OP_MALLOC,
					OP_MALLOC,	  OP_MALLOC,	     OP_MALLOC,
					OP_MALLOC,	  OP_MALLOC,	     OP_CALLOC,
					OP_CALLOC,	  OP_REALLOC,	     OP_REALLOCARRAY,
					OP_ALIGNED_ALLOC, OP_POSIX_MEMALIGN, OP_POSIX_MEMALIGN,
					OP_MEMALIGN,	  OP_VALLOC,	     OP_PVALLOC};

	return kinds[random_under(d->m, sizeof(kinds))];
}

/* A request that must fail, and may leave something behind. */
static void add_failing(struct idiom *d)
{
	static const uint8_t kinds[] = {OP_MALLOC,	  OP_CALLOC,	    OP_REALLOC,
					OP_REALLOCARRAY,  OP_MALLOC,	    OP_MEMALIGN,
					OP_ALIGNED_ALLOC, OP_POSIX_MEMALIGN};
	unsigned kind = kinds[random_under(d->m, sizeof(kinds))];
	uint64_t most = one_in(d, 2) ? UINT64_MAX : (uint64_t)INT64_MAX;
	uint16_t size = wire_scaled_code(&wire_bytes_scale, most - random_under(d->m, 2));

	if (kind == OP_MEMALIGN || kind == OP_ALIGNED_ALLOC || kind == OP_POSIX_MEMALIGN) {
		add_sized(d, kind, d->taker, d->size);
		/* no power of two */
		put_code(d->v[d->n - 1].arg0, (uint16_t)(0xe000 + random_under(d->m, 16)));
		return;
	}
	add_sized(d, kind, d->taker, size);
}

/*
 * A block, or several of one size; or some that have nothing in common, which tries as many sizes
 * at once. All that comes later is done to all of them.
 */
static void add_take(struct idiom *d)
{
	uint8_t first = d->slot;

	add_sized(d, d->takes, d->taker, d->size);
	if (d->kin == 1)
		return;
	for (uint8_t i = 1; i < d->kin; i++) {
		d->slot = (uint8_t)(first + i);
		d->shape = 0;
		add_sized(d, random_take(d), d->taker, any_size(d));
	}
	d->slot = first;
	d->shape = wire_shape_code((struct wire_shape){.count = d->kin, .step = 1});
}

static void add_touch(struct idiom *d)
{
	if (!one_in(d, 3))
		add(d, OP_TOUCH, one_in(d, 4) ? d->giver : d->taker);
}

/* Mostly not at all; a block that grows or shrinks does so again and again. */
static void add_resizes(struct idiom *d)
{
	enum direction to = (enum direction)random_under(d->m, 3);

	if (random_under(d->m, 5) < 3)
		return;
	do {
		uint8_t thread = one_in(d, 4) ? d->giver : d->taker;

		d->size = other_size(d, d->size, to);
		add_sized(d, one_in(d, 5) ? OP_REALLOCARRAY : OP_REALLOC, thread, d->size);
		add_touch(d);
	} while (d->n < MOST_RESIZING && !one_in(d, 3));
}

/* The child forgets, or uses, what it has inherited. */
static void add_fork(struct idiom *d)
{
	add(d, OP_FORK, one_in(d, 2) ? d->taker : d->giver);
	if (one_in(d, 2))
		add(d, OP_FREE, 0);
	if (!one_in(d, 3))
		add_sized(d, d->takes, 0, d->size);
	add(d, OP_END, 0);
}

static void add_event(struct idiom *d)
{
	/* Of the main thread it would mean another one. */
	if (d->taker > OWN_THREAD && one_in(d, 2)) {
		add(d, OP_EXIT, d->taker);
		return;
	}
	switch (random_under(d->m, 16)) {
	case 0:
		add(d, OP_TRIM, d->giver);
		break;
	case 1:
		add(d, OP_USABLE, d->giver);
		break;
	case 2:
		add_failing(d);
		break;
	case 3:
		if (!d->looped)
			add_fork(d);
		break;
	default:
		break;
	}
}

static void add_free(struct idiom *d)
{
	static const uint8_t kinds[] = {OP_FREE, OP_FREE,	OP_FREE,
					OP_FREE, OP_FREE_SIZED, OP_FREE_ALIGNED_SIZED};

	add(d, kinds[random_under(d->m, sizeof(kinds))], d->giver);
}

/* Every second block goes, something happens in the gaps, and then go all. */
static void add_gaps(struct idiom *d, uint8_t half)
{
	uint8_t all = d->shape;

	d->shape = MANY | STEP_TWO | half;
	if (one_in(d, 4))
		add_sized(d, OP_REALLOC, d->giver, other_size(d, d->size, DOWN));
	else
		add_free(d);
	if (one_in(d, 2))
		add(d, OP_TRIM, 0);
	if (one_in(d, 2))
		add_sized(d, d->takes, d->taker,
			  one_in(d, 2) ? d->size : other_size(d, d->size, ANYWHERE));
	add_event(d);
	d->shape = all;
	add_free(d);
}

static void add_life(struct idiom *d)
{
	/* Halves of the slice that have codes too. */
	static const uint8_t halves[] = {2, 3, 4, 5, 7, 8, 10, 16, 32};
	uint8_t half = halves[random_under(d->m, sizeof(halves))];
	bool gaps = d->kin == 1 && one_in(d, 4);

	if (d->looped)
		half = (uint8_t)(2 + half % 3);
	if (gaps)
		d->shape = wire_shape_code((struct wire_shape){.count = 2u * half, .step = 1});
	add_take(d);
	add_touch(d);
	add_resizes(d);
	add_event(d);
	if (gaps)
		add_gaps(d, wire_shape_code((struct wire_shape){half, 1}) & 31);
	else
		add_free(d);
	if (one_in(d, 8))
		add_event(d);
}

static uint8_t random_thread(struct idiom *d)
{
	return (uint8_t)(OWN_THREAD | random_under(d->m, 4));
}

static struct idiom idiom_begin(struct mutant *m)
{
	struct idiom d = {.m = m, .slot = (uint8_t)random_under(m, 5), .kin = 1};

	d.takes = (uint8_t)random_take(&d);
	d.size = any_size(&d);
	if (one_in(&d, 4))
		d.shape = (uint8_t)(MANY | (1 + random_under(m, 12)));
	else if (one_in(&d, 2))
		d.kin = (uint8_t)(1 + random_under(m, MOST_KIN));
	/* Mostly one thread, whichever it is there; also one that gives back what another took. */
	if (one_in(&d, 2))
		d.taker = random_thread(&d);
	d.giver = one_in(&d, 4) ? random_thread(&d) : d.taker;
	return d;
}

/*
 * Rounds among which growth can be seen: as many as little work allows for, of which every op of
 * the body has one in each round.
 */
static uint16_t little_rounds(struct idiom *d, uint64_t body)
{
	uint64_t rounds = BUDGET_LITTLE_WORK / (body ? body : 1);

	if (rounds > LEAST_ROUNDS)
		rounds -= random_under(d->m, (rounds - LEAST_ROUNDS) / 4 + 1);
	return wire_scaled_code(&wire_count_scale, rounds ? rounds : 1);
}

/* For inputs that may do more. */
static uint16_t many_rounds(struct idiom *d)
{
	return wire_scaled_code(&wire_count_scale, UINT64_C(128) << random_under(d->m, 4));
}

/* A loop without much in it: it has to be left as it was entered. */
static void add_churn(struct idiom *d)
{
	size_t begin = d->n;
	uint64_t body = 0;

	if (!one_in(d, 6))
		d->shape = 0;
	/* Few in a loop, so that there is work for its rounds. */
	d->kin = d->kin > 1 && one_in(d, 3) ? 2 : 1;
	d->looped = true;
	add(d, OP_REPEAT, 0);
	if (one_in(d, 8))
		add_failing(d);
	if (one_in(d, 2)) {
		add_take(d);
		add_touch(d);
		add_free(d);
		if (d->taker > OWN_THREAD && one_in(d, 2))
			add(d, OP_EXIT, d->taker);
		else if (one_in(d, 4))
			add_event(d);
	} else {
		add_life(d);
	}
	for (size_t i = begin + 1; i < d->n; i++)
		body += wire_shape(d->v[i].shape).count;
	put_code(d->v[begin].arg0, one_in(d, 6) ? many_rounds(d) : little_rounds(d, body));
	add(d, OP_END, 0);
}

/* The kernel refuses something within a life of blocks that it is likely to be asked for. */
static void add_refused_life(struct idiom *d)
{
	struct wire_record fault = random_record(d->m, WIRE_FAULT);

	if (!one_in(d, 3))
		d->size = large_size(d);
	/* Three of four times one that changes what is mapped. */
	fault.arg0[0] = (uint8_t)random_under(d->m, one_in(d, 4) ? KCALL_COUNT : KCALL_MREMAP + 1);
	fault.arg0[1] = 0; /* ENOMEM */
	fault.arg1[0] &= 3;
	fault.outcome = REFUSED;
	d->v[d->n++] = fault;
	add_life(d);
	if (one_in(d, 2)) {
		/* And what was left by that is met again. */
		add_take(d);
		add_touch(d);
		add_free(d);
	}
}

/* Two threads at the same sizes at the same time, each with slots of its own. */
static void add_side_by_side(struct idiom *d)
{
	d->shape = 0;
	d->kin = 1;
	add(d, OP_PARALLEL, 0);
	for (uint8_t lane = 0; lane < 2; lane++) {
		bool loop = !one_in(d, 3);

		d->slot = (uint8_t)((d->slot + 1) % 8);
		if (loop)
			put_code(add(d, OP_REPEAT, lane)->arg0, little_rounds(d, 8));
		d->taker = d->giver = loop ? 0 : lane;
		if (one_in(d, 6))
			add_fork(d);
		add_take(d);
		add_touch(d);
		if (!one_in(d, 4))
			add_free(d);
		if (one_in(d, 2))
			add_take(d);
		if (loop)
			add(d, OP_END, 0);
	}
	add(d, OP_END, 0);
	/* What one has left is another one's to give back. */
	d->slot = 0;
	d->shape = MANY | 6;
	add(d, OP_FREE, 0);
}

bool mutate_idiom(struct mutant *m, enum mutation kind)
{
	struct idiom d = idiom_begin(m);
	struct piece at;

	switch (kind) {
	case MUTATE_LIFE:
		add_life(&d);
		break;
	case MUTATE_CHURN:
		add_churn(&d);
		break;
	case MUTATE_REFUSED_LIFE:
		add_refused_life(&d);
		break;
	case MUTATE_SIDE_BY_SIDE:
		add_side_by_side(&d);
		break;
	default:
		return false;
	}
	at = (struct piece){.end = m->len};
	/* A loop has need of the most work. */
	if (!one_in(&d, kind == MUTATE_CHURN ? 2 : 8)) {
		at = ops_at(mutant_bytes(m), random_under(m, ops_count(mutant_bytes(m)) + 1));
		at.end = at.at;
	}
	return piece_replace(m, at, d.v, d.n * sizeof(d.v[0]));
}
