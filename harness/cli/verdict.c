#include "harness/cli/verdict.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/cmd.h"

/* Frames worth naming: of the allocator or below it, not the harness's. */
#define SIGNATURE_FRAMES 3
#define MESSAGE_FRAMES	 6

static bool is_crash(const struct finding *f)
{
	return f->kind == FINDING_CRASH || f->kind == FINDING_HANG ||
	       f->kind == FINDING_FORK_BROKEN;
}

static void append(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	if (len + 1 < size)
		snprintf(buf + len, size - len, "%s", text);
}

/*
 * How libc ends a process names no cause. Of the rest of libc only what it exports is named: its
 * inner functions have names only where its debug symbols are installed, and a signature must not
 * depend on that.
 */
static bool is_plumbing(const struct stack_frame *frame)
{
	static const char *const name[] = {"pthread_kill", "raise", "gsignal", "abort"};

	if (strncmp(frame->object, "libc.so", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (strcmp(frame->symbol, name[i]) == 0)
			return true;
	return !frame->symbol[0] || !dlsym(RTLD_DEFAULT, frame->symbol);
}

/*
 * The functions on the stack name a crash, or the file where it has no symbols; offsets and
 * addresses would tell builds apart.
 */
static void add_frames(const struct stack *s, struct verdict_finding *ret)
{
	const char *last = "";
	unsigned named = 0;

	for (uint32_t i = 0; i < s->nframes && named < SIGNATURE_FRAMES; i++) {
		const struct stack_frame *frame = &s->frame[i];
		const char *name = frame->symbol[0] ? frame->symbol : frame->object;

		if (strcmp(frame->object, "allocrig-child") == 0)
			break;
		if (!name[0] || is_plumbing(frame) || strcmp(name, last) == 0)
			continue;
		append(ret->signature, sizeof(ret->signature), named ? "<" : "/");
		append(ret->signature, sizeof(ret->signature), name);
		last = name;
		named++;
	}
}

static void add_stack(const struct run_stack *s, struct verdict_finding *ret)
{
	const struct stack *stack = &s->stack;
	char text[512];
	unsigned shown = 0;

	while (shown < stack->nframes && shown < MESSAGE_FRAMES &&
	       strcmp(stack->frame[shown].object, "allocrig-child") != 0)
		shown++;
	if (!shown || stack_print(stack, shown, text, sizeof(text)) <= 0)
		return;
	append(ret->message, sizeof(ret->message), s->whose[0] ? "; stack of " : "; stack");
	append(ret->message, sizeof(ret->message), s->whose);
	append(ret->message, sizeof(ret->message), ": ");
	append(ret->message, sizeof(ret->message), text);
}

static void add_stacks(const struct verdict_traces *t, const struct finding *f,
		       struct verdict_finding *ret)
{
	const struct run_stack *s;

	for (uint32_t i = 0; (s = run_stack_of(t->stacks, t->nstacks, f, i)); i++) {
		if (i == 0)
			add_frames(&s->stack, ret);
		add_stack(s, ret);
	}
}

static void add_output(const struct verdict_traces *t, struct verdict_finding *ret)
{
	char line[160];
	size_t len = strcspn(t->output, "\n");

	if (!t->output_len || !len)
		return;
	snprintf(line, sizeof(line), "; it printed: %.*s", (int)(len < 120 ? len : 120), t->output);
	append(ret->message, sizeof(ret->message), line);
}

/*
 * The last line printed before an abort says why: "Scudo ERROR: internal map failure (...)" is
 * another defect than "corrupted chunk header" at the same place. Words without digits, up to the
 * first bracket.
 */
static void add_reason(const struct verdict_traces *t, struct verdict_finding *ret)
{
	char slug[64] = "/";
	size_t end = t->output_len, len = 1;

	while (end && t->output[end - 1] == '\n')
		end--;
	size_t begin = end;

	while (begin && t->output[begin - 1] != '\n')
		begin--;
	while (begin < end && t->output[begin] != '(') {
		const char *word = t->output + begin;
		size_t n = 0, letters = 0;

		for (; begin + n < end && word[n] != ' ' && word[n] != '('; n++)
			letters += isalpha((unsigned char)word[n]) != 0;
		bool plain = letters && letters + 1 >= n;

		if (plain && len + n + 2 > sizeof(slug))
			break;
		if (plain && len > 1)
			slug[len++] = '-';
		for (size_t i = 0; plain && i < n; i++)
			if (isalpha((unsigned char)word[i]))
				slug[len++] = word[i];
		begin += n + (begin + n < end && word[n] == ' ');
	}
	slug[len] = '\0';
	if (len > 1)
		append(ret->signature, sizeof(ret->signature), slug);
}

static bool is_abort(const struct finding *f)
{
	bool by_signal = f->kind == FINDING_CRASH || f->rule == RULE_FORK_SIGNAL;

	return by_signal && f->n[0] == SIGABRT;
}

void verdict_describe(const struct verdict_traces *traces, const struct profile *profile,
		      const struct finding *f, struct verdict_finding *ret)
{
	*ret = (struct verdict_finding){.finding = f};
	if (finding_message(f, ret->message, sizeof(ret->message)) < 0)
		snprintf(ret->message, sizeof(ret->message), "%s", finding_kind_name(f->kind));
	if (finding_signature(f, ret->signature, sizeof(ret->signature)) < 0)
		snprintf(ret->signature, sizeof(ret->signature), "%s", finding_kind_name(f->kind));
	if (is_crash(f)) {
		add_stacks(traces, f, ret);
		if (is_abort(f))
			add_reason(traces, ret);
		add_output(traces, ret);
	}
	if (profile)
		ret->known = profile_known(profile, ret->signature);
}

static const char *refusal_words(enum refusal why)
{
	switch (why) {
	case REFUSAL_LINKER:
		return "the dynamic linker could not load it";
	case REFUSAL_NO_MALLOC:
		return "the file does not serve malloc and free";
	case REFUSAL_DLOPEN:
		return "dlopen failed";
	case REFUSAL_PLUGIN:
		return "plug-in of another version";
	case REFUSAL_ARENA:
		return "no memory for the harness";
	case REFUSAL_ACCOUNTS:
		return "cannot read /proc/self";
	case REFUSAL_THREADS:
		return "cannot start threads";
	case REFUSAL_PROGRAM:
		return "the program could not be read in the child";
	case REFUSAL_BALLAST:
		return "the ballast cannot be had";
	case REFUSAL_UNSUPPORTED:
		return "not supported";
	default:
		return "the child refused to run";
	}
}

static void broken(struct verdict *v, const char *reason)
{
	v->outcome = OUTCOME_BROKEN;
	snprintf(v->reason, sizeof(v->reason), "%.*s", (int)sizeof(v->reason) - 1, reason);
}

static void judge_refusal(const struct run_result *r, struct verdict *v)
{
	const struct run_shared *s = r->shared;
	size_t printed = strcspn(r->output, "\n");

	broken(v, refusal_words(s->refusal));
	if (s->refusal_text[0]) {
		append(v->reason, sizeof(v->reason), ": ");
		append(v->reason, sizeof(v->reason), s->refusal_text);
	}
	if (s->refusal_err) {
		append(v->reason, sizeof(v->reason), ": ");
		append(v->reason, sizeof(v->reason), strerror(s->refusal_err));
	}
	if (r->output_len && printed) {
		char text[300];

		snprintf(text, sizeof(text), " (%.*s)", (int)(printed < 280 ? printed : 280),
			 r->output);
		append(v->reason, sizeof(v->reason), text);
	}
	if (s->refusal == REFUSAL_UNSUPPORTED || s->refusal == REFUSAL_BALLAST)
		v->outcome = OUTCOME_UNSUPPORTED;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void hex(const uint8_t *bytes, size_t len, char *buf, size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < len && 2 * i + 3 <= size; i++)
		snprintf(buf + 2 * i, 3, "%02x", bytes[i]);
}

/* The child says who served malloc; it must be the file that was asked for, and of its build. */
static void prove_server(const struct verdict_input *in, struct verdict *v)
{
	const struct run_shared *s = in->result->shared;
	const struct served_object *own = &s->served.object[s->served.own];
	const struct allocator_ref *ref = in->allocator;
	char id[65], reason[PATH_MAX + 600];

	if (v->outcome == OUTCOME_BROKEN || atomic_load(&s->state) < RUN_RUNNING ||
	    s->config.load == LOAD_INSIDE)
		return;
	hex(own->build_id, own->build_id_len, id, sizeof(id));
	if (!same_file(own->path, ref->path))
		snprintf(reason, sizeof(reason), "malloc was served by %s, not by %s", own->path,
			 ref->path);
	else if (strcmp(id, ref->build_id) != 0)
		snprintf(reason, sizeof(reason), "%s is of build %s, but build %s ran", ref->path,
			 ref->build_id, id);
	else
		return;
	broken(v, reason);
}

static const struct {
	uint32_t mask; /* of enum unmeasured */
	const char *what;
} undecided[] = {
	{UNMEASURED_EXPECT_CALLS, "kernel calls made inside allocator calls are not counted: "},
	{UNMEASURED_EXPECT_LOST, "of what the kernel refused inside allocator calls not all is "
				 "known: "},
	{UNMEASURED_EXPECT_PEAK, "between samples the peak may have been higher: "},
};

static void judge_unmeasured(const struct run_shared *s, struct verdict *v)
{
	if (!(s->unmeasured & ~(uint32_t)UNMEASURED_EXTENTS) || v->outcome != OUTCOME_CLEAN)
		return;
	const char *what = "rss cannot be measured on this kernel", *why = "";

	if (s->unmeasured & UNMEASURED_EXPECT_PROC)
		what = "this kernel's /proc has no such number";

	for (size_t i = 0; i < sizeof(undecided) / sizeof(undecided[0]) && !*why; i++) {
		if (!(s->unmeasured & undecided[i].mask))
			continue;
		what = undecided[i].what;
		why = verdict_unwatched(s);
	}
	v->outcome = OUTCOME_UNSUPPORTED;
	snprintf(v->reason, sizeof(v->reason), "expect at op %d was not decided: %s%s",
		 s->unmeasured_stmt, what, why);
}

/* What the command line asked for and this kernel does not have. */
static void judge_unwatched(const struct run_shared *s, struct verdict *v)
{
	const char *what = NULL, *why = verdict_unwatched(s);

	if (v->outcome != OUTCOME_CLEAN)
		return;
	if (s->config.tape_capacity && s->watch.traps == WATCH_UNSUPPORTED)
		what = "the tape lacks the calls of the allocator";
	else if (s->config.check_ledger && (!s->watch.exact || s->watch.own_threads))
		what = "the ledger cannot be checked";
	if (s->watch.exact && s->watch.own_threads)
		why = "the allocator has threads of its own, which nobody watches";
	if (!what)
		return;
	v->outcome = OUTCOME_UNSUPPORTED;
	snprintf(v->reason, sizeof(v->reason), "%s: %s", what, why);
}

const char *verdict_unwatched(const struct run_shared *s)
{
	if (s->watch.traps == WATCH_OFF)
		return "the tape is off";
	if (s->watch.traps == WATCH_ON && s->watch.passed_by)
		return "inside an allocator call clone, fork or the like was made, which cannot be "
		       "trapped";
	if (s->watch.reason[0])
		return s->watch.reason;
	return "threads that nobody watches have mapped memory";
}

static void judge_harness_error(const struct run_shared *s, struct verdict *v)
{
	char reason[sizeof(s->harness_text) + 128];

	/* A difference that was found is told by its text alone. */
	if (s->harness_error == EUCLEAN)
		snprintf(reason, sizeof(reason), "%s", s->harness_text);
	else
		snprintf(reason, sizeof(reason), "%s%s%s", s->harness_text,
			 s->harness_text[0] ? ": " : "", strerror((int)s->harness_error));
	broken(v, reason);
}

/* What ended a process, and nobody judges it: the run says nothing of what lies behind. */
static void judge_cut(const struct run_shared *s, struct verdict *v)
{
	const struct finding *f = &s->findings.cut;
	char message[512], reason[640];

	if (f->rule == RULE_NONE)
		return;
	if (finding_message(f, message, sizeof(message)) < 0)
		message[0] = '\0';
	snprintf(reason, sizeof(reason),
		 "%s is not judged (--without), and the run was cut short "
		 "at op %d: %s",
		 finding_kind_name(f->kind), f->stmt, message);
	broken(v, reason);
}

void verdict_judge(const struct verdict_input *in, struct verdict *ret_verdict)
{
	const struct run_result *r = in->result;
	const struct run_shared *s = r->shared;
	const struct verdict_traces traces = {r->stacks, r->nstacks, r->output, r->output_len};
	struct verdict *v = ret_verdict;

	*v = (struct verdict){.outcome = OUTCOME_CLEAN};
	for (uint32_t i = 0; i < s->findings.n && i < FINDING_MAX; i++) {
		struct verdict_finding *f = &v->finding[v->nfindings++];

		verdict_describe(&traces, in->profile, &s->findings.v[i], f);
		if (f->known)
			v->nknown++;
	}
	if (v->nfindings > (in->strict ? 0 : v->nknown))
		v->outcome = OUTCOME_FINDING;
	if (in->result->end == RUN_END_REFUSED)
		judge_refusal(in->result, v);
	else if (in->result->end == RUN_END_BROKEN)
		broken(v, in->result->broken);
	else if (in->result->end == RUN_END_INTERRUPTED)
		broken(v, "interrupted");
	else if (s->harness_error)
		judge_harness_error(s, v);
	else
		judge_cut(s, v);
	prove_server(in, v);
	judge_unmeasured(s, v);
	judge_unwatched(s, v);
}

/* Not by finding_add: two of one kind and op differ in their words alone. */
void verdict_add(const struct verdict_input *in, struct verdict *v, const struct finding *f,
		 const char *signature, const char *message)
{
	struct finding_sink *sink = &in->result->shared->findings;

	if (sink->n >= FINDING_MAX || v->nfindings >= FINDING_MAX) {
		sink->dropped++;
		return;
	}
	sink->v[sink->n] = *f;
	struct verdict_finding *vf = &v->finding[v->nfindings++];

	*vf = (struct verdict_finding){.finding = &sink->v[sink->n++]};
	snprintf(vf->signature, sizeof(vf->signature), "%s", signature);
	snprintf(vf->message, sizeof(vf->message), "%s", message);
	if (in->profile)
		vf->known = profile_known(in->profile, vf->signature);
	v->nknown += vf->known != NULL;
	if (!vf->known || in->strict)
		v->outcome = OUTCOME_FINDING;
}

const char *outcome_name(enum outcome o)
{
	static const char *const name[] = {"clean", "finding", "broken", "unsupported"};

	return name[o];
}

void outcome_count(struct outcome_tally *t, enum outcome o)
{
	t->of[o]++;
}

int outcome_exit_code(const struct outcome_tally *t)
{
	if (t->of[OUTCOME_BROKEN])
		return EXIT_BROKEN;
	if (t->of[OUTCOME_FINDING])
		return EXIT_FINDING;
	if (t->of[OUTCOME_CLEAN])
		return EXIT_CLEAN;
	return t->of[OUTCOME_UNSUPPORTED] ? EXIT_UNSUPPORTED : EXIT_CLEAN;
}
