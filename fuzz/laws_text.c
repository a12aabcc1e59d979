#include <errno.h>
#include <string.h>

#include "fuzz/laws.h"
#include "fuzz/laws_base.h"
#include "harness/prog/wire.h"

/* Lines of a text: one that ends without a newline counts. */
static uint32_t count_lines(const uint8_t *bytes, size_t len)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	return lines;
}

static void check_error(const uint8_t *bytes, size_t len, const struct prog_error *err)
{
	size_t n = strnlen(err->message, sizeof(err->message));

	law(n > 0 && n < sizeof(err->message), "an error has a message", NULL);
	for (size_t i = 0; i < n; i++)
		law(err->message[i] >= ' ' && err->message[i] <= '~',
		    "an error's message is printable", err->message);
	law(err->line > 0 && err->line <= count_lines(bytes, len), "an error's line is there",
	    err->message);
	law(err->column > 0 && err->column <= PROG_LINE_MAX + 1, "an error's column is there",
	    err->message);
}

/* prog_scan's pass agrees with reading. */
static void check_scan(const uint8_t *bytes, size_t len, int read, const struct program *p)
{
	struct prog_error err = {0};
	struct prog_info info;
	int ret = prog_scan(laws_file(bytes, len), &info, &err);

	law(ret == read, "scanning and reading end the same way", err.message);
	if (ret)
		return;
	uint64_t statements = 0;

	for (size_t i = 0; i < p->nops; i++)
		statements += p->ops[i].code != OP_END;
	law(info.statements == statements, "scanning counts the statements", NULL);
	law(info.threads >= 1 && info.threads <= PROG_MAX_THREADS, "scanning counts the threads",
	    NULL);
	law(info.block_slots <= PROG_MAX_SLOTS && info.map_slots <= PROG_MAX_SLOTS,
	    "scanning counts the slots", NULL);
}

static void check_print(const struct program *a)
{
	static char again[sizeof(laws_text)];
	struct program b = {.ops = laws_ops_b, .max_ops = LAWS_OPS};
	int len = program_write(a, laws_text, sizeof(laws_text));

	if (len == -ENOSPC)
		return;
	law(len > 0, "what was read can be printed", NULL);
	laws_read(laws_text, (size_t)len, &b);
	law(laws_same(a, &b), "printing and reading give the same program", laws_text);
	law(program_write(&b, again, sizeof(again)) == len && strcmp(again, laws_text) == 0,
	    "printing twice gives the same text", laws_text);
}

static void check_wire(const struct program *a)
{
	struct program b = {.ops = laws_ops_b, .max_ops = LAWS_OPS};
	struct wire_bytes wire = {.bytes = laws_wire};
	int ret = wire_encode(a, laws_wire, sizeof(laws_wire), &wire.len);

	if (ret == -ENOSPC)
		return;
	law(ret == 0, "what was read has records", laws_text);
	wire_decode(wire, &wire_unlimited, &b);
	law(laws_same(a, &b), "encoding and decoding give the same program", laws_text);
}

/* The words behind `fault`, as an option of the command line. */
static void check_fault(const uint8_t *bytes, size_t len)
{
	char text[256];
	struct prog_fault fault;
	struct prog_error err = {0};

	if (len >= sizeof(text))
		return;
	memcpy(text, bytes, len);
	text[len] = '\0';
	int ret = prog_fault_parse(text, &fault, &err);

	law(ret == 0 || ret == -EINVAL, "a fault is read or refused", text);
	law(ret || (fault.ncalls > 0 && fault.ncalls <= PROG_FAULT_CALLS),
	    "a fault names one to four calls", text);
}

void laws_of_text(const uint8_t *bytes, size_t len)
{
	static struct prog_reader reader;
	struct program p = {.ops = laws_ops_a, .max_ops = LAWS_OPS};
	struct prog_error err = {0};
	int ret = program_read(&reader, laws_file(bytes, len), &p, &err);

	check_fault(bytes, len);
	if (ret == -ENOSPC)
		return;
	law(ret == 0 || ret == -EINVAL, "a text is read or refused", err.message);
	check_scan(bytes, len, ret, &p);
	if (ret) {
		check_error(bytes, len, &err);
		return;
	}
	laws_forget_lines(&p);
	check_print(&p);
	check_wire(&p);
}
