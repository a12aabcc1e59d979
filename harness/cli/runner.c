#include "harness/cli/runner.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/registry.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fault_rule.h"
#include "harness/cli/growth_again.h"
#include "harness/cli/paths.h"

#define DEFAULT_HANG_NS 10000000000ull

struct runner_options runner_defaults(void)
{
	return (struct runner_options){
		.load = LOAD_PRELOAD,
		.oracles = true,
		.sampling = true,
		.watch = true,
		.confirm_growth = true,
		.seed = 1,
		.hang_ns = DEFAULT_HANG_NS,
	};
}

static bool is_inside(const struct allocator_ref *ref)
{
	return ref->plugin && ref->plugin->inside;
}

bool subject_is_kernel(const struct subject *s)
{
	return plugin_is_kernel(s->ref.plugin);
}

int kernel_has_no_blocks(const char *command)
{
	cli_complain("%s needs an allocator, and the kernel is none: type "
		     "'allocrig run corpus/mmap/*.prog -a kernel'",
		     command);
	return EXIT_MISUSE;
}

int subject_open(const char *arg, const struct runner_options *o, struct subject *ret_subject)
{
	struct subject *s = ret_subject;
	char err[1024], dir[PATH_MAX];
	int rc = paths_own_dir(dir);

	*s = (struct subject){0};
	if (rc) {
		cli_complain("cannot read /proc/self/exe: %s", strerror(-rc));
		return EXIT_BROKEN;
	}
	rc = allocator_resolve(arg, dir, &s->ref, err, sizeof(err));
	if (!rc && s->ref.available && o->load == LOAD_PRELOAD && !is_inside(&s->ref))
		rc = allocator_check_preload(&s->ref, err, sizeof(err));
	if (!rc)
		rc = subject_open_profile(s, o->profile, err, sizeof(err));
	if (rc) {
		cli_complain("%s", err);
		return EXIT_MISUSE;
	}
	if (is_inside(&s->ref) && !subject_is_kernel(s) && o->oracles) {
		cli_complain("%s returns preset addresses and cannot be judged; run it with "
			     "--no-oracles",
			     s->ref.name);
		return EXIT_MISUSE;
	}
	return 0;
}

void subject_release(struct subject *s)
{
	profile_release(&s->profile);
}

static bool same_allocator(const struct allocator_ref *a, const struct allocator_ref *b)
{
	if (a->path[0] && b->path[0])
		return strcmp(a->path, b->path) == 0;
	return a->plugin && a->plugin == b->plugin;
}

/* Two files with one base name are called by their paths. */
static void rename_by_path(struct allocator_ref *ref)
{
	if (!ref->plugin)
		snprintf(ref->name, sizeof(ref->name), "%.*s", (int)sizeof(ref->name) - 1,
			 ref->given);
}

static int tell_apart(struct subject *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct allocator_ref *old = &s[i].ref, *new = &s[n].ref;

		if (same_allocator(old, new)) {
			cli_complain("-a %s names the same allocator as -a %s", new->given,
				     old->given);
			return EXIT_MISUSE;
		}
		if (strcmp(old->name, new->name) == 0) {
			rename_by_path(old);
			rename_by_path(new);
		}
	}
	return 0;
}

int subjects_open(char *const *args, size_t n, const struct runner_options *o,
		  struct subject **ret_subjects)
{
	if (o->profile && n != 1) {
		cli_complain("--profile is for one allocator, and there are %zu; name it with -a",
			     n);
		return EXIT_MISUSE;
	}
	struct subject *s = calloc(n ? n : 1, sizeof(*s));
	size_t opened = 0;
	int code = s ? 0 : EXIT_BROKEN;

	for (; opened < n && !code; opened++) {
		code = subject_open(args[opened], o, &s[opened]);
		if (code)
			break;
		code = tell_apart(s, opened);
	}
	if (code) {
		subjects_free(s, opened);
		return code;
	}
	*ret_subjects = s;
	return 0;
}

void subjects_free(struct subject *s, size_t n)
{
	for (size_t i = 0; s && i < n; i++)
		subject_release(&s[i]);
	free(s);
}

static const char *unsupported_reason(const struct subject *s, const struct program *p,
				      const struct runner_options *o)
{
	if (!s->ref.available)
		return s->ref.reason;
	if (subject_is_kernel(s) && p->info.has_block_ops)
		return "the program calls an allocator, and the kernel is none";
	if (p->info.header.nfaults && !o->watch)
		return "the program's fault line needs the tape, which is off";
	return NULL;
}

static void not_run(struct outcome_of_run *r, enum outcome outcome, const char *reason)
{
	r->verdict = (struct verdict){.outcome = outcome};
	snprintf(r->verdict.reason, sizeof(r->verdict.reason), "%.*s",
		 (int)sizeof(r->verdict.reason) - 1, reason);
}

struct run_request runner_request(const struct subject *s, const struct runner_options *o)
{
	const struct plugin *plugin = s->ref.plugin;
	bool is_libc = plugin && strcmp(plugin->name, "glibc") == 0;

	return (struct run_request){
		.load = is_inside(&s->ref) ? LOAD_INSIDE : o->load,
		.plugin = plugin ? plugin->name : "",
		.file = is_libc || is_inside(&s->ref) ? NULL : s->ref.path,
		.kernel = subject_is_kernel(s),
		.wrong_rule = o->wrong_rule,
		.seed = o->seed,
		.oracles = o->oracles,
		.without = o->without,
		.check_full = o->check_full,
		.sampling = o->oracles && o->sampling,
		.sampled_rounds = o->oracles && o->sampled_rounds,
		.hang_ns = o->hang_ns,
		.limit_ns = o->limit_ns,
		.oplog_capacity = o->oplog_capacity,
		.check_ledger = o->check_ledger,
		.on_tape = o->on_tape,
		.tape_ctx = o->tape_ctx,
	};
}

static struct run_request request_of(const struct subject *s, const struct program *p,
				     const struct runner_options *o)
{
	const struct prog_header *h = &p->info.header;
	struct run_request req = runner_request(s, o);

	req.program_fd = p->fd;
	req.info = &p->info;
	req.has_ballast = o->has_ballast || h->has_ballast;
	req.ballast = o->has_ballast ? o->ballast : h->ballast;
	return req;
}

static void run_and_judge(const struct subject *s, const struct program *p,
			  const struct runner_options *o, struct outcome_of_run *ret)
{
	char child[PATH_MAX], reason[PATH_MAX + 64];
	struct fault_rule rules[FAULT_RULES];
	struct run_request req = request_of(s, p, o);
	int err = paths_child(child);

	req.child = child;
	req.faults = rules;
	req.nfaults = plan_rules(&p->info.header, o->faults, o->nfaults, rules);
	req.watch = o->watch && (o->oracles || o->on_tape || o->check_ledger || req.nfaults);
	if (!err)
		err = run_program(&req, &ret->result);
	if (err) {
		snprintf(reason, sizeof(reason), "cannot start %s: %s", child, strerror(-err));
		not_run(ret, OUTCOME_BROKEN, reason);
		return;
	}
	if (o->confirm_growth)
		growth_again(&req, &ret->result);
	verdict_judge(&ret->in, &ret->verdict);
}

void runner_run(const struct subject *s, const struct program *p, const struct runner_options *o,
		struct outcome_of_run *ret)
{
	const char *unsupported = unsupported_reason(s, p, o);

	*ret = (struct outcome_of_run){0};
	ret->in = (struct verdict_input){
		.result = &ret->result,
		.allocator = &s->ref,
		.program = p,
		.profile = s->has_profile ? &s->profile : NULL,
		.strict = o->strict,
	};
	if (unsupported) {
		not_run(ret, OUTCOME_UNSUPPORTED, unsupported);
		return;
	}
	run_and_judge(s, p, o, ret);
}

void runner_release(struct outcome_of_run *r)
{
	run_result_release(&r->result);
}

static void on_interrupt(int sig)
{
	(void)sig;
	run_interrupted = 1;
}

void runner_catch_interrupts(void)
{
	struct sigaction act = {.sa_handler = on_interrupt};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
}

bool runner_interrupted(void)
{
	return run_interrupted != 0;
}
