/* One statement of a program as one line of C. */
#include <linux/mman.h>
#include <sys/mman.h>

#include "harness/prog/emit_priv.h"
#include "harness/prog/names.h"

/* The C function of each op that is a call on a slot. */
static const char *const functions[OP_CODES] = {
	[OP_MALLOC] = "malloc_block",
	[OP_CALLOC] = "calloc_block",
	[OP_REALLOC] = "realloc_block",
	[OP_REALLOCARRAY] = "reallocarray_block",
	[OP_ALIGNED_ALLOC] = "aligned_alloc_block",
	[OP_POSIX_MEMALIGN] = "posix_memalign_block",
	[OP_MEMALIGN] = "memalign_block",
	[OP_VALLOC] = "valloc_block",
	[OP_PVALLOC] = "pvalloc_block",
	[OP_FREE] = "free_block",
	[OP_FREE_SIZED] = "free_sized_block",
	[OP_FREE_ALIGNED_SIZED] = "free_aligned_sized_block",
	[OP_USABLE] = "usable_block",
	[OP_MUNMAP] = "unmap",
	[OP_MPROTECT] = "protect",
	[OP_MADVISE] = "advise",
	[OP_MSYNC] = "sync_pages",
	[OP_MLOCK] = "lock_pages",
	[OP_MUNLOCK] = "unlock_pages",
	[OP_TRUNCATE] = "cut_file",
	[OP_CHECK] = "check",
	[OP_ADD] = "add",
	[OP_TOUCH] = "touch",
};

static void put_slot(struct text *t, const struct slice *s)
{
	if (s->single)
		text_u64(t, s->start);
	else
		text_str(t, "i");
}

static void put_part(struct text *t, const struct op *op)
{
	if (!op->has_range) {
		text_str(t, ", ALL");
		return;
	}
	text_str(t, ", ");
	emit_size(t, op->range_off);
	text_str(t, ", ");
	emit_size(t, op->range_len);
}

static void put_place(struct text *t, const struct op_map *map)
{
	text_str(t, ", .place = AT(");
	text_u64(t, map->target);
	text_str(t, ", ");
	emit_size(t, map->target_off);
	text_str(t, ")");
}

static void put_source(struct text *t, const struct op_map *map)
{
	static const char *const names[] = {[SOURCE_ZERO] = "DEV_ZERO",
					    [SOURCE_FILE] = "A_FILE",
					    [SOURCE_MEMFD] = "A_MEMFD",
					    [SOURCE_SHM] = "A_SHM",
					    [SOURCE_SLOT] = "FILE_OF"};

	if (map->source <= SOURCE_ANON)
		return;
	text_str(t, ", .source = ");
	text_str(t, names[map->source]);
	if (map->source != SOURCE_SLOT)
		return;
	text_str(t, ", .of = ");
	text_u64(t, map->of);
}

static void put_mmap(struct text *t, const struct op *op)
{
	text_str(t, "MAP(");
	put_slot(t, &op->slice);
	text_str(t, ", ");
	emit_size(t, op->arg0);
	text_str(t, ", ");
	emit_prot(t, op->map.prot);
	text_str(t, ", ");
	emit_map_flags(t, op->map.flags);
	put_source(t, &op->map);
	if (op->map.offset) {
		text_str(t, ", .offset = ");
		emit_size(t, op->map.offset);
	}
	if (op->map.has_target)
		put_place(t, &op->map);
	text_str(t, ")");
}

static void put_mremap(struct text *t, const struct op *op)
{
	text_str(t, "REMAP(");
	put_slot(t, &op->slice);
	text_str(t, ", ");
	emit_size(t, op->arg0);
	text_str(t, ", ");
	emit_remap_flags(t, op->map.flags);
	if (op->has_range) {
		text_str(t, ", OLD(");
		emit_size(t, op->range_off);
		text_str(t, ", ");
		emit_size(t, op->range_len);
		text_str(t, ")");
	}
	if (op->map.has_target)
		put_place(t, &op->map);
	if (op->map.has_to) {
		text_str(t, ", TO(");
		text_u64(t, op->map.to);
		text_str(t, ")");
	}
	text_str(t, ")");
}

/* What follows the part of the slot. */
static void put_more(struct text *t, const struct op *op)
{
	text_str(t, ", ");
	if (op->code == OP_MPROTECT)
		emit_prot(t, op->map.prot);
	else if (op->code == OP_MADVISE)
		emit_advice(t, op->map.advice);
	else
		emit_sync_flags(t, op->map.flags);
}

static void put_map_call(struct text *t, const struct op *op)
{
	if (op->code == OP_MMAP) {
		put_mmap(t, op);
		return;
	}
	if (op->code == OP_MREMAP) {
		put_mremap(t, op);
		return;
	}
	text_str(t, functions[op->code]);
	text_str(t, "(");
	put_slot(t, &op->slice);
	if (op->code == OP_TRUNCATE || op->code == OP_ADD) {
		text_str(t, ", ");
		if (op->code == OP_ADD)
			emit_number(t, op->arg0);
		else
			emit_size(t, op->arg0);
	}
	if (op->code != OP_TRUNCATE)
		put_part(t, op);
	if (op->code == OP_MPROTECT || op->code == OP_MADVISE || op->code == OP_MSYNC)
		put_more(t, op);
	text_str(t, ")");
}

/* All have one shape, so that a thread can be asked for any: slot, and two numbers. */
static void put_block_call(struct text *t, const struct op *op, bool direct)
{
	const char *name = op->code == OP_TOUCH ? "touch_block" : functions[op->code];

	if (!direct && op->thread) {
		text_str(t, "on(");
		text_u64(t, op->thread);
		text_str(t, ", ");
		text_str(t, name);
		text_str(t, ", ");
	} else {
		text_str(t, name);
		text_str(t, "(");
	}
	put_slot(t, &op->slice);
	if (op->code == OP_TOUCH) {
		put_part(t, op);
	} else {
		text_str(t, ", ");
		emit_number(t, op->arg0);
		text_str(t, ", ");
		emit_number(t, op->arg1);
	}
	text_str(t, ")");
}

static void put_call(struct text *t, const struct op *op, bool direct)
{
	if (op->space == SPACE_BLOCK)
		put_block_call(t, op, direct);
	else
		put_map_call(t, op);
}

/* Where a fault plan is left out an outcome may be another one, through no fault of anybody's. */
static bool is_judged(const struct emit *e, const struct op *op)
{
	return op->outcomes.present && !(e->info.header.nfaults && op->space == SPACE_BLOCK);
}

static void put_judged_call(struct emit *e, const struct op *op, bool direct)
{
	struct text *t = &e->line;

	if (!is_judged(e, op)) {
		put_call(t, op, direct);
		text_str(t, ";");
		return;
	}
	text_str(t, "ALLOW(");
	put_call(t, op, direct);
	if (op->outcomes.ok)
		text_str(t, ", OK");
	for (unsigned i = 0; i < op->outcomes.nerr; i++) {
		text_str(t, ", ");
		emit_outcome(t, op->outcomes.err[i]);
	}
	text_str(t, ");");
}

void emit_slice(struct text *t, const struct slice *s)
{
	if (s->single)
		return;
	text_str(t, "for (unsigned i = ");
	text_u64(t, s->start);
	text_str(t, "; i < ");
	text_u64(t, s->stop);
	text_str(t, s->step == 1 ? "; i++" : "; i += ");
	if (s->step != 1)
		text_u64(t, s->step);
	text_str(t, ") ");
}

static void put_slots_statement(struct emit *e, const struct op *op, bool direct)
{
	if (slice_is_empty(&op->slice)) {
		text_str(&e->line, "/* no slots */");
		return;
	}
	emit_slice(&e->line, &op->slice);
	put_judged_call(e, op, direct);
}

static const char *const metrics[METRIC_COUNT] = {
	[METRIC_MAPS] = "maps()",
	[METRIC_MAPS_PEAK] = "maps_peak()",
	[METRIC_MAPS_LOST] = "lost()",
	[METRIC_MAPPED] = "mapped()",
	[METRIC_MAPPED_PEAK] = "mapped_peak()",
	[METRIC_MAPPED_LOST] = "lost()",
	[METRIC_RSS] = "rss()",
	[METRIC_RSS_PEAK] = "rss_peak()",
	[METRIC_ANON_HUGE] = "anonhuge()",
	[METRIC_LAZYFREE] = "lazyfree()",
	[METRIC_LOCKED] = "locked()",
	[METRIC_VMDATA] = "vmdata()",
	[METRIC_CALL_MADE] = "calls_made(KCALL_",
	[METRIC_CALL_FAILED] = "calls_failed(KCALL_",
};

static bool is_bytes(unsigned metric)
{
	return metric >= METRIC_MAPPED && metric < METRIC_CALL_MADE;
}

static void put_expect(struct emit *e, const struct op_expect *x)
{
	static const char *const calls[KCALL_COUNT] = {
		"MMAP)", "MUNMAP)", "MREMAP)", "MPROTECT)", "MADVISE)", "PROCESS_MADVISE)", "BRK)"};
	struct text *t = &e->line;

	text_str(t, "EXPECT(");
	text_str(t, metrics[x->metric]);
	if (x->metric >= METRIC_CALL_MADE)
		text_str(t, calls[x->call]);
	text_str(t, ", ");
	text_str(t, relation_name(x->relation));
	text_str(t, ", ");
	emit_signed(t, x->value, is_bytes(x->metric));
	text_str(t, ");");
}

static void put_sleep(struct text *t, uint64_t ns)
{
	text_str(t, "nanosleep(&(struct timespec){.tv_sec = ");
	text_u64(t, ns / 1000000000);
	text_str(t, ", .tv_nsec = ");
	text_u64(t, ns % 1000000000);
	text_str(t, "}, NULL);");
}

static void put_exit(struct emit *e, const struct op *op, bool direct)
{
	struct text *t = &e->line;

	if (!e->uses.calls_on_threads) {
		text_str(t, "/* the thread ends: it makes no difference to mappings */");
	} else if (direct) {
		text_str(t, "/* left out: the thread would end inside the section */");
	} else {
		text_str(t, "end_thread(");
		text_u64(t, op->thread);
		text_str(t, ");");
	}
}

static void put_control(struct emit *e, const struct op *op, bool direct)
{
	struct text *t = &e->line;

	switch (op->code) {
	case OP_TRIM:
		text_str(t, !direct && op->thread ? "on(" : "trim_heap(0, 0, 0);");
		if (direct || !op->thread)
			return;
		text_u64(t, op->thread);
		text_str(t, ", trim_heap, 0, 0, 0);");
		break;
	case OP_SLEEP:
		put_sleep(t, op->arg0);
		break;
	case OP_EXIT:
		put_exit(e, op, direct);
		break;
	case OP_CHECKPOINT:
		text_str(t, "checkpoint(");
		emit_string(t, op->name);
		text_str(t, ");");
		break;
	case OP_EXPECT:
		if (e->info.header.nfaults && e->info.has_block_ops)
			text_str(t, "/* not expected without the fault plan */");
		else
			put_expect(e, &op->expect);
		break;
	default:
		break;
	}
}

static bool changes_memory(unsigned code)
{
	return code != OP_SLEEP && code != OP_CHECKPOINT && code != OP_EXPECT && code != OP_USABLE;
}

void emit_statement(struct emit *e, const struct op *op, bool direct)
{
	struct text *t = &e->line;

	text_str(t, "at(");
	text_u64(t, op->line);
	text_str(t, "); ");
	if (op->space == SPACE_NONE)
		put_control(e, op, direct);
	else
		put_slots_statement(e, op, direct);
	if (e->info.has_peak_metric && !direct && changes_memory(op->code))
		text_str(t, " peaks_sample();");
	emit_line(e);
}
