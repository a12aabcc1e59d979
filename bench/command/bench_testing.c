#include "bench/command/bench_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bench_result made_up(const char *workload, const char *allocator, unsigned rep)
{
	struct bench_result r = {
		.key = {.build = "timed",
			.rep = rep,
			.block = rep,
			.seed = 1,
			.scale_percent = 100},
		.status = STATUS_OK,
	};

	snprintf(r.key.workload, sizeof(r.key.workload), "%s", workload);
	snprintf(r.key.allocator, sizeof(r.key.allocator), "%s", allocator);
	return r;
}

json_t *made_up_line(const struct bench_result *r)
{
	json_t *line = result_json(r);

	assert_non_null(line);
	return line;
}

void made_up_row(struct rows *rows, const struct bench_result *r)
{
	json_t *line = made_up_line(r);
	char *text = json_dumps(line, JSON_COMPACT), why[512] = "";

	assert_non_null(text);
	if (rows_add(rows, text, strlen(text), why, sizeof(why)) != 0)
		fail_msg("%s: %s", text, why);
	free(text);
	json_decref(line);
}

struct allocator_ref *made_up_ref(const char *name, const char *sha256)
{
	struct allocator_ref *ref = calloc(1, sizeof(*ref));

	assert_non_null(ref);
	snprintf(ref->name, sizeof(ref->name), "%s", name);
	snprintf(ref->sha256, sizeof(ref->sha256), "%s", sha256);
	ref->available = true;
	return ref;
}

char *text_of(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(in);
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(in);
	return text;
}
