#include "allocators/profile.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the first word off *rest; "" at the end. */
static char *word(char **rest)
{
	char *p = *rest + strspn(*rest, " \t");
	size_t len = strcspn(p, " \t");

	*rest = p + len;
	if (**rest)
		*(*rest)++ = '\0';
	*rest += strspn(*rest, " \t");
	return p;
}

static int grow(void **list, size_t n, size_t size)
{
	void *bigger = reallocarray(*list, n + 1, size);

	if (!bigger)
		return -ENOMEM;
	*list = bigger;
	memset((char *)bigger + n * size, 0, size);
	return 0;
}

static int add_known(struct profile *p, char *rest)
{
	const char *signature = word(&rest), *link = word(&rest);

	if (!*signature || strncmp(link, "http", 4) != 0 || !*rest)
		return -EINVAL;
	int err = grow((void **)&p->known, p->nknown, sizeof(*p->known));

	if (err)
		return err;
	struct known *k = &p->known[p->nknown++];

	k->signature = strdup(signature);
	k->link = strdup(link);
	k->reason = strdup(rest);
	return k->signature && k->link && k->reason ? 0 : -ENOMEM;
}

static int add_answer(struct profile *p, char *rest)
{
	const char *rule = word(&rest), *value = word(&rest);

	if (!*rule || !*value || !*rest)
		return -EINVAL;
	int err = grow((void **)&p->answer, p->nanswers, sizeof(*p->answer));

	if (err)
		return err;
	struct profile_answer *a = &p->answer[p->nanswers++];

	a->rule = strdup(rule);
	a->value = strdup(value);
	a->reason = strdup(rest);
	return a->rule && a->value && a->reason ? 0 : -ENOMEM;
}

static int set_versions(struct profile *p, char *rest)
{
	const char *first = word(&rest), *last = word(&rest);

	if (!*first || p->first)
		return -EINVAL;
	p->first = strdup(first);
	p->last = strdup(*last ? last : first);
	return p->first && p->last ? 0 : -ENOMEM;
}

static int set_retention(struct profile *p, const char *rest)
{
	if (!*rest || p->retention)
		return -EINVAL;
	p->retention = strdup(rest);
	return p->retention ? 0 : -ENOMEM;
}

static int statement(struct profile *p, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	char *rest = line;
	const char *what = word(&rest);

	if (!*what || *what == '#')
		return 0;
	if (strcmp(what, "known") == 0)
		return add_known(p, rest);
	if (strcmp(what, "answer") == 0)
		return add_answer(p, rest);
	if (strcmp(what, "versions") == 0)
		return set_versions(p, rest);
	if (strcmp(what, "retention") == 0)
		return set_retention(p, rest);
	return -EINVAL;
}

int profile_load(const char *dir, const char *name, struct profile *ret_profile, char *err,
		 size_t err_size)
{
	struct profile p = {0};
	char path[4096], *line = NULL;
	size_t cap = 0;
	unsigned number = 0;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/%s.profile", dir, name);
	FILE *file = fopen(path, "re");

	while (file && !rc && getline(&line, &cap, file) > 0) {
		number++;
		rc = statement(&p, line);
	}
	free(line);
	if (file)
		fclose(file);
	if (rc) {
		snprintf(err, err_size, "%s:%u: %s", path, number,
			 rc == -ENOMEM ? "out of memory"
				       : "expected versions FIRST LAST, known SIGNATURE LINK "
					 "REASON, answer RULE VALUE REASON or retention REASON");
		profile_release(&p);
		return rc;
	}
	*ret_profile = p;
	return 0;
}

void profile_release(struct profile *p)
{
	for (size_t i = 0; i < p->nknown; i++) {
		free(p->known[i].signature);
		free(p->known[i].link);
		free(p->known[i].reason);
	}
	for (size_t i = 0; i < p->nanswers; i++) {
		free(p->answer[i].rule);
		free(p->answer[i].value);
		free(p->answer[i].reason);
	}
	free(p->known);
	free(p->answer);
	free(p->first);
	free(p->last);
	free(p->retention);
	*p = (struct profile){0};
}

bool profile_covers(const struct profile *p, const char *version)
{
	if (!p->first || strcmp(p->first, "*") == 0)
		return true;
	size_t len = strlen(p->last);
	bool below = strncmp(version, p->last, len) == 0 && version[len] == '.';

	return strverscmp(version, p->first) >= 0 && (below || strverscmp(version, p->last) <= 0);
}

const struct known *profile_known(const struct profile *p, const char *signature)
{
	for (size_t i = 0; i < p->nknown; i++)
		if (fnmatch(p->known[i].signature, signature, 0) == 0)
			return &p->known[i];
	return NULL;
}

const struct profile_answer *profile_answer(const struct profile *p, const char *rule)
{
	for (size_t i = 0; i < p->nanswers; i++)
		if (strcmp(p->answer[i].rule, rule) == 0)
			return &p->answer[i];
	return NULL;
}
