/*
 * subject_profile.c - which profile an allocator is judged by.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/paths.h"
#include "harness/cli/runner.h"

static int load_built_in(struct subject *s, char *err, size_t err_size)
{
	char dir[PATH_MAX];
	int rc = paths_data_dir("allocators/profiles", dir);

	if (rc) {
		snprintf(err, err_size, "cannot find the profiles: %s", strerror(-rc));
		return rc;
	}
	return profile_load(dir, s->ref.plugin->name, s->ref.version, &s->profile, err, err_size);
}

/* Somebody chose this file for this allocator: that no package tells the version is no obstacle. */
static int load_file(struct subject *s, const char *path, char *err, size_t err_size)
{
	const char *version = s->ref.version[0] ? s->ref.version : NULL;
	int rc = profile_load_file(path, version, &s->profile, err, err_size);

	if (rc)
		return rc;
	bool sections = s->profile.ranges && strchr(s->profile.ranges, ',');

	snprintf(s->profile_note, sizeof(s->profile_note), "%.100s: judged by the profile %.200s%s",
		 s->ref.name, path,
		 !version && sections
			 ? "; the version is not known, so the last of its parts is used"
			 : "");
	return 0;
}

static void note_other_version(struct subject *s)
{
	bool known = s->ref.version[0] != '\0';

	snprintf(s->profile_note, sizeof(s->profile_note),
		 "%.200s: the profile is for %.200s and is not used; %s%.60s", s->ref.name,
		 s->profile.ranges, known ? "this is " : "the version is not known",
		 s->ref.version);
}

int subject_open_profile(struct subject *s, const char *given, char *err, size_t err_size)
{
	char beside[PATH_MAX + 16];
	int rc = 0;

	snprintf(beside, sizeof(beside), "%s.profile", s->ref.given);
	if (given)
		rc = load_file(s, given, err, err_size);
	else if (s->ref.plugin)
		rc = load_built_in(s, err, err_size);
	else if (access(beside, F_OK) == 0)
		rc = load_file(s, beside, err, err_size);
	else
		return 0;
	if (rc)
		return rc;
	s->has_profile = s->profile.covers;
	if (!s->has_profile && s->ref.available)
		note_other_version(s);
	return 0;
}
