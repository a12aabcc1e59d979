#include "bench/whole/whole_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/print.h"
#include "harness/cli/runner.h"

#define ARGS	   32
#define GRACE_NS   20000000000u /* for the launcher to end what it started */
#define HYPERFINE  "hyperfine"
#define HYPER_JSON "hyperfine.json"
#define LOG	   "log" /* what hyperfine and the launcher say */

struct command {
	const char *args[ARGS];
	unsigned n;
	char limit[24], percent[16], export[PATH_MAX + 32];
	char *line; /* of the launcher, for hyperfine; owned */
};

static void add(struct command *c, const char *arg)
{
	if (c->n + 1 < ARGS) {
		c->args[c->n++] = arg;
		c->args[c->n] = NULL;
	}
}

static void add_launcher(struct command *c, const struct whole_folder *f,
			 const struct whole_request *q)
{
	snprintf(c->limit, sizeof(c->limit), "%llu", (unsigned long long)(q->limit_ns / 1000000u));
	snprintf(c->percent, sizeof(c->percent), "%u", q->percent);
	const char *pairs[] = {"--program", q->program->name, "--tool",	  f->tool,	"--dir",
			       f->dir,	    "--percent",      c->percent, "--limit-ms", c->limit,
			       "--preload", q->preload,	      "--file",	  q->file};

	add(c, f->launcher);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i += 2) {
		if (pairs[i + 1]) {
			add(c, pairs[i]);
			add(c, pairs[i + 1]);
		}
	}
	add(c, "--lifeline");
	if (q->bindings)
		add(c, "--bindings");
	if (q->counts)
		add(c, "--counts");
}

/* One run, without a shell; its failure is told in the result. */
static int wrap_in_hyperfine(struct command *c, const struct whole_folder *f,
			     const struct whole_request *q, const char *hyperfine)
{
	size_t size;
	FILE *out = open_memstream(&c->line, &size);

	if (!out)
		return -ENOMEM;
	for (unsigned i = 0; i < c->n; i++) {
		if (i)
			putc(' ', out);
		print_shell_word(out, c->args[i]);
	}
	if (fclose(out) != 0)
		return -ENOMEM;
	snprintf(c->export, sizeof(c->export), "%s/" HYPER_JSON, f->dir);
	c->n = 0;
	const char *args[] = {hyperfine,
			      "--shell=none",
			      "--ignore-failure",
			      "--runs",
			      "1",
			      "--warmup",
			      "0",
			      "--style",
			      "none",
			      "--export-json",
			      c->export,
			      "--command-name",
			      q->name,
			      c->line};

	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		add(c, args[i]);
	return 0;
}

/* In the new process. */
static void run_command(const struct command *c, const struct whole_folder *f, int lifeline,
			pid_t parent)
{
	char log[PATH_MAX + 32];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* ^C is for the controller alone, which cuts the lifeline. */
	setpgid(0, 0);
	snprintf(log, sizeof(log), "%s/" LOG, f->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || null < 0 || dup2(lifeline, WHOLE_LIFELINE_FD) < 0 || dup2(null, 0) < 0 ||
	    dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(c->args[0], (char *const *)c->args);
	_exit(127);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Closes the lifeline when it is time to go, and kills when that does not help. */
static bool await_end(pid_t pid, int *lifeline, uint64_t limit_ns)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status;
	uint64_t deadline = now_ns() + limit_ns + GRACE_NS;
	bool interrupted = false;
	struct pollfd p = {pidfd, POLLIN, 0};

	while (poll(&p, 1, 50) <= 0 && pidfd >= 0) {
		if (!interrupted && (interrupted = runner_interrupted())) {
			close(*lifeline);
			*lifeline = -1;
			deadline = now_ns() + GRACE_NS;
		}
		if (now_ns() > deadline)
			kill(-pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
	return interrupted;
}

/* The launcher could not do it: its process groups, if anything of them is left. */
static void kill_groups(const struct whole_folder *f)
{
	char path[PATH_MAX + 32];
	long group;

	snprintf(path, sizeof(path), "%s/" WHOLE_GROUPS, f->dir);
	FILE *in = fopen(path, "re");

	while (in && fscanf(in, "%ld", &group) == 1) {
		if (group > 1)
			kill((pid_t)-group, SIGKILL);
	}
	if (in)
		fclose(in);
}

static int run_to_end(const struct command *c, const struct whole_folder *f, uint64_t limit_ns,
		      bool *ret_interrupted)
{
	pid_t self = getpid();
	int lifeline[2];

	if (pipe2(lifeline, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0)
		run_command(c, f, lifeline[0], self);
	int err = pid < 0 ? -errno : 0;

	close(lifeline[0]);
	if (!err)
		*ret_interrupted = await_end(pid, &lifeline[1], limit_ns);
	if (lifeline[1] >= 0)
		close(lifeline[1]);
	return err;
}

static json_t *load(const struct whole_folder *f, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return json_load_file(path, 0, NULL);
}

static enum bench_status say_broken(const struct whole_folder *f, const char *what, char why[512])
{
	char said[256];

	whole_folder_text(f, LOG, said, sizeof(said));
	snprintf(why, 512, "%s%s%s", what, *said ? ": " : "", said);
	return STATUS_BROKEN;
}

/* hyperfine's own form has a list of results; here it is of one. */
static json_t *only_result(json_t *export)
{
	json_t *result = json_array_get(json_object_get(export, "results"), 0);

	json_incref(result);
	json_decref(export);
	return result;
}

static enum bench_status take_results(const struct whole_folder *f, const struct whole_request *q,
				      json_t **ret_result, json_t **ret_hyperfine, char why[512])
{
	json_t *result = load(f, WHOLE_RESULT);
	json_t *hyper = q->name ? only_result(load(f, HYPER_JSON)) : NULL;

	if (!result || (q->name && !hyper)) {
		kill_groups(f);
		json_decref(result);
		json_decref(hyper);
		return say_broken(f, result ? "hyperfine wrote nothing" : "no result", why);
	}
	*ret_result = result;
	*ret_hyperfine = hyper;
	return STATUS_OK;
}

enum bench_status whole_start(const struct whole_folder *f, const struct whole_request *q,
			      json_t **ret_result, json_t **ret_hyperfine, char why[512])
{
	struct command c = {.n = 0};
	char hyperfine[PATH_MAX];
	bool interrupted = false;
	int err = 0;

	*ret_result = *ret_hyperfine = NULL;
	if (q->name && whole_find_tool(HYPERFINE, hyperfine) != 0) {
		snprintf(why, 512, "hyperfine is not installed: package hyperfine");
		return STATUS_UNSUPPORTED;
	}
	add_launcher(&c, f, q);
	if (q->name)
		err = wrap_in_hyperfine(&c, f, q, hyperfine);
	if (!err)
		err = run_to_end(&c, f, q->limit_ns, &interrupted);
	free(c.line);
	if (err) {
		snprintf(why, 512, "cannot start: %s", strerror(-err));
		return STATUS_BROKEN;
	}
	if (interrupted) {
		kill_groups(f);
		return STATUS_INTERRUPTED;
	}
	return take_results(f, q, ret_result, ret_hyperfine, why);
}

int64_t whole_number(const json_t *result, const char *name)
{
	const json_t *n = json_object_get(result, name);

	return json_is_integer(n) ? json_integer_value(n) : -1;
}

static bool has_words_of_no_memory(const char *said)
{
	static const char *const words[] = {
		"out of memory", "Out of memory", "cannot allocate",	      "Cannot allocate",
		"bad_alloc",	 "MemoryError",	  "virtual memory exhausted", "not enough memory"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(said, words[i]))
			return true;
	}
	return false;
}

enum bench_status whole_judge_end(const struct whole_folder *f, const json_t *result,
				  uint64_t limit_ns, char why[512])
{
	const char *end = json_string_value(json_object_get(result, "end"));
	const char *text = json_string_value(json_object_get(result, "text"));
	int code = (int)whole_number(result, "code");
	char said[300];

	whole_folder_text(f, WHOLE_STDERR, said, sizeof(said));
	end = end ? end : "";
	if (strcmp(end, "exit") == 0 && code == 0)
		return STATUS_OK;
	if (strcmp(end, "timeout") == 0) {
		snprintf(why, 512, "killed after %.1f s", (double)limit_ns / 1e9);
		return STATUS_TIMEOUT;
	}
	if (strcmp(end, "exit") == 0)
		snprintf(why, 512, "exit code %d: %s", code, said);
	else if (strcmp(end, "signal") == 0)
		snprintf(why, 512, "signal %d (%s): %s", code, strsignal(code), said);
	else
		snprintf(why, 512, "%s: %s", text ? text : "", said);
	if (strcmp(end, "failed") == 0)
		return STATUS_WRONG_OUTPUT;
	if (strcmp(end, "exit") != 0 && strcmp(end, "signal") != 0)
		return STATUS_BROKEN;
	return has_words_of_no_memory(said) ? STATUS_OUT_OF_MEMORY : STATUS_CRASH;
}
