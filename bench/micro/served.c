#include "bench/micro/served.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void served_file(const char *symbol, char ret_path[PATH_MAX])
{
	void *address = dlsym(RTLD_DEFAULT, symbol);
	Dl_info info;

	ret_path[0] = '\0';
	if (!address || dladdr(address, &info) == 0 || !info.dli_fname)
		return;
	if (!realpath(info.dli_fname, ret_path))
		snprintf(ret_path, PATH_MAX, "%s", info.dli_fname);
}

bool served_by_one(const char *symbol)
{
	char malloc_file[PATH_MAX], file[PATH_MAX];

	served_file("malloc", malloc_file);
	served_file(symbol, file);
	return file[0] && strcmp(file, malloc_file) == 0;
}

/* The last part of a path. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Whether an entry of LD_PRELOAD is this file. Without a slash the linker searched for it, and in
 * ${LIB} and the like it put something: then the names have to be equal, through links or not.
 */
static bool is_entry(const char *entry, const char *file)
{
	char path[PATH_MAX];
	Dl_info info;

	if (strchr(entry, '/') && !strchr(entry, '$'))
		return realpath(entry, path) && strcmp(path, file) == 0;
	if (strcmp(base_name(entry), base_name(file)) == 0)
		return true;
	return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) != 0 && info.dli_fname &&
	       strcmp(base_name(entry), base_name(info.dli_fname)) == 0;
}

static bool is_asked_for(const char *preload, const char *file)
{
	char entry[PATH_MAX];

	while (*preload) {
		size_t len = strcspn(preload, " :");

		if (len > 0 && len < sizeof(entry)) {
			memcpy(entry, preload, len);
			entry[len] = '\0';
			if (is_entry(entry, file))
				return true;
		}
		preload += len + (preload[len] ? 1 : 0);
	}
	return false;
}

int served_check(char *err, size_t size)
{
	static const char *const family[] = {"calloc", "realloc", "free"};
	const char *preload = getenv("LD_PRELOAD");
	char file[PATH_MAX], other[PATH_MAX];

	served_file("malloc", file);
	if (preload && preload[strspn(preload, " :")] && !is_asked_for(preload, file)) {
		snprintf(err, size, "LD_PRELOAD is '%s', but malloc is served by %s", preload,
			 file);
		return -ENOENT;
	}
	for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
		served_file(family[i], other);
		if (strcmp(other, file) == 0)
			continue;
		snprintf(err, size, "malloc is served by %s, %s by %s", file, family[i], other);
		return -ENOENT;
	}
	return 0;
}
