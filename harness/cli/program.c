#include "harness/cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

#define COPY_BYTES 65536

static int complain(const char *path, const char *what, int code)
{
	cli_complain("%s: %s", *path ? path : "''", what);
	return code;
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Standard input and pipes cannot be read twice: their text goes to an unlinked file first. */
static int spool(int from, int *ret_fd)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *buf = malloc(COPY_BYTES);
	int err = fd < 0 ? -errno : buf ? 0 : -ENOMEM;

	while (!err) {
		ssize_t n = read(from, buf, COPY_BYTES);

		if (n == 0)
			break;
		if (n > 0)
			err = write_all(fd, buf, (size_t)n);
		else if (errno != EINTR)
			err = -errno;
	}
	free(buf);
	if (err && fd >= 0)
		close(fd);
	*ret_fd = fd;
	return err;
}

static int open_seekable(const char *path, int *ret_fd)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return complain(path, strerror(errno), EXIT_MISUSE);
	int err = 0;

	if (S_ISDIR(st.st_mode)) {
		err = EISDIR;
	} else if (!S_ISREG(st.st_mode) || is_stdin) {
		int copy;

		fcntl(fd, F_SETFL, 0);
		err = -spool(fd, &copy);
		if (!is_stdin)
			close(fd);
		fd = copy;
	}
	if (err)
		return complain(path, strerror(err),
				err == EISDIR || err == EBADF ? EXIT_MISUSE : EXIT_BROKEN);
	*ret_fd = fd;
	return 0;
}

static int hash(int fd, char hex[65])
{
	SHA2_CTX ctx;
	char *buf = malloc(COPY_BYTES);
	off_t at = 0;
	ssize_t n = -1;

	if (!buf)
		return -ENOMEM;
	SHA256Init(&ctx);
	while ((n = pread(fd, buf, COPY_BYTES, at)) > 0) {
		SHA256Update(&ctx, (const uint8_t *)buf, (size_t)n);
		at += n;
	}
	int err = n < 0 ? -errno : 0;

	free(buf);
	SHA256End(&ctx, hex);
	return err;
}

static char *name_of(const char *path)
{
	if (strcmp(path, "-") == 0)
		return strdup("stdin");
	char *copy = strdup(path);
	char *name = copy ? strdup(basename(copy)) : NULL;

	free(copy);
	if (!name)
		return NULL;
	size_t len = strlen(name);

	if (len > 5 && strcmp(name + len - 5, ".prog") == 0)
		name[len - 5] = '\0';
	return name;
}

int program_open(const char *path, struct program *ret_program)
{
	struct program p = {.fd = -1};
	struct prog_error err;
	int code = open_seekable(path, &p.fd);

	if (code)
		return code;
	p.path = strdup(path);
	p.name = name_of(path);
	int rc = p.path && p.name ? hash(p.fd, p.sha256) : -ENOMEM;

	if (rc)
		code = complain(path, strerror(-rc), rc == -EISDIR ? EXIT_MISUSE : EXIT_BROKEN);
	if (!code) {
		rc = prog_scan(p.fd, &p.info, &err);
		if (rc == -EINVAL && err.line)
			cli_complain_at(path, err.line, err.column, err.message);
		else if (rc)
			complain(path, err.message, 0);
		code = rc ? (rc == -EINVAL ? EXIT_MISUSE : EXIT_BROKEN) : 0;
	}
	if (code)
		program_release(&p);
	else
		*ret_program = p;
	return code;
}

int program_from_text(const char *name, const char *text, size_t len, struct program *ret_program)
{
	struct program p = {.fd = memfd_create(name, MFD_CLOEXEC)};
	struct prog_error err;
	int rc = p.fd < 0 ? -errno : write_all(p.fd, text, len);

	p.path = strdup("(made up)");
	p.name = strdup(name);
	if (!rc && !(p.path && p.name))
		rc = -ENOMEM;
	if (!rc)
		rc = hash(p.fd, p.sha256);
	if (!rc)
		rc = prog_scan(p.fd, &p.info, &err);
	if (rc)
		program_release(&p);
	else
		*ret_program = p;
	return rc;
}

void program_release(struct program *p)
{
	free(p->path);
	free(p->name);
	if (p->fd > STDERR_FILENO)
		close(p->fd);
	*p = (struct program){.fd = -1};
}

bool programs_would_be_lost(const struct program *programs, size_t n, const char *option,
			    const char *path)
{
	struct stat file, program;

	if (!path || stat(path, &file) != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (fstat(programs[i].fd, &program) == 0 && program.st_dev == file.st_dev &&
		    program.st_ino == file.st_ino) {
			cli_complain("%s %s would overwrite a program", option, path);
			return true;
		}
	}
	return false;
}

int program_print(const struct program *p)
{
	static struct prog_reader reader;
	unsigned char threads[PROG_MAX_DEPTH + 1] = {0};
	unsigned depth = 0;
	struct prog_error err;
	struct op op;
	char line[PROG_LINE_MAX];

	if (prog_reader_init(&reader, p->fd, &err) != 0)
		return complain(p->path, err.message, EXIT_BROKEN);
	if (prog_header_print(&reader.header, line, sizeof(line)) >= 0)
		fputs(line, stdout);
	while (prog_reader_next(&reader, &op, &err) == 0) {
		if (op.code == OP_END && depth)
			depth--;
		if (op_print(&op, threads[depth], line, sizeof(line)) < 0)
			return complain(p->path, "line too long to print", EXIT_BROKEN);
		printf("%*s%s\n", (int)depth * 2, "", line);
		if (op_opens_block(op.code) && depth < PROG_MAX_DEPTH)
			threads[++depth] = op.thread;
	}
	return 0;
}
