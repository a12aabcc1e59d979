/*
 * repro.c: written, compiled and run, so that nothing is promised of it that does not hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"
#include "harness/prog/emit_c.h"

#define COMPILE_MS 60000
/* Beyond the watchdog's time: it also makes what the harness makes in other ways. */
#define RUN_MS 20000
/* What does not show every time. */
#define RUNS 5

static int to_stream(void *ctx, const char *bytes, size_t n)
{
	return n == 0 || fwrite(bytes, 1, n, ctx) == n ? 0 : -ENOMEM;
}

/* -ENOTSUP with the reason in `p` for what cannot be said in C. */
static int put_repro(const struct folder *f, const struct found_text *text, struct folder_proof *p)
{
	const struct emit_options o = {
		.name = "program",
		.judge_growth = f->found.kind == FINDING_MAP_GROWTH ||
				f->found.kind == FINDING_FOOTPRINT_GROWTH,
		.judge_lost = f->found.kind == FINDING_LOST_MAPPING,
	};
	struct prog_error error = {0};
	struct program program;
	char *c = NULL;
	size_t len;
	int err = program_from_text("program", text->text, text->len, &program);

	if (err)
		return err;
	FILE *out = open_memstream(&c, &len);

	err = out ? emit_c(program.fd, &o, to_stream, out, &error) : -ENOMEM;
	if (out && fclose(out) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		err = file_put(f->dir, "repro.c", c, len);
	if (err == -ENOTSUP)
		snprintf(p->why_not, sizeof(p->why_not), "%.*s", (int)sizeof(p->why_not) - 1,
			 error.message);
	free(c);
	program_release(&program);
	return err;
}

/* One program that is run, in the folder. */
struct command {
	int dir;
	char *const *argv;
	const char *preload; /* NULL: none */
	int timeout_ms;
	char *said; /* what it prints, 256 bytes; NULL: nowhere */
};

__attribute__((noreturn)) static void become(const struct command *c, int out)
{
	const struct rlimit no_core = {0};
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	dup2(out >= 0 ? out : null, STDERR_FILENO);
	sigaction(SIGPIPE, &usual, NULL);
	if (c->preload)
		setenv("LD_PRELOAD", c->preload, 1);
	else
		unsetenv("LD_PRELOAD");
	if (fchdir(c->dir) == 0)
		execvp(c->argv[0], c->argv);
	_exit(127);
}

static void read_said(int fd, char *said)
{
	ssize_t n = fd >= 0 ? pread(fd, said, FOLDER_SAID - 1, 0) : 0;

	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	for (char *p = said; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* Its exit status, -signal - 1, -1 where it did not end in time, or -1000 where it cannot be. */
static int run_command(const struct command *c)
{
	int out = c->said ? memfd_create("said", MFD_CLOEXEC) : -1, status;
	pid_t pid = fork();

	if (pid == 0)
		become(c, out);
	int pidfd = pid < 0 ? -1 : pidfd_open(pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int ended = pidfd < 0 ? -1 : poll(&p, 1, c->timeout_ms);

	if (pid > 0 && ended != 1) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* What it forked and left behind. */
	if (pid > 0)
		kill(-pid, SIGKILL);
	if (c->said)
		read_said(out, c->said);
	if (out >= 0)
		close(out);
	if (pidfd >= 0)
		close(pidfd);
	if (pid < 0 || ended < 0)
		return -1000;
	if (ended == 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status) - 1;
}

static bool compiles(int dir)
{
	char *argv[] = {"cc", "repro.c", "-o", ".repro", NULL};
	const struct command c = {.dir = dir, .argv = argv, .timeout_ms = COMPILE_MS};

	return run_command(&c) == 0;
}

static int run_repro(const struct folder *f, const char *preload, char *said)
{
	char *argv[] = {"./.repro", NULL};
	const struct command c = {
		.dir = f->dir,
		.argv = argv,
		.preload = preload,
		.timeout_ms = RUN_MS + (int)(f->found.hang_ns / 1000000),
		.said = said,
	};

	return run_command(&c);
}

bool folder_proof_shows(int status)
{
	return status == 1 || status < 0;
}

static void try_repro(const struct folder *f, const struct subject *subject, struct folder_proof *p)
{
	const struct plugin *plugin = subject->ref.plugin;
	bool none = plugin && (plugin->inside || strcmp(plugin->name, "glibc") == 0);

	if (!compiles(f->dir)) {
		snprintf(p->why_not, sizeof(p->why_not), "there is no C compiler here (cc)");
		return;
	}
	p->tried = true;
	for (unsigned i = 0; i < RUNS && (i == 0 || !folder_proof_shows(p->exit_with)); i++)
		p->exit_with = run_repro(f, none ? NULL : subject->ref.path, p->said);
	p->has_plain = !none;
	if (p->has_plain)
		p->exit_plain = run_repro(f, NULL, p->said_plain);
	file_remove(f->dir, ".repro");
}

int folder_prove(struct folder *f, const struct subject *subject, const struct found_text *text)
{
	struct folder_proof p = {0};
	int err = put_repro(f, text, &p);

	if (!err)
		try_repro(f, subject, &p);
	if (err == -ENOTSUP) {
		file_remove(f->dir, "repro.c");
		err = 0;
	}
	f->proof = p;
	return err;
}
