/*
 * pages_walk.h - random mapping calls, made for real and followed by the page model.
 *
 * All happen in one area of a process's own. After each call the model is compared with the kernel:
 * what must be resident is read, the resident pages are counted, and now and then every page is
 * read, or written, or added to, wherever that may fault. A walk is a function of its options.
 */
#ifndef ORACLE_PAGES_WALK_H
#define ORACLE_PAGES_WALK_H

#include "harness/oracle/pages.h"

struct walk_options {
	uint64_t seed;
	uint32_t steps;
	uint32_t area_pages;
	uint32_t capacity;
	enum pages_rule wrong;
	bool huge; /* with the advice that allows huge pages */
	bool cuts; /* fork children may be killed */
};

struct walk_result {
	uint32_t steps;		  /* made; fewer than wanted: there was a finding */
	uint32_t exact;		  /* steps at which the resident pages were known exactly */
	uint64_t judged, unknown; /* pages looked at, and those of which nothing was known */
	uint64_t forgotten;
	uint32_t succeeded, failed; /* calls */
	bool found;
	struct finding finding; /* the first */
	char story[16384];	/* the last calls before it, and the pages */
};

void pages_walk(const struct walk_options *o, struct walk_result *ret_result);

#endif
