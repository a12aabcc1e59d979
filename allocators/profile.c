#include "allocators/profile.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Every section is parsed, so that a mistake is seen whatever version is here. What no one asked
 * for goes to `unused`.
 */
struct reader {
	struct profile p, unused;
	struct profile *into;
	const char *version; /* NULL: not known */
	bool has_versions;
	/* What stands before the first section. */
	size_t nknown, nanswers, nretention;
	const char *why; /* of the last -EINVAL */
};

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

static int wrong(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
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

static int add_known(struct reader *r, char *rest)
{
	struct profile *p = r->into;
	const char *signature = word(&rest), *link = word(&rest);

	if (!*signature || strncmp(link, "http", 4) != 0 || !*rest)
		return wrong(r, "expected known SIGNATURE LINK REASON, with a link from http on");
	int err = grow((void **)&p->known, p->nknown, sizeof(*p->known));

	if (err)
		return err;
	struct known *k = &p->known[p->nknown++];

	k->signature = strdup(signature);
	k->link = strdup(link);
	k->reason = strdup(rest);
	return k->signature && k->link && k->reason ? 0 : -ENOMEM;
}

static int add_shown_by(struct reader *r, char *rest)
{
	struct profile *p = r->into;
	const char *program = word(&rest);
	const char *slash = strchr(program, '/');

	if (!slash || slash == program || !slash[1] || strchr(slash + 1, '/') || *rest)
		return wrong(r, "expected shown-by FOLDER/PROGRAM, as in shown-by seeds/drain");
	if (!p->nknown || p->known[p->nknown - 1].shown_by)
		return wrong(r, "shown-by belongs to the known line above it, one to each");
	p->known[p->nknown - 1].shown_by = strdup(program);
	return p->known[p->nknown - 1].shown_by ? 0 : -ENOMEM;
}

static int add_answer(struct reader *r, char *rest)
{
	struct profile *p = r->into;
	const char *rule = word(&rest), *value = word(&rest);

	if (!*rule || !*value || !*rest)
		return wrong(r, "expected answer RULE VALUE REASON");
	if (profile_answer(p, rule))
		return wrong(r, "this rule is answered above");
	int err = grow((void **)&p->answer, p->nanswers, sizeof(*p->answer));

	if (err)
		return err;
	struct profile_answer *a = &p->answer[p->nanswers++];

	a->rule = strdup(rule);
	a->value = strdup(value);
	a->reason = strdup(rest);
	return a->rule && a->value && a->reason ? 0 : -ENOMEM;
}

static bool has_digit(const char *text)
{
	while (*text && !isdigit((unsigned char)*text))
		text++;
	return *text != '\0';
}

/* A policy without a number cannot be wrong, so it says nothing. */
static int add_retention(struct reader *r, char *rest)
{
	struct profile *p = r->into;
	const char *source = word(&rest);

	if ((!strchr(source, '/') && strcmp(source, "measured") != 0) || !*rest)
		return wrong(r, "expected retention SOURCE WORDS, where the source is a link, a "
				"file of this tree or the word measured");
	if (!has_digit(rest))
		return wrong(r, "retention has no number: say how many bytes, blocks or seconds");
	int err = grow((void **)&p->retention, p->nretention, sizeof(*p->retention));

	if (err)
		return err;
	struct retention *entry = &p->retention[p->nretention++];

	entry->source = strdup(source);
	entry->words = strdup(rest);
	return entry->source && entry->words ? 0 : -ENOMEM;
}

/* Keeps the first so many of each. */
static void cut(struct profile *p, size_t nknown, size_t nanswers, size_t nretention)
{
	while (p->nknown > nknown) {
		struct known *k = &p->known[--p->nknown];

		free(k->signature);
		free(k->link);
		free(k->reason);
		free(k->shown_by);
	}
	while (p->nanswers > nanswers) {
		struct profile_answer *a = &p->answer[--p->nanswers];

		free(a->rule);
		free(a->value);
		free(a->reason);
	}
	while (p->nretention > nretention) {
		struct retention *entry = &p->retention[--p->nretention];

		free(entry->source);
		free(entry->words);
	}
}

/* From FIRST to LAST, where 19.1 as LAST takes in 19.1.7. */
static bool within(const char *version, const char *first, const char *last)
{
	size_t len = strlen(last);
	bool below = strncmp(version, last, len) == 0 && version[len] == '.';

	if (strcmp(first, "*") == 0)
		return true;
	return strverscmp(version, first) >= 0 && (below || strverscmp(version, last) <= 0);
}

static int note_range(struct profile *p, const char *first, const char *last)
{
	const char *old = p->ranges ? p->ranges : "";
	bool one = strcmp(first, last) == 0;
	char *all;

	if (asprintf(&all, "%s%s%s%s%s", old, *old ? ", " : "",
		     strcmp(first, "*") == 0 ? "any" : first, one ? "" : " to ",
		     one ? "" : last) < 0)
		return -ENOMEM;
	free(p->ranges);
	p->ranges = all;
	return 0;
}

static int begin_section(struct reader *r, char *rest)
{
	const char *first = word(&rest), *last = word(&rest);
	bool any = strcmp(first, "*") == 0;

	last = *last ? last : first;
	if (!*first || *rest || (!any && (!has_digit(first) || !has_digit(last))))
		return wrong(r, "expected versions FIRST LAST, or versions *");
	if (!any && strverscmp(first, last) > 0)
		return wrong(r, "versions: the first is higher than the last");
	if (!r->has_versions) {
		r->nknown = r->p.nknown;
		r->nanswers = r->p.nanswers;
		r->nretention = r->p.nretention;
	}
	bool chosen = !r->version || (!r->p.covers && within(r->version, first, last));

	if (!r->version)
		cut(&r->p, r->nknown, r->nanswers, r->nretention);
	cut(&r->unused, 0, 0, 0);
	r->has_versions = true;
	r->p.covers |= chosen;
	r->into = chosen ? &r->p : &r->unused;
	return note_range(&r->p, first, any ? first : last);
}

static int statement(struct reader *r, char *line)
{
	static const struct {
		const char *name;
		int (*add)(struct reader *r, char *rest);
	} statements[] = {
		{"versions", begin_section},  {"known", add_known},
		{"shown-by", add_shown_by},   {"answer", add_answer},
		{"retention", add_retention},
	};
	char *rest = line;

	line[strcspn(line, "\r\n")] = '\0';
	const char *what = word(&rest);

	if (!*what || *what == '#')
		return 0;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(what, statements[i].name) == 0)
			return statements[i].add(r, rest);
	return wrong(r, "expected versions, known, shown-by, answer or retention");
}

static int read_statements(struct reader *r, FILE *file, unsigned *ret_line)
{
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	errno = 0;
	while (!rc && getline(&line, &cap, file) > 0) {
		++*ret_line;
		rc = statement(r, line);
	}
	if (!rc && ferror(file))
		rc = errno ? -errno : -EIO;
	free(line);
	return rc;
}

static int read_file(FILE *file, const char *path, const char *version, struct profile *ret_profile,
		     char *err, size_t err_size)
{
	struct reader r = {.version = version};
	unsigned line = 0;

	r.into = &r.p;
	r.p.path = strdup(path);
	int rc = r.p.path ? read_statements(&r, file, &line) : -ENOMEM;

	profile_release(&r.unused);
	if (rc) {
		snprintf(err, err_size, "%s:%u: %s", path, line,
			 rc == -EINVAL ? r.why : strerror(-rc));
		profile_release(&r.p);
		return rc;
	}
	r.p.covers |= !r.has_versions;
	*ret_profile = r.p;
	return 0;
}

int profile_load_file(const char *path, const char *version, struct profile *ret_profile, char *err,
		      size_t err_size)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		int rc = -errno;

		snprintf(err, err_size, "%s: %s", path, strerror(-rc));
		return rc;
	}
	int rc = read_file(file, path, version, ret_profile, err, err_size);

	fclose(file);
	return rc;
}

int profile_load(const char *dir, const char *name, const char *version,
		 struct profile *ret_profile, char *err, size_t err_size)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.profile", dir, name);
	int rc = profile_load_file(path, version, ret_profile, err, err_size);

	if (rc == -ENOENT) {
		*ret_profile = (struct profile){.covers = true};
		return 0;
	}
	return rc;
}

void profile_release(struct profile *p)
{
	cut(p, 0, 0, 0);
	free(p->known);
	free(p->answer);
	free(p->retention);
	free(p->path);
	free(p->ranges);
	*p = (struct profile){0};
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
