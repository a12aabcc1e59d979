#include "harness/cli/shrink_testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

static struct prog_reader reader;
struct op shrink_ops[SHRINK_TEST_OPS];

void shrink_parse(const char *text, size_t len, struct program *p)
{
	int fd = text_file(text, len);
	struct prog_error err = {0};

	*p = (struct program){.ops = shrink_ops, .max_ops = SHRINK_TEST_OPS};
	if (program_read(&reader, fd, p, &err) != 0)
		fail_msg("%u:%u: %s\n%s", err.line, err.column, err.message, text);
	close(fd);
}

/* Every program that it is asked about must be a valid one. */
int shrink_fires(void *ctx, const char *text, size_t len)
{
	struct shrink_asked *a = ctx;

	if (++a->asked == a->stop_at)
		return -EINTR;
	assert_int_equal(strlen(text), len);
	shrink_parse(text, len, &a->p);
	if (!a->wanted(&a->p))
		return 0;
	snprintf(a->last, sizeof(a->last), "%s", text);
	return 1;
}

struct shrink_result shrink_asking(struct shrink_asked *a, const char *text)
{
	struct shrink_request req = {
		.text = text, .len = strlen(text), .fires = shrink_fires, .ctx = a};
	struct shrink_result r;

	assert_int_equal(shrink_program(&req, &r), 0);
	assert_int_equal(strlen(r.text), r.len);
	assert_int_equal(a->asked, r.asked);
	return r;
}

void shrinks_to(bool (*wanted)(const struct program *), const char *text, const char *small)
{
	struct shrink_asked a = {.wanted = wanted};
	struct shrink_result r = shrink_asking(&a, text);

	assert_string_equal(r.text, small);
	assert_int_equal(r.stopped, 0);
	shrink_result_release(&r);
}
