#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"
#include "harness/prog/wire.h"

static struct op ops_in[256], ops_out[256];
static uint8_t wire[65536];

/* The text through the wire, under limits. */
static struct program limited(const char *text, const struct wire_limits *limits)
{
	static struct prog_reader reader;
	struct program in = {.ops = ops_in, .max_ops = 256};
	struct program out = {.ops = ops_out, .max_ops = 256};
	struct prog_error err = {0};
	int fd = text_file(text, strlen(text));
	size_t len = 0;

	if (program_read(&reader, fd, &in, &err))
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
	close(fd);
	assert_int_equal(wire_encode(&in, wire, sizeof(wire), &len), 0);
	wire_decode((struct wire_bytes){.bytes = wire, .len = len}, limits, &out);
	return out;
}

static void assert_text(const struct program *p, const char *want)
{
	static char text[65536];

	assert_true(program_write(p, text, sizeof(text)) > 0);
	assert_string_equal(text, want);
}

#define LIMITED(limits, from, to)                                                                  \
	do {                                                                                       \
		struct program p_ = limited("allocrig 1\n" from, (limits));                        \
                                                                                                   \
		assert_text(&p_, "allocrig 1\n" to);                                               \
	} while (0)

static void work_is_elements_by_rounds(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.work = 100;
	LIMITED(&l, "free b[0:1000]\nfree b[0]\n", "free b[0:100]\n");
	LIMITED(&l, "free b[0:1000:7]\n", "free b[0:694:7]\n");
	LIMITED(&l, "repeat 9 {\nfree b[0:1000]\n}\nfree b[0]\n",
		"repeat 9 {\n  free b[0:11]\n}\n");
	LIMITED(&l, "repeat 0 {\nfree b[0:1000]\n}\nfree b[5:99]\n",
		"repeat 0 {\n  free b[0:1000]\n}\nfree b[5:99]\n");
}

/* What is touched counts by its size: the largest block of the program, or the range. */
static void touching_is_work(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.work = 700;
	LIMITED(&l, "touch b[0:200]\nmalloc b[0] 1M\n", "touch b[0:5]\nmalloc b[0] 1M\n");
	LIMITED(&l, "touch b[0:200]\nmemalign b[0] 512K 512K\n",
		"touch b[0:5]\nmemalign b[0] 512K 512K\n");
	LIMITED(&l, "touch b[0:9] 0 64K\nmalloc b[0] 1M\n", "touch b[0:9] 0 64K\nmalloc b[0] 1M\n");
}

static void what_maps_is_more_work(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.work = 100;
	l.mapping_work = 5;
	LIMITED(&l, "malloc b[0:30] 64K\nmalloc b[0:30] 128K\n",
		"malloc b[0:30] 64K\nmalloc b[0:14] 128K\n");
	LIMITED(&l, "repeat 4 {\nmunmap m[0:9]\n}\n", "repeat 4 {\n  munmap m[0:4]\n}\n");
}

static void rounds_are_multiplied(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.rounds = 100;
	LIMITED(&l, "repeat 7 {\nrepeat 50 {\nrepeat 2 {\n}\n}\n}\nrepeat 1000 {\n}\n",
		"repeat 7 {\n  repeat 14 {\n    repeat 1 {\n    }\n  }\n}\nrepeat 100 {\n}\n");
}

static void forks_count_by_rounds(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.forks = 5;
	LIMITED(&l,
		"repeat 3 {\nfork {\nfree b[0]\n}\n}\nrepeat 3 {\nfork {\nfree b[1]\n}\n}\n"
		"fork {\n}\n",
		"repeat 3 {\n  fork {\n    free b[0]\n  }\n}\nrepeat 3 {\n  free b[1]\n}\n"
		"fork {\n}\n");
}

static void sizes_are_clipped_where_they_could_be_had(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.size_bytes = 1 << 20;
	LIMITED(&l, "malloc b[0] 2M\nmalloc b[1] 9223372036854775807\ncalloc b[2] 4096 4096\n",
		"malloc b[0] 1M\nmalloc b[1] 9223372036854775807\ncalloc b[2] 256 4K\n");
	LIMITED(&l, "calloc b[0] 2 2M\nmemalign b[1] 4M 4M\nmmap m[0] 1G rw private,anon\n",
		"calloc b[0] 1 1M\nmemalign b[1] 4M 1M\nmmap m[0] 1M rw private,anon\n");
}

static void alignments_are_reserved_too(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.align_bytes = 1000000;
	LIMITED(&l, "aligned_alloc b[0] 32G 8\nmemalign b[0] 512K 8\n",
		"aligned_alloc b[0] 512K 8\nmemalign b[0] 512K 8\n");
	LIMITED(&l, "aligned_alloc b[0] 128T 8\naligned_alloc b[0] 3 8\n",
		"aligned_alloc b[0] 128T 8\naligned_alloc b[0] 3 8\n");
	l.live_bytes = 2000000;
	LIMITED(&l, "memalign b[0:9] 512K 8\n", "memalign b[0:3] 512K 8\n");
}

static void refusals_are_what_a_kernel_says(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.real_errors = true;
	LIMITED(&l, "fault mmap EINVAL\nfault munmap EAGAIN\nfault madvise EINVAL\nmalloc b[0] 1\n",
		"fault mmap ENOMEM\nfault munmap ENOMEM\nfault madvise EINVAL\nmalloc b[0] 1\n");
	LIMITED(&l, "fault mmap EAGAIN\nfault brk EPERM\nfault mremap EIO\nmalloc b[0] 1\n",
		"fault mmap EAGAIN\nfault brk ENOMEM\nfault mremap ENOMEM\nmalloc b[0] 1\n");
}

static void live_bytes_are_bounded(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.live_bytes = 1 << 20;
	LIMITED(&l, "malloc b[0:100] 100K\nmalloc b[200:300] 6K\nfree b[0:100]\n",
		"malloc b[0:10] 100K\nmalloc b[200:204] 6K\nfree b[0:100]\n");
	l = wire_unlimited;
	l.resident_bytes = 1 << 20;
	LIMITED(&l, "malloc b[0:100] 100K\ntouch b[0:100]\ncalloc b[0] 1 50K\nfree b[0]\n",
		"malloc b[0:100] 100K\ntouch b[0:10]\nfree b[0]\n");
}

static void sleep_is_bounded(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.sleep_ns = 10000;
	LIMITED(&l, "repeat 2 {\nsleep 3us\nsleep 1s\n}\nsleep 1ns\n",
		"repeat 2 {\n  sleep 3us\n  sleep 2us\n}\n");
}

static void ops_leave_room_for_closes(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.ops = 4;
	LIMITED(&l, "repeat 1 {\nrepeat 1 {\nfree b[0]\nfree b[1]\n}\n}\nfree b[2]\n",
		"repeat 1 {\n  repeat 1 {\n  }\n}\n");
	LIMITED(&l, "repeat 1 {\nfree b[0]\nrepeat 1 {\nfree b[1]\n}\n}\nfree b[2]\n",
		"repeat 1 {\n  free b[0]\n  free b[1]\n}\n");
}

static void what_may_not_stand_is_left_out(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.no_judging = l.no_hazards = true;
	l.faults = l.needs = 1;
	l.ballast = 100;
	l.codes &= ~(UINT64_C(1) << OP_TRIM);
	LIMITED(&l,
		"ballast 101\nneeds root\nneeds shm\nfault mmap ENOMEM\nfault munmap ENOMEM\ntrim\n"
		"malloc b[0] 1 -> ENOMEM\nexpect maps == 0\nmadvise m[0] hwpoison\n",
		"ballast 100\nfault mmap ENOMEM\nneeds root\nmalloc b[0] 1\n");
}

static void threads_are_folded(void **state)
{
	struct wire_limits l = wire_unlimited;

	(void)state;
	l.threads = 2;
	LIMITED(&l, "@7 free b[0]\n@255 free b[1]\n@2 exit\n@3 exit\n",
		"@1 free b[0]\n@1 free b[1]\n@1 exit\n");
}

static void fuzzed_programs_reach_the_map_limit(void **state)
{
	(void)state;
	LIMITED(&wire_fuzz_limits, "malloc b[0:65530] 128K\nfree b[0:65530:2]\n",
		"malloc b[0:65530] 128K\nfree b[0:65530:2]\n");
	LIMITED(&wire_fuzz_limits, "mmap m[0:131072] 4K rw private,anon\n",
		"mmap m[0:131072] 4K rw private,anon\n");
	LIMITED(&wire_fuzz_limits, "repeat 70000 {\nmalloc b[0] 4K\nfree b[0]\n}\n",
		"repeat 70000 {\n  malloc b[0] 4K\n  free b[0]\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_elements_by_rounds),
		cmocka_unit_test(touching_is_work),
		cmocka_unit_test(what_maps_is_more_work),
		cmocka_unit_test(rounds_are_multiplied),
		cmocka_unit_test(forks_count_by_rounds),
		cmocka_unit_test(sizes_are_clipped_where_they_could_be_had),
		cmocka_unit_test(alignments_are_reserved_too),
		cmocka_unit_test(refusals_are_what_a_kernel_says),
		cmocka_unit_test(live_bytes_are_bounded),
		cmocka_unit_test(sleep_is_bounded),
		cmocka_unit_test(ops_leave_room_for_closes),
		cmocka_unit_test(what_may_not_stand_is_left_out),
		cmocka_unit_test(threads_are_folded),
		cmocka_unit_test(fuzzed_programs_reach_the_map_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
