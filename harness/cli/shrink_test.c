#include "harness/cli/shrink_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program.h"
#include "harness/prog/program_testing.h"

static uint64_t count(const struct program *p, unsigned code)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nops; i++)
		n += p->ops[i].code == code;
	return n;
}

static bool anything(const struct program *p)
{
	(void)p;
	return true;
}

static bool malloc_then_free(const struct program *p)
{
	size_t i = 0;

	while (i < p->nops && p->ops[i].code != OP_MALLOC)
		i++;
	while (i < p->nops && p->ops[i].code != OP_FREE)
		i++;
	return i < p->nops;
}

static bool large_malloc(const struct program *p)
{
	for (size_t i = 0; i < p->nops; i++)
		if (p->ops[i].code == OP_MALLOC && p->ops[i].arg0 >= 135153)
			return true;
	return false;
}

static bool fork_in_a_block(const struct program *p)
{
	for (size_t i = 1; i < p->nops; i++)
		if (p->ops[i].code == OP_FORK && op_opens_block(p->ops[i - 1].code))
			return true;
	return false;
}

static void test_nothing_is_needed(void **state)
{
	(void)state;
	shrinks_to(anything,
		   "allocrig 1\nballast 4\nneeds root\nfault mmap ENOMEM\nmalloc b[0:9] 9\n"
		   "fork {\nfree b[0]\n}\n",
		   "allocrig 1\n");
}

static void test_statements(void **state)
{
	(void)state;
	shrinks_to(malloc_then_free,
		   "allocrig 1\nballast 40\nfault munmap ENOMEM nth=3\nmalloc b[7:100:3] 24\n"
		   "touch b[7]\nrepeat 9 {\n  fork {\n    touch b[8]\n    free b[9:12]\n  }\n}\n"
		   "@3 free b[7] -> ok\ntrim\n",
		   "allocrig 1\nmalloc b[0] 1\nfree b[0]\n");
}

/* Six blocks are freed, however. */
static bool six_frees(const struct program *p)
{
	uint64_t frees = 0, times = 1;

	for (size_t i = 0; i < p->nops; i++) {
		const struct op *op = &p->ops[i];

		if (op->code == OP_REPEAT)
			times *= op->arg0;
		else if (op->code == OP_END)
			times = 1;
		else if (op->code == OP_FREE && !slice_is_empty(&op->slice))
			frees += times * (op->slice.stop - op->slice.start) / op->slice.step;
	}
	return frees >= 6;
}

static void test_statements_that_one_can_say(void **state)
{
	(void)state;
	shrinks_to(six_frees, "allocrig 1\nfree b[0:5]\nfree b[5]\n", "allocrig 1\nfree b[0:6]\n");
	shrinks_to(six_frees, "allocrig 1\nfree b[3:6]\ntouch b[0]\nfree b[1:3]\nfree b[0]\n",
		   "allocrig 1\nfree b[0:6]\n");
	shrinks_to(six_frees, "allocrig 1\nrepeat 6 {\n  malloc b[1] 7\n  free b[1]\n}\n",
		   "allocrig 1\nfree b[0:6]\n");
}

static void test_programs_as_one(void **state)
{
	static const char first[] = "allocrig 1\nfault brk EAGAIN\nmalloc b[2:5] 7\n"
				    "mmap m[0] 1p rw private,anon\n";
	static const char last[] = "allocrig 1\nfault mmap ENOMEM from=1 to=1\nmalloc b[0] 1\n"
				   "fork {\n  free b[0]\n}\n";
	const struct shrink_part parts[] = {{first, sizeof(first) - 1}, {last, sizeof(last) - 1}};
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(shrink_join(parts, 2, 4096, &text, &len), 0);
	assert_string_equal(text, "allocrig 1\nfault mmap ENOMEM from=5 to=5\nmalloc b[2:5] 7\n"
				  "mmap m[0] 4K rw private,anon\nfree b[0:5]\nmunmap m[0]\n"
				  "malloc b[0] 1\nfork {\n  free b[0]\n}\n");
	assert_int_equal(len, strlen(text));
	free(text);
	assert_int_equal(shrink_join(parts, 2, 100, &text, &len), -E2BIG);
	assert_int_equal(shrink_join(&(struct shrink_part){"allocrig 2", 10}, 1, 100, &text, &len),
			 -EINVAL);
}

static void test_sizes_end_where_one_less_is_silent(void **state)
{
	(void)state;
	shrinks_to(large_malloc, "allocrig 1\nmalloc b[5] 3G\n",
		   "allocrig 1\nmalloc b[0] 135153\n");
	shrinks_to(large_malloc, "allocrig 1\nmalloc b[5] 18446744073709551615\n",
		   "allocrig 1\nmalloc b[0] 135153\n");
	/* The product of a count and a size, as the plain call. */
	shrinks_to(large_malloc, "allocrig 1\nmalloc b[0] 200000\ncalloc b[5] 1000 1000\n",
		   "allocrig 1\nmalloc b[0] 135153\n");
}

static void test_blocks_that_are_needed_stay(void **state)
{
	(void)state;
	shrinks_to(fork_in_a_block,
		   "allocrig 1\nrepeat 100 {\n  when ram > 1M {\n    fork {\n      malloc b[1] 3\n"
		   "    }\n  }\n}\n",
		   "allocrig 1\nwhen ram > 1M {\n  fork {\n  }\n}\n");
}

static bool two_threads_meet(const struct program *p)
{
	bool mallocs[PROG_MAX_THREADS] = {false}, any = false;

	for (size_t i = 0; i < p->nops; i++) {
		if (p->ops[i].code == OP_MALLOC)
			any = mallocs[p->ops[i].thread] = true;
		if (p->ops[i].code == OP_FREE && any && !mallocs[p->ops[i].thread])
			return true;
	}
	return false;
}

static void test_threads(void **state)
{
	(void)state;
	shrinks_to(two_threads_meet,
		   "allocrig 1\nparallel {\n  @9 repeat 3 {\n    malloc b[4] 8\n  }\n"
		   "  @7 free b[4]\n}\n@7 exit\n",
		   "allocrig 1\nmalloc b[0] 1\n@1 free b[0]\n");
}

static bool is_wide(const struct program *p)
{
	uint64_t mapped = 0, unmapped = 0;

	for (size_t i = 0; i < p->nops; i++) {
		const struct slice *s = &p->ops[i].slice;

		if (p->ops[i].code == OP_MMAP && p->ops[i].arg0 >= 8192)
			mapped = s->stop - s->start;
		if (p->ops[i].code == OP_MUNMAP && s->step > 1)
			unmapped = s->stop - s->start;
	}
	return mapped >= 17 && unmapped == mapped;
}

/* What has to stay equal shrinks together: slots that two ops have, and sizes. */
static void test_slots_of_several_ops(void **state)
{
	(void)state;
	shrinks_to(is_wide,
		   "allocrig 1\nmmap m[5:60000] 64p rw shared,memfd,offset=4p,noreserve\n"
		   "munmap m[5:60000:7]\nmalloc b[0:70000] 7\n",
		   "allocrig 1\nmmap m[0:17] 8K rw private,anon\nmunmap m[0:17:2]\n");
}

static bool sizes_agree(const struct program *p)
{
	uint64_t size = 0;
	bool agree = false;

	for (size_t i = 0; i < p->nops; i++) {
		if (p->ops[i].code == OP_MALLOC)
			size = p->ops[i].arg0;
		if (p->ops[i].code == OP_REALLOC && size >= 100)
			agree = p->ops[i].arg0 == size;
	}
	return agree;
}

static void test_sizes_that_must_agree(void **state)
{
	(void)state;
	shrinks_to(sizes_agree, "allocrig 1\nmalloc b[3] 70000\nrealloc b[3] 70000\n",
		   "allocrig 1\nmalloc b[0] 100\nrealloc b[0] 100\n");
}

/* Refusals of the free that is there, wherever it has gone. */
static bool fault_hits_free(const struct program *p)
{
	for (uint32_t i = 0; i < p->header.nfaults; i++) {
		const struct fault_plan *f = &p->header.faults[i];

		if (f->from_stmt != f->to_stmt || f->nth < 2)
			continue;
		for (size_t j = 0; j < p->nops; j++)
			if (p->ops[j].stmt == f->from_stmt && p->ops[j].code == OP_FREE)
				return true;
	}
	return false;
}

static void test_faults_follow_their_statements(void **state)
{
	(void)state;
	shrinks_to(fault_hits_free,
		   "allocrig 1\nfault mmap EAGAIN from=1 to=2\n"
		   "fault munmap ENOMEM nth=9 count=0 every=4 from=5 to=5\n"
		   "malloc b[0] 1\nrepeat 3 {\n  malloc b[1] 1\n  malloc b[2] 1\n}\n"
		   "malloc b[3] 1\nfree b[3]\ntrim\n",
		   "allocrig 1\nfault munmap ENOMEM nth=2 to=0\nfree b[0]\n");
}

static void test_stopped_in_the_middle(void **state)
{
	const char *text = "allocrig 1\nballast 40\nmalloc b[7:100:3] 24\ntouch b[7]\n"
			   "free b[0:70]\ntrim\n";

	(void)state;
	for (uint64_t at = 1; at < 40; at++) {
		struct shrink_asked a = {.wanted = malloc_then_free, .stop_at = at};

		snprintf(a.last, sizeof(a.last), "%s", text);
		struct shrink_result r = shrink_asking(&a, text);

		if (a.asked == at) {
			assert_int_equal(r.stopped, -EINTR);
			assert_string_equal(r.text, a.last);
		}
		shrink_result_release(&r);
	}
}

static void test_what_is_no_program(void **state)
{
	struct shrink_request req = {.text = "allocrig 1\nmaloc b[0] 1\n", .len = 25};
	struct shrink_result r;

	(void)state;
	assert_int_equal(shrink_program(&req, &r), -EINVAL);
}

/* Three statements of a hundred thousand, far from each other. */
static int needles(void *ctx, const char *text, size_t len)
{
	uint64_t *asked = ctx;
	const char *a = strstr(text, "malloc b[11]"), *b = a ? strstr(a, "usable b[12]") : NULL;

	(void)len;
	++*asked;
	return b && strstr(b, "free b[13]");
}

static void test_large_programs(void **state)
{
	char *text = malloc(4 << 20);
	size_t len = (size_t)snprintf(text, 64, "allocrig 1\n");
	uint64_t asked = 0;
	struct shrink_result r;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		const char *line = i == 1234	? "malloc b[11] 9"
				   : i == 56789 ? "usable b[12]"
				   : i == 98765 ? "free b[13]"
						: "touch b[0:9]";
		len += (size_t)snprintf(text + len, 32, "%s\n", line);
	}
	struct shrink_request req = {.text = text, .len = len, .fires = needles, .ctx = &asked};

	assert_int_equal(shrink_program(&req, &r), 0);
	assert_string_equal(r.text, "allocrig 1\nmalloc b[11] 1\nusable b[12]\nfree b[13]\n");
	assert_int_equal(r.statements_before, 100000);
	assert_int_equal(r.statements, 3);
	assert_in_range(asked, 1, 300);
	shrink_result_release(&r);
	free(text);
}

/* Of random programs: a property that some of them have, and that no part of them can imply. */
static bool three_kinds(const struct program *p)
{
	return count(p, OP_MALLOC) >= 2 && count(p, OP_FREE) && count(p, OP_MMAP);
}

static bool forks_and_threads(const struct program *p)
{
	bool inside = false;

	for (size_t i = 0; i < p->nops; i++)
		inside |= p->ops[i].code == OP_FORK && p->ops[i].thread > 0;
	return inside && count(p, OP_REPEAT) >= 2;
}

/* No statement, no block can be taken away, by another way than the shrinker's. */
static void assert_minimal(struct shrink_asked *a, const char *text)
{
	struct program p;
	static struct op kept[SHRINK_TEST_OPS];
	static char smaller[65536];

	shrink_parse(text, strlen(text), &p);
	memcpy(kept, p.ops, p.nops * sizeof(*kept));
	size_t n = p.nops;

	for (size_t i = 0; i < n; i++) {
		if (op_opens_block(kept[i].code) || kept[i].code == OP_END)
			continue;
		struct program q = {
			.header = p.header, .ops = shrink_ops, .max_ops = SHRINK_TEST_OPS};

		for (size_t j = 0; j < n; j++)
			if (j != i)
				q.ops[q.nops++] = kept[j];
		int len = program_write(&q, smaller, sizeof(smaller));

		assert_true(len > 0);
		assert_int_equal(shrink_fires(a, smaller, (size_t)len), 0);
	}
}

static void shrink_random(bool (*wanted)(const struct program *), unsigned most)
{
	static struct op ops[256];
	static char text[65536];
	unsigned shrunk = 0;

	for (uint64_t seed = 0; seed < 50; seed++) {
		struct random r = {.state = seed};
		size_t len = program_print(ops, random_program(&r, ops, 120), text, sizeof(text));
		struct shrink_asked first = {.wanted = wanted}, second = {.wanted = wanted};

		text[len] = '\0';
		if (!shrink_fires(&first, text, len))
			continue;
		first.asked = 0;
		shrunk++;
		struct shrink_result a = shrink_asking(&first, text),
				     b = shrink_asking(&second, text);

		assert_in_range(a.statements, 1, most);
		assert_string_equal(a.text, b.text);
		assert_int_equal(a.asked, b.asked);
		assert_minimal(&first, a.text);
		/* What is minimal stays as it is. */
		struct shrink_asked third = {.wanted = wanted};
		struct shrink_result again = shrink_asking(&third, a.text);

		assert_string_equal(again.text, a.text);
		assert_int_equal(again.kept, 0);
		shrink_result_release(&a);
		shrink_result_release(&b);
		shrink_result_release(&again);
	}
	assert_in_range(shrunk, 8, 50);
}

static void test_random_programs(void **state)
{
	(void)state;
	shrink_random(three_kinds, 4);
	shrink_random(forks_and_threads, 3);
}

static void test_ballast_instead_of_faults(void **state)
{
	const char *text = "allocrig 1\nfault munmap ENOMEM count=0\nmalloc b[0] 7\n"
			   "malloc b[1:9:2] 8\ntouch b[0:2]\nfree b[0]\n";
	const char *other = "allocrig 1\nfault munmap EAGAIN\nfree b[0]\n";
	char *out;
	size_t len;

	(void)state;
	assert_int_equal(shrink_with_ballast(text, strlen(text), &(struct shrink_ballast){4, false},
					     &out, &len),
			 0);
	assert_string_equal(out, "allocrig 1\nballast 4\nmalloc b[0] 7\nmalloc b[1:9:2] 8\n"
				 "touch b[0:2]\nfree b[0]\n");
	assert_int_equal(len, strlen(out));
	free(out);
	assert_int_equal(shrink_with_ballast(text, strlen(text), &(struct shrink_ballast){1, true},
					     &out, &len),
			 0);
	assert_string_equal(out, "allocrig 1\nballast 1\nmalloc b[0:3] 7\nmalloc b[3:27] 8\n"
				 "touch b[1:5:3]\nfree b[1]\n");
	assert_int_equal(
		shrink_with_ballast(out, len, &(struct shrink_ballast){1, true}, &out, &len),
		-ENOTSUP);
	free(out);
	assert_int_equal(shrink_with_ballast(other, strlen(other),
					     &(struct shrink_ballast){1, true}, &out, &len),
			 -ENOTSUP);
}

static void test_text_with_more_header_lines(void **state)
{
	const char *text = "allocrig 1\nballast 3\nfault brk ENOMEM\n# a comment\nfree   b[0]\n";
	struct prog_header more = {.has_ballast = 1, .ballast = 9, .nfaults = 1};
	int fd = text_file(text, strlen(text));
	char *all;
	size_t len;

	(void)state;
	more.faults[0] = (struct fault_plan){.call = KCALL_MUNMAP,
					     .err = ENOMEM,
					     .nth = 4,
					     .count = 1,
					     .every = 1,
					     .to_stmt = UINT64_MAX};
	assert_int_equal(shrink_text(fd, &more, &all, &len), 0);
	assert_string_equal(all, "allocrig 1\nballast 9\nfault brk ENOMEM\n"
				 "fault munmap ENOMEM nth=4\nfree b[0]\n");
	assert_int_equal(strlen(all), len);
	free(all);
	more.nfaults = PROG_MAX_FAULTS;
	assert_int_equal(shrink_text(fd, &more, &all, &len), -E2BIG);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_needed),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_statements_that_one_can_say),
		cmocka_unit_test(test_programs_as_one),
		cmocka_unit_test(test_sizes_end_where_one_less_is_silent),
		cmocka_unit_test(test_blocks_that_are_needed_stay),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_slots_of_several_ops),
		cmocka_unit_test(test_sizes_that_must_agree),
		cmocka_unit_test(test_faults_follow_their_statements),
		cmocka_unit_test(test_stopped_in_the_middle),
		cmocka_unit_test(test_what_is_no_program),
		cmocka_unit_test(test_large_programs),
		cmocka_unit_test(test_random_programs),
		cmocka_unit_test(test_ballast_instead_of_faults),
		cmocka_unit_test(test_text_with_more_header_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
