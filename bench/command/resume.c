#include "bench/command/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

static int cannot(const char *path, const char *what, int err)
{
	cli_complain("cannot %s %s: %s", what, path, strerror(abs(err)));
	return EXIT_BROKEN;
}

/*
 * A text without a newline may be a torn line, or of somebody who did not expect to lose it.
 */
static bool may_be_torn(const char *text, size_t len)
{
	static const char begins[] = "{\"schema\":\"allocrig.bench/";
	size_t n = len < sizeof(begins) - 1 ? len : sizeof(begins) - 1;

	return memcmp(text, begins, n) == 0;
}

static int bad_line(const char *path, size_t number, const char *why)
{
	cli_complain("%s, line %zu: %s; name another file, or begin this one anew with --fresh",
		     path, number, why);
	return EXIT_MISUSE;
}

/* What was found in a file: *ret_good bytes of whole lines, and *ret_torn behind them. */
static int read_lines(const char *path, FILE *in, struct rows *rows, size_t *ret_good,
		      size_t *ret_torn)
{
	size_t number = 1, room = 0, good = 0;
	char *line = NULL, why[512];
	ssize_t n;
	int code = 0;

	*ret_torn = 0;
	for (; !code && (n = getline(&line, &room, in)) > 0; number++) {
		size_t len = (size_t)n;

		if (line[len - 1] != '\n') {
			*ret_torn = len;
			if (!may_be_torn(line, len))
				code = bad_line(path, number, "not a result");
			break;
		}
		int err = rows_add(rows, line, len, why, sizeof(why));

		if (err == -ENOMEM)
			code = cannot(path, "read", err);
		else if (err)
			code = bad_line(path, number, why);
		good += len;
	}
	if (!code && ferror(in))
		code = cannot(path, "read", errno);
	free(line);
	*ret_good = good;
	return code;
}

static int take_lock(struct bench_file *f)
{
	while (flock(f->out.fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return cannot(f->path, "lock", errno);
		cli_complain("%s is being written by another allocrig bench; wait for it, or name "
			     "another file with --json",
			     f->path);
		return EXIT_MISUSE;
	}
	return 0;
}

static int load(struct bench_file *f)
{
	FILE *in = fopen(f->path, "re");
	size_t good = 0;
	int code = in ? read_lines(f->path, in, &f->rows, &good, &f->torn)
		      : cannot(f->path, "read", errno);

	if (in)
		fclose(in);
	if (code)
		return code;
	f->found = f->rows.n;
	f->out.good = (off_t)good;
	if (f->torn && ftruncate(f->out.fd, f->out.good) != 0)
		return cannot(f->path, "write", errno);
	return 0;
}

static int open_regular(struct bench_file *f, bool fresh)
{
	int code = take_lock(f);

	if (code || !fresh)
		return code ? code : load(f);
	return ftruncate(f->out.fd, 0) == 0 ? 0 : cannot(f->path, "write", errno);
}

int bench_file_open(struct bench_file *f, const char *path, bool fresh, FILE **ret_text)
{
	struct stat st;

	*f = (struct bench_file){.path = path, .out.fd = -1};
	*ret_text = stdout;
	if (!path)
		return 0;
	f->out.is_stdout = strcmp(path, "-") == 0;
	if (f->out.is_stdout) {
		f->out.fd = STDOUT_FILENO;
		*ret_text = stderr;
		return 0;
	}
	f->out.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	/* What cannot be read is written to alone: a pipe. */
	if (f->out.fd < 0)
		f->out.fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (f->out.fd < 0 || fstat(f->out.fd, &st) != 0)
		return cannot(path, "write", errno);
	f->out.is_regular = S_ISREG(st.st_mode);
	int code = f->out.is_regular ? open_regular(f, fresh) : 0;

	if (code) {
		rows_release(&f->rows);
		json_out_close(&f->out);
	}
	return code;
}

static int differs(const struct bench_file *f, const char *what, const char *there,
		   const char *here)
{
	cli_complain("%s has results of %s %s, and these would be of %s; name another file with "
		     "--json, or begin this one anew with --fresh",
		     f->path, what, there, here);
	return EXIT_MISUSE;
}

static int number_differs(const struct bench_file *f, const char *what, uint64_t there,
			  uint64_t here)
{
	char a[32], b[32];

	snprintf(a, sizeof(a), "%" PRIu64, there);
	snprintf(b, sizeof(b), "%" PRIu64, here);
	return differs(f, what, a, b);
}

static int check_allocator(const struct bench_file *f, const struct result_line *row,
			   const struct bench_same *same)
{
	char what[300];

	for (unsigned i = 0; i < same->nrefs; i++) {
		const struct allocator_ref *ref = same->refs[i];

		if (strcmp(row->key.allocator, ref->name) != 0 || !row->allocator.sha256[0] ||
		    strcmp(row->allocator.sha256, ref->sha256) == 0)
			continue;
		snprintf(what, sizeof(what), "%s with SHA-256", ref->name);
		return differs(f, what, row->allocator.sha256,
			       ref->sha256[0] ? ref->sha256 : "none");
	}
	return 0;
}

int bench_file_check(const struct bench_file *f, const struct bench_same *same)
{
	int code = 0;

	for (size_t i = 0; i < f->found && !code; i++) {
		const struct result_line *row = f->rows.row[i];
		const struct bench_key *k = &row->key;

		if (k->seed != same->seed)
			code = number_differs(f, "seed", k->seed, same->seed);
		else if (k->scale_percent != same->scale_percent)
			code = number_differs(f, "scale", k->scale_percent, same->scale_percent);
		else if (k->time_ns != same->time_ns)
			code = number_differs(f, "fixed time in ns", k->time_ns, same->time_ns);
		else
			code = check_allocator(f, row, same);
	}
	return code;
}

int bench_file_add(struct bench_file *f, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	char why[512];
	int err = text ? 0 : -ENOMEM;

	json_decref(line);
	if (!err)
		err = rows_add(&f->rows, text, len, why, sizeof(why));
	if (!err) {
		text[len] = '\n';
		err = json_out_lines(&f->out, text, len + 1);
	}
	free(text);
	return err;
}

int bench_file_close(struct bench_file *f, int code)
{
	rows_release(&f->rows);
	return json_out_end(&f->out, f->path, code);
}

int bench_file_read(const char *path, struct rows *ret_rows)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	struct rows rows = {0};
	size_t good, torn;

	if (!in) {
		cli_complain("cannot read %s: %s", path, strerror(errno));
		return EXIT_MISUSE;
	}
	int code = read_lines(path, in, &rows, &good, &torn);

	if (!is_stdin)
		fclose(in);
	if (code)
		rows_release(&rows);
	else
		*ret_rows = rows;
	return code;
}
