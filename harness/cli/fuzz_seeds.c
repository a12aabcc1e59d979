#include "harness/cli/fuzz_seeds.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fuzz_files.h"
#include "harness/prog/wire.h"

size_t seeds_max_input(void)
{
	return wire_fuzz_limits.ops * WIRE_RECORD_BYTES;
}

static int read_program(const char *path, struct program *p)
{
	struct prog_reader *reader = malloc(sizeof(*reader));
	struct prog_error why = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : reader ? program_read(reader, fd, p, &why) : -ENOMEM;

	if (err == -ENOSPC)
		err = -E2BIG;
	else if (err && why.line)
		cli_complain_at(path, why.line, why.column, why.message);
	else if (err)
		cli_complain("%s: %s", path, why.message[0] ? why.message : strerror(-err));
	if (fd >= 0)
		close(fd);
	free(reader);
	return err;
}

int seed_convert(const char *from, const char *to)
{
	struct program p = {.max_ops = wire_fuzz_limits.ops};
	uint8_t *wire = malloc(seeds_max_input());
	size_t len = 0;
	int err = -ENOMEM;

	p.ops = calloc(p.max_ops, sizeof(*p.ops));
	if (wire && p.ops)
		err = read_program(from, &p);
	if (!err && wire_encode(&p, wire, seeds_max_input(), &len) != 0)
		err = -E2BIG;
	if (!err) {
		err = files_replace(to, (const char *)wire, len);
		if (err)
			cli_complain_write(to, -err);
	}
	free(p.ops);
	free(wire);
	return err;
}

/* nftw hands nothing through to what it calls. */
static const char *into;
static struct seeds_count *counted;

static uint32_t hash_of(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

static int take(const char *path)
{
	const char *name = strrchr(path, '/');
	char file[128];

	name = name ? name + 1 : path;
	snprintf(file, sizeof(file), "seed-%.*s-%08" PRIx32, 80, name, hash_of(path));
	int err = seed_convert(path, files_join(into, file).s);

	if (err == -E2BIG) {
		counted->too_long++;
		return 0;
	}
	if (!err)
		counted->taken++;
	return err;
}

static bool is_program(const char *path)
{
	size_t len = strlen(path);

	return len > 5 && strcmp(path + len - 5, ".prog") == 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type == FTW_F && (is_program(path) || at->level == 0))
		return -take(path);
	return 0;
}

int seeds_take(const char *folder, const char *corpus, struct seeds_count *count)
{
	into = corpus;
	counted = count;
	/* Negative is nftw's own failure; what was wrong with a program was told. */
	int ret = nftw(folder, visit, 16, 0);

	if (ret < 0) {
		cli_complain("--corpus %s: %s", folder, strerror(errno));
		return EXIT_MISUSE;
	}
	return ret == 0 ? 0 : ret == EINVAL ? EXIT_MISUSE : EXIT_BROKEN;
}
