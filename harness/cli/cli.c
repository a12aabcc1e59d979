#include "harness/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cmd.h"

#define LINE_BYTES (PATH_MAX + 1024)

/* One line: what a word may hold is shown, not obeyed. */
static void put_safely(char *line)
{
	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	fprintf(stderr, "%s\n", line);
}

__attribute__((format(printf, 1, 0))) static void put_line(const char *format, va_list args,
							   const char *end)
{
	char line[LINE_BYTES];
	size_t used = (size_t)snprintf(line, sizeof(line), "allocrig: ");
	int len = vsnprintf(line + used, sizeof(line) - used, format, args);

	used += len < 0 ? 0 : strlen(line + used);
	snprintf(line + used, sizeof(line) - used, "%s", end);
	put_safely(line);
}

void cli_complain_at(const char *file, unsigned line, unsigned column, const char *message)
{
	char text[LINE_BYTES];

	snprintf(text, sizeof(text), "%s:%u:%u: %s", file, line, column, message);
	put_safely(text);
}

void cli_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(format, args, "");
	va_end(args);
}

void cli_misuse(const char *command, const char *format, ...)
{
	char end[256];
	va_list args;

	snprintf(end, sizeof(end), "; try '%.200s --help'", command);
	va_start(args, format);
	put_line(format, args, end);
	va_end(args);
	exit(EXIT_MISUSE);
}

/* How an option word meets the options of a command. */
struct match {
	const struct argp_option *option; /* the exact one, or the only one with this prefix */
	unsigned candidates;
	bool is_own; /* argp's own --help, --usage, --version */
};

static void match_own(struct match *m, const char *name, size_t len)
{
	static const char *const own[] = {"help", "usage", "version"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strncmp(own[i], name, len) != 0)
			continue;
		m->is_own = true;
		m->candidates = strlen(own[i]) == len ? 1 : m->candidates + 1;
	}
}

/* The options of an argp parser and of its children. True when the exact one was found. */
static bool match_options(const struct argp *argp, const char *name, size_t len, struct match *m)
{
	for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++) {
		if (!o->name || strncmp(o->name, name, len) != 0)
			continue;
		m->option = o;
		if (strlen(o->name) == len)
			return true;
		m->candidates++;
	}
	for (const struct argp_child *c = argp->children; c && c->argp; c++) {
		if (match_options(c->argp, name, len, m))
			return true;
	}
	return false;
}

static struct match match_long(const struct argp *argp, const char *name, size_t len)
{
	struct match m = {0};

	if (match_options(argp, name, len, &m))
		return (struct match){.option = m.option, .candidates = 1};
	match_own(&m, name, len);
	return m;
}

static const struct argp_option *match_short(const struct argp *argp, char key)
{
	const struct argp_option *found = NULL;

	for (const struct argp_option *o = argp->options; o && (o->name || o->key || o->doc); o++) {
		if (o->key == key)
			return o;
	}
	for (const struct argp_child *c = argp->children; c && c->argp && !found; c++)
		found = match_short(c->argp, key);
	return found;
}

/* Whether the option's argument is the next word. */
static bool check_long(const struct argp *argp, char **argv, int at)
{
	const char *name = argv[at] + 2;
	size_t len = strcspn(name, "=");
	struct match m = match_long(argp, name, len);

	if (m.candidates == 0)
		cli_misuse(argv[0], "unknown option '%s'", argv[at]);
	if (m.candidates > 1)
		cli_misuse(argv[0], "option '%s' could be several", argv[at]);
	bool wants = !m.is_own && m.option->arg;

	if (!wants && name[len] == '=')
		cli_misuse(argv[0], "option '--%.*s' takes no argument", (int)len, name);
	if (!wants || (m.option->flags & OPTION_ARG_OPTIONAL) || name[len] == '=')
		return false;
	if (!argv[at + 1])
		cli_misuse(argv[0], "option '%s' needs an argument: %s", argv[at], m.option->arg);
	return true;
}

static bool check_short(const struct argp *argp, char **argv, int at)
{
	for (const char *key = argv[at] + 1; *key; key++) {
		const struct argp_option *o = match_short(argp, *key);

		if (!o && (*key == '?' || *key == 'V'))
			continue;
		/* The rest of the word may be one letter of several bytes. */
		if (!o && (unsigned char)*key >= 0x80)
			cli_misuse(argv[0], "unknown option '-%s'", key);
		if (!o)
			cli_misuse(argv[0], "unknown option '-%c'", *key);
		if (!o->arg)
			continue;
		if (key[1] || (o->flags & OPTION_ARG_OPTIONAL))
			return false;
		if (!argv[at + 1])
			cli_misuse(argv[0], "option '-%c' needs an argument: %s", *key, o->arg);
		return true;
	}
	return false;
}

/*
 * argp and getopt complain in two lines and in their own words. So everything that they could
 * complain about is found here first.
 */
static void check_options(const struct argp *argp, int argc, char **argv, unsigned flags)
{
	for (int i = 1; i < argc; i++) {
		bool is_option = argv[i][0] == '-' && argv[i][1];

		if (strcmp(argv[i], "--") == 0 || (!is_option && (flags & ARGP_IN_ORDER)))
			return;
		if (!is_option)
			continue;
		if (argv[i][1] == '-' ? check_long(argp, argv, i) : check_short(argp, argv, i))
			i++;
	}
}

void cli_parse(const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
	int next = argc, err;

	argp_err_exit_status = EXIT_MISUSE;
	check_options(argp, argc, argv, flags);
	err = argp_parse(argp, argc, argv, flags, &next, input);
	if (err)
		cli_misuse(argv[0], "%s", strerror(err));
	if (next < argc)
		cli_misuse(argv[0], "unexpected argument '%s'", argv[next]);
}

static bool stdout_loss_told;

void cli_complain_write(const char *file, int err)
{
	bool is_stdout = !file || strcmp(file, "-") == 0;

	stdout_loss_told |= is_stdout;
	cli_complain("cannot write %s: %s", is_stdout ? "standard output" : file,
		     strerror(abs(err)));
}

/* The reason may be gone by the time of exit: then only that it failed is known. */
static void finish_stdout(void)
{
	bool failed = ferror(stdout) != 0;
	int err;

	errno = 0;
	failed |= fflush(stdout) != 0;
	err = errno;
	failed |= close(STDOUT_FILENO) != 0 && errno != EBADF;
	if (!failed)
		return;
	if (!stdout_loss_told)
		cli_complain_write(NULL, err ? err : EIO);
	_exit(EXIT_BROKEN);
}

/*
 * A closed standard descriptor would be given to the next file that is opened, and what is meant
 * for a person would be written into that. What replaces it fails as the closed one did.
 */
static void fill_standard_descriptors(void)
{
	static const int mode[] = {O_WRONLY, O_RDONLY, O_RDWR};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode[fd]) != fd)
			_exit(EXIT_BROKEN);
}

void cli_guard_stdout(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	fill_standard_descriptors();
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	atexit(finish_stdout);
}
