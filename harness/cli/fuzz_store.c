#include "harness/cli/fuzz_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fuzz_store_json.h"

/* A supervisor that was killed is gone when its workers are, which takes some milliseconds. */
#define LOCK_TRIES 100
#define LOCK_NS	   20000000

static const char *const goals[] = {"maps", "retained", "lost", "latency"};

const char *fuzz_goal_name(enum fuzz_goal goal)
{
	return goals[goal];
}

int fuzz_goal_by_name(const char *name)
{
	for (int i = 0; i < FUZZ_GOALS; i++)
		if (strcmp(goals[i], name) == 0)
			return i;
	return -1;
}

struct files_path store_file(const struct fuzz_store *s, const char *format, ...)
{
	char name[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	return files_join(s->real, name);
}

void store_trouble(struct fuzz_store *s, const char *file, int err)
{
	if (!s->trouble)
		cli_complain("cannot write %s/%s: %s; going on", s->path, file, strerror(-err));
	s->trouble = true;
}

void store_save(struct fuzz_store *s)
{
	char *text = store_json_text(s);
	int err = text ? files_replace(store_file(s, "fuzz.json").s, text, strlen(text)) : -ENOMEM;

	free(text);
	if (err)
		store_trouble(s, "fuzz.json", err);
	else
		s->trouble = false;
}

void store_take_worst(struct fuzz_store *s, unsigned job, uint64_t milli)
{
	if (s->goal < 0 || milli <= s->worst[s->goal])
		return;
	const char *goal = fuzz_goal_name((enum fuzz_goal)s->goal);
	int err = files_copy(store_file(s, "jobs/%u/worst.prog", job).s,
			     store_file(s, "worst/%s.prog", goal).s);

	/* The number comes first, its program right behind: it is there the next time. */
	if (err == -ENOENT)
		return;
	if (err)
		store_trouble(s, "worst", err);
	else
		s->worst[s->goal] = milli;
}

/* Adds the page, and keeps what is no sum apart. */
static void count(struct fuzz_store *s, unsigned job, struct fuzz_totals *page)
{
	store_take_worst(s, job, page->worst_milli);
	page->worst_milli = 0;
	totals_add(&s->totals, page);
}

void store_count_page(struct fuzz_store *s, unsigned job, const struct job_stats *page)
{
	uint64_t generation = s->counted[job]++;
	struct fuzz_totals more = {0};

	totals_add_page(&more, page);
	count(s, job, &more);
	store_save(s);
	if (!s->trouble)
		unlink(store_file(s, "jobs/%u/stats.%" PRIu64, job, generation).s);
}

/* "stats.12" is 12. */
static bool page_of_name(const char *name, uint64_t *ret_generation)
{
	char *end;

	if (strncmp(name, "stats.", 6) != 0 || name[6] < '0' || name[6] > '9')
		return false;
	errno = 0;
	*ret_generation = strtoull(name + 6, &end, 10);
	return !*end && !errno;
}

struct leftover {
	struct fuzz_store *store;
	unsigned job;
	bool remove; /* those that are counted; else the others are counted */
	uint64_t from;
};

static int leftover_page(void *ctx, const char *name)
{
	const struct leftover *l = ctx;
	struct fuzz_store *s = l->store;
	uint64_t generation;

	if (!page_of_name(name, &generation))
		return 0;
	if (l->remove && generation < s->counted[l->job]) {
		unlink(store_file(s, "jobs/%u/%s", l->job, name).s);
	} else if (!l->remove && generation >= l->from) {
		struct fuzz_totals page = {0};

		totals_add_file(&page, store_file(s, "jobs/%u/%s", l->job, name).s);
		count(s, l->job, &page);
		/* Names are in the order of their bytes: 10 comes before 9. */
		if (generation >= s->counted[l->job])
			s->counted[l->job] = generation + 1;
	}
	return 0;
}

static void each_page(struct fuzz_store *s, bool remove)
{
	for (unsigned i = 0; i < FUZZ_JOBS_MAX; i++) {
		struct leftover l = {.store = s, .job = i, .remove = remove, .from = s->counted[i]};

		files_each(store_file(s, "jobs/%u", i).s, leftover_page, &l);
	}
}

static void count_leftover(struct fuzz_store *s)
{
	each_page(s, false);
	store_save(s);
	if (!s->trouble)
		each_page(s, true);
}

static int cannot(const struct fuzz_store *s, const char *what, int err)
{
	cli_complain("%s: cannot %s: %s", s->path, what, strerror(-err));
	return err == -ENOTDIR ? EXIT_MISUSE : EXIT_BROKEN;
}

/* The folder with those above it, and its real name. */
static int make_root(struct fuzz_store *s)
{
	char path[PATH_MAX];
	int err = 0;

	if (snprintf(path, sizeof(path), "%s", s->path) >= (int)sizeof(path))
		return cannot(s, "make it", -ENAMETOOLONG);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = files_folder(path);
		*slash = '/';
		if (err)
			return cannot(s, "make it", err);
	}
	err = files_folder(path);
	if (err)
		return cannot(s, "make it", err);
	return realpath(path, s->real) ? 0 : cannot(s, "find it", -errno);
}

static int is_foreign(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "lock") != 0 && strcmp(name, "fuzz.json.new") != 0;
}

static int refuse_foreign(const struct fuzz_store *s)
{
	cli_complain("%s is not empty and no folder of allocrig fuzz; name another one with --out",
		     s->path);
	return EXIT_MISUSE;
}

static int in_use(const struct fuzz_store *s)
{
	char by[32] = "";
	ssize_t n = pread(s->lock, by, sizeof(by) - 1, 0);
	long pid = n > 0 ? strtol(by, NULL, 10) : 0;

	cli_complain("%s is in use by another allocrig fuzz (process %ld); wait for it, or name "
		     "another one with --out",
		     s->path, pid);
	return EXIT_MISUSE;
}

static int take_lock(struct fuzz_store *s)
{
	const struct timespec pause = {.tv_nsec = LOCK_NS};
	int rc = -1;

	s->lock = open(store_file(s, "lock").s, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (s->lock < 0)
		return cannot(s, "make its lock", -errno);
	for (int i = 0; i < LOCK_TRIES && rc != 0; i++) {
		rc = flock(s->lock, LOCK_EX | LOCK_NB);
		if (rc != 0 && errno != EWOULDBLOCK && errno != EINTR)
			return cannot(s, "lock it", -errno);
		if (rc != 0)
			nanosleep(&pause, NULL);
	}
	if (rc != 0)
		return in_use(s);
	/* For people alone: what does not get there does not matter. */
	if (ftruncate(s->lock, 0) == 0)
		dprintf(s->lock, "%d\n", (int)getpid());
	return 0;
}

static int load(struct fuzz_store *s)
{
	char *text, why[256];
	size_t len;
	int err = files_read(store_file(s, "fuzz.json").s, 1 << 20, &text, &len);

	if (err == -ENOENT)
		return files_each(s->real, is_foreign, NULL) ? refuse_foreign(s) : 0;
	if (err)
		return cannot(s, "read fuzz.json", err);
	err = store_json_parse(s, text, len, why, sizeof(why));
	free(text);
	if (!err)
		return 0;
	if (err == -EINVAL)
		return refuse_foreign(s);
	cli_complain("%s %s; name another one with --out", s->path, why);
	return EXIT_MISUSE;
}

static int make_folders(struct fuzz_store *s)
{
	static const char *const names[] = {"corpus", "inbox",	     "findings",
					    "jobs",   "jobs/shrink", "worst"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int err = files_folder(store_file(s, "%s", names[i]).s);

		if (err)
			return cannot(s, "make the folders in it", err);
	}
	return 0;
}

int store_open(struct fuzz_store *s, const char *path, const struct store_key *key)
{
	*s = (struct fuzz_store){.path = path, .lock = -1, .goal = -1, .key = *key};
	int code = make_root(s);

	/* Before the lock, too: in a folder that is somebody else's no file is made. */
	if (!code)
		code = load(s);
	if (!code)
		code = take_lock(s);
	if (!code)
		code = load(s);
	if (!code && key->allocator)
		code = make_folders(s);
	if (!code && key->allocator)
		count_leftover(s);
	else if (!code)
		store_save(s);
	if (!code && s->trouble)
		code = EXIT_BROKEN;
	if (code)
		store_close(s);
	return code;
}

void store_forget_lock(struct fuzz_store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
}

void store_close(struct fuzz_store *s)
{
	store_forget_lock(s);
}
