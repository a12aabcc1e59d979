#include "harness/cli/finding_folder_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES (64 << 20)
#define MAKING	   ".making-"
/* Younger ones may not be locked yet by who makes them. */
#define SWEEP_AGE_S 60

/* Some file systems cannot, and then it is as safe as it gets there. */
static int sync_fd(int fd)
{
	if (fsync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP)
		return 0;
	return -errno;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The folder that the name itself stands in must know of it too. */
static int sync_folder_of(int dir, const char *name)
{
	char folder[256];
	const char *slash = strchr(name, '/');

	if (!slash)
		return sync_fd(dir);
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
	int fd = openat(dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int err = sync_fd(fd);

	close(fd);
	return err;
}

int file_put(int dir, const char *name, const char *bytes, size_t len)
{
	int fd = openat(dir, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	int err = write_all(fd, bytes, len);

	if (!err)
		err = sync_fd(fd);
	/* A full disk may be told as late as here. */
	if (close(fd) != 0 && !err)
		err = -errno;
	if (!err && renameat(dir, ".new", dir, name) != 0)
		err = -errno;
	if (err)
		unlinkat(dir, ".new", 0);
	return err ? err : sync_folder_of(dir, name);
}

static int read_all(int fd, size_t size, struct found_text *ret_text)
{
	struct found_text t = {.text = malloc(size + 1)};

	if (!t.text)
		return -ENOMEM;
	while (t.len < size) {
		ssize_t n = read(fd, t.text + t.len, size - t.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(t.text);
			return -errno;
		}
		if (n == 0)
			break;
		t.len += (size_t)n;
	}
	t.text[t.len] = '\0';
	*ret_text = t;
	return 0;
}

int file_get(int dir, const char *name, struct found_text *ret_text)
{
	/* A pipe of that name must not hold us up. */
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	int err = fstat(fd, &st) == 0 ? 0 : -errno;

	if (!err && (!S_ISREG(st.st_mode) || st.st_size > MOST_BYTES))
		err = -EINVAL;
	if (!err)
		err = read_all(fd, (size_t)st.st_size, ret_text);
	close(fd);
	return err;
}

int file_remove(int dir, const char *name)
{
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

int making_begin(int parent, char name[MAKING_NAME], int *ret_dir)
{
	struct timespec t;
	int dir = -1, made;

	do {
		clock_gettime(CLOCK_REALTIME, &t);
		snprintf(name, MAKING_NAME, MAKING "%08lx%06lx",
			 (unsigned long)getpid() & 0xffffffff, (unsigned long)t.tv_nsec & 0xffffff);
		made = mkdirat(parent, name, 0777);
	} while (made != 0 && errno == EEXIST);
	if (made == 0)
		dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* Held until it is closed, by whatever: none sweeps it away. */
	if (flock(dir, LOCK_SH | LOCK_NB) != 0) {
		int err = -errno;

		close(dir);
		return err;
	}
	*ret_dir = dir;
	return 0;
}

/* Where a file system cannot refuse to replace, a folder replaces an empty one at most. */
static int rename_to_new(int parent, const char *from, const char *to)
{
	if (renameat2(parent, from, parent, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL && renameat(parent, from, parent, to) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == ENOTDIR ? -EEXIST : -errno;
}

int making_end(int parent, const char *making, int dir, const char *name)
{
	int err = sync_fd(dir);

	if (!err)
		err = rename_to_new(parent, making, name);
	if (err) {
		making_drop(parent, making, dir);
		return err;
	}
	close(dir);
	return sync_fd(parent);
}

/* Files, and folders that hold files alone. */
static void empty(int dir, bool with_folders)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	while (stream && (e = readdir(stream))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dir, e->d_name, 0) == 0 || !with_folders)
			continue;
		int inner = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (inner < 0)
			continue;
		empty(inner, false);
		close(inner);
		unlinkat(dir, e->d_name, AT_REMOVEDIR);
	}
	if (stream)
		closedir(stream);
	else if (own >= 0)
		close(own);
}

void making_drop(int parent, const char *making, int dir)
{
	empty(dir, true);
	unlinkat(parent, making, AT_REMOVEDIR);
	close(dir);
}

static void sweep_one(int parent, const char *name)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (dir < 0)
		return;
	bool old = fstat(dir, &st) == 0 && time(NULL) - st.st_mtime > SWEEP_AGE_S;

	if (old && flock(dir, LOCK_EX | LOCK_NB) == 0)
		making_drop(parent, name, dir);
	else
		close(dir);
}

void making_sweep(int parent)
{
	int own = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	while (stream && (e = readdir(stream)))
		if (strncmp(e->d_name, MAKING, strlen(MAKING)) == 0)
			sweep_one(parent, e->d_name);
	if (stream)
		closedir(stream);
	else if (own >= 0)
		close(own);
}
