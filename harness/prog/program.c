#include "harness/prog/program.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int program_read(struct prog_reader *r, int fd, struct program *p, struct prog_error *err)
{
	struct op op;
	int ret = prog_reader_init(r, fd, err);

	if (ret)
		return ret;
	p->header = r->header;
	p->nops = 0;
	while ((ret = prog_reader_next(r, &op, err)) == 0) {
		if (p->nops == p->max_ops)
			return -ENOSPC;
		p->ops[p->nops++] = op;
	}
	return ret == 1 ? 0 : ret;
}

/* Where the next line goes, and the threads of the open blocks. */
struct writer {
	char *buf;
	size_t used, size;
	size_t depth;
	unsigned thread[PROG_MAX_DEPTH + 1];
};

static int write_indent(struct writer *w)
{
	size_t n = 2 * w->depth;

	if (n >= w->size - w->used)
		return -ENOSPC;
	memset(w->buf + w->used, ' ', n);
	w->used += n;
	return 0;
}

static int write_op(struct writer *w, const struct op *op)
{
	if (op->code == OP_END && w->depth == 0)
		return -EINVAL;
	if (op_opens_block(op->code) && w->depth == PROG_MAX_DEPTH)
		return -EINVAL;
	w->depth -= op->code == OP_END;
	int ret = write_indent(w);

	if (ret)
		return ret;
	ret = op_print(op, w->thread[w->depth], w->buf + w->used, w->size - w->used);
	if (ret < 0)
		return ret;
	w->used += (size_t)ret;
	if (w->size - w->used < 2)
		return -ENOSPC;
	w->buf[w->used++] = '\n';
	if (op_opens_block(op->code))
		w->thread[++w->depth] = op->thread;
	return 0;
}

int program_write(const struct program *p, char *buf, size_t size)
{
	int ret = prog_header_print(&p->header, buf, size);

	if (ret < 0)
		return ret;
	struct writer w = {.buf = buf, .used = (size_t)ret, .size = size};

	for (size_t i = 0; i < p->nops; i++) {
		ret = write_op(&w, &p->ops[i]);
		if (ret)
			return ret;
	}
	if (w.depth)
		return -EINVAL;
	w.buf[w.used] = '\0';
	return w.used > INT_MAX ? -ENOSPC : (int)w.used;
}
