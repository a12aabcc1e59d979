/*
 * emit_priv.h - what the files of the C emitter share.
 */
#ifndef PROG_EMIT_PRIV_H
#define PROG_EMIT_PRIV_H

#include <stdbool.h>

#include "harness/prog/emit_c.h"
#include "harness/prog/emit_parts.h"
#include "harness/prog/text.h"

/* What the program uses, which decides on parts, definitions and the beginning of main(). */
struct emit_uses {
	uint64_t ops;	    /* set of 1 << enum op_code */
	uint64_t map_flags; /* all bits of all mmaps */
	uint64_t remap_flags;
	uint64_t advices[2];   /* set of MADV_* up to 127 */
	uint32_t metrics;      /* set of 1 << enum metric */
	bool is_long;	       /* an op that the brief form has not, or in a way that it has not */
	bool calls_on_threads; /* calls are made on threads besides main's, or side by side */
};

struct emit {
	emit_fn *out;
	void *ctx;
	int err; /* the first of `out`; nothing is written behind it */
	int fd;
	const struct emit_options *options;
	struct prog_info info;
	struct emit_uses uses;
	unsigned depth;		    /* of the C text */
	bool used[EMIT_PIECES_MAX]; /* pieces of the parts */
	struct text line;
	char buf[16384];
};

/* The line so far, with indent and newline, goes out. */
void emit_line(struct emit *e);
/* One whole line. */
void emit_str(struct emit *e, const char *line);

/* Numbers and names as C has them, appended to the line. */
void emit_size(struct text *t, uint64_t bytes); /* "3 * PAGE" */
void emit_number(struct text *t, uint64_t value);
void emit_signed(struct text *t, int64_t value, bool is_bytes);
void emit_prot(struct text *t, int prot);
void emit_map_flags(struct text *t, int flags);
void emit_remap_flags(struct text *t, int flags);
void emit_sync_flags(struct text *t, int flags);
void emit_advice(struct text *t, int advice);
void emit_outcome(struct text *t, int outcome);
void emit_fact_name(struct text *t, unsigned fact); /* "thp" */
void emit_string(struct text *t, const char *s);

/* Definitions of constants that the headers of the C library may be too old for. */
void emit_definitions(struct emit *e);

/* The program as a comment. Returns 0 or -errno of reading it. */
int emit_opening(struct emit *e);
/* An emit_fn: marks the pieces whose names occur in the text, which is whole lines. */
int emit_note_names(void *ctx, const char *bytes, size_t n);
/* Headers, definitions, and the pieces that are marked. */
void emit_used_parts(struct emit *e);

bool emit_uses_op(const struct emit *e, unsigned code);
bool emit_uses_metrics(const struct emit *e); /* maps, mapped, rss and their peaks */
bool emit_uses_process(const struct emit *e); /* anonhuge and the like */

/* Whether the program is one for emit/brief.h, and a statement of it. */
bool emit_is_brief(const struct emit *e);
bool emit_fits_brief(const struct op *op);
void emit_brief_slots(struct emit *e);
void emit_brief_start(struct emit *e);
void emit_brief_statement(struct emit *e, const struct op *op);
void emit_brief_end(struct emit *e);
/* "for (unsigned i = 0; i < 8; i++) ", and nothing for one slot. */
void emit_slice(struct text *t, const struct slice *s);

/* One statement that is no block. `direct`: the thread that it is on runs this text. */
void emit_statement(struct emit *e, const struct op *op, bool direct);
/* "fact.thp == 2" */
void emit_fact(struct text *t, const struct op_fact *f);

#endif
