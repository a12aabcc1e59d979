#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness/prog/lex.h"
#include "harness/prog/names.h"
#include "harness/prog/parse.h"
#include "harness/prog/parse_header.h"
#include "harness/prog/parse_op.h"
#include "harness/prog/text.h"

static int fail_at(struct prog_error *err, uint32_t line, uint32_t column, const char *message)
{
	struct text t;

	err->line = line;
	err->column = column;
	text_init(&t, err->message, sizeof(err->message));
	text_str(&t, message);
	return -EINVAL;
}

static int fail_read(struct prog_error *err, int error)
{
	const char *name = errno_name(error);
	struct text t;

	err->line = err->column = 0;
	text_init(&t, err->message, sizeof(err->message));
	text_str(&t, "the program cannot be read: ");
	text_str(&t, name ? name : "unknown error");
	return -error;
}

/* Fills the buffer from the place of the next statement on. */
static int reader_fill(struct prog_reader *r, struct prog_error *err)
{
	size_t len = 0;

	r->buf_len = 0;
	r->buf_offset = r->at.offset;
	r->eof = 0;
	while (len < sizeof(r->buf)) {
		ssize_t n = pread(r->fd, r->buf + len, sizeof(r->buf) - len,
				  r->buf_offset + (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_read(err, errno);
		if (n == 0) {
			r->eof = 1;
			break;
		}
		len += (size_t)n;
	}
	r->buf_len = (uint32_t)len;
	return 0;
}

/* What the buffer holds from the place of the next statement on. */
static struct word reader_rest(const struct prog_reader *r)
{
	off_t skipped = r->at.offset - r->buf_offset;

	if (skipped < 0 || skipped > (off_t)r->buf_len)
		return (struct word){0};
	return (struct word){.text = r->buf + skipped, .len = r->buf_len - (size_t)skipped};
}

static int check_bytes(const struct lexer *l)
{
	size_t len = (size_t)(l->end - l->line);
	const char *nul = memchr(l->line, '\0', len);

	if (nul)
		return lex_fail(l, (struct word){.text = nul, .len = 1}, "text without NUL bytes");
	if (len && l->end[-1] == '\r')
		return lex_fail(l, (struct word){.text = l->end - 1, .len = 1},
				"lines that end in a newline alone, not CR LF");
	return 0;
}

/*
 * The line at the place of the next statement, without its newline, and the offset behind it.
 * Returns 1 at the end of the text.
 */
static int reader_line(struct prog_reader *r, struct lexer *l, off_t *ret_behind)
{
	for (;;) {
		struct word rest = reader_rest(r);
		size_t limit = rest.len <= PROG_LINE_MAX ? rest.len : PROG_LINE_MAX + 1;
		const char *newline = rest.len ? memchr(rest.text, '\n', limit) : NULL;

		if (!newline && rest.len > PROG_LINE_MAX)
			return fail_at(
				l->err, r->at.line, PROG_LINE_MAX + 1,
				"found a line of more than 4096 bytes, expected at most 4096");
		if (newline || (rest.text && r->eof)) {
			if (rest.len == 0)
				return 1;
			l->line = l->at = rest.text;
			l->end = newline ? newline : rest.text + rest.len;
			l->number = r->at.line;
			*ret_behind = r->at.offset + (l->end - l->line) + (newline != NULL);
			return check_bytes(l);
		}
		int ret = reader_fill(r, l->err);

		if (ret)
			return ret;
	}
}

static void reader_step(struct prog_reader *r, off_t behind)
{
	r->at.offset = behind;
	r->at.line++;
}

static int read_version(struct prog_reader *r, struct prog_error *err)
{
	struct lexer l = {.err = err};
	off_t behind;
	int ret = reader_line(r, &l, &behind);

	if (ret == 1)
		return fail_at(err, 1, 1, "found an empty file, expected 'allocrig 1'");
	if (ret)
		return ret;
	ret = parse_version(&l);
	if (ret == 0)
		reader_step(r, behind);
	return ret;
}

static int read_headers(struct prog_reader *r, struct prog_error *err)
{
	for (;;) {
		struct lexer l = {.err = err};
		off_t behind;
		int ret = reader_line(r, &l, &behind);

		if (ret == 0 && lex_peek(&l).len)
			ret = parse_header(&l, &r->header);
		if (ret)
			return ret == 1 ? 0 : ret;
		reader_step(r, behind);
	}
}

int prog_reader_init(struct prog_reader *r, int fd, struct prog_error *err)
{
	r->fd = fd;
	r->at = (struct prog_mark){.line = 1};
	r->buf_offset = 0;
	r->buf_len = r->eof = r->header_done = 0;
	r->header = (struct prog_header){0};
	int ret = reader_fill(r, err);

	if (ret == 0)
		ret = read_version(r, err);
	if (ret == 0)
		ret = read_headers(r, err);
	if (ret == 0)
		r->header_done = 1;
	return ret;
}

/* Follows an op that was parsed: its place in the text, and the blocks. */
static void reader_follow(struct prog_reader *r, const struct op *op, uint32_t column)
{
	struct prog_mark *at = &r->at;

	if (op->code == OP_END) {
		at->depth--;
		return;
	}
	at->stmt++;
	if (!op_opens_block(op->code))
		return;
	bool inside = at->depth > 0;
	uint8_t in_fork = inside ? at->block[at->depth - 1].in_fork : 0;
	uint8_t in_parallel = inside ? at->block[at->depth - 1].in_parallel : 0;

	at->block[at->depth].stmt = op->stmt;
	at->block[at->depth].line = op->line;
	at->block[at->depth].column = column;
	at->block[at->depth].code = op->code;
	at->block[at->depth].thread = op->thread;
	at->block[at->depth].in_fork = in_fork | (op->code == OP_FORK);
	at->block[at->depth].in_parallel = in_parallel | (op->code == OP_PARALLEL);
	at->depth++;
}

static int fail_open_block(const struct prog_mark *at, struct prog_error *err)
{
	uint32_t line = at->block[at->depth - 1].line;
	struct text t;

	fail_at(err, line, at->block[at->depth - 1].column, "");
	text_init(&t, err->message, sizeof(err->message));
	text_str(&t, "found the end of the file, expected '}' for this '");
	text_str(&t, op_name(at->block[at->depth - 1].code));
	text_str(&t, "'");
	return -EINVAL;
}

int prog_reader_next(struct prog_reader *r, struct op *ret_op, struct prog_error *err)
{
	struct lexer l = {.err = err};
	off_t behind;

	for (;;) {
		int ret = reader_line(r, &l, &behind);

		if (ret == 1 && r->at.depth)
			return fail_open_block(&r->at, err);
		if (ret)
			return ret;
		struct word first = lex_peek(&l);

		if (first.len) {
			struct op op = {0};

			ret = parse_op(&l, &r->at, &op);
			if (ret)
				return ret;
			reader_step(r, behind);
			reader_follow(r, &op, (uint32_t)(first.text - l.line) + 1);
			*ret_op = op;
			return 0;
		}
		reader_step(r, behind);
	}
}

void prog_reader_seek(struct prog_reader *r, const struct prog_mark *mark)
{
	r->at = *mark;
}
