/*
 * Gives files to a target as a fuzzer would, for compilers without one: replay FILE|FOLDER...
 * Arguments that begin with a dash are the target's own.
 *
 * Prints how many there were; exits 2 when one cannot be read or there is none. A broken law
 * aborts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/engine.h"

#define INPUT_MAX (1 << 20)

/* Not all targets have it. */
#pragma weak LLVMFuzzerInitialize

static void give_up(const char *path)
{
	perror(path);
	exit(2);
}

static unsigned replay_file(const char *path)
{
	static uint8_t buf[INPUT_MAX];
	FILE *file = fopen(path, "rb");

	if (!file)
		give_up(path);
	size_t len = fread(buf, 1, sizeof(buf), file);

	if (ferror(file))
		give_up(path);
	fclose(file);
	/* Of its own size, so that sanitizers see what is read behind it. */
	uint8_t *bytes = malloc(len + (len == 0));

	if (!bytes)
		give_up(path);
	memcpy(bytes, buf, len);
	LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
	return 1;
}

static unsigned replay(const char *path);

static unsigned replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	if (!folder)
		give_up(path);
	while ((entry = readdir(folder))) {
		char child[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) <
		    (int)sizeof(child))
			n += replay(child);
	}
	closedir(folder);
	return n;
}

static unsigned replay(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		give_up(path);
	return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path);
}

int main(int argc, char **argv)
{
	unsigned n = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			n += replay(argv[i]);
	printf("%u inputs\n", n);
	return n ? 0 : 2;
}
