/*
 * describe_kernel.c - allocrig describe kernel: the groups one after the other, then all of it.
 */
#include "harness/cli/describe_kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/json_out.h"
#include "harness/cli/print.h"

static const struct {
	const char *what;
	void (*measure)(struct kernel_description *d);
} groups[] = {
	{"what there is", kernel_measure_features},
	{"what merges", kernel_measure_merges},
	{"what it costs", kernel_measure_costs},
	{"the limit of maps", kernel_measure_limits},
};

/* Shared with the child processes that fill it. */
static int description_map(struct kernel_description **ret_d)
{
	void *p = mmap(NULL, sizeof(**ret_d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret_d = p;
	return 0;
}

static void measure(struct kernel_description *d)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !runner_interrupted(); i++) {
		print_progress("measuring the kernel: %s", groups[i].what);
		groups[i].measure(d);
	}
	print_progress_clear();
}

static int write_all(const struct subject *s, const struct kernel_description *d, FILE *text,
		     struct json_out *json, const char *path)
{
	struct kernel_machine m;

	if (runner_interrupted())
		return EXIT_BROKEN;
	kernel_machine_read(&m);
	if (!json->is_stdout)
		kernel_print(text, &m, d);
	int err = json_out_write(json, kernel_json(s, &m, d));

	if (err)
		cli_complain_write(path, -err);
	return err ? EXIT_BROKEN : EXIT_CLEAN;
}

int describe_kernel(const struct subject *s, const char *json_path)
{
	struct kernel_description *d = NULL;
	struct json_out json;
	FILE *text;
	int err = description_map(&d);

	if (err) {
		cli_complain("describe kernel: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	int code = json_out_begin(&json, json_path, &text);

	if (!code) {
		runner_catch_interrupts();
		measure(d);
		code = json_out_end(&json, json_path, write_all(s, d, text, &json, json_path));
	}
	munmap(d, sizeof(*d));
	return code;
}
