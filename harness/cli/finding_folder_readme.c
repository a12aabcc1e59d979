/*
 * README.md of a finding: what a person reads first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"

static void put_head(const struct folder *f, FILE *out)
{
	const struct found *found = &f->found;

	fprintf(out, "# %s\n\n", finding_kind_name(found->kind));
	fprintf(out, "Signature `%s`, on %s.\n\n", found->signature, found->allocator);
	fprintf(out, "%s\n\n", found->message);
}

static void put_state(const struct folder *f, FILE *out)
{
	if (f->state == FOLDER_FOUND)
		fprintf(out, "Found, and not shrunk yet: `program.prog` is the program as it was "
			     "found.\n");
}

int folder_put_readme(const struct folder *f)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	put_head(f, out);
	put_state(f, out);
	int err = ferror(out) ? -ENOMEM : 0;

	if (fclose(out) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		err = file_put(f->dir, "README.md", text, len);
	free(text);
	return err;
}
