#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/prog/names.h"
#include "harness/prog/parse_items.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HUGE_SIZE_MASK (0x3fu << 26)

struct place_word {
	const char *word;
	int flag;
	const char *expected; /* where the word stands alone */
};

static const struct place_word map_places[] = {
	{"fixed", MAP_FIXED, "a place behind it, as in fixed=m[3]+4p"},
	{"fixed_noreplace", MAP_FIXED_NOREPLACE,
	 "a place behind it, as in fixed_noreplace=m[3]+4p"},
	{"hint", 0, "a place behind it, as in hint=m[3]+4p"},
};

static const struct place_word mremap_fixed = {"fixed", MREMAP_FIXED,
					       "a place behind it, as in fixed=m[3]+4p"};

/* m[3] or m[3]+4p */
static int parse_target(const struct lexer *l, struct word w, struct op_map *map)
{
	struct word offset;
	struct word slot = word_cut(w, '+', &offset);
	int ret = parse_map_slot(l, slot, "one mapping slot such as m[3] or m[3]+4p", &map->target);

	if (ret)
		return ret;
	map->has_target = 1;
	return offset.text ? lex_size(l, offset, &map->target_off) : 0;
}

/*
 * A flag with a place, `fixed=m[3]+4p`. Returns 1 when w is not one, 0 when it was taken, or
 * -EINVAL.
 */
static int parse_place(const struct lexer *l, struct word w, const struct place_word *place,
		       struct op_map *map)
{
	struct word target;
	struct word flag = word_cut(w, '=', &target);

	if (!word_is(flag, place->word))
		return 1;
	if (!target.text)
		return lex_fail(l, w, place->expected);
	if (map->has_target)
		return lex_fail(l, w, "at most one place");
	map->flags |= place->flag;
	return parse_target(l, target, map);
}

static int parse_source(const struct lexer *l, struct word w, enum map_source source,
			struct op_map *map)
{
	if (map->source != SOURCE_NONE)
		return lex_fail(l, w, "at most one of anon, zero, file, memfd, shm and of=");
	map->source = source;
	if (source == SOURCE_ANON)
		map->flags |= MAP_ANONYMOUS;
	return 0;
}

/* `of=m[3]`. Returns as parse_place does. */
static int parse_of(const struct lexer *l, struct word w, struct op_map *map)
{
	static const char expected[] = "one mapping slot such as m[3]";
	struct word slot;
	struct word word = word_cut(w, '=', &slot);

	if (!word_is(word, "of"))
		return 1;
	if (!slot.text)
		return lex_fail(l, w, "a slot behind it, as in of=m[3]");
	int ret = parse_source(l, w, SOURCE_SLOT, map);

	return ret ? ret : parse_map_slot(l, slot, expected, &map->of);
}

/* `offset=4p`. Returns as parse_place does. */
static int parse_offset(const struct lexer *l, struct word w, bool *given, struct op_map *map)
{
	struct word bytes;
	struct word word = word_cut(w, '=', &bytes);

	if (!word_is(word, "offset"))
		return 1;
	if (!bytes.text)
		return lex_fail(l, w, "a size behind it, as in offset=4p");
	if (*given)
		return lex_fail(l, w, "at most one offset");
	*given = true;
	return lex_size(l, bytes, &map->offset);
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

/* What a flag may have been meant to be. */
static const char *map_word_at(unsigned index)
{
	static const char *const others[] = {"zero", "file", "memfd", "shm", "hint", "offset"};
	size_t n = sizeof(others) / sizeof(others[0]);
	int flag;

	return index < n ? others[index] : map_flag_at(index - n, &flag);
}

/* Words with a value behind them, and sources. Returns as parse_place does. */
static int parse_map_word(const struct lexer *l, struct word w, bool *offset_given,
			  struct op_map *map)
{
	int source = source_by_name(w.text, w.len);
	int ret = 1;

	if (source >= 0)
		return parse_source(l, w, (enum map_source)source, map);
	for (size_t i = 0; ret == 1 && i < sizeof(map_places) / sizeof(map_places[0]); i++)
		ret = parse_place(l, w, &map_places[i], map);
	if (ret == 1)
		ret = parse_of(l, w, map);
	return ret == 1 ? parse_offset(l, w, offset_given, map) : ret;
}

static int parse_map_flag(const struct lexer *l, struct word w, bool *offset_given,
			  struct op_map *map)
{
	int flag, ret = parse_map_word(l, w, offset_given, map);

	if (ret <= 0)
		return ret;
	if (map_flag_by_name(w.text, w.len, &flag))
		return lex_fail_near(l, w,
				     "flags such as private,anon or shared,memfd,fixed=m[3]+4p",
				     parse_nearest(w, map_word_at));
	if (second_huge_size(map->flags, flag))
		return lex_fail(l, w, "at most one huge page size");
	map->flags |= flag;
	return 0;
}

int parse_map_flags(struct lexer *l, struct op *op)
{
	struct word rest = lex_word(l);
	bool offset_given = false;

	if (word_is(rest, "none"))
		return 0;
	do {
		struct word flag = word_cut(rest, ',', &rest);
		int ret = parse_map_flag(l, flag, &offset_given, &op->map);

		if (ret)
			return ret;
	} while (rest.text);
	return 0;
}

/* `to=m[5]`. Returns as parse_place does. */
static int parse_to(const struct lexer *l, struct word w, struct op_map *map)
{
	struct word slot;
	struct word word = word_cut(w, '=', &slot);

	if (!word_is(word, "to"))
		return 1;
	if (!slot.text)
		return lex_fail(l, w, "a slot behind it, as in to=m[3]");
	if (map->has_to)
		return lex_fail(l, w, "at most one slot");
	map->has_to = 1;
	return parse_map_slot(l, slot, "one mapping slot such as m[3]", &map->to);
}

static int parse_mremap_flag(const struct lexer *l, struct word w, struct op_map *map)
{
	int flag, ret = parse_place(l, w, &mremap_fixed, map);

	if (ret == 1)
		ret = parse_to(l, w, map);
	if (ret <= 0)
		return ret;
	if (mremap_flag_by_name(w.text, w.len, &flag))
		return lex_fail(l, w, "flags such as maymove,dontunmap or maymove,fixed=m[3]+4p");
	map->flags |= flag;
	return 0;
}

/* The flags may be left out: none of them begins with a digit, as the range does. */
static bool range_follows(const struct lexer *l)
{
	struct word w = lex_peek(l);

	return w.len && w.text[0] >= '0' && w.text[0] <= '9';
}

int parse_mremap_flags(struct lexer *l, struct op *op)
{
	if (parse_no_more(l) || range_follows(l))
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

int parse_msync_flags(struct lexer *l, struct op *op)
{
	struct word rest = lex_word(l);
	int flag;

	if (word_is(rest, "none"))
		return 0;
	do {
		struct word w = word_cut(rest, ',', &rest);

		if (msync_flag_by_name(w.text, w.len, &flag))
			return lex_fail(l, w, "flags such as sync or async,invalidate");
		op->map.flags |= flag;
	} while (rest.text);
	return 0;
}
