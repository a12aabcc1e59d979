#include "harness/kernel/maps.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

#include "harness/kernel/proc.h"

#define TRIES 64

struct walk {
	const struct maps_visitor *visitor;
	uintptr_t last_end;
	bool any;
};

/* 65k lines hold 1.6 million digits: one load and no branch for each. */
static const uint8_t hex_value[256] = {
	['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15,
	['6'] = 0x16, ['7'] = 0x17, ['8'] = 0x18, ['9'] = 0x19, ['a'] = 0x1a, ['b'] = 0x1b,
	['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f,
};

/* Stops at the first byte that is no digit; NULL unless that is `stop` and 1-16 came before. */
static const char *parse_hex(const char *p, char stop, uintptr_t *ret_value)
{
	const char *first = p;
	uintptr_t value = 0;
	uint8_t digit;

	while ((digit = hex_value[(unsigned char)*p]) != 0) {
		value = value << 4 | (digit & 0xf);
		p++;
	}
	if (p == first || p - first > 16 || *p != stop)
		return NULL;
	*ret_value = value;
	return p + 1;
}

/* The name starts behind permissions, offset, device and inode. NULL when there is none. */
static const char *find_name(const char *p, const char *eol)
{
	for (int field = 0; field < 4; field++) {
		p = memchr(p, ' ', (size_t)(eol - p));
		if (!p)
			return NULL;
		p++;
	}
	while (p < eol && *p == ' ')
		p++;
	return p < eol ? p : NULL;
}

static bool starts_with(const char *p, const char *eol, const char *prefix)
{
	size_t len = strlen(prefix);

	return (size_t)(eol - p) >= len && memcmp(p, prefix, len) == 0;
}

/* Returns false for the one line that is no VMA. */
static bool classify(const char *rest, const char *eol, enum vma_kind *ret_kind)
{
	*ret_kind = VMA_ORDINARY;
	if (eol[-1] != ']')
		return true;
	const char *name = find_name(rest, eol);

	if (!name || *name != '[' || starts_with(name, eol, "[heap]") ||
	    starts_with(name, eol, "[anon:") || starts_with(name, eol, "[anon_shmem:"))
		return true;
	if (starts_with(name, eol, "[vsyscall]"))
		return false;
	*ret_kind = starts_with(name, eol, "[stack]") ? VMA_STACK : VMA_KERNEL;
	return true;
}

/* The column "rwxp". */
static uint32_t parse_flags(const char *p, const char *eol)
{
	static const char letters[] = "rwxs";
	uint32_t flags = 0;

	for (int i = 0; i < 4 && p + i < eol; i++)
		flags |= (uint32_t)(p[i] == letters[i]) << i;
	return flags;
}

static int take_line(struct walk *w, const char *line, const char *eol)
{
	struct vma found;
	const char *p = parse_hex(line, '-', &found.start);

	if (p)
		p = parse_hex(p, ' ', &found.end);
	if (!p || found.start >= found.end)
		return -EBADMSG;
	if (!classify(p, eol, &found.kind))
		return 0;
	found.flags = parse_flags(p, eol);
	if (found.start < w->last_end)
		return -EAGAIN;
	w->last_end = found.end;
	w->any = true;
	return w->visitor->visit(w->visitor->ctx, &found);
}

/* Takes the whole lines of [buf, buf + len) and moves the rest to the front. */
static int take_lines(struct walk *w, char *buf, size_t len, size_t *ret_rest)
{
	const char *end = buf + len;
	const char *line = buf;
	const char *eol;

	while ((eol = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		int err = take_line(w, line, eol);

		if (err)
			return err;
		line = eol + 1;
	}
	*ret_rest = (size_t)(end - line);
	memmove(buf, line, *ret_rest);
	return 0;
}

static int walk_once(const struct maps_reader *r, struct walk *w)
{
	uint64_t offset = 0;
	size_t rest = 0;

	for (;;) {
		ssize_t n = proc_pread(r->fd, r->buf + rest, r->size - rest, offset);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return rest ? -EBADMSG : w->any ? 0 : -ESRCH;
		offset += (uint64_t)n;
		int err = take_lines(w, r->buf, rest + (size_t)n, &rest);

		if (err)
			return err;
		if (rest == r->size)
			return -EBADMSG;
	}
}

int maps_walk(const struct maps_reader *r, const struct maps_visitor *v)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		struct walk w = {.visitor = v};

		v->begin(v->ctx);
		err = walk_once(r, &w);
	}
	return err;
}
