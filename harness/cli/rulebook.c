/*
 * rulebook.c - the rules of a folder.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/paths.h"
#include "harness/cli/rule.h"

static const char ending[] = ".prog";

static size_t stem(const char *name)
{
	size_t len = strlen(name), end = sizeof(ending) - 1;

	return len > end && strcmp(name + len - end, ending) == 0 ? len - end : 0;
}

static int is_program(const struct dirent *entry)
{
	return stem(entry->d_name) != 0;
}

/* Letters before the number tell families of rules apart: the plain one goes first. */
int rule_compare_names(const char *a, const char *b)
{
	size_t na = strcspn(a, "0123456789"), nb = strcspn(b, "0123456789");
	unsigned long x, y;

	if (na != nb || strncmp(a, b, na) != 0)
		return strcmp(a, b);
	x = strtoul(a + na, NULL, 10);
	y = strtoul(b + nb, NULL, 10);
	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(a, b);
}

static int by_rule(const struct dirent **a, const struct dirent **b)
{
	return rule_compare_names((*a)->d_name, (*b)->d_name);
}

/* "7" and "07" mean all programs of rule 7, "07-aligned-alloc-3" one. */
static bool is_asked(const char *name, const char *only)
{
	size_t len = strlen(only), digits = strspn(only, "0123456789");

	if (len && digits == len)
		return strspn(name, "0123456789") &&
		       strtoul(name, NULL, 10) == strtoul(only, NULL, 10);
	return strlen(name) == stem(name) + sizeof(ending) - 1 && len == stem(name) &&
	       strncmp(name, only, len) == 0;
}

static bool is_wanted(const char *name, char *const *only, size_t nonly)
{
	for (size_t i = 0; i < nonly; i++)
		if (is_asked(name, only[i]))
			return true;
	return nonly == 0;
}

static int check_only(const char *dir, struct dirent **entries, size_t n, char *const *only,
		      size_t nonly)
{
	for (size_t i = 0; i < nonly; i++) {
		bool found = false;

		for (size_t j = 0; j < n && !found; j++)
			found = is_asked(entries[j]->d_name, only[i]);
		if (!found) {
			cli_complain("%s has no rule '%s'; name a program of it without .prog, or "
				     "the number of a rule",
				     dir, only[i]);
			return EXIT_MISUSE;
		}
	}
	return 0;
}

static int open_entries(const char *dir, struct dirent **entries, size_t n, char *const *only,
			size_t nonly, struct rulebook *book)
{
	int code = check_only(dir, entries, n, only, nonly);

	book->rule = calloc(n, sizeof(*book->rule));
	if (!book->rule)
		return EXIT_BROKEN;
	for (size_t i = 0; i < n && !code; i++) {
		char path[PATH_MAX];

		if (!is_wanted(entries[i]->d_name, only, nonly))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name) >= PATH_MAX)
			return EXIT_MISUSE;
		code = rule_open(path, &book->rule[book->n]);
		book->n += code == 0;
	}
	return code;
}

int rulebook_open(const char *dir, char *const *only, size_t nonly, struct rulebook *ret_book)
{
	struct rulebook book = {0};
	char own[PATH_MAX];
	struct dirent **entries = NULL;
	int err = dir ? 0 : paths_data_dir("corpus/conformance", own);

	if (err) {
		cli_complain("cannot find the conformance programs: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	dir = dir ? dir : own;
	int n = scandir(dir, &entries, is_program, by_rule);

	if (n <= 0)
		cli_complain("%s: %s", dir, n < 0 ? strerror(errno) : "no .prog files");
	int code = n <= 0 ? EXIT_MISUSE : open_entries(dir, entries, (size_t)n, only, nonly, &book);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	if (code)
		rulebook_release(&book);
	else
		*ret_book = book;
	return code;
}

void rulebook_release(struct rulebook *book)
{
	for (size_t i = 0; i < book->n; i++)
		rule_release(&book->rule[i]);
	free(book->rule);
	*book = (struct rulebook){0};
}
