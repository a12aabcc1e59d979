#include "harness/exec/baton.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <cmocka.h>

#define THREADS	 4
#define SECTIONS 20000

struct team {
	struct baton baton;
	unsigned ran[THREADS]; /* sections, of each */
	unsigned turns;	       /* of all: whoever has the baton counts */
};

struct member {
	struct team *team;
	uint32_t self, section;
};

static _Thread_local bool stops; /* this thread, before it sleeps */
static _Atomic bool stopped, goes_on;

long __real_syscall(long nr, void *word, long op, uint32_t value, void *a, void *b, long c);
long __wrap_syscall(long nr, void *word, long op, uint32_t value, void *a, void *b, long c);

/* The linker sends the system calls of baton.c here. */
long __wrap_syscall(long nr, void *word, long op, uint32_t value, void *a, void *b, long c)
{
	if (stops && nr == SYS_futex && op == FUTEX_WAIT_PRIVATE) {
		atomic_store(&stopped, true);
		while (!atomic_load(&goes_on))
			sched_yield();
	}
	return __real_syscall(nr, word, op, value, a, b, c);
}

/* What each thread of a program does, in small. */
static void *take_part(void *arg)
{
	struct member *m = arg;
	struct baton *b = &m->team->baton;

	baton_arrive(b);
	for (;;) {
		switch (baton_wait(b, m->self, &m->section)) {
		case BATON_OVER:
			return NULL;
		case BATON_TURN:
			m->team->turns++;
			baton_pass(b, 0);
			break;
		case BATON_SECTION:
			m->team->ran[m->self]++;
			baton_leave(b);
			break;
		}
	}
}

static void start(struct team *team, struct member member[THREADS], pthread_t id[THREADS])
{
	for (uint32_t i = 1; i < THREADS; i++) {
		member[i] = (struct member){.team = team, .self = i};
		assert_int_equal(pthread_create(&id[i], NULL, take_part, &member[i]), 0);
	}
	baton_wait_arrived(&team->baton, THREADS - 1);
}

static void end(struct team *team, pthread_t id[THREADS])
{
	uint32_t section = 0;

	baton_finish(&team->baton);
	assert_int_equal(baton_wait(&team->baton, 0, &section), BATON_OVER);
	for (uint32_t i = 1; i < THREADS; i++) {
		baton_pass(&team->baton, i);
		assert_int_equal(pthread_join(id[i], NULL), 0);
	}
}

static void *run_two_sections(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < 2; i++) {
		while (baton_wait(&m->team->baton, m->self, &m->section) != BATON_SECTION)
			;
		m->team->ran[m->self]++;
		baton_leave(&m->team->baton);
		stops = true;
	}
	return NULL;
}

static void run_own(struct baton *b)
{
	baton_open(b, 2);
	baton_leave(b);
}

/* It has seen the first section open, and its own part done, when the second one opens. */
static void slow_to_sleep_wakes_for_the_next_section(void **state)
{
	struct team team = {0};
	struct member member = {.team = &team, .self = 1};
	pthread_t id;

	(void)state;
	run_own(&team.baton);
	assert_int_equal(pthread_create(&id, NULL, run_two_sections, &member), 0);
	while (!atomic_load(&stopped))
		sched_yield();
	baton_close(&team.baton, 0);
	run_own(&team.baton);
	atomic_store(&goes_on, true);
	baton_close(&team.baton, 0);
	assert_int_equal(pthread_join(id, NULL), 0);
	assert_int_equal(team.ran[1], 2);
}

static void sections_follow_one_another(void **state)
{
	struct team team = {0};
	struct member member[THREADS];
	pthread_t id[THREADS];

	(void)state;
	start(&team, member, id);
	for (unsigned i = 0; i < SECTIONS; i++) {
		uint32_t opened = baton_open(&team.baton, THREADS);

		assert_true(opened != member[0].section);
		member[0].section = opened;
		team.ran[0]++;
		baton_leave(&team.baton);
		baton_close(&team.baton, 0);
	}
	end(&team, id);
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(team.ran[i], SECTIONS);
	assert_int_equal(team.turns, 0);
}

static void turns_between_sections(void **state)
{
	struct team team = {0};
	struct member member[THREADS] = {0};
	pthread_t id[THREADS];

	(void)state;
	start(&team, member, id);
	for (unsigned i = 0; i < SECTIONS / 10; i++) {
		member[0].section = baton_open(&team.baton, THREADS);
		baton_leave(&team.baton);
		baton_close(&team.baton, 0);
		baton_pass(&team.baton, 1 + i % (THREADS - 1));
		assert_int_equal(baton_wait(&team.baton, 0, &member[0].section), BATON_TURN);
	}
	end(&team, id);
	assert_int_equal(team.turns, SECTIONS / 10);
	for (uint32_t i = 1; i < THREADS; i++)
		assert_int_equal(team.ran[i], SECTIONS / 10);
}

/* Threads outlive a program, and what they ran of it. */
static void programs_follow_one_another(void **state)
{
	struct team team = {0};
	struct member member[THREADS] = {0};
	pthread_t id[THREADS];

	(void)state;
	start(&team, member, id);
	for (unsigned i = 0; i < SECTIONS / 10; i++) {
		uint32_t first = 1 + i % (THREADS - 1);

		baton_begin(&team.baton, first);
		assert_int_equal(baton_wait(&team.baton, 0, &member[0].section), BATON_TURN);
		member[0].section = baton_open(&team.baton, THREADS);
		baton_leave(&team.baton);
		baton_close(&team.baton, 0);
		baton_finish(&team.baton);
		assert_int_equal(baton_wait(&team.baton, 0, &member[0].section), BATON_OVER);
	}
	end(&team, id);
	assert_int_equal(team.turns, SECTIONS / 10);
	for (uint32_t i = 1; i < THREADS; i++)
		assert_int_equal(team.ran[i], SECTIONS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_to_sleep_wakes_for_the_next_section),
		cmocka_unit_test(sections_follow_one_another),
		cmocka_unit_test(turns_between_sections),
		cmocka_unit_test(programs_follow_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
