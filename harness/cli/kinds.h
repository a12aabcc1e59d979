/*
 * kinds.h - a set of finding kinds, in words: "overlap,crash".
 */
#ifndef CLI_KINDS_H
#define CLI_KINDS_H

#include <jansson.h>
#include <stdint.h>

/* Adds the named kinds to the set; -EINVAL where one of the words is no kind, and adds nothing. */
int kinds_parse(const char *words, uint32_t *kinds);

struct kinds_text {
	char s[512];
};
struct kinds_text kinds_words(uint32_t kinds);

json_t *kinds_json(uint32_t kinds); /* ["overlap", "crash"] */

#endif
