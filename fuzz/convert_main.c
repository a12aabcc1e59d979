/*
 * Programs between their two formats: convert FOLDER TEXT... writes FOLDER/NAME.wire, seeds for
 * fuzz_wire; convert --text WIRE... prints what an input of its means.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/budget.h"
#include "harness/prog/wire.h"

#define OPS_MAX	  (1 << 15)
#define BYTES_MAX (OPS_MAX * 256)

static struct op ops[OPS_MAX];
static char text[BYTES_MAX];
static uint8_t wire[BYTES_MAX];

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "convert: %s: %s\n", path, what);
	return 1;
}

static int write_file(const char *folder, const char *path, size_t len)
{
	const char *name = strrchr(path, '/');
	char out[4096];

	name = name ? name + 1 : path;
	if (snprintf(out, sizeof(out), "%s/%s.wire", folder, name) >= (int)sizeof(out))
		return complain(path, "too long a name");
	FILE *file = fopen(out, "wb");

	if (!file)
		return complain(out, "cannot be written");
	size_t written = fwrite(wire, 1, len, file);

	return fclose(file) || written != len ? complain(out, "cannot be written") : 0;
}

/* The smallest budget under which the program is what it is under the largest. */
static size_t mark_budget(size_t len)
{
	static struct op least[OPS_MAX];
	struct wire_limits limits;
	enum budget b = BUDGET_ALL;
	struct program p = {.ops = ops, .max_ops = OPS_MAX};

	budget_limits(b, &limits);
	wire_decode((struct wire_bytes){wire, len}, &limits, &p);
	while (b > BUDGET_LITTLE) {
		struct program q = {.ops = least, .max_ops = OPS_MAX};

		if (p.header.has_ballast && !budget_has_ballast(b - 1))
			break;
		budget_limits(b - 1, &limits);
		wire_decode((struct wire_bytes){wire, len}, &limits, &q);
		if (q.nops != p.nops || memcmp(least, ops, p.nops * sizeof(*ops)) != 0)
			break;
		b--;
	}
	return budget_mark(wire, len, sizeof(wire), b);
}

static int to_wire(const char *folder, const char *path)
{
	static struct prog_reader reader;
	struct program p = {.ops = ops, .max_ops = OPS_MAX};
	struct prog_error err = {.message = "too long"};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return complain(path, "cannot be read");
	int ret = program_read(&reader, fd, &p, &err);

	close(fd);
	if (ret)
		return complain(path, err.message);
	if (wire_encode(&p, wire, sizeof(wire), &len))
		return complain(path, "too long");
	return write_file(folder, path, mark_budget(len));
}

static int to_text(const char *path)
{
	struct program p = {.ops = ops, .max_ops = OPS_MAX};
	FILE *file = fopen(path, "rb");

	if (!file)
		return complain(path, "cannot be read");
	size_t len = fread(wire, 1, sizeof(wire), file);

	fclose(file);
	struct wire_limits limits;

	budget_limits(budget_of(len), &limits);
	wire_decode((struct wire_bytes){.bytes = wire, .len = len}, &limits, &p);
	if (!budget_has_ballast(budget_of(len)))
		p.header.has_ballast = p.header.ballast = 0;
	if (program_write(&p, text, sizeof(text)) < 0)
		return complain(path, "too long");
	fputs(text, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: convert FOLDER TEXT... | convert --text WIRE...\n");
		return 3;
	}
	for (int i = 2; i < argc; i++)
		failed |= strcmp(argv[1], "--text") == 0 ? to_text(argv[i])
							 : to_wire(argv[1], argv[i]);
	return failed;
}
