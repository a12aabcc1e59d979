#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HUGE_SIZE_MASK (0x3fu << 26)

/* m[3] or m[3]+4p */
static int parse_target(const struct lexer *l, struct word w, struct op_map *map)
{
	struct word offset;
	struct word slot = word_cut(w, '+', &offset);
	int ret = parse_map_slot(l, slot, &map->target);

	if (ret)
		return ret;
	map->has_target = 1;
	return offset.text ? lex_size(l, offset, &map->target_off) : 0;
}

/*
 * A flag with a place, `fixed=m[3]+4p`. Returns 1 when w is not one, 0 when it was taken, or
 * -EINVAL.
 */
static int parse_fixed(const struct lexer *l, struct word w, const char *word, struct op_map *map)
{
	struct word target;
	struct word flag = word_cut(w, '=', &target);

	if (!word_is(flag, word))
		return 1;
	if (!target.text)
		return lex_fail(l, w, "a place behind it, as in fixed=m[3]+4p");
	if (map->has_target)
		return lex_fail(l, w, "at most one place");
	return parse_target(l, target, map);
}

static enum map_source source_by_name(struct word w)
{
	if (word_is(w, "anon"))
		return SOURCE_ANON;
	if (word_is(w, "zero"))
		return SOURCE_ZERO;
	if (word_is(w, "file"))
		return SOURCE_FILE;
	if (word_is(w, "memfd"))
		return SOURCE_MEMFD;
	return SOURCE_NONE;
}

static int parse_source(const struct lexer *l, struct word w, enum map_source source,
			struct op_map *map)
{
	if (map->source != SOURCE_NONE)
		return lex_fail(l, w, "at most one of anon, zero, file and memfd");
	map->source = source;
	if (source == SOURCE_ANON)
		map->flags |= MAP_ANONYMOUS;
	return 0;
}

/*
 * A huge page size is a number in six bits: two of them would make a third. (MAP_UNINITIALIZED
 * is one of these bits; alone it is not taken for a size.)
 */
static bool second_huge_size(int flags, int flag)
{
	unsigned old = (unsigned)flags & HUGE_SIZE_MASK, added = (unsigned)flag & HUGE_SIZE_MASK;
	unsigned sizes = HUGE_SIZE_MASK & ~(1u << 26);

	return (old & sizes) && (added & sizes) && old != added;
}

static int parse_map_flag(const struct lexer *l, struct word w, struct op_map *map)
{
	static const struct {
		const char *word;
		int flag;
	} fixed[] = {{"fixed", MAP_FIXED}, {"fixed_noreplace", MAP_FIXED_NOREPLACE}};
	enum map_source source = source_by_name(w);
	int flag;

	if (source != SOURCE_NONE)
		return parse_source(l, w, source, map);
	for (size_t i = 0; i < 2; i++) {
		int ret = parse_fixed(l, w, fixed[i].word, map);

		if (ret == 0)
			map->flags |= fixed[i].flag;
		if (ret <= 0)
			return ret;
	}
	if (map_flag_by_name(w.text, w.len, &flag))
		return lex_fail(l, w, "flags such as private,anon or shared,memfd,fixed=m[3]+4p");
	if (second_huge_size(map->flags, flag))
		return lex_fail(l, w, "at most one huge page size");
	map->flags |= flag;
	return 0;
}

int parse_map_flags(struct lexer *l, struct op *op)
{
	struct word rest = lex_word(l);

	if (word_is(rest, "none"))
		return 0;
	do {
		struct word flag = word_cut(rest, ',', &rest);
		int ret = parse_map_flag(l, flag, &op->map);

		if (ret)
			return ret;
	} while (rest.text);
	return 0;
}

static int parse_mremap_flag(const struct lexer *l, struct word w, struct op_map *map)
{
	int flag, ret = parse_fixed(l, w, "fixed", map);

	if (ret == 0)
		map->flags |= MREMAP_FIXED;
	if (ret <= 0)
		return ret;
	if (mremap_flag_by_name(w.text, w.len, &flag))
		return lex_fail(l, w, "flags such as maymove,dontunmap or maymove,fixed=m[3]+4p");
	map->flags |= flag;
	return 0;
}

int parse_mremap_flags(struct lexer *l, struct op *op)
{
	if (parse_no_more(l))
		return 0;
	struct word rest = lex_word(l);

	do {
		struct word flag = word_cut(rest, ',', &rest);
		int ret = parse_mremap_flag(l, flag, &op->map);

		if (ret)
			return ret;
	} while (rest.text);
	return 0;
}
