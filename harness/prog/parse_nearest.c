#include <string.h>

#include "harness/prog/names.h"
#include "harness/prog/parse_op.h"

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

const char *parse_nearest_op(struct word w)
{
	const char *nearest = NULL;
	unsigned best = 3;

	if (w.len < 3 || w.len > NEAR_MAX)
		return NULL;
	for (unsigned code = 0; code < OP_CODES; code++) {
		unsigned distance = edit_distance(w, op_name(code));

		if (distance < best && code != OP_END) {
			best = distance;
			nearest = op_name(code);
		}
	}
	return nearest;
}
