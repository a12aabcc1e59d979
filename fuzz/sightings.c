#include "fuzz/sightings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/hunt.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static uint64_t hash_of(const char *signature)
{
	uint64_t hash = FNV_OFFSET;
	size_t len = hunt_key_length(signature);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)signature[i]) * FNV_PRIME;
	return hash;
}

static struct sighting *find(const struct sightings *s, const char *signature)
{
	uint64_t hash = hash_of(signature);

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].hash == hash)
			return (struct sighting *)&s->v[i];
	return NULL;
}

static struct sighting *find_or_add(struct sightings *s, const char *signature)
{
	struct sighting *at = find(s, signature);

	if (at || s->n == SIGHTINGS)
		return at;
	at = &s->v[s->n++];
	*at = (struct sighting){.hash = hash_of(signature), .next_try = 1};
	return at;
}

bool sightings_meet(struct sightings *s, const char *signature)
{
	struct sighting *at = find_or_add(s, signature);

	if (!at || at->done)
		return false;
	if (++at->seen < at->next_try)
		return false;
	at->next_try *= 2;
	return true;
}

bool sightings_is_first(const struct sightings *s, const char *signature)
{
	const struct sighting *at = find(s, signature);

	return at && at->seen == 1;
}

bool sightings_settle(struct sightings *s, const char *signature)
{
	struct sighting *at = find_or_add(s, signature);
	bool first = at && !at->done;

	if (at)
		at->done = true;
	return first;
}

bool sightings_settled(const struct sightings *s, const char *signature)
{
	const struct sighting *at = find(s, signature);

	return at && at->done;
}

static bool changed(struct sightings *s, const struct stat *st)
{
	if (s->skip_bytes == st->st_size && s->skip_time.tv_sec == st->st_mtim.tv_sec &&
	    s->skip_time.tv_nsec == st->st_mtim.tv_nsec)
		return false;
	s->skip_bytes = st->st_size;
	s->skip_time = st->st_mtim;
	return true;
}

int sightings_skip(struct sightings *s, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!changed(s, &st))
		return 0;
	FILE *file = fopen(path, "re");
	int err = file ? 0 : -errno;

	/* A last line that is still being written is nobody's signature, and comes again. */
	while (file && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			sightings_settle(s, line);
	}
	free(line);
	if (file)
		fclose(file);
	return err;
}
