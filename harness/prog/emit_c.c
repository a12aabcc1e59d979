#include "harness/prog/emit_c.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/prog/emit_priv.h"
#include "harness/prog/names.h"

static int by_reading(struct emit *e, int (*body)(struct emit *, struct prog_reader *))
{
	struct prog_error err;
	struct prog_reader reader;
	int ret = prog_reader_init(&reader, e->fd, &err);

	return ret ? ret : body(e, &reader);
}

static void note_map(struct emit_uses *u, const struct op *op)
{
	if (op->code == OP_MMAP)
		u->map_flags |= (unsigned)op->map.flags;
	else if (op->code == OP_MREMAP)
		u->remap_flags |= (unsigned)op->map.flags;
	else if (op->code == OP_MADVISE && op->map.advice >= 0 && op->map.advice < 128)
		u->advices[op->map.advice / 64] |= UINT64_C(1) << op->map.advice % 64;
}

static int find_uses(struct emit *e, struct prog_reader *r)
{
	struct emit_uses *u = &e->uses;
	struct prog_error err;
	struct op op;
	int ret;

	while ((ret = prog_reader_next(r, &op, &err)) == 0) {
		u->ops |= UINT64_C(1) << op.code;
		note_map(u, &op);
		u->is_long |= !emit_fits_brief(&op);
		if (op.code == OP_EXPECT)
			u->metrics |= 1u << op.expect.metric;
	}
	u->calls_on_threads =
		e->info.has_parallel || (e->info.has_block_ops && e->info.threads > 1);
	return ret < 0 ? ret : 0;
}

static void put_slots(struct emit *e)
{
	struct text *t = &e->line;

	if (emit_is_brief(e)) {
		emit_brief_slots(e);
		return;
	}
	emit_str(e, "\n/* The program. */");
	text_str(t, "struct slot m[");
	text_u64(t, e->info.map_slots ? e->info.map_slots : 1);
	emit_str(e, "];");
	text_str(t, "const unsigned map_slots = ");
	text_u64(t, e->info.map_slots);
	emit_str(e, ";");
	text_str(t, "const bool keeps_files = ");
	text_str(t, e->info.has_of ? "true" : "false");
	emit_str(e, ";");
	if (!e->info.has_block_ops)
		return;
	text_str(t, "struct block b[");
	text_u64(t, e->info.block_slots ? e->info.block_slots : 1);
	emit_str(e, "];");
	text_str(t, "const unsigned block_slots = ");
	text_u64(t, e->info.block_slots);
	emit_str(e, ";");
}

static uint32_t asked_facts(const struct emit *e)
{
	uint32_t facts = e->info.facts;

	for (uint32_t i = 0; i < e->info.header.nneeds; i++)
		facts |= UINT32_C(1) << e->info.header.needs[i].fact;
	return facts;
}

static void put_fact_variables(struct emit *e)
{
	const char *separator = " ";

	if (!asked_facts(e))
		return;
	text_str(&e->line, "static struct {\n\tint64_t");
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		if (!(asked_facts(e) >> i & 1))
			continue;
		text_str(&e->line, separator);
		emit_fact_name(&e->line, i);
		separator = ", ";
	}
	emit_str(e, ";\n} fact;");
}

static int skip_block(struct prog_reader *r)
{
	struct prog_error err;
	struct op op;
	int ret = 0;

	for (unsigned depth = 1; depth && ret == 0;) {
		ret = prog_reader_next(r, &op, &err);
		if (ret == 0 && op_opens_block(op.code))
			depth++;
		else if (ret == 0 && op.code == OP_END)
			depth--;
	}
	return ret < 0 ? ret : 0;
}

static void put_repeat(struct emit *e, const struct op *op)
{
	struct text *t = &e->line;

	if (op->arg0 == 0) {
		emit_str(e, "if (false) {");
		return;
	}
	text_str(t, "for (unsigned long n");
	text_u64(t, e->depth);
	text_str(t, " = 0; n");
	text_u64(t, e->depth);
	text_str(t, " < ");
	emit_number(t, op->arg0);
	text_str(t, "; n");
	text_u64(t, e->depth);
	emit_str(e, "++) {");
}

static void put_block_opening(struct emit *e, const struct op *op)
{
	struct text *t = &e->line;

	if (op->code == OP_REPEAT) {
		put_repeat(e, op);
		return;
	}
	if (op->code == OP_FORK) {
		text_str(t, "at(");
		text_u64(t, op->line);
		emit_str(e, "); if (fork_child()) {");
		return;
	}
	text_str(t, "if (");
	emit_fact(t, &op->fact);
	emit_str(e, ") {");
}

/* Lines that a function of their own has, as a thread besides main's runs them. */
static bool has_function(const struct emit *e, const struct op *op)
{
	return op->code == OP_PARALLEL ||
	       (op->code == OP_FORK && op->thread && e->uses.calls_on_threads);
}

static void put_function_call(struct emit *e, const struct op *op)
{
	struct text *t = &e->line;

	text_str(t, "at(");
	text_u64(t, op->line);
	if (op->code == OP_FORK) {
		text_str(t, "); run_on(");
		text_u64(t, op->thread);
		text_str(t, ", line_");
	} else {
		text_str(t, "); run_side_by_side(line_");
	}
	text_u64(t, op->line);
	if (op->code == OP_PARALLEL) {
		text_str(t, ", ");
		text_u64(t, e->info.threads);
	}
	text_str(t, ");");
	if (e->info.has_peak_metric)
		text_str(t, " peaks_sample();");
	emit_line(e);
}

/* Of a function: lines of one thread, run on it. */
struct scope {
	bool is_function, is_section;
	unsigned thread;
};

static int put_body(struct emit *e, struct prog_reader *r, const struct scope *s);

static int put_block(struct emit *e, struct prog_reader *r, const struct op *op,
		     const struct scope *s)
{
	put_block_opening(e, op);
	e->depth++;
	int ret = put_body(e, r, s);

	if (op->code == OP_FORK)
		emit_str(e, "end_child();");
	e->depth--;
	emit_str(e, "}");
	return ret;
}

/* Up to the end of the block, or of the program. */
static int put_body(struct emit *e, struct prog_reader *r, const struct scope *s)
{
	struct prog_error err;
	struct op op;
	int ret;

	while ((ret = prog_reader_next(r, &op, &err)) == 0 && op.code != OP_END && !e->err) {
		bool others = s->is_section && op.thread != s->thread;

		if (others && !op_opens_block(op.code))
			continue;
		if (!others && !s->is_function && has_function(e, &op)) {
			put_function_call(e, &op);
			others = true;
		}
		if (others)
			ret = skip_block(r);
		else if (op_opens_block(op.code))
			ret = put_block(e, r, &op, s);
		else if (emit_is_brief(e))
			emit_brief_statement(e, &op);
		else
			emit_statement(e, &op, s->is_function);
		if (ret)
			break;
	}
	return ret < 0 ? ret : e->err;
}

static void put_function_opening(struct emit *e, const struct op *op, unsigned thread)
{
	text_str(&e->line, "\nstatic void line_");
	text_u64(&e->line, op->line);
	if (op->code == OP_PARALLEL) {
		text_str(&e->line, "_thread_");
		text_u64(&e->line, thread);
	}
	emit_str(e, "(void)\n{");
	e->depth++;
}

static int put_fork_function(struct emit *e, struct prog_reader *r, const struct op *op)
{
	put_function_opening(e, op, op->thread);
	int ret = put_block(e, r, op, &(struct scope){.is_function = true, .thread = op->thread});

	e->depth--;
	emit_str(e, "}");
	return ret;
}

/* Which threads have lines in the section; the reader is left behind it. */
static int find_threads(struct prog_reader *r, bool has[PROG_MAX_THREADS])
{
	struct prog_error err;
	struct op op;
	int ret = 0;

	memset(has, 0, PROG_MAX_THREADS * sizeof(*has));
	for (unsigned depth = 1; depth;) {
		ret = prog_reader_next(r, &op, &err);
		if (ret)
			return ret < 0 ? ret : -EIO;
		if (op.code == OP_END)
			depth--;
		else
			has[op.thread] = true;
		depth += op_opens_block(op.code);
	}
	return 0;
}

static void put_thread_table(struct emit *e, const struct op *op, const bool has[PROG_MAX_THREADS])
{
	struct text *t = &e->line;

	text_str(t, "\nstatic some_lines *const line_");
	text_u64(t, op->line);
	emit_str(e, "[] = {");
	e->depth++;
	for (unsigned i = 0; i < e->info.threads; i++) {
		if (has[i]) {
			text_str(t, "line_");
			text_u64(t, op->line);
			text_str(t, "_thread_");
			text_u64(t, i);
			emit_str(e, ",");
		} else {
			emit_str(e, "NULL,");
		}
	}
	e->depth--;
	emit_str(e, "};");
}

static int put_section_functions(struct emit *e, struct prog_reader *r, const struct op *op)
{
	struct prog_mark body = r->at;
	bool has[PROG_MAX_THREADS];
	int ret = find_threads(r, has);
	struct prog_mark behind = r->at;

	for (unsigned i = 0; i < e->info.threads && !ret; i++) {
		if (!has[i])
			continue;
		prog_reader_seek(r, &body);
		put_function_opening(e, op, i);
		ret = put_body(e, r, &(struct scope){true, true, i});
		e->depth--;
		emit_str(e, "}");
	}
	if (!ret)
		put_thread_table(e, op, has);
	prog_reader_seek(r, &behind);
	return ret;
}

static int put_functions(struct emit *e, struct prog_reader *r)
{
	struct prog_error err;
	struct op op;
	int ret;

	while ((ret = prog_reader_next(r, &op, &err)) == 0) {
		if (!has_function(e, &op))
			continue;
		ret = op.code == OP_PARALLEL ? put_section_functions(e, r, &op)
					     : put_fork_function(e, r, &op);
		if (ret)
			break;
	}
	return ret < 0 ? ret : e->err;
}

static void put_facts(struct emit *e)
{
	struct text *t = &e->line;

	for (unsigned i = 0; i < FACT_COUNT; i++) {
		if (!(asked_facts(e) >> i & 1))
			continue;
		text_str(t, "fact.");
		emit_fact_name(t, i);
		text_str(t, " = fact_");
		emit_fact_name(t, i);
		emit_str(e, "();");
	}
	for (uint32_t i = 0; i < e->info.header.nneeds; i++) {
		const struct op_fact *f = &e->info.header.needs[i];

		text_str(t, "NEED(fact.");
		emit_fact_name(t, f->fact);
		text_str(t, ", ");
		text_str(t, relation_name(f->relation));
		text_str(t, ", ");
		emit_signed(t, f->value, fact_is_bytes(f->fact));
		emit_str(e, ");");
	}
}

static bool judges_lost(const struct emit *e)
{
	return e->options->judge_lost && e->info.has_block_ops && e->info.header.has_ballast;
}

/* In the order of the harness: all that the file itself needs is there before the first look. */
static void put_start(struct emit *e)
{
	struct text *t = &e->line;

	if (emit_is_brief(e)) {
		emit_brief_start(e);
		return;
	}
	put_facts(e);
	emit_str(e, "watch_start();");
	emit_str(e, "calls_start();");
	if (e->info.has_block_ops)
		emit_str(e, "blocks_start();");
	if (e->uses.calls_on_threads) {
		text_str(t, "threads_start(");
		text_u64(t, e->info.threads);
		emit_str(e, ");");
	}
	if (!e->info.has_block_ops)
		emit_str(e, "vmas_exclude_present();");
	if (e->info.header.has_ballast)
		emit_str(e, "ballast_reserve();");
	emit_str(e, "vmas_plug();");
	if (e->info.header.has_ballast) {
		text_str(t, "ballast_raise(");
		emit_number(t, e->info.header.ballast);
		emit_str(e, ");");
		if (e->info.has_fork)
			emit_str(e, "forks_tell(ballast_forked, NULL);");
	}
	if (emit_uses_metrics(e))
		emit_str(e, "metrics_start();");
	if (emit_uses_process(e))
		emit_str(e, "process_start();");
	if (e->info.has_peak_metric)
		emit_str(e, "peaks_start();");
	if (judges_lost(e))
		emit_str(e, "lost_start();");
}

static void put_end(struct emit *e)
{
	if (judges_lost(e))
		emit_str(e, "at(0); lost_judge();");
	if (e->info.has_block_ops)
		emit_str(e, "blocks_finish();");
	emit_str(e, "calls_finish();");
	if (e->info.header.nfaults && e->info.has_block_ops)
		emit_str(e, "at(0); undecided(\"the fault plan of the program was left out\");");
	emit_str(e, "return finish();");
}

static int put_main(struct emit *e, struct prog_reader *r)
{
	emit_str(e, "\nint main(void)\n{");
	e->depth++;
	put_start(e);
	emit_line(e);
	int ret = put_body(e, r, &(struct scope){0});

	emit_line(e);
	if (emit_is_brief(e))
		emit_brief_end(e);
	else
		put_end(e);
	e->depth--;
	emit_str(e, "}");
	return ret;
}

/* What is not a part. */
static int put_own(struct emit *e)
{
	put_slots(e);
	put_fact_variables(e);
	int ret = by_reading(e, put_functions);

	if (!ret)
		ret = by_reading(e, put_main);
	return ret ? ret : e->err;
}

/* The program's own text is made twice: the first time to see which names are in it. */
static int find_pieces(struct emit *e)
{
	emit_fn *out = e->out;
	void *ctx = e->ctx;

	e->out = emit_note_names;
	e->ctx = e;
	int ret = put_own(e);

	e->out = out;
	e->ctx = ctx;
	return ret;
}

static int put_all(struct emit *e)
{
	int ret = by_reading(e, find_uses);

	if (!ret)
		ret = find_pieces(e);
	if (!ret)
		ret = emit_opening(e);
	if (ret)
		return ret;
	emit_used_parts(e);
	return put_own(e);
}

int emit_c(int fd, const struct emit_options *o, emit_fn *out, void *ctx, struct prog_error *err)
{
	struct emit e = {.out = out, .ctx = ctx, .fd = fd, .options = o};
	int ret = prog_scan(fd, &e.info, err);

	if (ret)
		return ret;
	text_init(&e.line, e.buf, sizeof(e.buf));
	return put_all(&e);
}
