/*
 * sightings.h - the signatures that an engine's inputs have shown, and what to do about each.
 *
 * A signature that is told or filed is passed by. One that nothing confirmed is tried again when it
 * was seen twice, four times, eight times as often. Where what stands still is caught in its loop
 * is chance: of those signatures the frames are left out.
 */
#ifndef FUZZ_SIGHTINGS_H
#define FUZZ_SIGHTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SIGHTINGS 8192 /* signatures; those beyond are passed by */

struct sighting {
	uint64_t hash;
	uint64_t seen, next_try;
	bool done;
};

/* All zero: nothing was seen. */
struct sightings {
	struct sighting v[SIGHTINGS];
	size_t n;
	struct timespec skip_time; /* of the file that was read last */
	int64_t skip_bytes;
};

/* Seen once more: whether to try to confirm it now. */
bool sightings_meet(struct sightings *s, const char *signature);

/* Whether it was seen once, the last time. */
bool sightings_is_first(const struct sightings *s, const char *signature);

/* Told, or filed: from now on passed by. False when it was before. */
bool sightings_settle(struct sightings *s, const char *signature);
bool sightings_settled(const struct sightings *s, const char *signature);

/*
 * Settles all signatures of a file, one a line, if it has changed since. A file that is not there
 * is empty. Returns 0 or -errno.
 */
int sightings_skip(struct sightings *s, const char *path);

#endif
