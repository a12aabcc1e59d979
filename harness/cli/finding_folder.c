#include "harness/cli/finding_folder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"

#define SLUG_MAX 80

static uint32_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 24 ^ h >> 48) & 0xffffff;
}

void folder_name(const char *signature, char *buf, size_t size)
{
	char slug[SLUG_MAX + 1];
	size_t len = 0, room = size > 8 ? size - 8 : 0;

	for (const char *p = signature; *p && len < SLUG_MAX && len < room; p++) {
		bool fits = isascii(*p) && isalnum((unsigned char)*p);

		if (fits)
			slug[len++] = (char)tolower((unsigned char)*p);
		else if (len && slug[len - 1] != '-')
			slug[len++] = '-';
	}
	while (len && slug[len - 1] == '-')
		len--;
	snprintf(buf, size, "%.*s%s%06x", (int)len, slug, len ? "-" : "", hash(signature));
}

/* As many digits as keep them in order. */
int folder_history_name(uint32_t i, uint32_t n, char buf[32])
{
	int digits = snprintf(NULL, 0, "%u", n ? n - 1 : 0);

	return snprintf(buf, 32, "history/%0*u.prog", digits < 3 ? 3 : digits, i);
}

static int put_history(int dir, const struct found *f, char **ret_names)
{
	char name[32];
	int err = f->nhistory && mkdirat(dir, "history", 0777) != 0 ? -errno : 0;

	for (uint32_t i = 0; i < f->nhistory && !err; i++) {
		folder_history_name(i, f->nhistory, name);
		ret_names[i] = strdup(name);
		err = ret_names[i] ? file_put(dir, name, f->history[i].text, f->history[i].len)
				   : -ENOMEM;
	}
	return err;
}

/* found.json is the last: with it the folder is one. */
static int fill(int dir, const struct found *f)
{
	struct folder folder = {.dir = dir, .found = *f};

	folder.history_names = calloc(f->nhistory ? f->nhistory : 1, sizeof(char *));
	int err = folder.history_names ? put_history(dir, f, folder.history_names) : -ENOMEM;

	if (!err)
		err = file_put(dir, "found.prog", f->program.text, f->program.len);
	if (!err)
		err = file_put(dir, "program.prog", f->program.text, f->program.len);
	if (!err)
		err = folder_put_readme(&folder, &f->program);
	if (!err)
		err = folder_put_json(&folder);
	for (uint32_t i = 0; folder.history_names && i < f->nhistory; i++)
		free(folder.history_names[i]);
	free(folder.history_names);
	return err;
}

static bool is_fit(const char *name, const struct found *f)
{
	return name[0] && name[0] != '.' && !strchr(name, '/') && f->signature[0] &&
	       f->allocator[0] && f->program.text && f->program.len && f->kind < FINDING_KINDS &&
	       f->nhistory <= FOLDER_HISTORY_MOST;
}

int folder_create(const char *parent, const char *name, const struct found *f)
{
	char making[MAKING_NAME];
	struct stat st;
	int dir;

	if (!is_fit(name, f))
		return -EINVAL;
	int at = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return -errno;
	making_sweep(at);
	int err = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST : 0;

	if (!err)
		err = making_begin(at, making, &dir);
	if (!err) {
		err = fill(dir, f);
		if (err)
			making_drop(at, making, dir);
		else
			err = making_end(at, making, dir, name);
	}
	close(at);
	return err;
}

/* Of programs that anybody may have damaged, each must still be one. */
static int get_program(int dir, const char *name, struct found_text *ret_text)
{
	struct program p;
	int err = file_get(dir, name, ret_text);

	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	err = program_from_text("program", ret_text->text, ret_text->len, &p);
	if (!err)
		program_release(&p);
	return err;
}

static int get_programs(struct folder *f)
{
	struct found *found = &f->found;
	int err = get_program(f->dir, "found.prog", &found->program);

	found->history = calloc(found->nhistory ? found->nhistory : 1, sizeof(*found->history));
	if (!found->history)
		return -ENOMEM;
	for (uint32_t i = 0; i < found->nhistory && !err; i++)
		err = get_program(f->dir, f->history_names[i], &found->history[i]);
	return err;
}

int folder_open(const char *path, bool lock, struct folder *ret_folder)
{
	struct folder *f = ret_folder;

	*f = (struct folder){.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (f->dir < 0)
		return errno == ENOENT || errno == ENOTDIR ? -EINVAL : -errno;
	if (lock && flock(f->dir, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	int err = folder_get_json(f->dir, f);

	return err ? err : get_programs(f);
}

void folder_release(struct folder *f)
{
	for (uint32_t i = 0; f->history_names && i < f->found.nhistory; i++)
		free(f->history_names[i]);
	free(f->history_names);
	f->history_names = NULL;
	found_release(&f->found);
	if (f->dir >= 0)
		close(f->dir);
	f->dir = -1;
}

int folder_read(const char *path, struct found *ret_found, enum folder_state *ret_state)
{
	struct folder f;
	int err = folder_open(path, false, &f);

	if (!err) {
		*ret_found = f.found;
		*ret_state = f.state;
		for (uint32_t i = 0; i < f.found.nhistory; i++)
			free(f.history_names[i]);
		f.found = (struct found){0};
	}
	folder_release(&f);
	return err;
}

void found_release(struct found *f)
{
	for (uint32_t i = 0; f->history && i < f->nhistory; i++)
		free(f->history[i].text);
	free(f->history);
	free(f->program.text);
	f->history = NULL;
	f->program = (struct found_text){0};
	f->nhistory = 0;
}
