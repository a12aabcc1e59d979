#include "bench/machine_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool machine_text(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	buf[0] = '\0';
	if (fd < 0)
		return false;
	while (used < size - 1 && (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	while (used && strchr(" \t\n", buf[used - 1]))
		used--;
	buf[used] = '\0';
	return n >= 0;
}

bool machine_number(const char *path, double *ret_value)
{
	char text[64], *end;

	if (!machine_text(path, text, sizeof(text)))
		return false;
	double value = strtod(text, &end);

	if (end == text)
		return false;
	*ret_value = value;
	return true;
}
