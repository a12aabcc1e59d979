#include "harness/prog/program_testing.h"

#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/prog/names.h"
#include "harness/prog/parse.h"

uint64_t random_u64(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t random_below(struct random *r, uint64_t n)
{
	return random_u64(r) % n;
}

static bool coin(struct random *r)
{
	return random_below(r, 2);
}

int text_file(const char *bytes, size_t len)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n <= 0)
			abort();
		bytes += n;
		len -= (size_t)n;
	}
	return fd;
}

/* Small ones, round ones, and the largest ones. */
static uint64_t random_size(struct random *r)
{
	switch (random_below(r, 4)) {
	case 0:
		return random_below(r, 4096);
	case 1:
		return random_below(r, 1024) << (10 * random_below(r, 6));
	case 2:
		return UINT64_MAX - random_below(r, 3);
	default:
		return random_u64(r) >> random_below(r, 64);
	}
}

static struct slice random_slice(struct random *r)
{
	struct slice s = {.step = 1};

	if (coin(r)) {
		s.start = (uint32_t)random_below(r, PROG_MAX_SLOTS);
		s.stop = s.start + 1;
		s.single = 1;
		return s;
	}
	s.start = (uint32_t)random_below(r, PROG_MAX_SLOTS + 1);
	s.stop = (uint32_t)random_below(r, PROG_MAX_SLOTS + 1);
	if (coin(r))
		s.step += (uint32_t)random_below(r, PROG_MAX_SLOTS);
	return s;
}

/* How an access ends: no errno, a signal. */
static void random_access(struct random *r, struct outcomes *o)
{
	if (coin(r))
		return;
	o->present = 1;
	o->ok = coin(r);
	if (!o->ok || coin(r))
		o->err[o->nerr++] = coin(r) ? OUTCOME_SIGBUS : OUTCOME_SIGSEGV;
	if (o->nerr && coin(r))
		o->err[o->nerr++] = OUTCOME_SIGBUS + OUTCOME_SIGSEGV - o->err[0];
}

static void random_outcomes(struct random *r, struct outcomes *o)
{
	if (coin(r))
		return;
	o->present = 1;
	o->ok = coin(r);
	uint64_t n = random_below(r, PROG_MAX_OUTCOMES + 1);

	while (o->nerr < n || (!o->ok && o->nerr == 0)) {
		int err = (int)random_below(r, PROG_MAX_ERRNO + 1);

		if (errno_name(err) && !memchr(o->err, err, o->nerr))
			o->err[o->nerr++] = (uint8_t)err;
	}
}

/* A random entry of one of the flag tables. */
static int random_flag(struct random *r, const char *(*at)(size_t, int *))
{
	size_t n = 0;
	int flag = 0;

	while (at(n, &flag))
		n++;
	at(random_below(r, n), &flag);
	return flag;
}

static void random_target(struct random *r, struct op_map *map)
{
	map->has_target = 1;
	map->target = (uint32_t)random_below(r, PROG_MAX_SLOTS);
	if (coin(r))
		map->target_off = random_size(r);
}

static void random_map_flags(struct random *r, struct op_map *map)
{
	const int managed = MAP_ANONYMOUS | MAP_FIXED | 0x100000;
	const unsigned sizes = 0x3fu << 26;

	for (uint64_t n = random_below(r, 6); n; n--) {
		int flag = random_flag(r, map_flag_at);

		if (!((unsigned)map->flags & sizes) || !((unsigned)flag & sizes))
			map->flags |= flag & ~managed;
	}
	map->source = (uint32_t)random_below(r, SOURCE_SLOT + 1);
	if (map->source == SOURCE_ANON)
		map->flags |= MAP_ANONYMOUS;
	if (map->source == SOURCE_SLOT)
		map->of = (uint32_t)random_below(r, PROG_MAX_SLOTS);
	if (coin(r))
		map->offset = random_size(r);
	if (random_below(r, 4) == 0) {
		random_target(r, map); /* hint= */
	} else if (coin(r)) {
		map->flags |= coin(r) ? MAP_FIXED : 0x100000;
		random_target(r, map);
	}
}

static void random_mremap_flags(struct random *r, struct op_map *map)
{
	map->flags = (int)random_below(r, 8);
	if (map->flags & MREMAP_FIXED)
		random_target(r, map);
	map->has_to = coin(r);
	if (map->has_to)
		map->to = (uint32_t)random_below(r, PROG_MAX_SLOTS);
}

static int random_prot(struct random *r)
{
	static const char *const words[] = {"none", "r", "rw", "rx", "rwx"};
	const char *word = words[random_below(r, 5)];
	int prot = -1;

	if (prot_by_name(word, strlen(word), &prot))
		abort();
	return prot;
}

static int random_advice(struct random *r)
{
	int advice;

	do
		advice = (int)random_below(r, 128);
	while (!advice_name(advice));
	return advice;
}

static void random_range(struct random *r, struct op *op)
{
	if (coin(r))
		return;
	op->has_range = 1;
	op->range_off = random_size(r);
	op->range_len = random_size(r);
}

static void random_fact(struct random *r, struct op_fact *fact)
{
	fact->fact = (uint32_t)random_below(r, FACT_COUNT);
	fact->relation = (uint32_t)random_below(r, REL_GE + 1);
	fact->value = coin(r) ? (int64_t)random_below(r, 4) : (int64_t)random_size(r);
}

static void random_expect(struct random *r, struct op_expect *e)
{
	e->metric = (uint32_t)random_below(r, METRIC_COUNT);
	if (e->metric >= METRIC_CALL_MADE)
		e->call = (uint32_t)random_below(r, KCALL_COUNT);
	e->relation = (uint32_t)random_below(r, REL_GE + 1);
	e->value = (int64_t)random_size(r);
	if (random_below(r, 8) == 0)
		e->value = coin(r) ? INT64_MIN : INT64_MAX;
}

static void random_name(struct random *r, char *name)
{
	uint64_t len = 1 + random_below(r, PROG_NAME_MAX);

	for (uint64_t i = 0; i < len; i++)
		do
			name[i] = (char)('!' + random_below(r, '~' - '!' + 1));
		while (name[i] == '#');
}

static void random_mapping_op(struct random *r, struct op *op)
{
	switch (op->code) {
	case OP_MMAP:
		op->arg0 = random_size(r);
		op->map.prot = random_prot(r);
		random_map_flags(r, &op->map);
		break;
	case OP_MREMAP:
		op->arg0 = random_size(r);
		random_mremap_flags(r, &op->map);
		random_range(r, op);
		break;
	case OP_MSYNC:
		op->map.flags = (int)random_below(r, 8);
		random_range(r, op);
		break;
	case OP_TRUNCATE:
	case OP_ADD:
		op->arg0 = random_size(r);
		if (op->code == OP_ADD)
			random_range(r, op);
		break;
	case OP_MPROTECT:
		op->map.prot = random_prot(r);
		random_range(r, op);
		break;
	case OP_MADVISE:
		op->map.advice = random_advice(r);
		random_range(r, op);
		break;
	default:
		random_range(r, op);
	}
}

static void random_block_op(struct random *r, struct op *op)
{
	if (op->code < OP_FREE)
		op->arg0 = random_size(r);
	if (op->code == OP_CALLOC || (op->code >= OP_REALLOCARRAY && op->code <= OP_MEMALIGN))
		op->arg1 = random_size(r);
}

struct op random_op(struct random *r, unsigned code)
{
	struct op op = {.code = (uint8_t)code};

	if (op_is_block_call(code))
		op.space = SPACE_BLOCK;
	else if (code >= OP_MMAP && code <= OP_ADD)
		op.space = SPACE_MAP;
	else if (code == OP_TOUCH)
		op.space = coin(r) ? SPACE_BLOCK : SPACE_MAP;
	if (op.space != SPACE_NONE)
		op.slice = random_slice(r);
	if (code == OP_CHECK || code == OP_ADD || (code == OP_TOUCH && op.space == SPACE_MAP))
		random_access(r, &op.outcomes);
	else if (op.space != SPACE_NONE && code != OP_TOUCH)
		random_outcomes(r, &op.outcomes);
	if (op_is_block_call(code))
		random_block_op(r, &op);
	else if (code >= OP_MMAP && code <= OP_ADD)
		random_mapping_op(r, &op);
	else if (code == OP_TOUCH)
		random_range(r, &op);
	else if (code == OP_REPEAT)
		op.arg0 = coin(r) ? random_below(r, 4) : random_u64(r);
	else if (code == OP_WHEN)
		random_fact(r, &op.fact);
	else if (code == OP_SLEEP)
		op.arg0 = random_size(r);
	else if (code == OP_CHECKPOINT)
		random_name(r, op.name);
	else if (code == OP_EXPECT)
		random_expect(r, &op.expect);
	return op;
}

struct open_block {
	uint8_t code, thread, in_fork, in_parallel;
	uint32_t stmt;
};

static bool fits(const struct open_block *in, uint32_t depth, unsigned code)
{
	if (code == OP_END)
		return depth > 0;
	if (op_opens_block(code) && depth == PROG_MAX_DEPTH)
		return false;
	if (code == OP_PARALLEL)
		return !in->in_parallel && !in->in_fork;
	if (code == OP_EXIT)
		return !in->in_fork;
	return !in->in_parallel || (code != OP_CHECKPOINT && code != OP_EXPECT);
}

static uint8_t random_thread(struct random *r, const struct open_block *in)
{
	if (in->in_fork || (in->in_parallel && in->code != OP_PARALLEL) || coin(r))
		return in->thread;
	return (uint8_t)random_below(r, PROG_MAX_THREADS);
}

size_t random_program(struct random *r, struct op *ops, size_t max)
{
	struct open_block open[PROG_MAX_DEPTH + 1] = {0};
	uint32_t depth = 0, stmt = 0;
	size_t n = 0;

	while (n + depth < max) {
		struct open_block *in = &open[depth];
		bool must_close = n + depth + 2 > max && depth;
		unsigned code = must_close ? OP_END : (unsigned)random_below(r, OP_CODES);

		if (!fits(in, depth, code) || (op_opens_block(code) && n + depth + 2 > max))
			continue;
		uint8_t thread = code == OP_END ? in->thread : random_thread(r, in);

		if (code == OP_EXIT && thread == 0)
			continue;
		struct op *op = &ops[n++];

		*op = random_op(r, code);
		op->thread = thread;
		op->stmt = code == OP_END ? in->stmt : stmt++;
		if (code == OP_END)
			depth--;
		if (!op_opens_block(code))
			continue;
		open[++depth] = (struct open_block){
			.code = op->code,
			.thread = op->thread,
			.in_fork = in->in_fork | (code == OP_FORK),
			.in_parallel = in->in_parallel | (code == OP_PARALLEL),
			.stmt = op->stmt,
		};
	}
	while (depth) {
		ops[n++] = (struct op){
			.code = OP_END, .thread = open[depth].thread, .stmt = open[depth].stmt};
		depth--;
	}
	return n;
}

size_t program_print(const struct op *ops, size_t n, char *buf, size_t size)
{
	unsigned thread[PROG_MAX_DEPTH + 1] = {0};
	struct prog_header header = {0};
	uint32_t depth = 0;
	int len = prog_header_print(&header, buf, size);

	if (len < 0)
		abort();
	size_t used = (size_t)len;

	for (size_t i = 0; i < n; i++) {
		if (ops[i].code == OP_END)
			depth--;
		len = op_print(&ops[i], thread[depth], buf + used, size - used);
		if (len < 0 || used + (size_t)len + 1 >= size)
			abort();
		used += (size_t)len;
		buf[used++] = '\n';
		if (op_opens_block(ops[i].code))
			thread[++depth] = ops[i].thread;
	}
	return used;
}
