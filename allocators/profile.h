/*
 * profile.h - what is known and accepted of an allocator.
 *
 * A profile is a text file allocators/profiles/NAME.profile, one statement a line, `#` comments:
 *
 *   versions FIRST LAST             upstream versions it was written for; "*" for any
 *   known SIGNATURE LINK REASON...  a finding that is known: a glob over signatures, the public
 *                                   report or manual, and why it is accepted
 *   answer RULE VALUE REASON...     the answer to an implementation-defined rule
 *   retention REASON...             in words: when memory goes back to the kernel
 *
 * Only built-in allocators have profiles; a file by path is judged by the strict rules alone.
 */
#ifndef ALLOCATORS_PROFILE_H
#define ALLOCATORS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct known {
	char *signature; /* glob */
	char *link;
	char *reason;
};

struct profile_answer {
	char *rule, *value, *reason;
};

struct profile {
	char *first, *last; /* versions, or NULL */
	size_t nknown, nanswers;
	struct known *known;
	struct profile_answer *answer;
	char *retention; /* or NULL */
};

/*
 * Reads DIR/NAME.profile. A missing file is an empty profile. Returns 0, -ENOMEM, or -EINVAL with
 * "FILE:LINE: what" in err.
 */
int profile_load(const char *dir, const char *name, struct profile *ret_profile, char *err,
		 size_t err_size);
void profile_release(struct profile *p);

/*
 * Whether the profile was written for this upstream version: from FIRST to LAST, where 19.1 as
 * LAST takes in 19.1.7. Without a versions line, or with "*", for any.
 */
bool profile_covers(const struct profile *p, const char *version);

/* The entry that covers a signature, or NULL. */
const struct known *profile_known(const struct profile *p, const char *signature);

/* The expected answer to a profile rule, or NULL. */
const struct profile_answer *profile_answer(const struct profile *p, const char *rule);

#endif
