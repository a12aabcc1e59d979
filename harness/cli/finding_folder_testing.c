#include "harness/cli/finding_folder_testing.h"

#include <ftw.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
/* Behind what it needs. */
#include <cmocka.h>

int scratch_make(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");

	if (!s)
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/finding-folder.XXXXXX", tmp ? tmp : "/tmp");
	*state = s;
	return mkdtemp(s->path) ? 0 : -1;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int scratch_drop(void **state)
{
	struct scratch *s = *state;
	int err = nftw(s->path, drop, 16, FTW_DEPTH | FTW_PHYS);

	free(s);
	return err;
}

void scratch_put(const char *folder, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	if (!text) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

char *scratch_get(const char *folder, const char *file)
{
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	FILE *in = fopen(path, "re");

	if (!in)
		fail_msg("no %s", path);
	if (getdelim(&text, &size, '\0', in) < 0 && text)
		text[0] = '\0';
	fclose(in);
	return text;
}

static struct found_text text_of(char *text)
{
	return (struct found_text){.text = text, .len = strlen(text)};
}

struct found scratch_found(uint32_t nhistory)
{
	static char program[] = "allocrig 1\nmalloc b[0] 24\n";
	static char past[4][64];
	static struct found_text history[4];
	struct found f = {
		.signature = "overlap/malloc/overlap-block",
		.message = "malloc b[0] returned what b[1] has",
		.allocator = "/some/where/liboverlap.so",
		.kind = 0,
		.load = LOAD_DLOPEN,
		.hang_ns = 1000000000,
		.input = 4711,
		.seconds = 2.5,
		.program = text_of(program),
		.nhistory = nhistory,
		.history = history,
	};

	for (uint32_t i = 0; i < nhistory; i++) {
		snprintf(past[i], sizeof(past[i]), "allocrig 1\nmalloc b[0] %u\n", i + 1);
		history[i] = text_of(past[i]);
	}
	return f;
}
