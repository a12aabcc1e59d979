/*
 * tell.h - findings for people: in words on standard error, or as folders.
 */
#ifndef FUZZ_TELL_H
#define FUZZ_TELL_H

#include <stddef.h>
#include <stdint.h>

#include "harness/cli/finding_folder.h"

/* Signature, message, the program, and what must run before it. */
void tell_words(const struct found *f);

/* A folder of that name in the inbox; one that is there already will do. Returns 0 or -errno. */
int tell_folder(const char *inbox, const struct found *f);

/*
 * A file "PREFIXproof-NAME" of what shows the finding by itself, for engines whose own file of the
 * input shows it only behind others. Says where it is.
 */
struct tell_input {
	const char *prefix; /* as libFuzzer's -artifact_prefix */
	const uint8_t *bytes;
	size_t len;
};
int tell_input(const struct found *f, const struct tell_input *input);

#endif
