#include "bench/command/session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/command/bench_testing.h"
#include "harness/cli/cmd.h"

#define RUNS_MAX 200

/* What the made-up kinds were asked to run, in order; and how they are to end. */
static struct {
	unsigned runs, released;
	struct bench_key key[RUNS_MAX];
	unsigned stop_in;	  /* the run with this number is interrupted; 0: none */
	const char *crashes;	  /* name of an allocator */
	enum bench_status status; /* of that one */
} fake;

static int list(const struct bench_tools *t, struct bench_item *ret, unsigned *n, unsigned most)
{
	(void)t, (void)ret, (void)n, (void)most;
	return 0;
}

static void run(const struct bench_tools *t, const struct bench_item *item,
		const struct allocator_ref *ref, struct bench_result *r)
{
	(void)t;
	assert_string_equal(item->name, r->key.workload);
	assert_string_equal(ref->name, r->key.allocator);
	assert_true(fake.runs < RUNS_MAX);
	fake.key[fake.runs++] = r->key;
	r->status = STATUS_OK;
	result_add(r, METRIC_NS_PER_OP, strcmp(ref->name, LOOP_NAME) == 0 ? 2 : 10 + r->key.rep);
	if (fake.crashes && strcmp(fake.crashes, ref->name) == 0)
		r->status = fake.status;
	if (fake.runs == fake.stop_in)
		r->status = STATUS_INTERRUPTED;
}

static void release(struct bench_result *r)
{
	(void)r;
	fake.released++;
}

static bool interrupted(void)
{
	return fake.stop_in && fake.runs >= fake.stop_in;
}

static const struct bench_kind timed = {"timed", list, run, release};
static const struct bench_kind sampled = {"sampled", list, run, release};
static const struct bench_item larson = {.name = "larson", .threads = 4};
static const struct bench_item drain = {.name = "drain"};
static const struct plan_entry entries[] = {
	{&larson, &timed, "", true, 3},
	{&larson, &sampled, "", false, 1},
	{&drain, &timed, "idle", true, 3},
};

#define ALLOCATORS 3
#define PLANNED	   (2 * 3 * (ALLOCATORS + 1) + ALLOCATORS)

static struct allocator_ref *refs[ALLOCATORS], *loop;
static char path[64];

static int set_up(void **state)
{
	static const char *const names[] = {"glibc", "jemalloc", "mine"};

	(void)state;
	memset(&fake, 0, sizeof(fake));
	for (unsigned i = 0; i < ALLOCATORS; i++)
		refs[i] = made_up_ref(names[i], "");
	loop = made_up_ref(LOOP_NAME, "");
	snprintf(path, sizeof(path), "/tmp/bench_session.XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ALLOCATORS; i++)
		free(refs[i]);
	free(loop);
	return unlink(path);
}

struct sitting {
	struct bench_session session;
	struct bench_file file;
};

static void begin(struct sitting *s)
{
	FILE *text;

	*s = (struct sitting){.session = {
				      .seed = 5,
				      .scale_percent = 100,
				      .entries = entries,
				      .nentries = 3,
				      .refs = (const struct allocator_ref *const *)refs,
				      .nrefs = ALLOCATORS,
				      .loop = loop,
				      .interrupted = interrupted,
			      }};
	assert_int_equal(bench_file_open(&s->file, path, false, &text), 0);
	s->session.file = &s->file;
}

static void end(struct sitting *s)
{
	bench_session_release(&s->session);
	assert_int_equal(bench_file_close(&s->file, 0), 0);
	assert_int_equal(fake.runs, fake.released);
}

static void all_is_run_once(void **state)
{
	struct sitting s;

	(void)state;
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	assert_int_equal(fake.runs, PLANNED);
	assert_int_equal(s.session.made, PLANNED);
	assert_int_equal(s.session.nstates, 2 * PLANNED);
	assert_int_equal(bench_session_exit_code(&s.session), EXIT_CLEAN);
	for (unsigned i = 0; i < fake.runs; i++) {
		assert_int_equal(fake.key[i].rep, fake.key[i].block + 1);
		assert_int_equal(fake.key[i].threads,
				 strcmp(fake.key[i].workload, "larson") == 0 ? 4 : 0);
		assert_int_equal(fake.key[i].seed, 5);
	}
	end(&s);
}

/* Nobody but workloads with a number of threads gets the one that was asked for. */
static void threads_are_for_those_who_have_them(void **state)
{
	struct sitting s;

	(void)state;
	begin(&s);
	s.session.threads = 7;
	assert_int_equal(bench_session_run(&s.session), 0);
	for (unsigned i = 0; i < fake.runs; i++)
		assert_int_equal(fake.key[i].threads,
				 strcmp(fake.key[i].workload, "larson") == 0 ? 7 : 0);
	end(&s);
}

static void a_second_call_runs_nothing(void **state)
{
	struct sitting s;

	(void)state;
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	end(&s);
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	assert_int_equal(fake.runs, PLANNED);
	assert_int_equal(s.session.made, 0);
	assert_int_equal(s.session.present, PLANNED);
	end(&s);
}

/* Wherever it is interrupted, the next call makes what is missing and nothing else. */
static void an_interrupt_leaves_what_was_done(void **state)
{
	(void)state;
	for (unsigned stop = 1; stop <= PLANNED; stop++) {
		struct sitting s;
		unsigned done = stop - 1;

		assert_int_equal(truncate(path, 0), 0);
		memset(&fake, 0, sizeof(fake));
		fake.stop_in = stop;
		begin(&s);
		assert_int_equal(bench_session_run(&s.session), 0);
		assert_int_equal(s.session.made, done);
		assert_int_equal(s.file.rows.n, done);
		end(&s);
		memset(&fake, 0, sizeof(fake));
		begin(&s);
		assert_int_equal(bench_session_run(&s.session), 0);
		assert_int_equal(fake.runs, PLANNED - done);
		assert_int_equal(s.file.rows.n, PLANNED);
		end(&s);
	}
}

static const struct result_line *row_of(const struct sitting *s, const char *workload,
					const char *allocator, const char *build, unsigned rep)
{
	for (size_t i = 0; i < s->file.rows.n; i++) {
		const struct bench_key *k = &s->file.rows.row[i]->key;

		if (strcmp(k->workload, workload) == 0 && strcmp(k->allocator, allocator) == 0 &&
		    strcmp(k->build, build) == 0 && k->rep == rep)
			return s->file.rows.row[i];
	}
	fail_msg("%s on %s is missing", workload, allocator);
	return NULL;
}

static const struct result_value *net(const struct result_line *row)
{
	return result_line_metric(row, "net_ns_per_op");
}

static void the_loop_is_taken_off(void **state)
{
	struct sitting s;

	(void)state;
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	for (unsigned rep = 1; rep <= 3; rep++) {
		assert_true(net(row_of(&s, "larson", "glibc", "timed", rep))->value == 8 + rep);
		assert_true(net(row_of(&s, "drain", "mine", "timed", rep))->value == 8 + rep);
		assert_null(net(row_of(&s, "larson", LOOP_NAME, "timed", rep)));
	}
	assert_null(net(row_of(&s, "larson", "glibc", "sampled", 1)));
	end(&s);
}

/* Also where the loop was measured by a call before. */
static void the_loop_of_a_call_before_counts(void **state)
{
	struct sitting s;
	unsigned stop = 2;

	(void)state;
	begin(&s);
	fake.stop_in = stop;
	assert_int_equal(bench_session_run(&s.session), 0);
	end(&s);
	memset(&fake, 0, sizeof(fake));
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	for (unsigned rep = 1; rep <= 3; rep++)
		assert_true(net(row_of(&s, "larson", "glibc", "timed", rep))->value == 8 + rep);
	end(&s);
}

static void what_the_loop_cannot_do_is_nobodys_fault(void **state)
{
	struct sitting s;

	(void)state;
	fake.crashes = LOOP_NAME;
	fake.status = STATUS_CRASH;
	begin(&s);
	assert_int_equal(bench_session_run(&s.session), 0);
	assert_int_equal(bench_session_exit_code(&s.session), EXIT_CLEAN);
	assert_null(net(row_of(&s, "larson", "glibc", "timed", 1)));
	end(&s);
}

static void ends_have_exit_codes(void **state)
{
	static const struct {
		enum bench_status status;
		int code;
	} want[] = {
		{STATUS_CRASH, EXIT_FINDING},	       {STATUS_TIMEOUT, EXIT_FINDING},
		{STATUS_WRONG_OUTPUT, EXIT_FINDING},   {STATUS_OUT_OF_MEMORY, EXIT_FINDING},
		{STATUS_WRONG_ALLOCATOR, EXIT_BROKEN}, {STATUS_BROKEN, EXIT_BROKEN},
		{STATUS_UNSUPPORTED, EXIT_CLEAN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct sitting s;

		assert_int_equal(truncate(path, 0), 0);
		memset(&fake, 0, sizeof(fake));
		fake.crashes = "mine";
		fake.status = want[i].status;
		begin(&s);
		assert_int_equal(bench_session_run(&s.session), 0);
		assert_int_equal(bench_session_exit_code(&s.session), want[i].code);
		/* A status, never a number. */
		assert_int_equal(row_of(&s, "larson", "mine", "timed", 1)->status, want[i].status);
		assert_int_equal(row_of(&s, "larson", "mine", "timed", 1)->nmetrics, 0);
		end(&s);
		/* The same when all of it is from before. */
		begin(&s);
		assert_int_equal(bench_session_run(&s.session), 0);
		assert_int_equal(bench_session_exit_code(&s.session), want[i].code);
		end(&s);
	}
}

#define SITTING(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITTING(all_is_run_once),
		SITTING(threads_are_for_those_who_have_them),
		SITTING(a_second_call_runs_nothing),
		SITTING(an_interrupt_leaves_what_was_done),
		SITTING(the_loop_is_taken_off),
		SITTING(the_loop_of_a_call_before_counts),
		SITTING(what_the_loop_cannot_do_is_nobodys_fault),
		SITTING(ends_have_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
