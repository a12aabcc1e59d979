/*
 * form.h - the grammar of a statement, as one string of items per op. Parser and printer walk the
 * same strings, so they cannot disagree about what belongs to an op.
 */
#ifndef PROG_FORM_H
#define PROG_FORM_H

enum form_item {
	ITEM_BLOCK = 'b',	 /* slots b[...] */
	ITEM_MAP = 'm',		 /* slots m[...] */
	ITEM_EITHER = 'x',	 /* either kind of slots */
	ITEM_SIZE = 's',	 /* a size, into arg0, the second one into arg1 */
	ITEM_COUNT = 'c',	 /* a count, the same way */
	ITEM_NUMBER = 'd',	 /* any number, the same way */
	ITEM_TIME = 't',	 /* a time, the same way */
	ITEM_PROT = 'p',	 /* none r rw rx rwx */
	ITEM_MAP_FLAGS = 'f',	 /* private,anon */
	ITEM_MREMAP_FLAGS = 'F', /* [maymove,to=m[3]] */
	ITEM_MSYNC_FLAGS = 'S',	 /* sync,invalidate */
	ITEM_ADVICE = 'a',	 /* dontneed */
	ITEM_RANGE = 'r',	 /* [OFF LEN] */
	ITEM_OUTCOMES = 'o',	 /* [-> ok|ENOMEM] */
	ITEM_ACCESS = 'A',	 /* [-> ok|SIGSEGV], of mapping slots alone */
	ITEM_NAME = 'n',	 /* of a checkpoint */
	ITEM_EXPECT = 'e',	 /* METRIC REL VALUE */
	ITEM_FACT = 'w',	 /* FACT REL VALUE */
	ITEM_OPEN = '{'
};

/* The items behind the op's word, in order. */
const char *op_form(unsigned code);

#endif
