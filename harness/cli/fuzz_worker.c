#include "harness/cli/fuzz_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_log.h"
#include "harness/cli/print.h"

#define NICE 10
/* Behind the deadline there are still the files to write, and runs of a hang to wait for. */
#define LATE_NS (20 * (uint64_t)FUZZ_NS_PER_S)
#define KILL_NS (5 * (uint64_t)FUZZ_NS_PER_S)
/* For shrinking in the first round; twice as long in each of the next. */
#define ROUND_NS (15 * (uint64_t)FUZZ_NS_PER_S)

struct worker_step {
	char what[128]; /* written by one process while the other reads: words for people */
};

int worker_init(struct worker *w, struct filing *f, const struct worker_plan *plan)
{
	*w = (struct worker){.plan = plan, .filing = f, .pidfd = -1};
	void *page = mmap(NULL, sizeof(*w->step), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	w->step = page;
	return 0;
}

static void on_step(void *ctx, const char *what)
{
	struct worker_step *step = ctx;

	snprintf(step->what, sizeof(step->what), "%s", what);
}

/* What it says is for a log: the terminal is the supervisor's. */
static void redirect(const struct fuzz_store *s)
{
	struct files_path log = store_file(s, "jobs/shrink/log");
	struct stat st;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;

	flags |= stat(log.s, &st) == 0 && st.st_size > FUZZ_LOG_BYTES ? O_TRUNC : O_APPEND;
	int fd = open(log.s, flags, 0666), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(fd < 0 ? null : fd, STDERR_FILENO);
}

__attribute__((noreturn)) static void work(struct worker *w, pid_t supervisor)
{
	const struct files_path path = filing_path(w->filing, w->at);
	const struct folder_work job = {
		.path = path.s,
		.subject = w->plan->subject,
		.options = w->plan->options,
		.deadline_ns = w->deadline_ns,
		.on_step = on_step,
		.ctx = w->step,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(0);
	setpgid(0, 0);
	store_forget_lock(w->filing->store);
	redirect(w->filing->store);
	setpriority(PRIO_PROCESS, 0, NICE);
	int err = folder_work(&job);

	if (err && err != -EINTR)
		cli_complain("%s: %s", job.path, strerror(-err));
	_exit(err && err != -EINTR ? 1 : 0);
}

static bool is_to_do(const struct filed *filed)
{
	return filed_is_open(filed) && filed->deaths < WORKER_DEATHS &&
	       filed->rounds < WORKER_ROUNDS;
}

/* Of those that had the fewest rounds the first; or NULL. */
static struct filed *next_to_do(const struct filing *f)
{
	struct filed *next = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (is_to_do(&f->list[i]) && (!next || f->list[i].rounds < next->rounds))
			next = &f->list[i];
	return next;
}

static int start(struct worker *w)
{
	struct filed *filed = &w->filing->list[w->at];
	uint64_t round_end = fuzz_now_ns() + (ROUND_NS << filed->rounds);
	pid_t supervisor = getpid();

	w->step->what[0] = '\0';
	w->kill_ns = 0;
	w->deadline_ns = round_end < w->plan->deadline_ns ? round_end : w->plan->deadline_ns;
	fflush(NULL);
	w->pid = fork();
	if (w->pid == 0)
		work(w, supervisor);
	if (w->pid < 0) {
		w->pid = 0;
		return -errno;
	}
	setpgid(w->pid, w->pid);
	w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	filed->rounds++;
	return 0;
}

static void reap(struct worker *w, int status)
{
	struct filed *filed = &w->filing->list[w->at];
	bool died = WIFSIGNALED(status);

	kill(-w->pid, SIGKILL);
	close(w->pidfd);
	w->pid = 0;
	w->pidfd = -1;
	filing_look(w->filing, w->at);
	filed->deaths += died;
	if (!died && WEXITSTATUS(status) != 0)
		filed->rounds = WORKER_ROUNDS;
	if (w->kill_ns || (!died && WEXITSTATUS(status) == 0))
		return;
	print_progress_clear();
	if (died)
		cli_complain("what shrinks %s was ended by signal %d (%s)%s", filed->name,
			     WTERMSIG(status), strsignal(WTERMSIG(status)),
			     is_to_do(filed) ? "; once more" : "; it is left");
	else
		cli_complain("%s cannot be shrunk: see %s/jobs/shrink/log", filed->name,
			     w->filing->store->path);
}

static void tend_running(struct worker *w, uint64_t now)
{
	int status;

	if (waitpid(w->pid, &status, WNOHANG) == w->pid) {
		reap(w, status);
		return;
	}
	if (!w->kill_ns && now > w->deadline_ns + LATE_NS)
		worker_interrupt(w);
	if (w->kill_ns && now >= w->kill_ns)
		kill(-w->pid, SIGKILL);
}

void worker_tend(struct worker *w, bool stop)
{
	uint64_t now = fuzz_now_ns();

	if (w->pid)
		tend_running(w, now);
	struct filed *next;

	while (!w->pid && !stop && now < w->plan->deadline_ns && (next = next_to_do(w->filing))) {
		w->at = (size_t)(next - w->filing->list);
		int err = start(w);

		if (err) {
			cli_complain("cannot shrink: %s", strerror(-err));
			next->deaths = WORKER_DEATHS;
		}
	}
}

void worker_interrupt(struct worker *w)
{
	if (!w->pid || w->kill_ns)
		return;
	w->kill_ns = fuzz_now_ns() + KILL_NS;
	kill(w->pid, SIGTERM);
}

bool worker_has_work(const struct worker *w)
{
	if (w->pid)
		return true;
	return fuzz_now_ns() < w->plan->deadline_ns && next_to_do(w->filing);
}

size_t worker_left(const struct worker *w)
{
	size_t n = 0;

	for (size_t i = 0; w->filing && i < w->filing->n; i++)
		n += filed_is_open(&w->filing->list[i]);
	return n;
}

struct worker_words worker_says(const struct worker *w)
{
	struct worker_words words = {""};

	if (w->pid)
		snprintf(words.s, sizeof(words.s), "shrinking %.90s: %.127s",
			 w->filing->list[w->at].name, w->step->what);
	return words;
}

void worker_release(struct worker *w)
{
	if (w->pid) {
		kill(-w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
		close(w->pidfd);
	}
	w->pid = 0;
	if (w->step)
		munmap(w->step, sizeof(*w->step));
	w->step = NULL;
}
