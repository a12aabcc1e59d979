#include "harness/cli/paths.h"

#include <errno.h>
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
