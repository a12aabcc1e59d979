/* What a C file begins with: the program as a comment, and the parts that it uses. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/prog/emit_parts.h"
#include "harness/prog/emit_priv.h"

/* Inside a comment: one line each, printable ASCII, and nothing that ends or begins a comment. */
static void put_comment_byte(struct text *t, char c, char *last)
{
	bool ends = (*last == '*' && c == '/') || (*last == '/' && c == '*');
	bool is_mark = *last == '?' && c == '?';

	if (ends || is_mark)
		text_str(t, " ");
	if ((unsigned char)c >= 0x7f || ((unsigned char)c < ' ' && c != '\t'))
		c = '.';
	text_bytes(t, &c, 1);
	*last = c;
}

static int put_program(struct emit *e)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;
	char last = ' ';
	bool starts = true;

	while ((n = pread(e->fd, buf, sizeof(buf), at)) > 0) {
		at += n;
		for (ssize_t i = 0; i < n; i++) {
			if (starts)
				text_str(&e->line, " *");
			if (starts && buf[i] != '\n')
				text_str(&e->line, " ");
			starts = buf[i] == '\n';
			if (starts)
				emit_line(e);
			else
				put_comment_byte(&e->line, buf[i], &last);
			last = starts ? ' ' : last;
		}
	}
	if (!starts)
		emit_line(e);
	return n < 0 ? -errno : 0;
}

int emit_opening(struct emit *e)
{
	char last = ' ';

	text_str(&e->line, "/*\n * ");
	for (const char *p = e->options->name; p && *p; p++)
		put_comment_byte(&e->line, *p, &last);
	emit_str(e, ": a program of allocrig. Lines are those of its text:\n *");
	int ret = put_program(e);

	emit_str(e,
		 " *\n * Compile with cc FILE.c. It ends with 0: all was right; 1: something was");
	emit_str(e,
		 " * wrong, and it says what in which line; 2: it could not do its work; 77: not");
	emit_str(e, " * possible here, and why.");
	if (e->info.header.nfaults)
		emit_str(
			e,
			" *\n * A fault plan needs somebody between the program and the kernel. It "
			"is left out:\n * no call is refused here, so what depends on it is not "
			"judged.");
	if (e->info.threads > 1 && !e->uses.calls_on_threads)
		emit_str(e,
			 " *\n * Mappings are the process's, whoever makes them: threads are left "
			 "out.");
	emit_str(e, " */");
	return ret;
}

bool emit_uses_op(const struct emit *e, unsigned code)
{
	return e->uses.ops >> code & 1;
}

static bool has_metric(const struct emit *e, unsigned first, unsigned last)
{
	return e->uses.metrics >> first & ((2u << (last - first)) - 1);
}

bool emit_uses_metrics(const struct emit *e)
{
	return has_metric(e, METRIC_MAPS, METRIC_RSS_PEAK) || emit_uses_op(e, OP_CHECKPOINT);
}

bool emit_uses_process(const struct emit *e)
{
	return has_metric(e, METRIC_ANON_HUGE, METRIC_VMDATA);
}

/* Where the name comes first in the table, or would. */
static unsigned name_at(const char *word, size_t len)
{
	unsigned low = 0, high = emit_names_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const char *name = emit_names[middle].name;
		int order = strncmp(name, word, len);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* With all that it needs. */
static void use_piece(struct emit *e, unsigned piece)
{
	if (e->used[piece])
		return;
	e->used[piece] = true;
	for (const uint16_t *need = emit_pieces[piece].needs; *need != EMIT_END; need++)
		use_piece(e, *need);
}

static bool is_name_byte(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

int emit_note_names(void *ctx, const char *bytes, size_t n)
{
	struct emit *e = ctx;

	for (size_t i = 0, len; i < n; i += len ? len : 1) {
		for (len = 0; i + len < n && is_name_byte(bytes[i + len]);)
			len++;
		for (unsigned at = len ? name_at(bytes + i, len) : emit_names_count;
		     at < emit_names_count && strncmp(emit_names[at].name, bytes + i, len) == 0;
		     at++)
			if (!emit_names[at].name[len])
				use_piece(e, emit_names[at].piece);
	}
	return 0;
}

/* The next word of a list; NULL at its end. */
static const char *next_word(const char **list, size_t *ret_len)
{
	const char *word = *list;

	*ret_len = strcspn(word, " ");
	*list = word + *ret_len + (word[*ret_len] == ' ');
	return *ret_len ? word : NULL;
}

static bool has_word(const char *list, const char *word, size_t len)
{
	size_t n;
	const char *found;

	while ((found = next_word(&list, &n)))
		if (n == len && memcmp(found, word, n) == 0)
			return true;
	return false;
}

/* Each header once, where a part is the first to need it. */
static void put_headers(struct emit *e)
{
	bool used[EMIT_PARTS_MAX] = {false};

	for (unsigned i = 0; i < emit_pieces_count; i++)
		used[emit_pieces[i].part] |= e->used[i];
	emit_str(e, "#define _GNU_SOURCE");
	if (emit_uses_op(e, OP_SLEEP))
		emit_str(e, "#include <time.h>");
	for (unsigned i = 0; i < emit_parts_count; i++) {
		const char *list = emit_part_headers[i], *word;
		size_t len;

		while (used[i] && (word = next_word(&list, &len))) {
			bool seen = false;

			for (unsigned j = 0; j < i; j++)
				seen |= used[j] && has_word(emit_part_headers[j], word, len);
			if (seen)
				continue;
			text_str(&e->line, "#include ");
			text_bytes(&e->line, word, len);
			emit_line(e);
		}
	}
}

void emit_used_parts(struct emit *e)
{
	unsigned group = 0;

	put_headers(e);
	emit_line(e);
	emit_definitions(e);
	for (unsigned i = 0; i < emit_pieces_count; i++) {
		const struct emit_piece *piece = &emit_pieces[i];

		if (!e->used[i])
			continue;
		if (piece->group != group)
			emit_line(e);
		group = piece->group;
		if (!e->err)
			e->err = e->out(e->ctx, piece->text, strlen(piece->text));
	}
}
