#include "harness/cli/json_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

int json_out_open(struct json_out *o, const char *path)
{
	struct stat st;

	*o = (struct json_out){.fd = -1};
	if (!path)
		return 0;
	o->is_stdout = strcmp(path, "-") == 0;
	o->fd = o->is_stdout
			? STDOUT_FILENO
			: open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (o->fd < 0)
		return -errno;
	o->is_regular = !o->is_stdout && fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

static int write_whole(struct json_out *o, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(o->fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			if (o->is_regular && ftruncate(o->fd, o->good) != 0)
				return -err;
			return -err;
		}
		done += (size_t)n;
	}
	o->good += (off_t)len;
	return 0;
}

int json_out_write(struct json_out *o, json_t *object)
{
	if (o->fd < 0) {
		json_decref(object);
		return 0;
	}
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	size_t len = strlen(text);

	text[len] = '\n';
	int err = write_whole(o, text, len + 1);

	free(text);
	return err;
}

int json_out_lines(struct json_out *o, const char *lines, size_t len)
{
	return o->fd < 0 ? 0 : write_whole(o, lines, len);
}

bool json_out_same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (!a || !b || strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
		return false;
	if (stat(a, &x) != 0 || stat(b, &y) != 0)
		return strcmp(a, b) == 0;
	return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int json_out_close(struct json_out *o)
{
	int err = 0;

	if (o->fd >= 0 && !o->is_stdout && close(o->fd) != 0)
		err = -errno;
	o->fd = -1;
	return err;
}

int json_out_begin(struct json_out *o, const char *path, FILE **ret_text)
{
	int err = json_out_open(o, path);

	if (err) {
		cli_complain_write(path, -err);
		return EXIT_BROKEN;
	}
	*ret_text = o->is_stdout ? stderr : stdout;
	return EXIT_CLEAN;
}

int json_out_end(struct json_out *o, const char *path, int code)
{
	int err = json_out_close(o);

	if (!err)
		return code;
	cli_complain_write(path, -err);
	return EXIT_BROKEN;
}

json_t *json_bytes(const char *bytes, size_t len)
{
	json_t *whole = json_stringn(bytes, len);

	if (whole)
		return whole;
	char *safe = malloc(4 * len + 1);
	size_t n = 0;

	if (!safe)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)bytes[i];

		if (b >= 0x80)
			n += (size_t)snprintf(safe + n, 5, "\\x%02x", b);
		else
			safe[n++] = (char)b;
	}
	whole = json_stringn(safe, n);
	free(safe);
	return whole;
}

json_t *json_text(const char *text)
{
	return text && *text ? json_bytes(text, strlen(text)) : json_null();
}
