#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/whole/whole_start.h"
#include "harness/cli/paths.h"

#define LAUNCHER "allocrig-whole-run"

static enum bench_status find_files(const struct bench_tools *t, const struct whole_program *p,
				    struct whole_folder *f, char why[512])
{
	int n = snprintf(f->launcher, sizeof(f->launcher), "%s/" LAUNCHER, t->own_dir);

	if (n >= (int)sizeof(f->launcher) || access(f->launcher, X_OK) != 0) {
		snprintf(why, 512, "no %.400s: build all first", f->launcher);
		return STATUS_BROKEN;
	}
	if (whole_tool(p, f->tool) != 0) {
		snprintf(why, 512, "%s is not installed: package %s", p->tools[0], p->package);
		return STATUS_UNSUPPORTED;
	}
	return STATUS_OK;
}

enum bench_status whole_folder_init(const struct bench_tools *t, const struct whole_program *p,
				    unsigned percent, struct whole_folder *ret, char why[512])
{
	const char *tmp = getenv("TMPDIR");
	char sources[PATH_MAX] = "";
	enum bench_status status = find_files(t, p, ret, why);
	int n = snprintf(ret->dir, sizeof(ret->dir), "%s/allocrig-whole-XXXXXX",
			 tmp && tmp[0] == '/' ? tmp : "/tmp");
	int err;

	if (status != STATUS_OK)
		return status;
	if (n >= (int)sizeof(ret->dir) || !mkdtemp(ret->dir)) {
		snprintf(why, 512, "%.400s: %s", ret->dir, strerror(errno));
		return STATUS_BROKEN;
	}
	err = p->load_source ? paths_data_dir("bench/whole", sources) : 0;
	if (!err)
		err = whole_write_load(p, ret->dir, sources, percent);
	if (!err)
		return STATUS_OK;
	snprintf(why, 512, "the load of %s: %s", p->name, strerror(-err));
	whole_folder_release(ret);
	return STATUS_BROKEN;
}

void whole_folder_release(struct whole_folder *f)
{
	whole_remove_folder(f->dir);
}

static ssize_t read_end(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t length = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	ssize_t n = -1;

	if (length >= 0)
		n = pread(fd, buf, size, length > (off_t)size ? length - (off_t)size : 0);
	if (fd >= 0)
		close(fd);
	return n;
}

void whole_folder_text(const struct whole_folder *f, const char *name, char *ret, size_t size)
{
	char path[2 * PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	n = read_end(path, ret, size - 1);
	while (n > 0 && isspace((unsigned char)ret[n - 1]))
		n--;
	ret[n > 0 ? n : 0] = '\0';
	for (char *c = ret; *c; c++) {
		if (!isprint((unsigned char)*c))
			*c = ' ';
	}
}
