#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/oracle/finding.h"
#include "harness/prog/op.h"

static void kinds_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FINDING_KINDS; i++) {
		assert_non_null(finding_kind_name(i));
		assert_int_equal(finding_kind_by_name(finding_kind_name(i)), i);
	}
	assert_null(finding_kind_name(FINDING_KINDS));
	assert_int_equal(finding_kind_by_name("overla"), -ENOENT);
	assert_string_equal(finding_kind_name(FINDING_NULL_WITHOUT_CAUSE), "null-without-cause");
}

static void rules_have_names_of_their_own(void **state)
{
	(void)state;
	assert_null(finding_rule_name(RULE_NONE));
	assert_null(finding_rule_name(RULES));
	for (unsigned i = RULE_NONE + 1; i < RULES; i++) {
		assert_non_null(finding_rule_name(i));
		for (unsigned j = RULE_NONE + 1; j < i; j++)
			assert_string_not_equal(finding_rule_name(i), finding_rule_name(j));
	}
	assert_string_equal(finding_rule_name(RULE_ALIGN_PAGE), "align-page");
}

static void what_is_off_is_not_kept(void **state)
{
	struct finding_sink sink = {.without = FINDING_BIT(FINDING_OVERLAP)};
	struct finding f = {.kind = FINDING_OVERLAP, .rule = RULE_OVERLAP_BLOCK, .stmt = 3};

	(void)state;
	finding_add(&sink, &f);
	assert_int_equal(sink.n, 0);
	assert_int_equal(sink.dropped, 0);
	assert_int_equal(sink.cut.rule, RULE_NONE);
	f.kind = FINDING_SHORT_USABLE;
	f.rule = RULE_USABLE_OVERLAP;
	finding_add(&sink, &f);
	assert_int_equal(sink.n, 1);
}

/* Whatever is off: behind the end of a process nothing was judged. */
static void the_first_end_that_is_off_stays(void **state)
{
	static const struct finding ends[] = {
		{.kind = FINDING_FORK_BROKEN, .rule = RULE_FORK_STUCK, .stmt = 2},
		{.kind = FINDING_CRASH, .rule = RULE_SIGNAL, .stmt = 3},
		{.kind = FINDING_HANG, .rule = RULE_STUCK, .stmt = 4},
		{.kind = FINDING_CORRUPTED, .rule = RULE_HARNESS_WRITTEN, .stmt = -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct finding_sink sink = {.without = UINT32_MAX};

		finding_add(&sink, &ends[i]);
		finding_add(&sink, &ends[0]);
		assert_int_equal(sink.n, 0);
		assert_int_equal(sink.cut.rule, ends[i].rule);
		assert_int_equal(sink.cut.stmt, ends[i].stmt);
	}
}

static void the_same_finding_only_counts(void **state)
{
	struct finding_sink sink = {0};
	struct finding f = {.kind = FINDING_OVERLAP, .rule = RULE_OVERLAP_BLOCK, .stmt = 3};

	(void)state;
	for (int i = 0; i < 5; i++) {
		f.slot = i;
		finding_add(&sink, &f);
	}
	assert_int_equal(sink.n, 1);
	assert_int_equal(sink.v[0].count, 5);
	assert_int_equal(sink.v[0].slot, 0);
	f.count = 7;
	finding_add(&sink, &f);
	assert_int_equal(sink.v[0].count, 12);
	f.rule = RULE_OVERLAP_MAPPING;
	finding_add(&sink, &f);
	f.stmt = 4;
	finding_add(&sink, &f);
	assert_int_equal(sink.n, 3);
	assert_int_equal(sink.v[2].count, 7);
}

static void what_is_seen_again_is_said_and_not_counted(void **state)
{
	struct finding_sink sink = {0};
	struct finding f = {.kind = FINDING_NULL_WITHOUT_CAUSE, .rule = RULE_NULL_NO_CAUSE};
	char text[512];

	(void)state;
	f.stmt = 3;
	finding_add(&sink, &f);
	sink.again = 1;
	finding_add(&sink, &f);
	f.stmt = 4;
	finding_add(&sink, &f);
	finding_add(&sink, &f);
	assert_int_equal(sink.n, 2);
	assert_int_equal(sink.v[0].count, 1);
	assert_int_equal(sink.v[0].again, 0);
	assert_int_equal(sink.v[1].count, 2);
	assert_int_equal(sink.v[1].again, 1);
	assert_true(finding_message(&sink.v[0], text, sizeof(text)) > 0);
	assert_null(strstr(text, "once more"));
	assert_true(finding_message(&sink.v[1], text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "the program was over and its calls were made once more"));
}

/* What a realloc could not unmap is another finding than what it could not shrink. */
static void of_the_lost_each_system_call_stands_alone(void **state)
{
	struct finding_sink sink = {0};
	struct finding f = {.kind = FINDING_LOST_MAPPING, .rule = RULE_LOST_MAPPING};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		f.n[0] = (i % 2 ? SYS_munmap : SYS_mremap) | (uint64_t)i << 32;
		finding_add(&sink, &f);
	}
	assert_int_equal(sink.n, 2);
	assert_int_equal(sink.v[0].count, 3);
}

static void a_full_sink_counts_what_it_drops(void **state)
{
	struct finding_sink sink = {0};
	struct finding f = {.kind = FINDING_OVERLAP, .rule = RULE_OVERLAP_BLOCK};

	(void)state;
	for (int i = 0; i < FINDING_MAX + 10; i++) {
		f.stmt = i;
		finding_add(&sink, &f);
	}
	f.stmt = 0;
	finding_add(&sink, &f);
	assert_int_equal(sink.n, FINDING_MAX);
	assert_int_equal(sink.dropped, 10);
	assert_int_equal(sink.v[0].count, 2);
}

/* Every rule, with numbers as long as they get, has a sentence within 512 bytes. */
static void every_rule_has_a_sentence(void **state)
{
	char text[512], small[8];

	(void)state;
	for (unsigned rule = RULE_NONE + 1; rule < RULES; rule++) {
		struct finding f = {.rule = rule, .op_code = OP_POSIX_MEMALIGN, .has_slot = 1};

		f.slot = UINT32_MAX;
		if (rule != RULE_EXPECT && rule != RULE_OUTCOME)
			memset(f.n, 0xff, sizeof(f.n));
		int len = finding_message(&f, text, sizeof(text));

		assert_true(len > 10);
		assert_int_equal(len, strlen(text));
		assert_null(strpbrk(text, "{}\n"));
		assert_int_equal(finding_message(&f, small, sizeof(small)), -ENOSPC);
		assert_true(finding_signature(&f, text, sizeof(text)) > 0);
		assert_null(strstr(text, "unknown/"));
		assert_int_equal(finding_signature(&f, small, sizeof(small)), -ENOSPC);
	}
}

struct said {
	struct finding f;
	const char *message, *signature;
};

static const struct said examples[] = {
	{{.kind = FINDING_OVERLAP,
	  .rule = RULE_OVERLAP_BLOCK,
	  .op_code = OP_MALLOC,
	  .n = {0x7f10, 100, 0x7f00, 64, 3}},
	 "malloc(100) returned 0x7f10, which overlaps b[3] (0x7f00, 64 bytes)",
	 "overlap/malloc/block"},
	{{.kind = FINDING_DIRTY_ZERO,
	  .rule = RULE_ZERO_DIRTY,
	  .op_code = OP_CALLOC,
	  .n = {0x7f10, 100, 8, 0xa}},
	 "calloc of 100 bytes returned 0x7f10 with 0x0a at byte 8, which must be 0",
	 "dirty-zero/calloc/dirty"},
	{{.kind = FINDING_CORRUPTED,
	  .rule = RULE_CONTENT_CHANGED,
	  .op_code = OP_END,
	  .has_slot = SPACE_BLOCK,
	  .slot = 9,
	  .n = {0x7f10, 100, 8, 0xab, 0, 4}},
	 "b[9] (0x7f10, 100 bytes) changed while it was live: byte 8 is 0x00, was 0xab; 4 of the "
	 "bytes looked at differ",
	 "corrupted/end/changed"},
	{{.kind = FINDING_WRONG_ERRNO,
	  .rule = RULE_ERRNO_ON_FAILURE,
	  .op_code = OP_REALLOC,
	  .n = {0, ENOMEM}},
	 "realloc returned NULL with errno 0, not ENOMEM",
	 "wrong-errno/realloc/failure"},
	{{.kind = FINDING_CRASH,
	  .rule = RULE_SIGNAL,
	  .op_code = OP_FREE,
	  .has_slot = SPACE_BLOCK,
	  .slot = 5,
	  .n = {SIGSEGV, 1, 0x10, 0x40}},
	 "SIGSEGV at address 0x10, instruction 0x40, in free on b[5]",
	 "crash/free/SIGSEGV"},
	{{.kind = FINDING_CRASH, .rule = RULE_SIGNAL, .op_code = OP_CODES, .n = {SIGABRT}},
	 "SIGABRT before the first op",
	 "crash/start/SIGABRT"},
	{{.kind = FINDING_CRASH, .rule = RULE_EXIT, .op_code = OP_MALLOC, .n = {3}},
	 "the process exited with status 3 in malloc",
	 "crash/malloc/exit"},
	{{.kind = FINDING_HANG,
	  .rule = RULE_STUCK,
	  .op_code = OP_TOUCH,
	  .has_slot = SPACE_MAP,
	  .slot = 1,
	  .n = {UINT64_C(10200000000)}},
	 "no progress for 10.2 s in touch on m[1]",
	 "hang/touch/stuck"},
	{{.kind = FINDING_LOST_MAPPING,
	  .rule = RULE_LOST_MAPPING,
	  .op_code = OP_FREE,
	  .has_slot = SPACE_BLOCK,
	  .slot = 5,
	  .count = 15,
	  .n = {SYS_munmap, 15, 2 << 20, 2000 << 10, 15, 0x7f0000001000}},
	 "munmap in free was refused 15 times (0 by the fault plan) and what it was to give back "
	 "never came back: 15 ranges, 2.0 MiB mapped, 2.0 MiB resident, 15 maps, first at "
	 "0x7f0000001000; the headroom was back, the allocator was purged, did its work once more "
	 "and was asked for more memory",
	 "lost-mapping/free/munmap"},
	{{.kind = FINDING_LOST_MAPPING,
	  .rule = RULE_LOST_MAPPING,
	  .op_code = OP_REALLOC,
	  .count = 1,
	  .n = {SYS_mremap | UINT64_C(1) << 32, 1, 4096, 0, 1, 0x7f0000001000}},
	 "mremap in realloc was refused once (1 by the fault plan) and what it was to give back "
	 "never came back: 1 range, 4.0 KiB mapped, 0 bytes resident, 1 map, first at "
	 "0x7f0000001000; the headroom was back, the allocator was purged, did its work once more "
	 "and was asked for more memory",
	 "lost-mapping/realloc/mremap"},
	{{.kind = FINDING_LOST_MAPPING,
	  .rule = RULE_LOST_MAPPING,
	  .op_code = OP_FREE,
	  .count = 1,
	  .n = {SYS_munmap, 2, 8192, 0, UINT64_MAX, 0x7f0000001000}},
	 "munmap in free was refused once (0 by the fault plan) and what it was to give back never "
	 "came back: 2 ranges, 8.0 KiB mapped, 0 bytes resident, an unknown number of maps, first "
	 "at 0x7f0000001000; the headroom was back, the allocator was purged, did its work once "
	 "more and was asked for more memory",
	 "lost-mapping/free/munmap"},
	{{.kind = FINDING_LOST_MAPPING,
	  .rule = RULE_LOST_PAGES,
	  .op_code = OP_TRIM,
	  .count = 2,
	  .n = {SYS_madvise | UINT64_C(2) << 32, 2, UINT64_C(3) << 30, 0, 2, 0x7f0000001000}},
	 "madvise in trim was refused 2 times (2 by the fault plan) and the pages that it was to "
	 "give back never came back: 2 ranges, 3.0 GiB resident, first at 0x7f0000001000; the "
	 "headroom was back, the allocator was purged, did its work once more and was asked for "
	 "more memory",
	 "lost-mapping/trim/madvise"},
	{{.kind = FINDING_LOST_MAPPING,
	  .rule = RULE_LOST_MAPPING,
	  .op_code = OP_CODES,
	  .count = 2,
	  .n = {SYS_getpid, 2, UINT64_MAX, UINT64_MAX, 2, 0}},
	 "call before the first op was refused 2 times (0 by the fault plan) and what it was to "
	 "give back never came back: 2 ranges, 16.0 EiB mapped, 16.0 EiB resident, 2 maps, first "
	 "at 0x0; the headroom was back, the allocator was purged, did its work once more and was "
	 "asked for more memory",
	 "lost-mapping/start/call"},
	{{.kind = FINDING_LOST_CONTENT,
	  .rule = RULE_CONTENT_MAPPING,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, 0, 0xabcd, 0xabcd, 0}},
	 "the page at 0x7f0000001000 holds 0x0 at byte 0, not 0xabcd, although the program did not "
	 "change it",
	 "lost-content/touch/mapping"},
	{{.kind = FINDING_LOST_CONTENT,
	  .rule = RULE_CONTENT_MAPPING,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, 0, 0xabcd, 0, 0x12}},
	 "the page at 0x7f0000001000 holds 0x12 at byte 0, not 0xabcd or 0x0, although the program "
	 "did not change it",
	 "lost-content/touch/mapping"},
	{{.kind = FINDING_LOST_CONTENT,
	  .rule = RULE_CONTENT_VANISHED,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, SIGSEGV}},
	 "the page at 0x7f0000001000 is not there any more (SIGSEGV), and the program did not "
	 "unmap it",
	 "lost-content/touch/vanished"},
	{{.kind = FINDING_DIRTY_ZERO,
	  .rule = RULE_ZERO_MAPPING,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, 77, 0xa5}},
	 "the page at 0x7f0000001000 has 0xa5 at byte 77, which must be 0",
	 "dirty-zero/touch/mapping"},
	{{.kind = FINDING_WRONG_ACCESS,
	  .rule = RULE_ACCESS_GRANTED,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, 1}},
	 "the page at 0x7f0000001000 could be written, and must not be",
	 "wrong-access/touch/granted"},
	{{.kind = FINDING_WRONG_ACCESS,
	  .rule = RULE_ACCESS_DENIED,
	  .op_code = OP_TOUCH,
	  .n = {0x7f0000001000, 0, SIGBUS}},
	 "the page at 0x7f0000001000 could not be read: SIGBUS",
	 "wrong-access/touch/denied"},
	{{.kind = FINDING_WRONG_RESIDENCY,
	  .rule = RULE_RESIDENCY,
	  .op_code = OP_MADVISE,
	  .n = {8192, 0, 4096}},
	 "the program's mappings have 8192 bytes resident, which must be 0 to 4096",
	 "wrong-residency/madvise/residency"},
	{{.kind = FINDING_WRONG_RESIDENCY,
	  .rule = RULE_RESIDENCY,
	  .op_code = OP_MADVISE,
	  .n = {8192, 4096, 4096}},
	 "the program's mappings have 8192 bytes resident, which must be 4096",
	 "wrong-residency/madvise/residency"},
	{{.kind = FINDING_MAP_GROWTH,
	  .rule = RULE_GROWTH_MAPS,
	  .op_code = OP_REPEAT,
	  .n = {1020, 152, 149}},
	 "each round of the loop leaves 1.020 more maps, although the program holds the same each "
	 "time: 152 more maps in the 149 rounds that were judged",
	 "map-growth/repeat/maps"},
	{{.kind = FINDING_FOOTPRINT_GROWTH,
	  .rule = RULE_GROWTH_MAPPED,
	  .op_code = OP_REPEAT,
	  .n = {65536000, 9764864, 149}},
	 "each round of the loop leaves 64.0 KiB more mapped, although the program holds the same "
	 "each time: 9.3 MiB more in the 149 rounds that were judged",
	 "footprint-growth/repeat/mapped"},
	{{.kind = FINDING_FOOTPRINT_GROWTH,
	  .rule = RULE_GROWTH_RSS,
	  .op_code = OP_REPEAT,
	  .n = {700500, 300000, 428}},
	 "each round of the loop leaves 700 bytes more resident, although the program holds the "
	 "same each time: 293 KiB more in the 428 rounds that were judged",
	 "footprint-growth/repeat/rss"},
};

static void sentences_say_what_happened(void **state)
{
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct said *x = &examples[i];

		assert_int_equal(finding_message(&x->f, text, sizeof(text)), strlen(x->message));
		assert_string_equal(text, x->message);
		assert_true(finding_signature(&x->f, text, sizeof(text)) > 0);
		assert_string_equal(text, x->signature);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(rules_have_names_of_their_own),
		cmocka_unit_test(what_is_off_is_not_kept),
		cmocka_unit_test(the_first_end_that_is_off_stays),
		cmocka_unit_test(the_same_finding_only_counts),
		cmocka_unit_test(what_is_seen_again_is_said_and_not_counted),
		cmocka_unit_test(of_the_lost_each_system_call_stands_alone),
		cmocka_unit_test(a_full_sink_counts_what_it_drops),
		cmocka_unit_test(every_rule_has_a_sentence),
		cmocka_unit_test(sentences_say_what_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
