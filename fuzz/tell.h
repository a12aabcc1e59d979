/*
 * tell.h - findings for people: in words on standard error, or as folders.
 */
#ifndef FUZZ_TELL_H
#define FUZZ_TELL_H

#include "harness/cli/finding_folder.h"

/* Signature, message, the program, and what must run before it. */
void tell_words(const struct found *f);

/* A folder of that name in the inbox; one that is there already will do. Returns 0 or -errno. */
int tell_folder(const char *inbox, const struct found *f);

#endif
