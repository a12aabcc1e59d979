#include "harness/prog/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/names.h"
#include "harness/prog/program_testing.h"
#include "harness/prog/wire_item.h"

#define OPS	96
#define RECORDS 64

static struct op ops_a[4096], ops_b[4096];
static uint8_t wire[4096 * WIRE_RECORD_BYTES * WIRE_OP_RECORDS + WIRE_RECORD_BYTES];
static char text[4096 * 300];

static struct program new_program(struct op *ops)
{
	return (struct program){.ops = ops, .max_ops = 4096};
}

static void assert_same(const struct program *a, const struct program *b)
{
	assert_memory_equal(&a->header, &b->header, sizeof(a->header));
	assert_int_equal(a->nops, b->nops);
	for (size_t i = 0; i < a->nops; i++)
		assert_memory_equal(&a->ops[i], &b->ops[i], sizeof(a->ops[i]));
}

static void decode(const uint8_t *bytes, size_t len, const struct wire_limits *limits,
		   struct program *p)
{
	wire_decode((struct wire_bytes){.bytes = bytes, .len = len}, limits, p);
}

static void random_header(struct random *r, struct prog_header *h)
{
	static const uint32_t errors[] = {12, 1, 133, 40};

	h->has_ballast = random_below(r, 2);
	if (h->has_ballast)
		h->ballast = random_u64(r) >> random_below(r, 64);
	h->nfaults = (uint32_t)random_below(r, PROG_MAX_FAULTS + 1);
	for (uint32_t i = 0; i < h->nfaults; i++) {
		uint64_t from = random_below(r, 2) ? random_below(r, OPS)
						   : random_u64(r) >> random_below(r, 64);

		h->faults[i] = (struct fault_plan){
			.call = (uint32_t)random_below(r, KCALL_COUNT),
			.err = errors[random_below(r, 4)],
			.nth = 1 + (random_u64(r) >> (1 + random_below(r, 63))),
			.count = random_u64(r) >> random_below(r, 64),
			.every = 1 + (random_u64(r) >> (1 + random_below(r, 63))),
			.from_stmt = random_below(r, 2) ? 0 : from,
			.to_stmt = random_below(r, 2) ? UINT64_MAX : from + random_below(r, 2),
		};
	}
	h->nneeds = (uint32_t)random_below(r, PROG_MAX_NEEDS + 1);
	for (uint32_t i = 0; i < h->nneeds; i++)
		h->needs[i] = random_op(r, OP_WHEN).fact;
}

/* Programs that use everything that the text can say. */
static void decoding_undoes_encoding(void **state)
{
	struct random r = {.state = 1};

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct program a = new_program(ops_a), b = new_program(ops_b);
		size_t len = 0;

		random_header(&r, &a.header);
		a.nops = random_program(&r, ops_a, OPS);
		assert_int_equal(wire_encode(&a, wire, sizeof(wire), &len), 0);
		assert_int_equal(len % WIRE_RECORD_BYTES, 0);
		decode(wire, len, &wire_unlimited, &b);
		assert_same(&a, &b);
	}
}

/* Some inputs are of plain noise, some of few different bytes, so that records are alike. */
static size_t random_wire(struct random *r)
{
	size_t len = random_below(r, RECORDS * WIRE_RECORD_BYTES + 1);
	uint64_t mask = random_below(r, 2) ? 255 : random_u64(r);

	for (size_t i = 0; i < len; i++)
		wire[i] = (uint8_t)(random_u64(r) & mask);
	return len;
}

static void parse(int fd, struct program *p)
{
	static struct prog_reader reader;
	struct prog_error err = {0};

	if (program_read(&reader, fd, p, &err))
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
	for (size_t i = 0; i < p->nops; i++)
		p->ops[i].line = 0;
}

/* wire -> ops -> text -> ops -> wire -> ops. Returns how many ops there are in ops_a. */
static size_t check_every_way(size_t len, const struct wire_limits *limits)
{
	struct program a = new_program(ops_a), b = new_program(ops_b);

	decode(wire, len, limits, &a);
	int chars = program_write(&a, text, sizeof(text));

	assert_true(chars > 0);
	int fd = text_file(text, (size_t)chars);

	parse(fd, &b);
	close(fd);
	assert_same(&a, &b);
	assert_int_equal(wire_encode(&b, wire, sizeof(wire), &len), 0);
	struct program c = new_program(ops_b);

	decode(wire, len, limits, &c);
	assert_same(&a, &c);
	return a.nops;
}

static void every_byte_string_is_a_program(void **state)
{
	struct wire_limits tight = wire_fuzz_limits;
	struct random r = {.state = 2};
	size_t seen[OP_CODES] = {0};

	(void)state;
	tight.ops = 20;
	tight.work = 1000;
	tight.depth = 2;
	tight.threads = 2;
	tight.live_bytes = tight.resident_bytes = 1 << 20;
	for (int round = 0; round < 2400; round++) {
		const struct wire_limits *limits[] = {&wire_unlimited, &wire_fuzz_limits, &tight};
		size_t len = random_wire(&r);

		size_t nops = check_every_way(len, limits[round % 3]);

		for (size_t i = 0; i < nops && round % 3 == 0; i++)
			seen[ops_a[i].code]++;
	}
	for (unsigned code = 0; code < OP_CODES; code++)
		if (seen[code] < 20)
			fail_msg("%s came %zu times", op_name(code), seen[code]);
}

/* What the op at `at` is in `a` is gone in `b`, and all others are as they were. */
static void assert_one_less(const struct program *a, size_t at, const struct program *b)
{
	assert_int_equal(b->nops, a->nops - 1);
	for (size_t i = 0; i < b->nops; i++) {
		struct op want = a->ops[i < at ? i : i + 1];

		want.stmt -= want.stmt > a->ops[at].stmt;
		assert_memory_equal(&b->ops[i], &want, sizeof(want));
	}
}

static void deleting_a_record_deletes_one_op(void **state)
{
	static uint8_t less[sizeof(wire)];
	struct random r = {.state = 3};
	int extended = 0;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct program a = new_program(ops_a);
		size_t len = 0, op = 0;

		a.nops = random_program(&r, ops_a, OPS);
		assert_int_equal(wire_encode(&a, wire, sizeof(wire), &len), 0);
		for (size_t at = 0; at < len; at += WIRE_RECORD_BYTES) {
			struct program b = new_program(ops_b);

			if (wire_kind_of(wire[at]) == WIRE_EXTENSION)
				continue;
			unsigned code = ops_a[op++].code;

			if (op_opens_block(code) || code == OP_END)
				continue;
			memcpy(less, wire, at);
			memcpy(less + at, wire + at + WIRE_RECORD_BYTES,
			       len - at - WIRE_RECORD_BYTES);
			decode(less, len - WIRE_RECORD_BYTES, &wire_unlimited, &b);
			assert_one_less(&a, op - 1, &b);
			extended += wire_kind_of(less[at]) == WIRE_EXTENSION;
		}
		assert_int_equal(op, a.nops);
	}
	assert_true(extended > 100);
}

/* One record of a kind, all else zero. */
static size_t put(size_t at, unsigned kind)
{
	struct wire_record r = {.kind = wire_kind_code(kind)};

	memcpy(wire + at, &r, sizeof(r));
	return at + sizeof(r);
}

static void assert_codes(const struct program *p, const uint8_t *codes, size_t n)
{
	assert_int_equal(p->nops, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->ops[i].code, codes[i]);
}

#define ASSERT_CODES(p, ...)                                                                       \
	assert_codes((p), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void blocks_are_balanced(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	len = put(len, OP_END);
	len = put(len, OP_REPEAT);
	len = put(len, OP_FREE);
	len = put(len, OP_FORK);
	len = put(len, OP_TRIM);
	decode(wire, len, &wire_unlimited, &p);
	ASSERT_CODES(&p, OP_REPEAT, OP_FREE, OP_FORK, OP_TRIM, OP_END, OP_END);
	assert_int_equal(p.ops[4].stmt, 2);
	assert_int_equal(p.ops[5].stmt, 0);
}

/* Its own close goes with it, and no other. */
static void a_block_that_may_not_stand_leaves_its_body(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	len = put(len, OP_FORK);
	len = put(len, OP_PARALLEL);
	len = put(len, OP_FREE);
	len = put(len, OP_END);
	len = put(len, OP_TRIM);
	len = put(len, OP_END);
	len = put(len, OP_USABLE);
	decode(wire, len, &wire_unlimited, &p);
	ASSERT_CODES(&p, OP_FORK, OP_FREE, OP_TRIM, OP_END, OP_USABLE);
}

static void blocks_beyond_all_depth_close_as_they_open(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 300; i++)
		len = put(len, OP_REPEAT);
	for (int i = 0; i < 299; i++)
		len = put(len, OP_END);
	len = put(len, OP_FREE);
	decode(wire, len, &wire_unlimited, &p);
	assert_int_equal(p.nops, 2 * PROG_MAX_DEPTH + 1);
	assert_int_equal(p.ops[2 * PROG_MAX_DEPTH - 1].code, OP_FREE);
}

static void threads_are_where_they_may_be(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	len = put(len, OP_EXIT);
	len = put(len, OP_FORK);
	len = put(len, OP_FREE);
	wire[len - WIRE_RECORD_BYTES + offsetof(struct wire_record, thread)] = 128 + 3;
	len = put(len, OP_EXIT);
	len = put(len, OP_END);
	len = put(len, OP_PARALLEL);
	len = put(len, OP_FREE);
	wire[len - WIRE_RECORD_BYTES + offsetof(struct wire_record, thread)] = 5;
	decode(wire, len, &wire_fuzz_limits, &p);
	ASSERT_CODES(&p, OP_EXIT, OP_FORK, OP_FREE, OP_END, OP_PARALLEL, OP_FREE, OP_END);
	assert_int_equal(p.ops[0].thread, 1); /* not thread 0 */
	assert_int_equal(p.ops[2].thread, 0); /* the fork's own */
	assert_int_equal(p.ops[5].thread, 1); /* 5 of 4 threads */
}

static void touching_touches_each_allocation(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	len = put(len, OP_MALLOC);
	len = put(len, OP_FREE);
	len = put(len, OP_MMAP);
	len = put(len, WIRE_TOUCHING);
	decode(wire, len, &wire_unlimited, &p);
	ASSERT_CODES(&p, OP_MALLOC, OP_TOUCH, OP_FREE, OP_MMAP, OP_TOUCH);
	assert_int_equal(p.ops[1].space, SPACE_BLOCK);
	assert_int_equal(p.ops[4].space, SPACE_MAP);
	assert_int_equal(p.ops[4].stmt, 4);
}

static void headers_may_stand_anywhere(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = 0;

	(void)state;
	len = put(len, OP_MALLOC);
	len = put(len, WIRE_BALLAST);
	len = put(len, OP_FREE);
	len = put(len, WIRE_FAULT);
	wire[len - WIRE_RECORD_BYTES + offsetof(struct wire_record, outcome)] = 255;
	wire[len - WIRE_RECORD_BYTES + offsetof(struct wire_record, protection)] = 7;
	len = put(len, WIRE_BALLAST);
	wire[len - WIRE_RECORD_BYTES + offsetof(struct wire_record, arg0) + 1] = 64;
	for (int i = 0; i < PROG_MAX_FAULTS + 3; i++)
		len = put(len, WIRE_FAULT);
	decode(wire, len, &wire_unlimited, &p);
	ASSERT_CODES(&p, OP_MALLOC, OP_FREE);
	assert_int_equal(p.header.has_ballast, 1);
	assert_int_equal(p.header.ballast, 1);
	assert_int_equal(p.header.nfaults, PROG_MAX_FAULTS);
	/* From the statement where it stands on, for seven more. */
	assert_int_equal(p.header.faults[0].from_stmt, 2);
	assert_int_equal(p.header.faults[0].to_stmt, 9);
	assert_int_equal(p.header.faults[1].from_stmt, 0);
}

/* A refusal that begins with an op keeps to it when ops before it go. */
static void refusals_stay_with_their_ops(void **state)
{
	static const char program[] = "allocrig 1\n"
				      "fault mmap ENOMEM\n"
				      "fault munmap ENOMEM count=0 from=2 to=300\n"
				      "malloc b[0] 1\n"
				      "malloc b[1] 1\n"
				      "free b[0]\n";
	struct program p = new_program(ops_a);
	int fd = text_file(program, sizeof(program) - 1);
	size_t len = 0;

	(void)state;
	parse(fd, &p);
	close(fd);
	assert_int_equal(wire_encode(&p, wire, sizeof(wire), &len), 0);
	/* The first record is the first refusal, the second the first op. */
	memmove(wire + WIRE_RECORD_BYTES, wire + 2 * WIRE_RECORD_BYTES, len);
	decode(wire, len - WIRE_RECORD_BYTES, &wire_unlimited, &p);
	assert_int_equal(p.nops, 2);
	assert_int_equal(p.header.nfaults, 2);
	assert_int_equal(p.header.faults[0].to_stmt, UINT64_MAX);
	assert_int_equal(p.header.faults[1].from_stmt, 1);
	assert_int_equal(p.header.faults[1].to_stmt, 299);
}

static void extensions_of_other_ops_are_ignored(void **state)
{
	struct program p = new_program(ops_a);
	struct wire_record r = {.kind = wire_kind_code(WIRE_EXTENSION), .thread = 6, .tag = 9};
	size_t len = put(0, OP_MALLOC);

	(void)state;
	wire[offsetof(struct wire_record, tag)] = 9;
	r.arg0[0] = 77;
	memcpy(wire + len, &r, sizeof(r)); /* taken: `slot` is 0, OP_MALLOC */
	decode(wire, len + sizeof(r), &wire_unlimited, &p);
	assert_int_equal(p.ops[0].arg0, 77);
	wire[offsetof(struct wire_record, tag)] = 8;
	decode(wire, len + sizeof(r), &wire_unlimited, &p);
	assert_int_equal(p.ops[0].arg0, 1);
	wire[offsetof(struct wire_record, tag)] = 9;
	wire[0] = wire_kind_code(OP_VALLOC);
	decode(wire, len + sizeof(r), &wire_unlimited, &p);
	assert_int_equal(p.ops[0].arg0, 1);
}

/* Whatever an extension says, what comes out has a text. */
static void extensions_say_nothing_illegal(void **state)
{
	struct random r = {.state = 5};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned code = (unsigned)random_below(&r, OP_CODES);
		size_t len = put(0, code);

		wire[offsetof(struct wire_record, tag)] = 1;
		wire[offsetof(struct wire_record, arg1)] = (uint8_t)random_u64(&r);
		wire[offsetof(struct wire_record, arg1) + 1] = (uint8_t)random_u64(&r);
		for (unsigned field = 0; field < WIRE_FIELDS; field++) {
			struct wire_record e = {.kind = wire_kind_code(WIRE_EXTENSION),
						.thread = (uint8_t)field,
						.slot = (uint8_t)code,
						.tag = 1};
			uint64_t value = random_u64(&r) >> random_below(&r, 64);

			memcpy((uint8_t *)&e + offsetof(struct wire_record, arg0), &value, 8);
			memcpy(wire + len, &e, sizeof(e));
			len += random_below(&r, 2) * sizeof(e);
		}
		check_every_way(len, &wire_unlimited);
	}
}

/* Their bits overlap: together they are a third number, or none. */
static void two_huge_page_sizes_become_one(void **state)
{
	struct program p = new_program(ops_a);
	struct wire_record e = {
		.kind = wire_kind_code(WIRE_EXTENSION), .thread = 10, .slot = OP_MMAP, .tag = 1};
	uint64_t flags = (UINT64_C(34) | 16) << 26 | MAP_PRIVATE; /* huge_16gb, huge_64kb */
	size_t len = put(0, OP_MMAP);

	(void)state;
	wire[offsetof(struct wire_record, tag)] = 1;
	memcpy((uint8_t *)&e + offsetof(struct wire_record, arg0), &flags, sizeof(flags));
	memcpy(wire + len, &e, sizeof(e));
	decode(wire, len + sizeof(e), &wire_unlimited, &p);
	assert_int_equal((unsigned)p.ops[0].map.flags, 34u << 26 | MAP_PRIVATE | MAP_ANONYMOUS);
	assert_true(program_write(&p, text, sizeof(text)) > 0);
}

static void short_input_is_the_empty_program(void **state)
{
	struct program p = new_program(ops_a);
	size_t len = put(0, OP_MALLOC);

	(void)state;
	decode(NULL, 0, &wire_unlimited, &p);
	assert_int_equal(p.nops, 0);
	decode(wire, len - 1, &wire_unlimited, &p);
	assert_int_equal(p.nops, 0);
	decode(wire, len + 15, &wire_unlimited, &p);
	assert_int_equal(p.nops, 1);
}

static void encoding_says_what_it_cannot(void **state)
{
	struct random r = {.state = 4};
	struct program a = new_program(ops_a);
	size_t len = 0, other = 99;

	(void)state;
	a.nops = random_program(&r, ops_a, OPS);
	assert_int_equal(wire_encode(&a, wire, sizeof(wire), &len), 0);
	assert_int_equal(wire_encode(&a, wire, len, &other), 0);
	assert_int_equal(other, len);
	other = 99;
	assert_int_equal(wire_encode(&a, wire, len - 1, &other), -ENOSPC);
	assert_int_equal(other, 99);
	ops_a[0] = (struct op){.code = OP_MALLOC, .space = SPACE_BLOCK};
	ops_a[0].slice.step = 0; /* no text has this step */
	assert_int_equal(wire_encode(&a, wire, sizeof(wire), &other), -EINVAL);
	ops_a[0].code = OP_CODES;
	assert_int_equal(wire_encode(&a, wire, sizeof(wire), &other), -EINVAL);
	assert_int_equal(other, 99);
}

/* What seeds and reproducers use most takes one record. */
static void common_ops_take_one_record(void **state)
{
	static const char program[] = "allocrig 1\n"
				      "malloc b[0] 24\n"
				      "malloc b[1:65531] 128K\n"
				      "free b[1:65531:2]\n"
				      "mmap m[0:65530] 1p rw private,anon\n"
				      "munmap m[3] 4p 1p -> ok|ENOMEM\n"
				      "mmap m[7] 2M none private,anon,fixed=m[3]+4p\n"
				      "calloc b[5] 100 8\n"
				      "posix_memalign b[2] 64 1000\n"
				      "madvise m[1] dontneed 0 1p\n"
				      "repeat 1000 {\n"
				      "touch b[0:10]\n"
				      "}\n";
	struct program p = new_program(ops_a);
	int fd = text_file(program, sizeof(program) - 1);
	size_t len = 0;

	(void)state;
	parse(fd, &p);
	close(fd);
	for (size_t i = 0; i < p.nops; i++) {
		struct program one = {.ops = &ops_a[i], .nops = 1};

		assert_int_equal(wire_encode(&one, wire, sizeof(wire), &len), 0);
		if (i == 2) /* 65,530 slots are a code with step 1 alone */
			continue;
		if (len != WIRE_RECORD_BYTES)
			fail_msg("op %zu takes %zu bytes", i, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_undoes_encoding),
		cmocka_unit_test(every_byte_string_is_a_program),
		cmocka_unit_test(deleting_a_record_deletes_one_op),
		cmocka_unit_test(blocks_are_balanced),
		cmocka_unit_test(a_block_that_may_not_stand_leaves_its_body),
		cmocka_unit_test(blocks_beyond_all_depth_close_as_they_open),
		cmocka_unit_test(threads_are_where_they_may_be),
		cmocka_unit_test(touching_touches_each_allocation),
		cmocka_unit_test(headers_may_stand_anywhere),
		cmocka_unit_test(refusals_stay_with_their_ops),
		cmocka_unit_test(extensions_of_other_ops_are_ignored),
		cmocka_unit_test(extensions_say_nothing_illegal),
		cmocka_unit_test(two_huge_page_sizes_become_one),
		cmocka_unit_test(short_input_is_the_empty_program),
		cmocka_unit_test(encoding_says_what_it_cannot),
		cmocka_unit_test(common_ops_take_one_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
