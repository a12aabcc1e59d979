/*
 * feed_main.c - feed-programs: hands programs to one child, one after the other, and says a line of
 * each. For tests of the feeder; fuzzers use it as a library.
 *
 *	feed-programs [--load dlopen] [--times N] [--hang-ms N] [--ballast N] [--no-oracles]
 *		[--kill-after N] [--resident] [--history N] [--timed] [--outcomes N]
 *		[--no-stacks] [--details] -a ALLOCATOR PROGRAM...
 *
 * A line has, parted by tabs: the program, its end, the kinds of findings in the program, the kinds
 * in what was done behind it, which child ran it, how many descriptors, maps and resident pages
 * that one has, and why it was refused or broken. With --details a line of words KEY=VALUE follows
 * it: what a fuzzer is told of the program.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/paths.h"
#include "harness/cli/runner.h"
#include "harness/exec/feed.h"

struct settings {
	struct runner_options run;
	const char *allocator;
	unsigned long times, kill_after;
	uint32_t history; /* kept, and shown in the end; 0: as usual, and not */
	uint32_t outcomes;
	bool resident, timed, no_stacks, details;
};

static const char *const ends[] = {
	[RUN_END_NORMAL] = "normal", [RUN_END_CRASHED] = "crashed",
	[RUN_END_HUNG] = "hung",     [RUN_END_REFUSED] = "refused",
	[RUN_END_BROKEN] = "broken", [RUN_END_INTERRUPTED] = "interrupted",
};

static void print_kinds(const struct finding_sink *sink, bool again)
{
	const char *comma = "";

	for (uint32_t i = 0; i < sink->n; i++) {
		if ((sink->v[i].again != 0) != again)
			continue;
		printf("%s%s", comma, finding_kind_name(sink->v[i].kind));
		comma = ",";
	}
	putchar('\t');
}

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Lines of its maps; *ret_pages: what is resident. */
static unsigned count_maps(pid_t pid, unsigned long *ret_pages)
{
	char path[64], line[4096];
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");

	while (maps && fgets(line, sizeof(line), maps))
		n++;
	if (maps)
		fclose(maps);
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *statm = fopen(path, "re");

	if (!statm || fscanf(statm, "%*u %lu", ret_pages) != 1)
		*ret_pages = 0;
	if (statm)
		fclose(statm);
	return n;
}

static void print_line(const struct feeder *f, const char *name, const struct feed_result *r)
{
	pid_t pid = feeder_child(f);
	unsigned long pages = 0;
	unsigned maps = pid ? count_maps(pid, &pages) : 0;

	printf("%s\t%s\t", name, ends[r->end]);
	print_kinds(&r->findings, false);
	print_kinds(&r->findings, true);
	printf("%" PRIu64 "\t%u\t%u\t%lu\t%s\n", feeder_counts(f).children,
	       pid ? count_fds(pid) : 0, maps, pages, r->reason);
	fflush(stdout);
}

static unsigned count_set(const uint8_t *p, size_t n)
{
	unsigned set = 0;

	for (size_t i = 0; i < n; i++)
		set += p[i] != 0;
	return set;
}

/* How many places of each part were reached, and a sum of which they are (FNV-1a). */
static void print_states(const struct run_feedback *f)
{
	static const struct {
		const char *name;
		size_t bytes;
	} parts[] = {
		{"calls", FEEDBACK_CALLS_BYTES},   {"sizes", FEEDBACK_SIZES_BYTES},
		{"moves", FEEDBACK_MOVES_BYTES},   {"refusals", FEEDBACK_REFUSALS_BYTES},
		{"errors", FEEDBACK_ERRORS_BYTES},
	};
	const uint8_t *at = f->states;
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		printf("%s=%u ", parts[i].name, count_set(at, parts[i].bytes));
		at += parts[i].bytes;
	}
	for (size_t i = 0; i < sizeof(f->states); i++)
		sum = (sum ^ (f->states[i] != 0)) * 16777619u;
	printf("states=%08x ", sum);
	printf("rounded=");
	for (size_t i = 0, n = 0; i < FEEDBACK_ROUNDED; i++)
		if (f->rounded[i])
			printf("%s%" PRIu64, n++ ? "," : "", f->rounded[i]);
	putchar(' ');
	printf("edges=%u edges_known=%u edges_left_out=%u ", count_set(f->edges, f->nedges),
	       f->nedges, f->edges_left_out);
}

static void print_outcomes(const struct feed_result *r)
{
	printf(" outcomes=");
	for (uint64_t i = 0; i < r->noutcomes; i++)
		printf("%s%u:%u:%d:%s", i ? "," : "", r->outcome[i].stmt, r->outcome[i].slot,
		       r->outcome[i].err, r->outcome[i].address ? "served" : "-");
}

static void print_details(const struct feed_result *r)
{
	static const char *const metrics[] = {"maps", "mapped", "rss"};

	printf("details\t");
	print_states(r->reached);
	printf("maps_peak=%" PRId64 " live_peak=%" PRIu64 " live_at_peak=%" PRIu64
	       " slowest_ns=%" PRIu64 " slowest_stmt=%d",
	       r->peak.maps, r->live_peak_bytes, r->live_bytes_at_peak, r->slowest_ns,
	       r->slowest_stmt);
	if (r->growth.suspected)
		printf(" growth=%s growth_stmt=%d", metrics[r->growth.line.metric], r->growth.stmt);
	printf(" stacks=%u printed=%zu", r->nstacks, r->output_len);
	print_outcomes(r);
	putchar('\n');
	fflush(stdout);
}

static char *read_text(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = fd >= 0 && fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	ssize_t n = text ? read(fd, text, (size_t)st.st_size) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	*ret_len = (size_t)n;
	return text;
}

/* `times` as often, and one line of the last time. */
static int feed(struct feeder *f, const char *path, const struct settings *s)
{
	static struct feed_result result;
	size_t len = 0;
	char *text = read_text(path, &len);
	int err = text ? 0 : -errno;

	for (unsigned long i = 0; i < s->times && !err; i++) {
		err = feeder_run(f, text, len, &result);
		if (!err && i + 1 == s->kill_after && feeder_child(f))
			kill(feeder_child(f), SIGKILL);
	}
	if (err)
		printf("%s\t%s\t\t\t0\t0\t0\t0\t%s\n", path, strerror(-err),
		       err == -EINVAL ? result.error.message : "");
	else
		print_line(f, path, &result);
	if (!err && s->details)
		print_details(&result);
	free(text);
	return err == -EINVAL ? 0 : err;
}

static const struct option options[] = {
	{"load", required_argument, NULL, 'l'},
	{"times", required_argument, NULL, 't'},
	{"hang-ms", required_argument, NULL, 'h'},
	{"ballast", required_argument, NULL, 'b'},
	{"no-oracles", no_argument, NULL, 'n'},
	{"kill-after", required_argument, NULL, 'k'},
	{"resident", no_argument, NULL, 'r'},
	{"history", required_argument, NULL, 'H'},
	{"timed", no_argument, NULL, 'T'},
	{"outcomes", required_argument, NULL, 'o'},
	{"no-stacks", no_argument, NULL, 'S'},
	{"details", no_argument, NULL, 'd'},
	{0},
};

static void set_number(struct settings *s, int c, unsigned long n)
{
	if (c == 't')
		s->times = n;
	else if (c == 'h')
		s->run.hang_ns = n * 1000000;
	else if (c == 'k')
		s->kill_after = n;
	else if (c == 'H')
		s->history = (uint32_t)n;
	else if (c == 'o')
		s->outcomes = (uint32_t)n;
	s->run.has_ballast |= c == 'b';
	if (c == 'b')
		s->run.ballast = n;
}

static int parse(int argc, char **argv, struct settings *s)
{
	int c;

	while ((c = getopt_long(argc, argv, "a:", options, NULL)) >= 0) {
		if (c == '?')
			return EXIT_MISUSE;
		if (c == 'a')
			s->allocator = optarg;
		else if (c == 'l' && optarg)
			s->run.load = strcmp(optarg, "dlopen") == 0 ? LOAD_DLOPEN : LOAD_PRELOAD;
		else if (optarg)
			set_number(s, c, strtoul(optarg, NULL, 10));
		if (c == 'n')
			s->run.oracles = s->run.watch = false;
		s->resident |= c == 'r';
		s->timed |= c == 'T';
		s->no_stacks |= c == 'S';
		s->details |= c == 'd';
	}
	return s->allocator && optind < argc ? 0 : EXIT_MISUSE;
}

static int feed_all(const struct subject *subject, const struct settings *s, char **paths)
{
	char child[PATH_MAX];
	struct feed_options o = {.run = runner_request(subject, &s->run),
				 .resident = s->resident,
				 .timed = s->timed,
				 .outcomes = s->outcomes,
				 .no_stacks = s->no_stacks,
				 .history = s->history};
	struct feed_text text;
	struct feeder *f;
	int err = paths_child(child);

	o.run.child = child;
	o.run.watch = s->run.watch;
	o.run.has_ballast = s->run.has_ballast;
	o.run.ballast = s->run.ballast;
	if (!err)
		err = feeder_new(&o, &f);
	if (err)
		return err;
	for (char **path = paths; *path && !err; path++)
		err = feed(f, *path, s);
	for (uint32_t back = 0; s->history && feeder_history(f, back, &text); back++)
		printf("history\t%.*s", (int)text.len, text.text);
	feeder_free(f);
	return err;
}

int main(int argc, char **argv)
{
	struct settings s = {.run = runner_defaults(), .times = 1};
	struct subject subject;
	int code = parse(argc, argv, &s);

	if (code) {
		cli_complain("say feed-programs -a ALLOCATOR PROGRAM...");
		return code;
	}
	code = subject_open(s.allocator, &s.run, &subject);
	if (code)
		return code;
	int err = feed_all(&subject, &s, argv + optind);

	subject_release(&subject);
	if (err)
		cli_complain("%s", strerror(-err));
	return err ? EXIT_BROKEN : 0;
}
