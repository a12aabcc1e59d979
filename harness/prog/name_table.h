/*
 * name_table.h - tables of words and their values, shared by the names_*.c files.
 */
#ifndef PROG_NAME_TABLE_H
#define PROG_NAME_TABLE_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct name {
	const char *text;
	unsigned len; /* kept, so that most words are told apart without reading them */
	int value;
};

#define NAME(word, number)                                                                         \
	{                                                                                          \
		.text = (word), .len = sizeof(word) - 1, .value = (number)                         \
	}

#define NAMES_IN(table) (sizeof(table) / sizeof((table)[0]))

/* The entry of a word, or NULL. */
static inline const struct name *name_find(const struct name *table, size_t n, const char *text,
					   size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].len == len && memcmp(table[i].text, text, len) == 0)
			return &table[i];
	return NULL;
}

/* The first word with this value, or NULL. */
static inline const char *name_of(const struct name *table, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].text && table[i].value == value)
			return table[i].text;
	return NULL;
}

static inline int name_value(const struct name *entry, int *ret_value)
{
	if (!entry)
		return -ENOENT;
	*ret_value = entry->value;
	return 0;
}

#endif
