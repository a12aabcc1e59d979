/*
 * The words of findings. Each rule has a word for the signature and a sentence in which
 *	{0d} {0i} {0x}	are n[0] as a number, a signed number, an address,
 *	{0b} {0e}	are n[0] as a byte and as an errno,
 *	{C}	is the call with its size, "malloc(100)": n[1] is the size,
 *	{O} {S}	are the op's name and the slot, "b[5]",
 *	{W} {P}	say where in the program: "in malloc on b[5]", "in malloc",
 *	{0s} {V0}	are n[0] as a signal's name, and as "read" or "written",
 *	{A} {L}	are the other word that is right too, and a least and a highest number,
 *	{F} {M} {R}	are a signal, an expectation and an outcome,
 *	{K} {J}	are the system call in n[0] and how often it was refused, by whom,
 *	{0k} {0B} {0H}	are n[0] as thousandths, as bytes in units, as thousandths of bytes,
 *	{0#range}	is n[0] with the word, "1 range", "2 ranges"; the highest number is one
 *			that is not known.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/oracle/expect.h"
#include "harness/oracle/finding.h"
#include "harness/oracle/model.h"
#include "harness/prog/names.h"
#include "harness/prog/op.h"
#include "harness/prog/text.h"

struct rule_text {
	const char *word, *sentence;
};

#define AFTERWARDS                                                                                 \
	"; the headroom was back, the allocator was purged, did its work "                         \
	"once more and was asked for more memory"
#define SAME_STATE ", although the program holds the same each time: "
#define DIFF	   "byte {2d} is {4b}, was {3b}; {5d} of the bytes looked at differ"

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
	[RULE_CONTENT_MAPPING] = {"mapping", "the page at {0x} holds {4x} at byte {1d}, not "
					     "{2x}{A}, although the program did not change it"},
	[RULE_CONTENT_VANISHED] = {"vanished", "the page at {0x} is not there any more ({1s}), and "
					       "the program did not unmap it"},
	[RULE_ZERO_DIRTY] = {"dirty", "{C} returned {0x} with {3b} at byte {2d}, which must be 0"},
	[RULE_ZERO_MAPPING] = {"mapping",
			       "the page at {0x} has {2b} at byte {1d}, which must be 0"},
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
	[RULE_FORK_STUCK] = {"stuck", "after fork: no progress for {0t} {W}{B}"},
	[RULE_HARNESS_WRITTEN] = {"harness", "memory of the harness was written to by the "
					     "allocator; what the run had found is lost"},
	[RULE_TRIM_RESULT] = {"result", "{O} returned {0i}, neither 0 nor 1"},
	[RULE_LOST_MAPPING] = {"mapping",
			       "{K} {P} was refused {J} and what it was to give back never came "
			       "back: {1#range}, {2B} mapped, {3B} resident, {4#map}, first at "
			       "{5x}" AFTERWARDS},
	[RULE_LOST_PAGES] = {"pages",
			     "{K} {P} was refused {J} and the pages that it was to give back never "
			     "came back: {1#range}, {2B} resident, first at {5x}" AFTERWARDS},
	[RULE_GROWTH_MAPS] = {"maps", "each round of the loop leaves {0k} more maps" SAME_STATE
				      "{1#more map} in the {2d} rounds that were judged"},
	[RULE_GROWTH_MAPPED] = {"mapped",
				"each round of the loop leaves {0H} more mapped" SAME_STATE
				"{1B} more in the {2d} rounds that were judged"},
	[RULE_GROWTH_RSS] = {"rss", "each round of the loop leaves {0H} more resident" SAME_STATE
				    "{1B} more in the {2d} rounds that were judged"},
	[RULE_ACCESS_GRANTED] = {"granted", "the page at {0x} could be {V1}, and must not be"},
	[RULE_ACCESS_DENIED] = {"denied", "the page at {0x} could not be {V1}: {2s}"},
	[RULE_RESIDENCY] = {"residency", "the program's mappings have {0d} bytes resident, which "
					 "must be {L}"},
	[RULE_PROFILE_ANSWER] = {"answer", "{O} does not answer as the profile says"},
	[RULE_PROFILE_KNOWN] = {"known", "what the profile knows did not appear"},
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
	const char *name = err > 0 ? ending_name(err) : "0";

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

static void put_op_place(struct out *o, const struct finding *f)
{
	if (f->op_code >= OP_CODES)
		put(o, "before the first op");
	else if (f->op_code == OP_END)
		put(o, "at the end of the program");
	else
		put(o, "in %s", op_name(f->op_code));
}

static void put_where(struct out *o, const struct finding *f)
{
	put_op_place(o, f);
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

/* After MADV_FREE a page may hold either. */
static void put_other_word(struct out *o, const struct finding *f)
{
	if (f->n[3] != f->n[2])
		put(o, " or 0x%" PRIx64, f->n[3]);
}

static void put_limits(struct out *o, const struct finding *f)
{
	if (f->n[1] == f->n[2])
		put(o, "%" PRIu64, f->n[1]);
	else
		put(o, "%" PRIu64 " to %" PRIu64, f->n[1], f->n[2]);
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

/* What gives memory back; of other calls the kernel has too many. */
static const char *system_call_name(uint32_t nr)
{
	switch (nr) {
	case SYS_munmap:
		return "munmap";
	case SYS_madvise:
		return "madvise";
	case SYS_mremap:
		return "mremap";
	case SYS_brk:
		return "brk";
	case SYS_mmap:
		return "mmap";
	case SYS_process_madvise:
		return "process_madvise";
	default:
		return "call";
	}
}

/* Beside "15 times" stand the refusals that were not the kernel's own. */
static void put_refusals(struct out *o, const struct finding *f)
{
	put(o, f->count == 1 ? "once" : "%" PRIu64 " times", f->count);
	put(o, " (%" PRIu64 " by the fault plan)", f->n[0] >> 32);
}

/* Who may have held the lock that a fork child waits for. */
static void put_beside(struct out *o, const struct finding *f)
{
	if (f->n[1])
		put(o, "; when it was forked, thread %" PRIu64 " was in %s (op %" PRIu64 ")",
		    f->n[1] - 1, op_word((unsigned)f->n[2]), f->n[3]);
}

static void put_bytes(struct out *o, uint64_t n)
{
	struct text t;
	char buf[32];

	if (n < 1024) {
		put(o, "%" PRIu64 " bytes", n);
		return;
	}
	text_init(&t, buf, sizeof(buf));
	text_rounded_size(&t, n);
	put(o, "%s", buf);
}

static void put_counted(struct out *o, uint64_t n, const char *word)
{
	int len = (int)strcspn(word, "}");

	if (n == UINT64_MAX)
		put(o, "an unknown number of %.*ss", len, word);
	else
		put(o, "%" PRIu64 " %.*s%s", n, len, word, n == 1 ? "" : "s");
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
	case 'k':
		put(o, "%" PRIu64 ".%03" PRIu64, n / 1000, n % 1000);
		break;
	case 'B':
		put_bytes(o, n);
		break;
	case 'H':
		put_bytes(o, n / 1000);
		break;
	case 's':
		put_signal_name(o, n);
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
	case 'P':
		put_op_place(o, f);
		break;
	case 'K':
		put(o, "%s", system_call_name((uint32_t)f->n[0]));
		break;
	case 'J':
		put_refusals(o, f);
		break;
	case 'B':
		put_beside(o, f);
		break;
	case 'A':
		put_other_word(o, f);
		break;
	case 'L':
		put_limits(o, f);
		break;
	case 'V':
		put(o, f->n[field[1] - '0'] ? "written" : "read");
		break;
	default:
		if (field[1] == '#')
			put_counted(o, f->n[field[0] - '0'], field + 2);
		else
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
	if (f->again)
		put(&o, "; the program was over and its calls were made once more");
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
	else if (f->rule == RULE_LOST_MAPPING || f->rule == RULE_LOST_PAGES)
		put(&o, "%s", system_call_name((uint32_t)f->n[0]));
	else
		put(&o, "%s", word ? word : "unknown");
	return finish(&o);
}
