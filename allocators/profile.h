/*
 * profile.h - what is known and accepted of an allocator.
 *
 * A profile is a text file, one statement a line, `#` comments. allocators/profiles/README.md has
 * the format for people:
 *
 *   versions FIRST LAST             begins a section for these upstream versions; "*" for any
 *   known SIGNATURE LINK REASON...  a finding that is known: a glob over signatures, the public
 *                                   report or manual, and why it is accepted
 *   shown-by FOLDER/PROGRAM         a program of the corpus in which the `known` above must appear
 *   answer RULE VALUE REASON...     the answer to an implementation-defined rule, one word
 *   retention SOURCE WORDS...       when memory goes back to the kernel, in words and numbers
 *
 * What stands before the first `versions` holds for every section. Of several sections the first
 * that covers a version is used, and of the others nothing is kept.
 */
#ifndef ALLOCATORS_PROFILE_H
#define ALLOCATORS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct known {
	char *signature; /* glob */
	char *link;
	char *reason;
	char *shown_by; /* "seeds/drain", or NULL */
};

struct profile_answer {
	char *rule, *value, *reason;
};

struct retention {
	char *source; /* a link, a file of the tree, or "measured" */
	char *words;
};

struct profile {
	char *path;   /* the file, or NULL: there is none */
	char *ranges; /* all of its versions in words, "2.36, 2.38 to 2.41"; NULL: any */
	bool covers;  /* the version that was asked for */
	size_t nknown, nanswers, nretention;
	struct known *known;
	struct profile_answer *answer;
	struct retention *retention;
};

/*
 * Reads DIR/NAME.profile for this upstream version. A missing file is an empty profile that covers
 * everything. Returns 0, -ENOMEM, or -EINVAL with "FILE:LINE: what" in err. A version that no
 * section covers is no error: `covers` is false.
 */
int profile_load(const char *dir, const char *name, const char *version,
		 struct profile *ret_profile, char *err, size_t err_size);

/*
 * The same for a file by path, which must be there. `version` NULL: it is not known, and the last
 * section is taken.
 */
int profile_load_file(const char *path, const char *version, struct profile *ret_profile, char *err,
		      size_t err_size);
void profile_release(struct profile *p);

/* The entry that covers a signature, or NULL. */
const struct known *profile_known(const struct profile *p, const char *signature);

/* The expected answer to a profile rule, or NULL. */
const struct profile_answer *profile_answer(const struct profile *p, const char *rule);

#endif
