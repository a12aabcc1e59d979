#include "harness/cli/paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int paths_own_dir(char ret_dir[PATH_MAX])
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	char *slash;

	if (len < 0)
		return -errno;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	memcpy(ret_dir, path, strlen(path) + 1);
	return 0;
}

int paths_self(char ret_path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);

	if (len < 0)
		return -errno;
	ret_path[len] = '\0';
	return 0;
}

static int join(const char *dir, const char *name, char ret_path[PATH_MAX])
{
	char path[2 * PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	if (len < 0 || len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_path, path, (size_t)len + 1);
	return 0;
}

int paths_child(char ret_path[PATH_MAX])
{
	char dir[PATH_MAX];
	int err = paths_own_dir(dir);

	return err ? err : join(dir, "allocrig-child", ret_path);
}

int paths_data_dir(const char *relative, char ret_dir[PATH_MAX])
{
	char dir[PATH_MAX];
	int err = paths_own_dir(dir);

	/* Build folders may lie in each other: the nearest one that has it. */
	while (!err) {
		err = join(dir, relative, ret_dir);
		if (!err && access(ret_dir, R_OK) == 0)
			return 0;
		char *slash = strrchr(dir, '/');

		if (!slash)
			break;
		*slash = '\0';
	}
	return err ? err : -ENOENT;
}
