#include <string.h>

#include "harness/prog/parse_items.h"

#define NEAR_MAX 24 /* longest word that is compared */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the table at a time. */
static unsigned edit_distance(struct word a, const char *b)
{
	unsigned row[NEAR_MAX + 1];
	size_t nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < nb; j++) {
			unsigned change = diagonal + (a.text[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(change, row[j] + 1, row[j + 1] + 1);
		}
	}
	return row[nb];
}

const char *parse_nearest(struct word w, word_at_fn *word_at)
{
	const char *nearest = NULL, *word;
	unsigned best = w.len > 4 ? 3 : 2;

	if (w.len < 3 || w.len > NEAR_MAX)
		return NULL;
	for (unsigned i = 0; (word = word_at(i)); i++) {
		unsigned distance = edit_distance(w, word);

		/* One letter is near to anything: the closing brace is no op to suggest. */
		if (distance < best && word[1]) {
			best = distance;
			nearest = word;
		}
	}
	return nearest;
}
