#include "harness/cli/cmd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/provenance.h"
#include "allocators/registry.h"
#include "harness/cli/cli.h"
#include "harness/cli/json_out.h"
#include "harness/cli/paths.h"

enum column { COLUMN_NAME, COLUMN_STATE, COLUMN_VERSION, COLUMN_PATH, COLUMN_PACKAGE, COLUMNS };

struct row {
	const char *cell[COLUMNS];
};

struct list {
	const char *json; /* NULL, "-" or a file */
};

static const struct argp_option options[] = {
	{.name = "json",
	 .key = 'j',
	 .arg = "FILE",
	 .doc = "write JSON Lines; - is standard output"},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct list *list = state->input;

	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	list->json = arg;
	return 0;
}

static const struct argp list_argp = {
	.options = options,
	.parser = parse_option,
	.doc = "Shows the built-in allocators, and where each comes from or why it is missing; and "
	       "the kernel, whose mapping calls are a subject of their own.",
};

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static const char *path_of(const struct allocator_ref *ref)
{
	if (plugin_is_kernel(ref->plugin))
		return "(the running kernel, not an allocator: its mapping calls)";
	return ref->plugin && ref->plugin->inside ? "(inside allocrig)" : or_dash(ref->path);
}

static struct row row_of(const struct allocator_ref *ref)
{
	return (struct row){{
		[COLUMN_NAME] = ref->name,
		[COLUMN_STATE] = ref->available ? "available" : ref->reason,
		[COLUMN_VERSION] = or_dash(ref->version),
		[COLUMN_PATH] = path_of(ref),
		[COLUMN_PACKAGE] = or_dash(ref->package),
	}};
}

static void table_print(const struct row *rows, size_t count)
{
	int width[COLUMNS] = {0};

	for (size_t i = 0; i < count; i++) {
		for (int c = 0; c < COLUMNS; c++) {
			int len = (int)strlen(rows[i].cell[c]);

			width[c] = len > width[c] ? len : width[c];
		}
	}
	for (size_t i = 0; i < count; i++) {
		for (int c = 0; c < COLUMNS - 1; c++)
			printf("%-*s  ", width[c], rows[i].cell[c]);
		printf("%s\n", rows[i].cell[COLUMNS - 1]);
	}
}

static json_t *ref_json(const struct allocator_ref *ref)
{
	return json_pack("{ss ss ss sb so so so so so so}", "schema", "allocrig.list/1", "name",
			 ref->name, "kind", plugin_is_kernel(ref->plugin) ? "kernel" : "allocator",
			 "available", (int)ref->available, "reason", json_text(ref->reason),
			 "version", json_text(ref->version), "path", json_text(ref->path),
			 "build_id", json_text(ref->build_id), "sha256", json_text(ref->sha256),
			 "package", json_text(ref->package));
}

static int write_json(const struct allocator_ref *refs, size_t count, const char *path)
{
	struct json_out out;
	int err = json_out_open(&out, path);

	for (size_t i = 0; !err && i < count; i++)
		err = json_out_write(&out, ref_json(&refs[i]));
	int close_err = json_out_close(&out);

	return err ? err : close_err;
}

static int resolve_all(struct allocator_ref *refs, size_t count)
{
	char dir[PATH_MAX], complaint[512];
	int err = paths_own_dir(dir);

	if (err) {
		cli_complain("cannot read /proc/self/exe: %s", strerror(-err));
		return err;
	}
	for (size_t i = 0; i < count; i++) {
		err = allocator_resolve(plugin_at(i)->name, dir, &refs[i], complaint,
					sizeof(complaint));
		if (err) {
			cli_complain("%s", complaint);
			return err;
		}
	}
	return 0;
}

static int show_table(const struct allocator_ref *refs, size_t count)
{
	struct row *rows = calloc(count + 1, sizeof(*rows));

	if (!rows) {
		cli_complain("%s", strerror(ENOMEM));
		return EXIT_BROKEN;
	}
	rows[0] = (struct row){{"NAME", "STATE", "VERSION", "PATH", "PACKAGE"}};
	for (size_t i = 0; i < count; i++)
		rows[i + 1] = row_of(&refs[i]);
	table_print(rows, count + 1);
	free(rows);
	return EXIT_CLEAN;
}

static int show(const struct list *list, const struct allocator_ref *refs, size_t count)
{
	bool to_stdout = list->json && strcmp(list->json, "-") == 0;
	int err = list->json ? write_json(refs, count, list->json) : 0;

	if (err) {
		cli_complain_write(list->json, err);
		return EXIT_BROKEN;
	}
	return to_stdout ? EXIT_CLEAN : show_table(refs, count);
}

int cmd_list(int argc, char **argv)
{
	struct list list = {0};
	size_t count = plugin_count();
	struct allocator_ref *refs;
	int ret = EXIT_BROKEN;

	cli_parse(&list_argp, argc, argv, 0, &list);
	refs = calloc(count, sizeof(*refs));
	if (!refs)
		cli_complain("%s", strerror(ENOMEM));
	else if (resolve_all(refs, count) == 0)
		ret = show(&list, refs, count);
	free(refs);
	return ret;
}
