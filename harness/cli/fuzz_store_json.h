/*
 * fuzz_store_json.h - fuzz.json, allocrig.fuzz-dir/1, of a fuzz_store.
 */
#ifndef CLI_FUZZ_STORE_JSON_H
#define CLI_FUZZ_STORE_JSON_H

#include "harness/cli/fuzz_store.h"

/* With a newline at its end, for free(); NULL without memory. */
char *store_json_text(const struct fuzz_store *s);

/*
 * Fills totals, worst, counted and the goal of the last session; the key must be the store's.
 * -EINVAL for what is no such file; -EPERM where it is somebody else's, with the words behind the
 * folder's name in `why`.
 */
int store_json_parse(struct fuzz_store *s, const char *text, size_t len, char *why,
		     size_t why_size);

#endif
