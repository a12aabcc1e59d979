#include "allocators/package.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One package a record: name and version on the first line, then its files. */
#define RECORD "-f=>${Package}\t${Version}\n${db-fsys:Files}\n"

/*
 * On a merged system /lib is /usr/lib, and a package may list its files under either: both names
 * of one file.
 */
struct names {
	const char *real;
	char other[PATH_MAX];
};

static void names_init(struct names *n, const char *path)
{
	n->real = path;
	if (strncmp(path, "/usr/lib", 8) == 0)
		snprintf(n->other, sizeof(n->other), "%s", path + 4);
	else if (strncmp(path, "/lib", 4) == 0)
		snprintf(n->other, sizeof(n->other), "/usr%.*s", PATH_MAX - 5, path);
	else
		snprintf(n->other, sizeof(n->other), "%s", path);
}

static pid_t spawn_reading(char *const argv[], int fd)
{
	char *env[] = {(char[]){"LC_ALL=C"}, (char[]){"PATH=/usr/bin:/bin"}, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	pid_t pid = -1;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, "/usr/bin/dpkg-query", &actions, &attr, argv, env) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return pid;
}

/* dpkg-query's standard output; NULL when it could not be started. */
static FILE *query_open(char *const argv[], pid_t *ret_pid)
{
	int pipe_fd[2];
	FILE *out;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return NULL;
	*ret_pid = spawn_reading(argv, pipe_fd[1]);
	close(pipe_fd[1]);
	out = *ret_pid > 0 ? fdopen(pipe_fd[0], "r") : NULL;
	if (!out)
		close(pipe_fd[0]);
	return out;
}

static void query_close(FILE *out, pid_t pid)
{
	if (out)
		fclose(out);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool read_line(FILE *out, char **line, size_t *size)
{
	ssize_t len = getline(line, size, out);

	if (len <= 0)
		return false;
	if ((*line)[len - 1] == '\n')
		(*line)[len - 1] = '\0';
	return true;
}

/* The package among those of this name, one for each architecture, that has the file. */
static bool package_has(const char *name, const struct names *n, struct package *ret_package)
{
	char *argv[] = {(char[]){"dpkg-query"}, (char[]){"-W"}, (char[]){RECORD}, (char *)name,
			NULL};
	struct package current = {0};
	bool found = false;
	char *line = NULL;
	size_t size = 0;
	pid_t pid = -1;
	FILE *out = query_open(argv, &pid);

	while (out && !found && read_line(out, &line, &size)) {
		if (line[0] == '>') {
			memset(&current, 0, sizeof(current));
			sscanf(line, ">%127[^\t]\t%63s", current.name, current.version);
		} else if (line[0] == ' ') {
			found = strcmp(line + 1, n->real) == 0 || strcmp(line + 1, n->other) == 0;
		}
	}
	query_close(out, pid);
	free(line);
	if (found)
		*ret_package = current;
	return found;
}

/* "libc6:amd64: /lib/..." or "a, b: /path": the first name. */
static bool package_search(const struct names *n, char *name, size_t size)
{
	char *argv[] = {(char[]){"dpkg-query"}, (char[]){"-S"},	  (char[]){"--"},
			(char *)n->real,	(char *)n->other, NULL};
	char *line = NULL;
	size_t line_size = 0;
	bool found = false;
	pid_t pid = -1;
	FILE *out = query_open(argv, &pid);

	while (out && read_line(out, &line, &line_size)) {
		const char *file = strstr(line, ": ");
		size_t len = strcspn(line, ", ");

		if (found || !file || strncmp(line, "diversion ", 10) == 0 ||
		    (strcmp(file + 2, n->real) != 0 && strcmp(file + 2, n->other) != 0))
			continue;
		if (len && line[len - 1] == ':')
			len--;
		snprintf(name, size, "%.*s", (int)len, line);
		found = true;
	}
	query_close(out, pid);
	free(line);
	return found;
}

/* Debian Policy 9.1: packages have their files in these places; local builds lie elsewhere. */
static bool packages_go_there(const char *path)
{
	static const char *const place[] = {"/usr/", "/lib",  "/bin/", "/sbin/",
					    "/opt/", "/etc/", "/var/"};

	if (strncmp(path, "/usr/local/", 11) == 0)
		return false;
	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		if (strncmp(path, place[i], strlen(place[i])) == 0)
			return true;
	return false;
}

void package_of(const char *path, const char *hint, struct package *ret_package)
{
	struct names n;
	char name[128];

	memset(ret_package, 0, sizeof(*ret_package));
	/* dpkg-query takes patterns: a file with such characters in its path is not searched for.
	 */
	if (path[0] != '/' || strpbrk(path, "*?[\\\n"))
		return;
	if (!packages_go_there(path))
		return;
	names_init(&n, path);
	if (hint && package_has(hint, &n, ret_package))
		return;
	if (package_search(&n, name, sizeof(name)))
		package_has(name, &n, ret_package);
}

/* Debian's mark that it packed the sources anew is no part of upstream's version. */
static void cut_repack_mark(char *version)
{
	static const char *const marks[] = {"+ds", "+dfsg", "~dfsg", "+repack"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		char *mark = strstr(version, marks[i]);

		if (mark)
			*mark = '\0';
	}
}

void package_upstream_version(const struct package *p, char *buf, size_t size)
{
	const char *colon = strchr(p->version, ':');
	const char *start = colon ? colon + 1 : p->version;
	const char *dash = strrchr(start, '-');

	snprintf(buf, size, "%.*s", dash ? (int)(dash - start) : (int)strlen(start), start);
	cut_repack_mark(buf);
}
