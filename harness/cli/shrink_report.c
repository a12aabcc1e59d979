#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fault_rule.h"
#include "harness/cli/out_file.h"
#include "harness/cli/print.h"
#include "harness/cli/run_json.h"
#include "harness/cli/shrink_command.h"

bool shrink_prints_program(const struct shrink_command *cmd)
{
	bool json = cmd->options.json && strcmp(cmd->options.json, "-") == 0;

	return cmd->out ? strcmp(cmd->out, "-") == 0 : !json;
}

/* One line of printable ASCII: symbols of a .so may have anything in their names. */
static void put_comment(const struct shrink_command *cmd, FILE *out)
{
	char line[640];

	snprintf(line, sizeof(line), "# %s on %s", cmd->hunt.signature, cmd->subject.ref.name);
	for (char *p = line; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	fprintf(out, "%s\n", line);
}

static int put_program(const struct shrink_command *cmd, FILE *out, const char *text, size_t len)
{
	size_t head = strcspn(text, "\n") + 1;

	if (head > len || fwrite(text, 1, head, out) != head)
		return -EIO;
	put_comment(cmd, out);
	return fwrite(text + head, 1, len - head, out) == len - head ? 0 : -errno;
}

int shrink_write(const struct shrink_command *cmd, const char *text, size_t len)
{
	struct out_file out;

	if (!cmd->out && !shrink_prints_program(cmd))
		return 0;
	int err = out_file_open(&out, cmd->out);

	if (!err)
		err = put_program(cmd, out.stream, text, len);
	err = out_file_close(&out, err);
	if (err)
		cli_complain_write(cmd->out, err);
	return err ? EXIT_BROKEN : 0;
}

static const char *load_word(enum load_mode load)
{
	return load == LOAD_PRELOAD ? "preload" : "dlopen";
}

static const char *end_word(const struct shrink_command *cmd)
{
	if (cmd->work.result.stopped == -EINTR)
		return "interrupted, more may go";
	if (cmd->work.result.stopped)
		return "the time is up, more may go";
	return "nothing more can go";
}

void shrink_say(const struct shrink_command *cmd)
{
	const struct shrink_result *r = &cmd->work.result;
	enum load_mode load = cmd->hunt.options.load;

	print_progress_clear();
	fprintf(stderr,
		"%s on %s%s: %" PRIu64 " statements, now %" PRIu64 "; %s (%" PRIu64
		" runs, %.1f s)\n",
		cmd->hunt.signature, cmd->subject.ref.name,
		cmd->hunt.known ? " (known to its profile)" : "", r->statements_before,
		r->statements, end_word(cmd), cmd->hunt.runs,
		(double)(hunt_now_ns() - cmd->begin_ns) / 1e9);
	if (!cmd->work.after.runs)
		return;
	fprintf(stderr, "  shows in %u of %u runs", cmd->work.after.fired, cmd->work.after.runs);
	if (cmd->work.other.runs)
		fprintf(stderr, ", and in %u of %u by --load=%s", cmd->work.other.fired,
			cmd->work.other.runs, load_word(shrink_other_load(load)));
	if (cmd->work.before.fired < cmd->work.before.runs)
		fprintf(stderr, "; in %u of %u before", cmd->work.before.fired,
			cmd->work.before.runs);
	if (cmd->hunt.reference)
		fprintf(stderr, "; clean on %s", cmd->reference.ref.name);
	fprintf(stderr, "\n");
	for (uint32_t i = 0; i < cmd->hunt.options.nfaults; i++)
		fprintf(stderr, "  with --fault '%s'\n",
			fault_rule_words(&cmd->hunt.options.faults[i]).s);
}

static json_t *rate_json(struct hunt_rate rate)
{
	if (!rate.runs)
		return json_null();
	return json_pack("{s:I,s:I}", "fired", (json_int_t)rate.fired, "runs",
			 (json_int_t)rate.runs);
}

static json_t *faults_json(const struct runner_options *o)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < o->nfaults; i++)
		json_array_append_new(list, json_string(fault_rule_words(&o->faults[i]).s));
	return list;
}

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void add_effort(json_t *o, const struct shrink_command *cmd)
{
	const struct shrink_result *r = &cmd->work.result;

	set_count(o, "statements_before", r->statements_before);
	set_count(o, "statements", r->statements);
	json_object_set_new(o, "minimal", json_boolean(!r->stopped));
	json_object_set_new(o, "stopped",
			    !r->stopped ? json_null()
					: json_string(r->stopped == -EINTR ? "interrupt" : "time"));
	set_count(o, "runs", cmd->hunt.runs);
	set_count(o, "cut_runs", cmd->hunt.cut_runs);
	set_count(o, "steps", r->asked);
	set_count(o, "steps_kept", r->kept);
	set_count(o, "tries", cmd->hunt.tries);
	json_object_set_new(o, "shown_before", rate_json(cmd->work.before));
	json_object_set_new(o, "shown", rate_json(cmd->work.after));
	json_object_set_new(o, "shown_in_other_load", rate_json(cmd->work.other));
	set_count(o, "wall_ns", hunt_now_ns() - cmd->begin_ns);
}

json_t *shrink_json(const struct shrink_command *cmd)
{
	const struct hunt *h = &cmd->hunt;
	json_t *o = json_object();

	if (!o)
		return NULL;
	json_object_set_new(o, "schema", json_string("allocrig.shrink/1"));
	json_object_set_new(o, "allocator", allocator_json(&cmd->subject.ref));
	json_object_set_new(o, "program",
			    json_pack("{s:o,s:s}", "name", json_text(cmd->program.name), "sha256",
				      cmd->program.sha256));
	json_object_set_new(o, "signature", json_text(h->signature));
	json_object_set_new(o, "kind", json_string(finding_kind_name(h->kind)));
	json_object_set_new(o, "known", json_boolean(h->known));
	json_object_set_new(o, "load", json_string(load_word(h->options.load)));
	set_count(o, "seed", h->options.seed);
	set_count(o, "hang_ns", h->options.hang_ns);
	json_object_set_new(o, "faults", faults_json(&h->options));
	json_object_set_new(o, "clean_on",
			    h->reference ? json_text(h->reference->ref.name) : json_null());
	add_effort(o, cmd);
	json_object_set_new(o, "text", json_text(cmd->work.result.text));
	json_object_set_new(o, "host", host_json());
	return o;
}
