#include "harness/cli/fuzz_filing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/hunt.h"
#include "harness/cli/print.h"

/* What is to go is renamed first, so that half of it is never taken for a finding. */
#define DROP	  ".drop-"
#define NAMES_MAX 1000 /* of one signature's name, should something else have it */

struct files_path filing_path(const struct filing *f, size_t i)
{
	return store_file(f->store, "findings/%s", f->list[i].name);
}

bool filed_is_open(const struct filed *filed)
{
	return filed->state != FOLDER_SHRUNK;
}

static const struct filed *by_signature(const struct filing *f, const char *signature)
{
	for (size_t i = 0; i < f->n; i++)
		if (hunt_is_same(f->list[i].signature, signature))
			return &f->list[i];
	return NULL;
}

static void filed_release(struct filed *filed)
{
	free(filed->name);
	free(filed->signature);
	free(filed->message);
}

/* The new one, or NULL without memory. */
static struct filed *list_add(struct filing *f, const char *name, const struct found *found)
{
	struct filed *bigger = reallocarray(f->list, f->n + 1, sizeof(*bigger));
	struct filed one = {.name = strdup(name),
			    .signature = strdup(found->signature),
			    .message = strdup(found->message),
			    .known = found->known};

	if (bigger)
		f->list = bigger;
	if (!bigger || !one.name || !one.signature || !one.message) {
		filed_release(&one);
		return NULL;
	}
	f->list[f->n] = one;
	return &f->list[f->n++];
}

/* One line, whatever the allocator printed into its symbols. */
static void put_line(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

/* "finding DIR/findings/NAME: SIGNATURE: MESSAGE"; and from then on it is passed by. */
static void tell(struct filing *f, struct filed *filed)
{
	char *path = NULL;

	print_progress_clear();
	fputs("finding ", f->out);
	if (asprintf(&path, "%s/findings/%s", f->store->path, filed->name) >= 0) {
		put_line(f->out, path);
		free(path);
	}
	fputs(": ", f->out);
	put_line(f->out, filed->signature);
	fputs(": ", f->out);
	put_line(f->out, filed->message);
	fputc('\n', f->out);
	fflush(f->out);
	filed->is_new = true;
	f->nnew++;
	int err = files_append(store_file(f->store, "skip.txt").s, filed->signature);

	if (err)
		store_trouble(f->store, "skip.txt", err);
}

static int add_filed(void *ctx, const char *name)
{
	struct filing *f = ctx;
	enum folder_state state;
	struct found found;

	if (name[0] == '.')
		return 0;
	int err = folder_read(store_file(f->store, "findings/%s", name).s, &found, &state);

	if (err) {
		cli_complain("%s/findings/%s cannot be read and is left as it is: %s",
			     f->store->path, name, strerror(-err));
		return 0;
	}
	struct filed *filed = list_add(f, name, &found);

	if (filed)
		filed->state = state;
	found_release(&found);
	return filed ? 0 : -ENOMEM;
}

/* Whether the text has the line. */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)) != NULL; at += len)
		if ((at == text || at[-1] == '\n') && (at[len] == '\n' || !at[len]))
			return true;
	return false;
}

static int write_skip(const struct filing *f, const char *told)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < f->n; i++)
		if (has_line(told, f->list[i].signature))
			fprintf(out, "%s\n", f->list[i].signature);
	int err = fclose(out) != 0 ? -ENOMEM
				   : files_replace(store_file(f->store, "skip.txt").s, text, len);

	free(text);
	return err;
}

static int drop_left(void *ctx, const char *name)
{
	const struct filing *f = ctx;

	if (strncmp(name, DROP, strlen(DROP)) == 0)
		files_remove(store_file(f->store, "inbox/%s", name).s);
	return 0;
}

int filing_begin(struct filing *f, struct fuzz_store *store, FILE *out)
{
	char *told = NULL;
	size_t len;

	*f = (struct filing){.store = store, .out = out};
	files_each(store_file(store, "inbox").s, drop_left, f);
	int err = files_each(store_file(store, "findings").s, add_filed, f);

	if (err)
		return err;
	if (files_read(store_file(store, "skip.txt").s, SIZE_MAX / 2, &told, &len) != 0)
		told = strdup("");
	if (!told)
		return -ENOMEM;
	err = write_skip(f, told);
	if (err)
		store_trouble(store, "skip.txt", err);
	for (size_t i = 0; i < f->n; i++)
		if (!has_line(told, f->list[i].signature))
			tell(f, &f->list[i]);
	free(told);
	return 0;
}

/* Said once a name: it is met again at each look. */
static void refuse(struct filing *f, const char *name, int err)
{
	for (size_t i = 0; i < f->nrefused; i++)
		if (strcmp(f->refused[i], name) == 0)
			return;
	char **bigger = reallocarray(f->refused, f->nrefused + 1, sizeof(*bigger));

	if (!bigger)
		return;
	f->refused = bigger;
	f->refused[f->nrefused] = strdup(name);
	f->nrefused += f->refused[f->nrefused] != NULL;
	print_progress_clear();
	cli_complain("%s/inbox/%s cannot be taken in and stays there: %s", f->store->path, name,
		     strerror(-err));
}

static void drop(struct filing *f, const char *name)
{
	struct files_path from = store_file(f->store, "inbox/%s", name);
	struct files_path to = store_file(f->store, "inbox/%s%s", DROP, name);

	files_remove(to.s);
	if (rename(from.s, to.s) != 0) {
		refuse(f, name, -errno);
		return;
	}
	f->store->totals.repeated++;
	files_remove(to.s);
}

/* Under the name of its signature, or that with a number where something else is called so. */
static int move(const struct filing *f, const char *name, const char *signature, char *ret_as,
		size_t size)
{
	struct files_path from = store_file(f->store, "inbox/%s", name);
	char base[128];

	folder_name(signature, base, sizeof(base));
	snprintf(ret_as, size, "%s", base);
	for (unsigned i = 2; i < NAMES_MAX; i++) {
		struct files_path to = store_file(f->store, "findings/%s", ret_as);

		/* A folder that is renamed onto an empty one replaces it, and that is fine. */
		if (rename(from.s, to.s) == 0)
			return files_sync_names(store_file(f->store, "findings").s);
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -errno;
		snprintf(ret_as, size, "%s-%u", base, i);
	}
	return -EEXIST;
}

static void file_new(struct filing *f, const char *name, const struct found *found,
		     enum folder_state state)
{
	char as[160];
	int err = files_sync(store_file(f->store, "inbox/%s", name).s);

	/* A full disk keeps nothing that was not there before: it is moved all the same. */
	if (err && err != -ENOSPC && err != -EDQUOT) {
		refuse(f, name, err);
		return;
	}
	err = move(f, name, found->signature, as, sizeof(as));
	if (err) {
		refuse(f, name, err);
		return;
	}
	struct filed *filed = list_add(f, as, found);

	if (!filed)
		return;
	filed->state = state;
	tell(f, filed);
}

static int take(void *ctx, const char *name)
{
	struct filing *f = ctx;
	enum folder_state state;
	struct found found;

	if (name[0] == '.')
		return 0;
	int err = folder_read(store_file(f->store, "inbox/%s", name).s, &found, &state);

	if (err) {
		refuse(f, name, err);
		return 0;
	}
	if (by_signature(f, found.signature))
		drop(f, name);
	else
		file_new(f, name, &found, state);
	found_release(&found);
	return 0;
}

void filing_take(struct filing *f)
{
	files_each(store_file(f->store, "inbox").s, take, f);
}

void filing_look(struct filing *f, size_t i)
{
	enum folder_state state;
	struct found found;

	if (folder_read(filing_path(f, i).s, &found, &state) != 0)
		return;
	f->list[i].state = state;
	found_release(&found);
}

void filing_release(struct filing *f)
{
	for (size_t i = 0; i < f->n; i++)
		filed_release(&f->list[i]);
	for (size_t i = 0; i < f->nrefused; i++)
		free(f->refused[i]);
	free(f->list);
	free(f->refused);
}
