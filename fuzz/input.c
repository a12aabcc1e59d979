#include "fuzz/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/budget.h"
#include "harness/prog/program.h"
#include "harness/prog/wire.h"

#define TEXT_BYTES (1u << 20) /* what a fed child takes (RUN_FEED_TEXT_BYTES) */
#define JOIN_OPS   (1u << 15)

#define CODE(op) (UINT64_C(1) << (op))

struct input {
	struct wire_limits limits[BUDGETS];
	bool no_ballast;
	struct prog_header header; /* of the last input */
	size_t ndecoded;
	struct op *decoded, *joined;
	char *text, *joined_text;
	struct prog_reader reader;
};

static const uint64_t block_codes = CODE(OP_MALLOC) | CODE(OP_CALLOC) | CODE(OP_REALLOC) |
				    CODE(OP_REALLOCARRAY) | CODE(OP_ALIGNED_ALLOC) |
				    CODE(OP_POSIX_MEMALIGN) | CODE(OP_MEMALIGN) | CODE(OP_VALLOC) |
				    CODE(OP_PVALLOC) | CODE(OP_FREE) | CODE(OP_FREE_SIZED) |
				    CODE(OP_FREE_ALIGNED_SIZED) | CODE(OP_USABLE) | CODE(OP_TRIM);

static const uint64_t map_codes = CODE(OP_MMAP) | CODE(OP_MUNMAP) | CODE(OP_MREMAP) |
				  CODE(OP_MPROTECT) | CODE(OP_MADVISE) | CODE(OP_MSYNC) |
				  CODE(OP_MLOCK) | CODE(OP_MUNLOCK) | CODE(OP_TRUNCATE) |
				  CODE(OP_CHECK) | CODE(OP_ADD);

/* How these end depends on what lies beside a mapping, on the machine, or on who is faster. */
static const uint64_t chance_codes = CODE(OP_MREMAP) | CODE(OP_MADVISE) | CODE(OP_MSYNC) |
				     CODE(OP_MLOCK) | CODE(OP_MUNLOCK) | CODE(OP_TRUNCATE) |
				     CODE(OP_PARALLEL);

static void limit(struct wire_limits *l, enum input_kind kind, uint64_t without)
{
	l->codes &= ~without;
	if (kind == INPUT_KERNEL)
		l->codes &= ~block_codes;
	if (kind == INPUT_CALM || kind == INPUT_REFUSED)
		l->codes &= ~map_codes;
	if (kind == INPUT_SAME)
		l->codes &= ~chance_codes;
	if (kind != INPUT_ALLOCATOR && kind != INPUT_REFUSED)
		l->faults = 0;
}

int input_new(enum input_kind kind, uint64_t without, struct input **ret_input)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return -ENOMEM;
	for (unsigned b = 0; b < BUDGETS; b++) {
		budget_limits(b, &in->limits[b]);
		limit(&in->limits[b], kind, without);
	}
	in->no_ballast = kind == INPUT_CALM || kind == INPUT_SAME;
	in->decoded = calloc(wire_fuzz_limits.ops, sizeof(*in->decoded));
	in->joined = calloc(JOIN_OPS, sizeof(*in->joined));
	in->text = malloc(TEXT_BYTES);
	in->joined_text = malloc(TEXT_BYTES);
	if (!in->decoded || !in->joined || !in->text || !in->joined_text) {
		input_free(in);
		return -ENOMEM;
	}
	*ret_input = in;
	return 0;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	free(in->decoded);
	free(in->joined);
	free(in->text);
	free(in->joined_text);
	free(in);
}

static bool is_by_chance(const struct program *p)
{
	for (size_t i = 0; i < p->nops; i++)
		if (p->ops[i].code == OP_PARALLEL)
			return true;
	return false;
}

static int write_text(const struct program *p, char *buf, struct input_text *ret_text)
{
	int len = program_write(p, buf, TEXT_BYTES);

	if (len < 0)
		return len;
	*ret_text = (struct input_text){
		.text = buf,
		.len = (size_t)len,
		.by_chance = is_by_chance(p),
		.ballast = p->header.has_ballast,
	};
	return 0;
}

int input_decode(struct input *in, const uint8_t *bytes, size_t len, struct input_text *ret_text)
{
	struct program p = {.ops = in->decoded, .max_ops = wire_fuzz_limits.ops};

	enum budget b = budget_of(len);

	wire_decode((struct wire_bytes){bytes, len}, &in->limits[b], &p);
	if (in->no_ballast || !budget_has_ballast(b))
		p.header.has_ballast = p.header.ballast = 0;
	in->header = p.header;
	in->ndecoded = p.nops;
	return write_text(&p, in->text, ret_text);
}

const struct op *input_ops(const struct input *in, size_t *ret_n)
{
	*ret_n = in->ndecoded;
	return in->decoded;
}

int input_expect(struct input *in, uint32_t stmt, const struct outcomes *o,
		 struct input_text *ret_text)
{
	struct program p = {.header = in->header, .ops = in->joined, .nops = in->ndecoded};
	bool placed = false;

	memcpy(in->joined, in->decoded, in->ndecoded * sizeof(*in->decoded));
	for (size_t i = 0; i < p.nops; i++) {
		if (p.ops[i].stmt != stmt || p.ops[i].code == OP_END)
			continue;
		p.ops[i].outcomes = *o;
		placed = true;
	}
	return placed ? write_text(&p, in->joined_text, ret_text) : -EINVAL;
}

/* The descriptor of a text, or -errno. */
static int text_file(const struct input_text *t)
{
	int fd = memfd_create("allocrig-join", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < t->len;) {
		ssize_t n = write(fd, t->text + done, t->len - done);

		if (n < 0 && errno != EINTR) {
			int err = -errno;

			close(fd);
			return err;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static int read_part(struct input *in, const struct input_text *t, struct program *part)
{
	struct prog_error err;
	int fd = text_file(t);

	if (fd < 0)
		return fd;
	int rc = program_read(&in->reader, fd, part, &err);

	close(fd);
	return rc;
}

int input_encode(struct input *in, const struct input_text *t, uint8_t *buf, size_t size,
		 size_t *ret_len)
{
	struct program p = {.ops = in->joined, .max_ops = JOIN_OPS};
	size_t len = 0;
	int err = read_part(in, t, &p);

	if (!err)
		err = wire_encode(&p, buf, size, &len);
	if (!err)
		*ret_len = budget_mark(buf, len, size, BUDGET_ALL);
	return err;
}

/* What holds for all parts. */
static void join_header(struct prog_header *all, const struct prog_header *part)
{
	bool same = all->has_ballast == part->has_ballast && all->ballast == part->ballast;
	const struct prog_header ballast = {.has_ballast = all->has_ballast,
					    .ballast = all->ballast};

	*all = same ? ballast : (struct prog_header){0};
}

/* One op over all slots of a kind that the ops name. False: there is no room. */
static bool add_drain(struct program *p, size_t first, enum op_space space, enum op_code code)
{
	struct op drain = {.code = code, .space = space, .slice = {.step = 1}};

	for (size_t i = first; i < p->nops; i++) {
		const struct op *op = &p->ops[i];

		if (op->space == space && op->slice.stop > drain.slice.stop)
			drain.slice.stop = op->slice.stop;
		if (space == SPACE_MAP && op->code == OP_MREMAP && op->map.has_to &&
		    op->map.to >= drain.slice.stop)
			drain.slice.stop = op->map.to + 1;
	}
	if (drain.slice.stop == 0)
		return true;
	if (p->nops == p->max_ops)
		return false;
	p->ops[p->nops++] = drain;
	return true;
}

/* How text readers number them: OP_END as the block that it closes. */
static void number_statements(struct program *p)
{
	uint32_t open[PROG_MAX_DEPTH + 1], stmt = 0;
	size_t depth = 0;

	for (size_t i = 0; i < p->nops; i++) {
		struct op *op = &p->ops[i];

		if (op->code == OP_END) {
			op->stmt = depth ? open[--depth] : 0;
			continue;
		}
		op->stmt = stmt++;
		if (op_opens_block(op->code) && depth <= PROG_MAX_DEPTH)
			open[depth++] = op->stmt;
	}
}

int input_join(struct input *in, const struct input_join *join, struct input_text *ret_text)
{
	struct program all = {.ops = in->joined, .max_ops = JOIN_OPS};

	for (size_t i = 0; i < join->n; i++) {
		struct program part = {.ops = all.ops + all.nops, .max_ops = JOIN_OPS - all.nops};
		size_t first = all.nops;
		int err = read_part(in, &join->texts[i], &part);

		if (err)
			return err;
		if (i == 0)
			all.header = part.header;
		else
			join_header(&all.header, &part.header);
		all.nops += part.nops;
		if (i + 1 == join->n && !join->drain)
			break;
		if (!add_drain(&all, first, SPACE_BLOCK, OP_FREE) ||
		    !add_drain(&all, first, SPACE_MAP, OP_MUNMAP))
			return -ENOSPC;
	}
	number_statements(&all);
	return write_text(&all, in->joined_text, ret_text);
}
