#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/command/limit_program.h"
#include "harness/cli/program.h"

#define SIZE 4096

static struct limit_program small(bool half_full)
{
	struct limit_program p;

	limit_program_make(&p, SIZE, 20, half_full);
	return p;
}

static void it_is_a_program(void **state)
{
	struct limit_program p;
	struct program program;

	(void)state;
	limit_program_make(&p, UINT64_C(1) << 30, INT32_MAX, true);
	assert_true(p.len == strlen(p.text));
	p = small(true);
	assert_int_equal(program_from_text("maps", p.text, p.len, &program), 0);
	program_release(&program);
	p = small(false);
	assert_int_equal(program_from_text("maps", p.text, p.len, &program), 0);
	assert_true(program.info.has_block_ops);
	program_release(&program);
}

/* Twice the table: one map a block and one a hole are more than it takes. */
static void there_are_more_than_the_table_holds(void **state)
{
	struct limit_program p;

	(void)state;
	limit_program_make(&p, SIZE, 65530, false);
	assert_true(p.blocks > 2 * 65530);
}

/* Against the ops one by one. */
static void count_live(const struct limit_program *p)
{
	static const struct {
		unsigned from, step;
		int add;
		uint64_t size;
	} op[] = {{0, 1, 1, SIZE}, {1, 2, -1, SIZE}, {1, 2, 1, 2 * SIZE},
		  {0, 0, 0, 0},	   {0, 2, -1, SIZE}, {1, 2, -1, 2 * SIZE}};
	int64_t blocks = 0, bytes = 0;

	for (int32_t i = 0; i < 6; i++) {
		int32_t stmt = p->first + i;
		const char *name = op[i].add > 0 ? "malloc" : op[i].add < 0 ? "free" : "";

		for (uint64_t slot = op[i].from; op[i].step && slot < p->blocks;
		     slot += op[i].step) {
			struct limit_live live = limit_program_live(p, stmt, slot);

			assert_int_equal(live.blocks, blocks);
			assert_int_equal(live.bytes, bytes);
			blocks += op[i].add;
			bytes += op[i].add * (int64_t)op[i].size;
		}
		if (stmt == limit_program_full(p))
			assert_int_equal(limit_program_live(p, stmt, 0).bytes, bytes);
		assert_string_equal(limit_program_op(p, stmt), name);
	}
	assert_int_equal(blocks, 0);
	assert_int_equal(bytes, 0);
}

static void what_is_live_is_counted(void **state)
{
	struct limit_program p = small(false);

	(void)state;
	count_live(&p);
	p = small(true);
	count_live(&p);
	assert_string_equal(limit_program_op(&p, 0), "");
	assert_int_equal(limit_program_live(&p, 0, 3).blocks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_a_program),
		cmocka_unit_test(there_are_more_than_the_table_holds),
		cmocka_unit_test(what_is_live_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
