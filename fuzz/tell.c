#include "fuzz/tell.h"

#include <errno.h>
#include <stdio.h>

#define HISTORY_SHOWN 4

static void print_text(const struct found_text *t)
{
	fprintf(stderr, "%.*s", (int)t->len, t->text);
}

void tell_words(const struct found *f)
{
	fprintf(stderr, "allocrig: finding on %s: %s\n  %s\n", f->allocator, f->signature,
		f->message);
	uint32_t first = f->nhistory > HISTORY_SHOWN ? f->nhistory - HISTORY_SHOWN : 0;

	if (first)
		fprintf(stderr,
			"%u programs run before it in the same child, of which these are "
			"the last (--inbox=FOLDER keeps all):\n",
			f->nhistory);
	for (uint32_t i = first; i < f->nhistory; i++) {
		fprintf(stderr, "program %u, which runs before it in the same child:\n", i + 1);
		print_text(&f->history[i]);
	}
	fputs(f->nhistory ? "the program that shows it then:\n" : "the program:\n", stderr);
	print_text(&f->program);
	fflush(stderr);
}

int tell_folder(const char *inbox, const struct found *f)
{
	char name[256];

	folder_name(f->signature, name, sizeof(name));
	int err = folder_create(inbox, name, f);

	return err == -EEXIST ? 0 : err;
}

int tell_input(const struct found *f, const struct tell_input *input)
{
	char name[256], path[PATH_MAX];

	folder_name(f->signature, name, sizeof(name));
	if (snprintf(path, sizeof(path), "%sproof-%s", input->prefix, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	FILE *file = fopen(path, "wbe");
	int err = file ? 0 : -errno;

	if (file && fwrite(input->bytes, 1, input->len, file) != input->len)
		err = -EIO;
	if (file && fclose(file) != 0)
		err = -errno;
	if (!err)
		fprintf(stderr, "allocrig: an input that shows it by itself: %s\n", path);
	return err;
}
