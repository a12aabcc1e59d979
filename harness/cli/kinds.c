#include "harness/cli/kinds.h"

#include <errno.h>
#include <string.h>

#include "harness/oracle/finding.h"
#include "harness/prog/text.h"

#define WORD_MAX 32

static int kind_of_word(const char *word, size_t len)
{
	char name[WORD_MAX];

	if (len >= sizeof(name))
		return -EINVAL;
	memcpy(name, word, len);
	name[len] = '\0';
	return finding_kind_by_name(name);
}

int kinds_parse(const char *words, uint32_t *kinds)
{
	uint32_t all = *kinds;

	for (;; words++) {
		size_t len = strcspn(words, ",");
		int kind = kind_of_word(words, len);

		if (kind < 0)
			return -EINVAL;
		all |= FINDING_BIT(kind);
		words += len;
		if (!*words)
			break;
	}
	*kinds = all;
	return 0;
}

struct kinds_text kinds_words(uint32_t kinds)
{
	struct kinds_text t;
	struct text text;
	const char *between = "";

	text_init(&text, t.s, sizeof(t.s));
	for (unsigned i = 0; i < FINDING_KINDS; i++) {
		if (!(kinds & FINDING_BIT(i)))
			continue;
		text_str(&text, between);
		text_str(&text, finding_kind_name(i));
		between = ",";
	}
	return t;
}

json_t *kinds_json(uint32_t kinds)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < FINDING_KINDS; i++)
		if (kinds & FINDING_BIT(i))
			json_array_append_new(list, json_string(finding_kind_name(i)));
	return list;
}
