#include "harness/cli/fuzz_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/jobs.h"

#define COPY_MAX (64u << 20)

struct files_path files_join(const char *folder, const char *name)
{
	struct files_path p;
	int len = snprintf(p.s, sizeof(p.s), "%s/%s", folder, name);

	if (len < 0 || (size_t)len >= sizeof(p.s))
		p.s[0] = '\0';
	return p;
}

int files_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) != 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	/* Some file systems have nothing to write for a folder, and say so. */
	int err = fd < 0 ? -errno : fsync(fd) != 0 && errno != EINVAL ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

int files_sync_names(const char *folder)
{
	return sync_path(folder);
}

static int sync_parent(const char *path)
{
	struct files_path parent;
	const char *slash = strrchr(path, '/');

	snprintf(parent.s, sizeof(parent.s), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	return sync_path(parent.s);
}

static int write_new(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	int err = jobs_write(fd, bytes, len);

	if (!err && fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && !err)
		err = -errno;
	return err;
}

int files_replace(const char *path, const char *bytes, size_t len)
{
	struct files_path new;
	int err;

	if (snprintf(new.s, sizeof(new.s), "%s.new", path) >= (int)sizeof(new.s))
		return -ENAMETOOLONG;
	err = write_new(new.s, bytes, len);
	if (!err && rename(new.s, path) != 0)
		err = -errno;
	if (err) {
		unlink(new.s);
		return err;
	}
	return sync_parent(path);
}

int files_copy(const char *from, const char *to)
{
	char *bytes = NULL;
	size_t len = 0;
	int err = files_read(from, COPY_MAX, &bytes, &len);

	if (err)
		return err;
	err = files_replace(to, bytes, len);
	free(bytes);
	return err;
}

static int read_all(int fd, char *bytes, size_t room, size_t *ret_len)
{
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, bytes + len, room - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int files_read(const char *path, size_t max, char **ret_bytes, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	int err = fstat(fd, &st) != 0 ? -errno : (size_t)st.st_size > max ? -EFBIG : 0;
	char *bytes = err ? NULL : malloc((size_t)st.st_size + 1);

	if (!err)
		err = bytes ? read_all(fd, bytes, (size_t)st.st_size, &len) : -ENOMEM;
	close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	bytes[len] = '\0';
	*ret_bytes = bytes;
	*ret_len = len;
	return 0;
}

/* What cannot be written whole is cut off again. */
static int append(int fd, const char *bytes, size_t len)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	int err = jobs_write(fd, bytes, len);

	if (err && ftruncate(fd, st.st_size) != 0)
		return -errno;
	return err;
}

int files_append(const char *path, const char *line)
{
	char *whole = NULL;
	int len = asprintf(&whole, "%s\n", line);

	if (len < 0)
		return -ENOMEM;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : append(fd, whole, (size_t)len);

	if (!err && fsync(fd) != 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(whole);
	return err;
}

static int sync_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	/* nftw ends at what is not 0: the error. */
	return type == FTW_F || type == FTW_DP ? -sync_path(path) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) != 0 && errno != ENOENT ? errno : 0;
}

static int walk(const char *path, __nftw_func_t each)
{
	int ret = nftw(path, each, 16, FTW_DEPTH | FTW_PHYS);

	return ret < 0 ? -errno : -ret;
}

int files_sync(const char *folder)
{
	return walk(folder, sync_one);
}

int files_remove(const char *path)
{
	int err = walk(path, remove_one);

	return err == -ENOENT ? 0 : err;
}

static int is_entry(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int files_each(const char *folder, int (*each)(void *ctx, const char *name), void *ctx)
{
	struct dirent **entry;
	int n = scandir(folder, &entry, is_entry, by_bytes);
	int ret = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		if (!ret)
			ret = each(ctx, entry[i]->d_name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return ret;
}

size_t files_count(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	if (!dir)
		return 0;
	for (struct dirent *d; (d = readdir(dir)) != NULL;)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}
