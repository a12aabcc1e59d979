/*
 * profile_check.h - whether an allocator is as its profile says: `profile-mismatch` otherwise.
 *
 * Both add findings to a run that took place and leave others alone. An allocator without a
 * profile has none.
 */
#ifndef CLI_PROFILE_CHECK_H
#define CLI_PROFILE_CHECK_H

#include "harness/cli/rule.h"
#include "harness/cli/runner.h"

/*
 * The answer to a rule against the profile's: "profile says null, measured pointer". No answer (a
 * crash) is no mismatch: the crash is a finding of its own.
 */
void profile_check_answer(struct outcome_of_run *r, const struct rule *rule, const char *answer);

/*
 * What the profile knows and this program of that folder ("seeds") must show: "profile says
 * crash/malloc/SIGABRT, measured: not found in seeds/drain". Only where the run came to its end,
 * all its functions were there and everything was judged and watched.
 */
void profile_check_shown(struct outcome_of_run *r, const char *folder);

/* The last part of a folder's path, as shown-by names it; "." and links are followed. */
struct folder_name {
	char s[256];
};
struct folder_name profile_folder(const char *dir);

#endif
