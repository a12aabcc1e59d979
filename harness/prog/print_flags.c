#include "harness/prog/print_flags.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/prog/names.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

typedef const char *flag_at_fn(size_t index, int *ret_flag);

struct list {
	struct text *text;
	bool started;
};

static void list_put(struct list *l, const char *word)
{
	if (l->started)
		text_str(l->text, ",");
	l->started = true;
	text_str(l->text, word);
}

/* Flags with a place are left to list_target. */
static int list_flags(struct list *l, flag_at_fn *flag_at, int flags)
{
	unsigned sizes = 0;
	const char *word;
	int flag;

	for (size_t i = 0; (word = flag_at(i, &flag)); i++)
		if ((flags & flag) == flag) {
			list_put(l, word);
			flags &= ~flag;
			sizes += map_flag_is_size(flag);
		}
	/* Two huge page sizes make a third number, but a parser takes one. */
	return flags || sizes > 1 ? -EINVAL : 0;
}

static int list_slot(struct list *l, const char *word, uint32_t slot)
{
	if (slot >= PROG_MAX_SLOTS)
		return -EINVAL;
	list_put(l, word);
	text_str(l->text, "=m[");
	text_u64(l->text, slot);
	text_str(l->text, "]");
	return 0;
}

static int list_target(struct list *l, const char *word, const struct op_map *map)
{
	int ret = list_slot(l, word, map->target);

	if (ret == 0 && map->target_off) {
		text_str(l->text, "+");
		text_size(l->text, map->target_off);
	}
	return ret;
}

/* `anon` is among the flags. */
static int list_source(struct list *l, const struct op_map *map)
{
	if (map->source == SOURCE_SLOT)
		return list_slot(l, "of", map->of);
	if (map->source == SOURCE_NONE || map->source == SOURCE_ANON)
		return 0;
	if (!source_name(map->source))
		return -EINVAL;
	list_put(l, source_name(map->source));
	return 0;
}

static const char *place_word(int fixed)
{
	if (fixed == 0)
		return "hint";
	return fixed == MAP_FIXED ? "fixed" : "fixed_noreplace";
}

int print_map_flags(struct text *t, const struct op_map *map)
{
	int fixed = map->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	bool anon = map->flags & MAP_ANONYMOUS;
	struct list l = {.text = t};

	/* One place belongs to one flag, and the source is what MAP_ANONYMOUS says. */
	if (fixed == (MAP_FIXED | MAP_FIXED_NOREPLACE) || (fixed && !map->has_target))
		return -EINVAL;
	if (anon != (map->source == SOURCE_ANON))
		return -EINVAL;
	if (list_flags(&l, map_flag_at, map->flags & ~fixed) || list_source(&l, map))
		return -EINVAL;
	if (map->offset) {
		list_put(&l, "offset=");
		text_size(t, map->offset);
	}
	if (map->has_target)
		return list_target(&l, place_word(fixed), map);
	if (!l.started)
		list_put(&l, "none");
	return 0;
}

int print_mremap_flags(struct text *t, const struct op_map *map)
{
	bool fixed = map->flags & MREMAP_FIXED;
	struct list l = {.text = t};

	if (fixed != map->has_target)
		return -EINVAL;
	if (list_flags(&l, mremap_flag_at, map->flags & ~MREMAP_FIXED))
		return -EINVAL;
	if (fixed && list_target(&l, "fixed", map))
		return -EINVAL;
	return map->has_to ? list_slot(&l, "to", map->to) : 0;
}

int print_msync_flags(struct text *t, const struct op_map *map)
{
	struct list l = {.text = t};

	if (map->flags == 0)
		list_put(&l, "none");
	return list_flags(&l, msync_flag_at, map->flags);
}
