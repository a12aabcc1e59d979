/*
 * finding_folder_main.c - finding-folder: makes folders of findings and does their work, for tests.
 *Fuzzers and their supervisor do it as a library.
 *
 *	finding-folder make PARENT NAME ALLOCATOR PROGRAM SIGNATURE KIND [HISTORY...]
 *	finding-folder work FOLDER [TIME]
 *
 * `make` says nothing, `work` its steps on standard output.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/finding_folder.h"
#include "harness/cli/hunt.h"
#include "harness/cli/run_options.h"

#define HANG_NS 1000000000u

static int read_text(const char *path, struct found_text *ret_text)
{
	struct found_text t = {.text = NULL};
	size_t size = 0;
	FILE *in = fopen(path, "re");

	if (!in)
		return -errno;
	ssize_t n = getdelim(&t.text, &size, '\0', in);

	fclose(in);
	if (n < 0)
		return -EIO;
	t.len = (size_t)n;
	*ret_text = t;
	return 0;
}

/* PARENT NAME ALLOCATOR PROGRAM SIGNATURE KIND [HISTORY...] */
static int make(char **arg, int n)
{
	struct found f = {.load = LOAD_PRELOAD, .hang_ns = HANG_NS, .input = 1};
	int kind = finding_kind_by_name(arg[5]);
	int err = kind < 0 ? kind : read_text(arg[3], &f.program);

	f.kind = (uint8_t)kind;
	snprintf(f.signature, sizeof(f.signature), "%s", arg[4]);
	snprintf(f.allocator, sizeof(f.allocator), "%s", arg[2]);
	snprintf(f.message, sizeof(f.message), "a message");
	f.history = calloc((size_t)n, sizeof(*f.history));
	for (int i = 6; i < n && f.history && !err; i++)
		err = read_text(arg[i], &f.history[f.nhistory++]);
	if (!err)
		err = folder_create(arg[0], arg[1], &f);
	found_release(&f);
	return err;
}

static void say(void *ctx, const char *what)
{
	(void)ctx;
	printf("%s\n", what);
	fflush(stdout);
}

static int work(const char *path, const char *time)
{
	struct runner_options o = runner_defaults();
	struct found f;
	enum folder_state state;
	struct subject subject;
	uint64_t time_ns = 0;
	int err = time ? parse_duration(time, &time_ns) : 0;

	if (!err)
		err = folder_read(path, &f, &state);

	if (err)
		return err;
	o.load = f.load;
	o.hang_ns = f.hang_ns;
	if (subject_open(f.allocator, &o, &subject) != 0) {
		found_release(&f);
		return -ENOENT;
	}
	const struct folder_work w = {
		.path = path,
		.subject = &subject,
		.options = o,
		.deadline_ns = time ? hunt_now_ns() + time_ns : 0,
		.on_step = say,
	};

	runner_catch_interrupts();
	err = folder_work(&w);
	subject_release(&subject);
	found_release(&f);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc >= 8 && strcmp(argv[1], "make") == 0)
		err = make(argv + 2, argc - 2);
	else if (argc >= 3 && strcmp(argv[1], "work") == 0)
		err = work(argv[2], argv[3]);
	else
		err = -EINVAL;
	if (err)
		cli_complain("%s", strerror(-err));
	return err ? EXIT_BROKEN : EXIT_CLEAN;
}
