#include "fuzz/tell.h"

#include <errno.h>
#include <stdio.h>

static void print_text(const struct found_text *t)
{
	fprintf(stderr, "%.*s", (int)t->len, t->text);
}

void tell_words(const struct found *f)
{
	fprintf(stderr, "allocrig: finding on %s: %s\n  %s\n", f->allocator, f->signature,
		f->message);
	for (uint32_t i = 0; i < f->nhistory; i++) {
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
