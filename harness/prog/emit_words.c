/* Numbers, flags and names of a program as C has them. */
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/prog/emit_priv.h"
#include "harness/prog/names.h"

#define PAGE 4096

void emit_line(struct emit *e)
{
	static const char tabs[] = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";

	text_bytes(&e->line, "\n", 1);
	int len = text_result(&e->line);

	if (!e->err && len < 0)
		e->err = len;
	if (!e->err && len > 1)
		e->err =
			e->out(e->ctx, tabs, e->depth < sizeof(tabs) ? e->depth : sizeof(tabs) - 1);
	if (!e->err)
		e->err = e->out(e->ctx, e->buf, (size_t)len);
	text_init(&e->line, e->buf, sizeof(e->buf));
}

void emit_str(struct emit *e, const char *line)
{
	text_str(&e->line, line);
	emit_line(e);
}

/* What no signed type holds is written so that C takes it for an unsigned one. */
void emit_number(struct text *t, uint64_t value)
{
	text_u64(t, value);
	if (value > INT64_MAX)
		text_str(t, "u");
}

void emit_size(struct text *t, uint64_t bytes)
{
	if (bytes == 0 || bytes % PAGE) {
		emit_number(t, bytes);
		return;
	}
	if (bytes != PAGE) {
		text_u64(t, bytes / PAGE);
		text_str(t, " * ");
	}
	text_str(t, "PAGE");
}

void emit_signed(struct text *t, int64_t value, bool is_bytes)
{
	if (value == INT64_MIN) {
		text_str(t, "INT64_MIN");
		return;
	}
	if (value < 0) {
		text_str(t, "-");
		text_u64(t, (uint64_t)-value);
	} else if (is_bytes) {
		emit_size(t, (uint64_t)value);
	} else {
		text_u64(t, (uint64_t)value);
	}
}

static void put_upper(struct text *t, const char *prefix, const char *word)
{
	text_str(t, prefix);
	for (; *word; word++) {
		char c = (char)(*word >= 'a' && *word <= 'z' ? *word - 'a' + 'A' : *word);

		text_bytes(t, &c, 1);
	}
}

void emit_prot(struct text *t, int prot)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = {{PROT_READ, "PROT_READ"}, {PROT_WRITE, "PROT_WRITE"}, {PROT_EXEC, "PROT_EXEC"}};
	const char *separator = "";

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(prot & bits[i].bit))
			continue;
		text_str(t, separator);
		text_str(t, bits[i].name);
		separator = " | ";
	}
	if (prot == 0)
		text_str(t, "PROT_NONE");
}

typedef const char *flag_at_fn(size_t index, int *ret_flag);

/* "anon" stands for the word that the manual pages use. */
static void put_flag(struct text *t, const char *prefix, const char *word)
{
	put_upper(t, prefix, strcmp(word, "anon") == 0 ? "anonymous" : word);
}

static void put_flags(struct text *t, const char *prefix, flag_at_fn *flag_at, int flags)
{
	const char *separator = "", *word;
	int flag;

	for (size_t i = 0; (word = flag_at(i, &flag)); i++) {
		if (!flag || (flags & flag) != flag)
			continue;
		flags &= ~flag;
		text_str(t, separator);
		put_flag(t, prefix, word);
		separator = " | ";
	}
	if (!*separator || flags) {
		text_str(t, separator);
		text_u64(t, (uint64_t)(unsigned)flags);
	}
}

void emit_map_flags(struct text *t, int flags)
{
	put_flags(t, "MAP_", map_flag_at, flags);
}

void emit_remap_flags(struct text *t, int flags)
{
	put_flags(t, "MREMAP_", mremap_flag_at, flags);
}

void emit_sync_flags(struct text *t, int flags)
{
	put_flags(t, "MS_", msync_flag_at, flags);
}

void emit_advice(struct text *t, int advice)
{
	put_upper(t, "MADV_", advice_name(advice));
}

void emit_outcome(struct text *t, int outcome)
{
	const char *name = outcome ? ending_name(outcome) : "OK";
	bool is_signal = outcome == OUTCOME_SIGBUS || outcome == OUTCOME_SIGSEGV;

	text_str(t, is_signal ? "FAULT(" : "");
	if (name)
		text_str(t, name);
	else
		text_u64(t, (uint64_t)outcome);
	text_str(t, is_signal ? ")" : "");
}

void emit_fact_name(struct text *t, unsigned fact)
{
	text_str(t, fact_name(fact));
}

void emit_fact(struct text *t, const struct op_fact *f)
{
	text_str(t, "fact.");
	emit_fact_name(t, f->fact);
	text_str(t, " ");
	text_str(t, relation_name(f->relation));
	text_str(t, fact_is_bytes(f->fact) ? " (int64_t)(" : " ");
	emit_signed(t, f->value, fact_is_bytes(f->fact));
	text_str(t, fact_is_bytes(f->fact) ? ")" : "");
}

void emit_string(struct text *t, const char *s)
{
	text_str(t, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || *s == '?')
			text_str(t, "\\");
		text_bytes(t, s, 1);
	}
	text_str(t, "\"");
}

static void define(struct emit *e, const char *prefix, const char *word, uint64_t value)
{
	struct text *t = &e->line;

	text_str(t, "#ifndef ");
	put_flag(t, prefix, word);
	emit_line(e);
	text_str(t, "#define ");
	put_flag(t, prefix, word);
	text_str(t, " ");
	text_u64(t, value);
	emit_line(e);
	emit_str(e, "#endif");
}

/* Those of POSIX every C library has. */
static bool is_old_flag(int flag)
{
	return flag == MAP_SHARED || flag == MAP_PRIVATE || flag == MAP_FIXED ||
	       flag == MAP_ANONYMOUS;
}

void emit_definitions(struct emit *e)
{
	const char *word;
	int flag;

	for (size_t i = 0; (word = map_flag_at(i, &flag)); i++)
		if (((int)e->uses.map_flags & flag) == flag && !is_old_flag(flag))
			define(e, "MAP_", word, (uint64_t)(unsigned)flag);
	for (size_t i = 0; (word = mremap_flag_at(i, &flag)); i++)
		if (((int)e->uses.remap_flags & flag) == flag)
			define(e, "MREMAP_", word, (uint64_t)(unsigned)flag);
	for (int advice = MADV_DONTNEED + 1; advice < 128; advice++)
		if (e->uses.advices[advice / 64] >> advice % 64 & 1)
			define(e, "MADV_", advice_name(advice), (uint64_t)advice);
}
