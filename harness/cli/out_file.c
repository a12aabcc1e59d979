#include "harness/cli/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A device or a pipe is written to as it is. */
static bool is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static int open_temporary(struct out_file *o)
{
	mode_t mask = umask(0);

	umask(mask);
	if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
		o->temporary = NULL;
		return -ENOMEM;
	}
	int fd = mkostemp(o->temporary, O_CLOEXEC);

	if (fd < 0) {
		int err = -errno;

		free(o->temporary);
		o->temporary = NULL;
		return err;
	}
	fchmod(fd, 0666 & ~mask);
	o->stream = fdopen(fd, "w");
	return o->stream ? 0 : -errno;
}

int out_file_open(struct out_file *o, const char *path)
{
	*o = (struct out_file){.path = path};
	if (!path || strcmp(path, "-") == 0) {
		o->stream = stdout;
		return 0;
	}
	if (!is_special(path))
		return open_temporary(o);
	o->stream = fopen(path, "we");
	return o->stream ? 0 : -errno;
}

int out_file_close(struct out_file *o, int err)
{
	if (o->stream && fflush(o->stream) != 0 && !err)
		err = -errno;
	if (o->stream && o->stream != stdout && fclose(o->stream) != 0 && !err)
		err = -errno;
	if (o->temporary && !err && rename(o->temporary, o->path) != 0)
		err = -errno;
	if (o->temporary && err)
		unlink(o->temporary);
	free(o->temporary);
	return err;
}
