/*
 * whole_run_main.c - allocrig-whole-run: one run of a whole program, for hyperfine to time.
 *
 * What came of it goes to result.json in the folder of the run; the exit code is the program's, for
 * hyperfine's own record.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/whole/whole_job.h"
#include "bench/whole/whole_redis.h"

enum { EXIT_BROKEN = 2, EXIT_MISUSE = 3, EXIT_CANCELLED = 130, EXIT_TIMEOUT = 124 };

struct options {
	const char *dir, *program;
	uint64_t limit_ms;
};

static const struct option long_options[] = {
	{"program", required_argument, NULL, 'p'},
	{"tool", required_argument, NULL, 't'},
	{"dir", required_argument, NULL, 'd'},
	{"preload", required_argument, NULL, 'l'},
	{"file", required_argument, NULL, 'f'},
	{"percent", required_argument, NULL, 'x'},
	{"limit-ms", required_argument, NULL, 'm'},
	{"lifeline", no_argument, NULL, 'i'},
	{"bindings", no_argument, NULL, 'b'},
	{"counts", no_argument, NULL, 'c'},
	{NULL, 0, NULL, 0},
};

static int parse(int argc, char **argv, struct options *o, struct job *j)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'p':
			j->program = whole_by_name(optarg);
			break;
		case 't':
			j->tool = optarg;
			break;
		case 'd':
			o->dir = optarg;
			break;
		case 'l':
			j->preload = optarg;
			break;
		case 'f':
			j->file = optarg;
			break;
		case 'x':
			j->percent = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			o->limit_ms = strtoull(optarg, NULL, 10);
			break;
		case 'i':
			j->lifeline = WHOLE_LIFELINE_FD;
			break;
		case 'b':
			j->bindings = true;
			break;
		case 'c':
			j->counts = true;
			break;
		default:
			return -EINVAL;
		}
	}
	return j->program && j->tool && o->dir && optind == argc ? 0 : -EINVAL;
}

/* Everything that may end comes to this process: children, orphans, requests to go. */
static int become_guardian(struct job *j)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return -errno;
	j->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (j->lifeline >= 0)
		fcntl(j->lifeline, F_SETFD, FD_CLOEXEC);
	return j->signals < 0 ? -errno : 0;
}

static enum job_end run(struct job *j)
{
	struct job_command c = {.tool = j->tool,
				.args = j->program->args,
				.output = WHOLE_STDOUT,
				.is_subject = true};
	uint64_t began = watch_now_ns();
	int status, err = job_start(j, &c, &j->main_pid);

	j->stage = "";
	if (err) {
		snprintf(j->text, sizeof(j->text), "exec: %s", strerror(-err));
		return JOB_BROKEN;
	}
	watch_begin(&j->watch, j->main_pid);
	enum job_end end = j->program->is_redis ? redis_run(j) : job_wait(j, j->main_pid, &status);

	if (!j->program->is_redis)
		j->load_ns = watch_now_ns() - began;
	unsigned left = job_end_all(j);

	j->left_over = end == JOB_EXIT ? left : 0;
	watch_end(&j->watch);
	return end;
}

static int64_t ns_of(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static const char *end_name(const struct job *j, enum job_end end)
{
	static const char *const names[] = {"exit", "timeout", "cancelled", "broken"};

	if (end == JOB_EXIT && j->client_failed)
		return "failed";
	return end == JOB_EXIT && WIFSIGNALED(j->main_status) ? "signal" : names[end];
}

static int code_of(const struct job *j)
{
	return WIFSIGNALED(j->main_status) ? WTERMSIG(j->main_status) : WEXITSTATUS(j->main_status);
}

/* Numbers and words of the launcher's own: nothing in it needs to be escaped. */
static int write_result(const struct job *j, enum job_end end)
{
	FILE *out = fopen(WHOLE_RESULT, "we");
	struct rusage self;

	if (!out)
		return -errno;
	getrusage(RUSAGE_SELF, &self);
	fprintf(out, "{\"end\":\"%s\",\"code\":%d,\"stage\":\"%s\",\"text\":\"%s\",\"pid\":%d,\n",
		end_name(j, end), code_of(j), j->stage, j->text, j->main_pid);
	fprintf(out, "\"load_ns\":%" PRIu64 ",\"user_ns\":%" PRId64 ",\"system_ns\":%" PRId64 ",\n",
		j->load_ns, ns_of(j->usage.ru_utime), ns_of(j->usage.ru_stime));
	fprintf(out, "\"minor_faults\":%ld,\"major_faults\":%ld,\"max_rss_bytes\":%ld,\n",
		j->usage.ru_minflt, j->usage.ru_majflt, j->usage.ru_maxrss * 1024);
	fprintf(out, "\"final_rss_bytes\":%" PRId64 ",\"final_maps\":%" PRId64 ",\n", j->final_rss,
		j->final_maps);
	fprintf(out, "\"sum_rss_bytes\":%" PRId64 ",\"peak_maps\":%" PRId64 ",\"file_seen\":%d,\n",
		j->watch.peak_rss, j->watch.peak_maps, j->watch.file_seen);
	fprintf(out, "\"rss_samples\":%" PRId64 ",\"maps_samples\":%" PRId64 ",\n",
		j->watch.rss_samples, j->watch.maps_samples);
	fprintf(out, "\"watch_cpu_ns\":%" PRId64 ",\"left_over\":%u}\n",
		ns_of(self.ru_utime) + ns_of(self.ru_stime), j->left_over);
	return fclose(out) == 0 ? 0 : -errno;
}

static int exit_code(const struct job *j, enum job_end end)
{
	switch (end) {
	case JOB_EXIT:
		return WIFSIGNALED(j->main_status) ? 128 + code_of(j) : code_of(j);
	case JOB_TIMEOUT:
		return EXIT_TIMEOUT;
	case JOB_CANCELLED:
		return EXIT_CANCELLED;
	case JOB_BROKEN:
		break;
	}
	return EXIT_BROKEN;
}

int main(int argc, char **argv)
{
	struct options o = {.limit_ms = 60000};
	struct job j = {.percent = 100,
			.lifeline = -1,
			.main_status = -1,
			.final_rss = -1,
			.final_maps = -1};
	int err = parse(argc, argv, &o, &j);

	if (err) {
		fprintf(stderr, "usage: allocrig-whole-run --program NAME --tool PATH --dir DIR "
				"[--preload FILES] [--file FILE] [--percent N] [--limit-ms N] "
				"[--lifeline] [--bindings] [--counts]\n");
		return EXIT_MISUSE;
	}
	j.watch.inner = j.program->is_inner ? j.program->server : NULL;
	j.watch.file = j.file;
	j.deadline_ns = watch_now_ns() + o.limit_ms * 1000000u;
	if (chdir(o.dir) != 0 || become_guardian(&j) != 0) {
		perror("allocrig-whole-run");
		return EXIT_BROKEN;
	}
	enum job_end end = run(&j);

	err = end == JOB_CANCELLED ? whole_remove_folder(o.dir) : write_result(&j, end);
	return err ? EXIT_BROKEN : exit_code(&j, end);
}
