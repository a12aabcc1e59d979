/*
 * The words of findings. Each rule has a word for the signature and a sentence in which
 *	{0d} {0i} {0x}	are n[0] as a number, a signed number, an address,
 *	{0b} {0e}	are n[0] as a byte and as an errno,
 *	{C}	is the call with its size, "malloc(100)": n[1] is the size,
 *	{O} {S}	are the op's name and the slot, "b[5]",
 *	{W}	says where in the program: "in malloc on b[5]",
 *	{F} {M} {R}	are a signal, an expectation and an outcome.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/oracle/expect.h"
#include "harness/oracle/finding.h"
#include "harness/oracle/model.h"
#include "harness/prog/names.h"
#include "harness/prog/op.h"

struct rule_text {
	const char *word, *sentence;
};

#define DIFF "byte {2d} is {4b}, was {3b}; {5d} of the bytes looked at differ"

static const struct rule_text rules[RULES] = {
	[RULE_OVERLAP_BLOCK] = {"block",
				"{C} returned {0x}, which overlaps b[{4d}] ({2x}, {3d} bytes)"},
	[RULE_OVERLAP_MAPPING] = {"mapping", "{C} returned {0x}, which lies in m[{4d}] "
					     "({2x} to {3x})"},
	[RULE_OVERLAP_HARNESS] = {"harness", "{C} returned {0x}, which is memory of the harness"},
	[RULE_ALIGN_FUNDAMENTAL] = {"fundamental",
				    "{C} returned {0x}, which is not aligned to {2d}"},
	[RULE_ALIGN_REQUESTED] = {"requested", "{C} returned {0x}, which is not aligned to {2d} "
					       "as requested"},
	[RULE_ALIGN_PAGE] = {"page", "{C} returned {0x}, which is not aligned to a page of {2d}"},
	[RULE_CONTENT_CHANGED] = {"changed",
				  "{S} ({0x}, {1d} bytes) changed while it was live: " DIFF},
	[RULE_CONTENT_REALLOC] = {"realloc", "{O} did not keep the content of {S} (now {0x}, "
					     "{1d} bytes): " DIFF},
	[RULE_CONTENT_FAILED_REALLOC] = {"failed-realloc", "{O} failed and did not leave {S} "
							   "({0x}, {1d} bytes) intact: " DIFF},
	[RULE_CONTENT_MAPPING] = {"mapping",
				  "the content of {S} ({0x}, {1d} bytes) changed: " DIFF},
	[RULE_CONTENT_VANISHED] = {"vanished", "the mapping {S} ({0x}, {1d} bytes) is not there "
					       "any more, and the program did not unmap it"},
	[RULE_ZERO_DIRTY] = {"dirty", "{C} returned {0x} with {3b} at byte {2d}, which must be 0"},
	[RULE_USABLE_SHORT] = {"short",
			       "{S} ({0x}) has {2d} usable bytes, fewer than the {1d} requested"},
	[RULE_USABLE_UNSTABLE] = {"unstable", "the usable size of {S} ({0x}, {1d} bytes) was {2d} "
					      "and is {3d} now"},
	[RULE_USABLE_OVERLAP] = {"overlap", "the {2d} usable bytes of {S} ({0x}, {1d} bytes) reach "
					    "into {3x} ({4d} bytes), which is in use"},
	[RULE_USABLE_FAULT] = {"fault", "{S} ({0x}, {1d} bytes) has {2d} usable bytes, but "
					"writing byte {3d} faults"},
	[RULE_USABLE_NULL] = {"null", "the usable size of NULL is {0d}, not 0"},
	[RULE_ERRNO_ON_FAILURE] = {"failure", "{O} returned NULL with errno {0e}, not {1e}"},
	[RULE_ERRNO_RETURNED] = {"returned", "{O} returned {0e}, not {1e}"},
	[RULE_ERRNO_FREE] = {"free", "{O} changed errno from {0e} to {1e}"},
	[RULE_ERRNO_POSIX_MEMALIGN] = {"failure", "{O} failed and changed errno from {0e} to {1e}"},
	[RULE_ERRNO_POSIX_SUCCESS] = {"success",
				      "{O} succeeded and changed errno from {0e} to {1e}"},
	[RULE_MEMPTR_CHANGED] = {"memptr", "{O} failed and changed *memptr from {0x} to {1x}"},
	[RULE_OVERFLOW_SIZE] = {"size", "{C} returned {0x} for a size that no address space holds"},
	[RULE_OVERFLOW_PRODUCT] = {"product", "{O} of {1d} times {2d} bytes returned {0x}, but no "
					      "address space holds that many"},
	[RULE_ALIGNMENT_ACCEPTED] = {"alignment", "{O} of {2d} bytes accepted the alignment {1d} "
						  "and returned {0x}"},
	[RULE_NULL_NO_CAUSE] = {"no-cause", "{O} returned NULL ({2e}) for {0d} bytes, alignment "
					    "{1d}, and the kernel refused nothing"},
	[RULE_OUTCOME] = {"outcome", "{R}"},
	[RULE_EXPECT] = {"expect", "expected {M}"},
	[RULE_SIGNAL] = {"signal", "{F} {W}"},
	[RULE_EXIT] = {"exit", "the process exited with status {0d} {W}"},
	[RULE_STUCK] = {"stuck", "no progress for {0t} {W}"},
	[RULE_FORK_SIGNAL] = {"signal", "after fork: {F} {W}"},
	[RULE_FORK_EXIT] = {"exit", "after fork: the process exited with status {0d} {W}"},
	[RULE_FORK_STUCK] = {"stuck", "after fork: no progress for {0t} {W}"},
	[RULE_HARNESS_WRITTEN] = {"harness", "memory of the harness was written to by the "
					     "allocator; what the run had found is lost"},
	[RULE_TRIM_RESULT] = {"result", "{O} returned {0i}, neither 0 nor 1"},
};

/* Text that is appended to; `len` counts on when it is full. */
struct out {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *format, ...)
{
	bool full = o->len >= o->size;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(full ? NULL : o->buf + o->len, full ? 0 : o->size - o->len, format, args);
	va_end(args);
	o->len += n > 0 ? (size_t)n : 0;
}

static const char *op_word(unsigned code)
{
	if (code == OP_END)
		return "end";
	return code < OP_CODES ? op_name(code) : "start";
}

static void put_errno(struct out *o, int err)
{
	const char *name = err > 0 ? errno_name(err) : "0";

	if (err == OUTCOME_NO_ERRNO)
		put(o, "no errno");
	else if (name)
		put(o, "%s", name);
	else
		put(o, "errno %d", err);
}

static void put_slot(struct out *o, const struct finding *f)
{
	put(o, "%c[%" PRIu32 "]", f->has_slot == SPACE_MAP ? 'm' : 'b', f->slot);
}

static void put_where(struct out *o, const struct finding *f)
{
	if (f->op_code >= OP_CODES)
		put(o, "before the first op");
	else if (f->op_code == OP_END)
		put(o, "at the end of the program");
	else
		put(o, "in %s", op_name(f->op_code));
	if (f->has_slot) {
		put(o, " on ");
		put_slot(o, f);
	}
}

static void put_call(struct out *o, const struct finding *f)
{
	bool plain = f->op_code == OP_MALLOC || f->op_code == OP_VALLOC || f->op_code == OP_PVALLOC;

	put(o, plain ? "%s(%" PRIu64 ")" : "%s of %" PRIu64 " bytes", op_word(f->op_code), f->n[1]);
}

static bool has_address(uint64_t sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE || sig == SIGTRAP;
}

/* Real-time signals have no names. */
static void put_signal_name(struct out *o, uint64_t sig)
{
	const char *name = sig < _NSIG ? sigabbrev_np((int)sig) : NULL;

	if (name)
		put(o, "SIG%s", name);
	else
		put(o, "SIG%" PRIu64, sig);
}

static void put_signal(struct out *o, const struct finding *f)
{
	put_signal_name(o, f->n[0]);
	if (has_address(f->n[0]))
		put(o, " at address 0x%" PRIx64 ", instruction 0x%" PRIx64 ",", f->n[2], f->n[3]);
}

static void put_metric(struct out *o, const struct finding *f)
{
	unsigned metric = f->n[0] & 0xff, call = f->n[0] >> 8 & 0xff;

	if (metric == METRIC_CALL_MADE || metric == METRIC_CALL_FAILED)
		put(o, "%s.", kcall_name(call));
	put(o, "%s", metric_name(metric));
}

static void put_expectation(struct out *o, const struct finding *f)
{
	const char *bound = f->n[3] == CERTAIN_AT_LEAST ? "at least " : "";

	put_metric(o, f);
	put(o, " %s %" PRId64 ", measured %s%" PRId64, relation_name(f->n[0] >> 16 & 0xff),
	    (int64_t)f->n[1], bound, (int64_t)f->n[2]);
}

static void put_outcome(struct out *o, const struct finding *f)
{
	struct outcomes allowed;
	const char *between = "";

	memcpy(&allowed, &f->n[1], sizeof(allowed));
	put(o, "%s", op_word(f->op_code));
	if (f->has_slot) {
		put(o, " on ");
		put_slot(o, f);
	}
	if (f->n[0]) {
		put(o, " failed with ");
		put_errno(o, (int)f->n[0]);
	} else {
		put(o, " succeeded");
	}
	put(o, ", allowed: ");
	if (allowed.ok) {
		put(o, "ok");
		between = "|";
	}
	for (unsigned i = 0; i < allowed.nerr && i < PROG_MAX_OUTCOMES; i++, between = "|") {
		put(o, "%s", between);
		put_errno(o, allowed.err[i]);
	}
}

static void put_number(struct out *o, uint64_t n, char form)
{
	switch (form) {
	case 'd':
		put(o, "%" PRIu64, n);
		break;
	case 'i':
		put(o, "%" PRId64, (int64_t)n);
		break;
	case 'x':
		put(o, "0x%" PRIx64, n);
		break;
	case 'b':
		put(o, "0x%02" PRIx64, n);
		break;
	case 'e':
		put_errno(o, (int)n);
		break;
	case 't':
		put(o, "%" PRIu64 ".%" PRIu64 " s", n / 1000000000, n / 100000000 % 10);
		break;
	}
}

static void put_field(struct out *o, const struct finding *f, const char *field)
{
	switch (field[0]) {
	case 'C':
		put_call(o, f);
		break;
	case 'O':
		put(o, "%s", op_word(f->op_code));
		break;
	case 'S':
		put_slot(o, f);
		break;
	case 'W':
		put_where(o, f);
		break;
	case 'F':
		put_signal(o, f);
		break;
	case 'M':
		put_expectation(o, f);
		break;
	case 'R':
		put_outcome(o, f);
		break;
	default:
		put_number(o, f->n[field[0] - '0'], field[1]);
	}
}

static int finish(const struct out *o)
{
	return o->len < o->size ? (int)o->len : -ENOSPC;
}

int finding_message(const struct finding *f, char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};
	const char *s = f->rule < RULES ? rules[f->rule].sentence : NULL;

	if (!s)
		s = "{O}";
	while (*s) {
		size_t plain = strcspn(s, "{");

		put(&o, "%.*s", (int)plain, s);
		s += plain;
		if (*s) {
			put_field(&o, f, s + 1);
			s += strcspn(s, "}") + 1;
		}
	}
	return finish(&o);
}

int finding_signature(const struct finding *f, char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};
	const char *kind = finding_kind_name(f->kind);
	const char *word = f->rule < RULES ? rules[f->rule].word : NULL;

	put(&o, "%s/%s/", kind ? kind : "unknown", op_word(f->op_code));
	if (f->rule == RULE_EXPECT)
		put_metric(&o, f);
	else if (f->rule == RULE_SIGNAL || f->rule == RULE_FORK_SIGNAL)
		put_signal_name(&o, f->n[0]);
	else
		put(&o, "%s", word ? word : "unknown");
	return finish(&o);
}
