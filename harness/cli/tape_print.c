#include "harness/cli/tape_print.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "harness/cli/syscall_name.h"
#include "harness/cli/tape_call.h"
#include "harness/prog/names.h"
#include "harness/prog/text.h"

#define ARG_REMAP_FLAGS_AT 3

static void put_hex(struct text *t, uint64_t value)
{
	static const char digit[] = "0123456789abcdef";
	char digits[16];
	size_t at = sizeof(digits);

	do {
		digits[--at] = digit[value & 15];
		value >>= 4;
	} while (value);
	text_str(t, "0x");
	text_bytes(t, digits + at, sizeof(digits) - at);
}

static void put_signed(struct text *t, int64_t value)
{
	if (value < 0)
		text_str(t, "-");
	text_u64(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void put_bits(struct text *t, uint64_t value)
{
	if (value)
		put_hex(t, value);
	else
		text_str(t, "0");
}

static void put_address(struct text *t, uint64_t value)
{
	if (value)
		put_hex(t, value);
	else
		text_str(t, "NULL");
}

static void put_upper(struct text *t, const char *prefix, const char *word)
{
	text_str(t, prefix);
	for (; *word; word++) {
		char c = (char)toupper((unsigned char)*word);

		text_bytes(t, &c, 1);
	}
}

/* What is left over of a set of flags, behind those that have names. */
static void put_rest(struct text *t, uint64_t rest, bool first)
{
	if (!rest && !first)
		return;
	text_str(t, first ? "" : "|");
	put_bits(t, rest);
}

static void put_prot(struct text *t, uint64_t prot)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} bits[] = {{PROT_READ, "PROT_READ"},
		    {PROT_WRITE, "PROT_WRITE"},
		    {PROT_EXEC, "PROT_EXEC"},
		    {PROT_GROWSDOWN, "PROT_GROWSDOWN"},
		    {PROT_GROWSUP, "PROT_GROWSUP"}};
	bool first = true;

	if (!prot) {
		text_str(t, "PROT_NONE");
		return;
	}
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(prot & bits[i].bit))
			continue;
		text_str(t, first ? "" : "|");
		text_str(t, bits[i].name);
		prot &= ~bits[i].bit;
		first = false;
	}
	put_rest(t, prot, first);
}

static void put_flags(struct text *t, uint64_t flags, const char *prefix,
		      const char *(*flag_at)(size_t index, int *ret_flag))
{
	bool first = true;
	const char *name;
	int flag;

	for (size_t i = 0; (name = flag_at(i, &flag)); i++) {
		uint64_t bits = (uint32_t)flag;

		if ((flags & bits) != bits)
			continue;
		text_str(t, first ? "" : "|");
		/* The one word of the program format that is not the flag's own name. */
		if (bits == MAP_ANONYMOUS && flag_at == map_flag_at)
			text_str(t, "MAP_ANONYMOUS");
		else
			put_upper(t, prefix, name);
		flags &= ~bits;
		first = false;
	}
	put_rest(t, flags, first);
}

static void put_advice(struct text *t, uint64_t advice)
{
	const char *name = advice <= INT32_MAX ? advice_name((int)advice) : NULL;

	if (name)
		put_upper(t, "MADV_", name);
	else
		put_bits(t, advice);
}

static void put_arg(struct text *t, enum arg_kind kind, uint64_t value)
{
	switch (kind) {
	case ARG_ADDRESS:
	case ARG_REMAP_TO:
		put_address(t, value);
		break;
	case ARG_LENGTH:
		text_u64(t, value);
		break;
	case ARG_DIRFD:
		if ((int32_t)value == AT_FDCWD)
			text_str(t, "AT_FDCWD");
		else
			put_signed(t, (int32_t)value);
		break;
	case ARG_INT:
		put_signed(t, (int32_t)value);
		break;
	case ARG_PROT:
		put_prot(t, value);
		break;
	case ARG_MAP_FLAGS:
		put_flags(t, value, "MAP_", map_flag_at);
		break;
	case ARG_REMAP_FLAGS:
		put_flags(t, value, "MREMAP_", mremap_flag_at);
		break;
	case ARG_ADVICE:
		put_advice(t, value);
		break;
	default:
		put_bits(t, value);
	}
}

/* Where mremap moves to is asked for by its flags: else the register holds anything. */
static bool is_meant(enum arg_kind kind, const struct kernel_call *c)
{
	return kind != ARG_REMAP_TO ||
	       (c->arg[ARG_REMAP_FLAGS_AT] & (MREMAP_FIXED | MREMAP_DONTUNMAP));
}

static void put_call(struct text *t, const struct kernel_call *c)
{
	const struct call_form *form = call_form(c->nr);
	unsigned n = call_args(c->nr);

	text_str(t, syscall_word(c->nr).s);
	text_str(t, "(");
	for (unsigned i = 0; i < n; i++) {
		enum arg_kind kind = form ? form->arg[i] : ARG_BITS;

		if (!is_meant(kind, c))
			continue;
		text_str(t, i ? ", " : "");
		put_arg(t, kind, c->arg[i]);
	}
	text_str(t, ")");
}

/* brk tells of its refusal by the break that did not move, every other call by -errno. */
static void put_result(struct text *t, const struct kernel_call *c)
{
	const struct call_form *form = call_form(c->nr);
	int err = kernel_errno(c->result);
	const char *name = errno_name(err ? err : c->err);

	text_str(t, " = ");
	if (err)
		text_str(t, "-1");
	else if (form && form->result == ARG_ADDRESS)
		put_hex(t, (uint64_t)c->result);
	else
		put_signed(t, c->result);
	if (err || c->err) {
		text_str(t, " ");
		text_str(t, name ? name : "errno ");
		if (!name)
			text_u64(t, (uint64_t)(err ? err : c->err));
	}
	if (c->injected)
		text_str(t, " (injected)");
}

static void put_number(struct text *t, const char *word, uint64_t n)
{
	text_str(t, word);
	text_u64(t, n);
}

/* The op in brackets. */
static void put_op(struct text *t, const struct tape_entry *e)
{
	const char *op = op_name(e->op_code);

	text_str(t, "[");
	if (e->stmt < 0)
		text_str(t, "start");
	else
		text_u64(t, (uint64_t)e->stmt);
	if (e->thread)
		put_number(t, " @", e->thread);
	if (op && e->stmt >= 0) {
		text_str(t, " ");
		text_str(t, op);
	}
	if (e->has_slot) {
		put_number(t, e->has_slot == SPACE_MAP ? " m[" : " b[", e->slot);
		text_str(t, "]");
	}
	if (e->iteration)
		put_number(t, " iteration ", e->iteration);
	if (e->proc)
		put_number(t, " in fork ", e->proc);
	text_str(t, e->again ? " again] " : "] ");
}

int tape_print(const struct tape_entry *e, char *buf, size_t size)
{
	struct text t;

	text_init(&t, buf, size);
	put_op(&t, e);
	if (e->call.caller == CALLER_PROGRAM)
		text_str(&t, "(program) ");
	put_call(&t, &e->call);
	put_result(&t, &e->call);
	if (e->maps != INT64_MIN) {
		text_str(&t, "  maps ");
		put_signed(&t, e->maps);
	}
	return text_result(&t);
}
