#include "harness/cli/json_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int json_out_open(struct json_out *out, const char *path)
{
	*out = (struct json_out){0};
	if (!path)
		return 0;
	out->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	return out->file ? 0 : -errno;
}

int json_out_write(struct json_out *out, json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int err = 0;

	if (!line)
		err = -ENOMEM;
	else if (out->file && (fprintf(out->file, "%s\n", line) < 0 || fflush(out->file) != 0))
		err = -errno;
	free(line);
	json_decref(object);
	return err;
}

int json_out_close(struct json_out *out)
{
	FILE *file = out->file;

	out->file = NULL;
	if (!file || file == stdout)
		return 0;
	return fclose(file) == 0 ? 0 : -errno;
}

json_t *json_text(const char *text)
{
	json_t *string;
	char *copy;

	if (!text || !text[0])
		return json_null();
	string = json_string(text);
	if (string)
		return string;
	copy = strdup(text);
	for (char *p = copy; p && *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	string = copy ? json_string(copy) : NULL;
	free(copy);
	return string;
}
