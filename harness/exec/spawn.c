#include "harness/exec/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_PARK	     (RUN_FD_NOTIFY + 1) /* above the numbers that the child's descriptors get */
#define TAPE_ENTRIES 131072 /* half a second at the fastest; read every few milliseconds */
#define STACK_LIMIT  (8ul << 20)
/* jemalloc's static TLS does not fit a process that was not started for it (KERNEL.md). */
#define TLS_TUNABLE "glibc.rtld.optional_static_tls=16384"
/*
 * A thread that makes its successor has libc's own malloc serve it, and that one would map an arena
 * for each thread: memory that is not of the allocator under test.
 */
#define ARENA_TUNABLE ":glibc.malloc.arena_max=1"

static bool limit_is_finite(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

static bool overcommit_is_strict(void)
{
	char mode = 0;
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	if (read(fd, &mode, 1) != 1)
		mode = '2';
	close(fd);
	return mode == '2';
}

/* Each fork in a section may lead to a chain of them, as long as blocks are nested in it. */
static uint32_t forks_beside(const struct prog_info *info)
{
	return (RUN_PROCS - 1) / (info->max_depth > 2 ? info->max_depth - 1 : 1);
}

static void fill_facts(const struct prog_info *info, struct run_config *cfg)
{
	cfg->facts = info->facts;
	cfg->nneeds = info->header.nneeds;
	memset(cfg->needs, 0, sizeof(cfg->needs));
	for (uint32_t i = 0; i < cfg->nneeds; i++)
		cfg->needs[i] = info->header.needs[i];
}

void spawn_configure(const struct run_request *req, struct run_config *cfg)
{
	cfg->sampling = req->sampling;
	cfg->sampled_rounds = req->sampled_rounds || req->sampling;
	cfg->accounts = req->fed ? req->accounts : SNAPSHOT_ALL;
	cfg->block_slots = req->info->block_slots;
	cfg->map_slots = req->info->map_slots;
	cfg->parallel = req->info->has_parallel;
	cfg->keeps_files = req->info->has_of;
	cfg->forks_beside = forks_beside(req->info);
	cfg->has_ballast = req->has_ballast;
	cfg->ballast = req->ballast;
	cfg->nfaults = req->nfaults < FAULT_RULES ? req->nfaults : FAULT_RULES;
	memset(cfg->faults, 0, sizeof(cfg->faults));
	for (uint32_t i = 0; i < cfg->nfaults; i++)
		cfg->faults[i] = req->faults[i];
	fill_facts(req->info, cfg);
}

static void fill_config(const struct run_request *req, struct run_config *cfg)
{
	cfg->abi = RUN_ABI;
	cfg->load = req->load;
	snprintf(cfg->plugin, sizeof(cfg->plugin), "%s", req->plugin ? req->plugin : "");
	snprintf(cfg->file, sizeof(cfg->file), "%s", req->file ? req->file : "");
	cfg->kernel = req->kernel;
	cfg->wrong_rule = req->wrong_rule;
	cfg->seed = req->seed;
	cfg->oracles = req->oracles;
	cfg->without = req->without;
	cfg->check_full = req->check_full;
	cfg->fed = req->fed;
	cfg->timed = req->timed;
	cfg->limited = limit_is_finite(RLIMIT_AS) || limit_is_finite(RLIMIT_DATA) ||
		       overcommit_is_strict();
	cfg->threads = req->info->threads;
	cfg->oplog_capacity = req->oplog_capacity;
	cfg->watch = req->watch || req->nfaults || req->on_tape || req->check_ledger;
	cfg->check_ledger = req->check_ledger;
	cfg->exits = req->info->has_exit;
	cfg->stretch = req->stretch;
	cfg->stretch_stmt = req->stretch_stmt;
	cfg->stretch_metric = req->stretch_metric;
	cfg->tape_capacity = req->on_tape ? TAPE_ENTRIES : 0;
	spawn_configure(req, cfg);
}

static size_t shared_bytes(const struct run_request *req)
{
	size_t lanes = req->info->has_parallel ? req->info->threads : 0;

	return sizeof(struct run_shared) + req->oplog_capacity * sizeof(struct oplog_entry) +
	       (req->on_tape ? TAPE_ENTRIES * sizeof(struct tape_entry) : 0) +
	       lanes * sizeof(struct run_counts);
}

int spawn_shared(const struct run_request *req, int *ret_fd, struct run_result *ret_result)
{
	size_t size = shared_bytes(req);
	int fd = memfd_create("allocrig-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	void *p = MAP_FAILED;

	/* An allocator that shrank it would take the page from under the controller. */
	if (ftruncate(fd, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		int err = errno;

		close(fd);
		return -err;
	}
	ret_result->shared = p;
	ret_result->shared_bytes = size;
	fill_config(req, &ret_result->shared->config);
	ret_result->shared->findings.without = req->without;
	atomic_store(&ret_result->shared->feed.given, req->fed);
	ret_result->shared->unmeasured_stmt = -1;
	for (int i = 0; i < RUN_PROCS; i++) {
		ret_result->shared->pos[i].stmt = -1;
		ret_result->shared->pos[i].op_code = OP_CODES;
	}
	*ret_fd = fd;
	return 0;
}

static bool has_name(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static int append(char **list, size_t *n, char *entry)
{
	if (!entry)
		return -ENOMEM;
	list[(*n)++] = entry;
	return 0;
}

static char *joined(const char *name, const char *old, const char *value)
{
	char *entry;
	int len = old && *old ? asprintf(&entry, "%s=%s:%s", name, old, value)
			      : asprintf(&entry, "%s=%s", name, value);

	return len < 0 ? NULL : entry;
}

static void free_list(char **list)
{
	if (!list)
		return;
	for (size_t i = 0; list[i]; i++)
		free(list[i]);
	free(list);
}

/* The caller's environment, with LD_PRELOAD as the load mode wants it. */
static char **child_environment(const struct run_request *req)
{
	size_t count = 0, n = 0;
	int err = 0;

	while (environ[count])
		count++;
	char **list = calloc(count + 4, sizeof(*list));

	if (!list)
		return NULL;
	for (size_t i = 0; i < count && !err; i++) {
		if (has_name(environ[i], "LD_PRELOAD") || has_name(environ[i], "LD_BIND_NOW") ||
		    (req->load == LOAD_DLOPEN && has_name(environ[i], "GLIBC_TUNABLES")))
			continue;
		err = append(list, &n, strdup(environ[i]));
	}
	if (!err && req->load == LOAD_PRELOAD && req->file)
		err = append(list, &n, joined("LD_PRELOAD", NULL, req->file));
	/* Symbols are bound before the run: no call of the allocator goes through the linker. */
	if (!err)
		err = append(list, &n, strdup("LD_BIND_NOW=1"));
	if (!err && req->load == LOAD_DLOPEN)
		err = append(list, &n,
			     joined("GLIBC_TUNABLES", getenv("GLIBC_TUNABLES"),
				    req->file && req->info->has_exit ? TLS_TUNABLE ARENA_TUNABLE
								     : TLS_TUNABLE));
	if (err) {
		free_list(list);
		return NULL;
	}
	return list;
}

/* Own ends stay with the controller, the others go to the child. All are close-on-exec. */
struct plumbing {
	int null_fd, shared_fd, program_fd;
	int output[2], notify[2];
	int failed[2]; /* carries the errno of a failed exec */
	pid_t controller;
};

static void plumbing_release(struct plumbing *p)
{
	int *all[] = {&p->null_fd,   &p->output[0], &p->output[1], &p->notify[0],
		      &p->notify[1], &p->failed[0], &p->failed[1]};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

/* Fuzzers run where there is no /dev: an empty file reads the same. */
static int open_nothing(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? memfd_create("null", MFD_CLOEXEC) : fd;
}

static int plumbing_init(struct plumbing *p)
{
	p->null_fd = p->output[0] = p->output[1] = p->notify[0] = p->notify[1] = -1;
	p->failed[0] = p->failed[1] = -1;
	p->null_fd = open_nothing();
	if (p->null_fd < 0 || pipe2(p->output, O_CLOEXEC) != 0 ||
	    pipe2(p->notify, O_CLOEXEC) != 0 || pipe2(p->failed, O_CLOEXEC) != 0 ||
	    fcntl(p->output[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(p->notify[0], F_SETFL, O_NONBLOCK) != 0) {
		int err = errno;

		plumbing_release(p);
		return -err;
	}
	return 0;
}

/* Puts the descriptors to their numbers. First out of the way, for any may be one of the targets.
 */
static int place_descriptors(struct plumbing *p)
{
	int from[] = {p->null_fd,   p->output[1],  p->output[1],
		      p->shared_fd, p->program_fd, p->notify[1]};
	enum { COUNT = sizeof(from) / sizeof(from[0]) };

	for (int i = 0; i < COUNT; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_PARK);
		if (from[i] < 0)
			return -errno;
	}
	p->failed[1] = fcntl(p->failed[1], F_DUPFD_CLOEXEC, FD_PARK);
	if (p->failed[1] < 0)
		return -errno;
	for (int i = 0; i < COUNT; i++)
		if (dup2(from[i], i) < 0)
			return -errno;
	return 0;
}

/* The signal tells of deaths from now on: whoever died before is not the parent any more. */
void spawn_die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
}

void spawn_normalise(void)
{
	struct rlimit stack, core = {0, 0};
	sigset_t none;

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &core);
	/* An unlimited stack turns the mmap area round (bottom-up): the plugs count on top-down. */
	if (getrlimit(RLIMIT_STACK, &stack) == 0 &&
	    (stack.rlim_cur == RLIM_INFINITY || stack.rlim_cur > STACK_LIMIT)) {
		stack.rlim_cur = STACK_LIMIT;
		setrlimit(RLIMIT_STACK, &stack);
	}
	int persona = personality(0xffffffff);

	if (persona != -1 && persona & ADDR_COMPAT_LAYOUT)
		personality((unsigned long)(unsigned int)persona &
			    ~(unsigned long)ADDR_COMPAT_LAYOUT);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction dfl = {.sa_handler = SIG_DFL};

		sigaction(sig, &dfl, NULL);
	}
}

static void exec_child(const struct run_request *req, struct plumbing *p, char **env)
{
	char *argv[] = {(char *)"allocrig-child", NULL};

	spawn_die_with(p->controller);
	int err = place_descriptors(p);

	if (!err) {
		spawn_normalise();
		syscall(SYS_close_range, RUN_FD_NOTIFY + 1, ~0u, CLOSE_RANGE_CLOEXEC);
		execve(req->child, argv, env);
		err = -errno;
	}
	ssize_t ignored = write(p->failed[1], &err, sizeof(err));

	(void)ignored;
	_exit(127);
}

int spawn_begun(pid_t pid, int failed_fd, int *ret_pidfd)
{
	int err = 0;
	ssize_t n;

	do
		n = read(failed_fd, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	int pidfd = n > 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);

	if (n <= 0 && pidfd < 0)
		err = -errno;
	if (pidfd < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return err;
	}
	*ret_pidfd = pidfd;
	return 0;
}

static int after_fork(pid_t pid, struct plumbing *p, struct spawned *ret)
{
	close(p->failed[1]);
	p->failed[1] = -1;
	int pidfd, err = spawn_begun(pid, p->failed[0], &pidfd);

	if (err)
		return err;
	*ret = (struct spawned){
		.pid = pid,
		.pidfd = pidfd,
		.output_fd = p->output[0],
		.notify_fd = p->notify[0],
	};
	p->output[0] = p->notify[0] = -1;
	return 0;
}

int spawn_child(const struct run_request *req, int shared_fd, struct spawned *ret_child)
{
	struct plumbing p = {
		.shared_fd = shared_fd,
		.program_fd = req->program_fd,
		.controller = getpid(),
	};
	char **env = child_environment(req);
	int err = env ? plumbing_init(&p) : -ENOMEM;

	if (err) {
		free_list(env);
		return err;
	}
	pid_t pid = fork();

	if (pid == 0)
		exec_child(req, &p, env);
	err = pid < 0 ? -errno : after_fork(pid, &p, ret_child);
	plumbing_release(&p);
	free_list(env);
	return err;
}

void spawned_release(struct spawned *s)
{
	close(s->pidfd);
	close(s->output_fd);
	close(s->notify_fd);
}
