/*
 * A fuzz target that does as it is told, for tests of its supervisor. It honours the flags of
 * fuzz_job.h, runs nothing, and counts an input a millisecond. ALLOCRIG_FAKE has words:
 *
 *	find=N       from then on each N-th input finds something; signatures are numbered
 *	signatures=N so many different ones (default 3)
 *	repeat       also those of --skip
 *	die=N hang=N at that input
 *	say=WORD exit=N   says so, exits before any input
 *	stay         SIGTERM does not end it
 *	spam         talks all the time
 *
 * ALLOCRIG_FAKE_PROGRAM and ALLOCRIG_FAKE_SIGNATURE: a file, and what it really shows, instead.
 * With a file for an argument it runs one input, as libFuzzer does.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/finding_folder.h"
#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_job.h"

#define PROGRAM	 "allocrig 1\nmalloc b[0] 24\nfree b[0]\n"
#define INPUT_NS 1000000
#define MAX_TEXT 65536

static struct {
	const char *allocator, *load, *inbox, *skip, *stats, *worst, *corpus;
	unsigned seconds, seed;
	uint64_t find, signatures, die, hang;
	bool repeat, stay, spam;
	struct job_stats *page;
} fake = {.allocator = "glibc", .load = "preload", .signatures = 3};

static const char *value_of(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return strncmp(arg, name, len) == 0 ? arg + len : NULL;
}

static void take_text(const char *arg, const char *name, const char **ret)
{
	const char *value = value_of(arg, name);

	if (value)
		*ret = value;
}

static void take_flag(const char *arg)
{
	const char *value;

	take_text(arg, "--allocator=", &fake.allocator);
	take_text(arg, "--load=", &fake.load);
	take_text(arg, "--inbox=", &fake.inbox);
	take_text(arg, "--skip=", &fake.skip);
	take_text(arg, "--stats=", &fake.stats);
	take_text(arg, "--worst=", &fake.worst);
	if ((value = value_of(arg, "-max_total_time=")))
		fake.seconds = (unsigned)strtoul(value, NULL, 10);
	if ((value = value_of(arg, "-seed=")))
		fake.seed = (unsigned)strtoul(value, NULL, 10);
	if (arg[0] != '-')
		fake.corpus = arg;
}

static void take_number(const char *word, const char *name, uint64_t *ret)
{
	const char *value = value_of(word, name);

	if (value)
		*ret = strtoull(value, NULL, 10);
}

static void take_words(void)
{
	const char *env = getenv("ALLOCRIG_FAKE");
	char *all = strdup(env ? env : ""), *words = all, *word;
	uint64_t code = 0;

	while ((word = strsep(&words, " "))) {
		take_number(word, "find=", &fake.find);
		take_number(word, "signatures=", &fake.signatures);
		take_number(word, "die=", &fake.die);
		take_number(word, "hang=", &fake.hang);
		take_number(word, "exit=", &code);
		if (value_of(word, "say="))
			fprintf(stderr, "%s\n", value_of(word, "say="));
		fake.repeat |= strcmp(word, "repeat") == 0;
		fake.stay |= strcmp(word, "stay") == 0;
		fake.spam |= strcmp(word, "spam") == 0;
	}
	free(all);
	if (code)
		_exit((int)code);
}

static size_t read_text(const char *path, char text[MAX_TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, MAX_TEXT - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool is_filed(const char *signature)
{
	static char filed[MAX_TEXT];
	const char *at = filed;
	size_t len = strlen(signature);

	read_text(fake.skip ? fake.skip : "", filed);
	while ((at = strstr(at, signature)) && at[len] != '\n')
		at += len;
	return at != NULL;
}

static void report(uint64_t number)
{
	static char text[MAX_TEXT];
	const char *path = getenv("ALLOCRIG_FAKE_PROGRAM");
	const char *signature = getenv("ALLOCRIG_FAKE_SIGNATURE");
	struct found f = {.load = strcmp(fake.load, "dlopen") == 0 ? LOAD_DLOPEN : LOAD_PRELOAD,
			  .kind = FINDING_OVERLAP,
			  .hang_ns = 1000000000,
			  .input = atomic_load(&fake.page->inputs),
			  .program = {PROGRAM, strlen(PROGRAM)}};
	char name[256];

	snprintf(f.signature, sizeof(f.signature), "overlap/malloc/fake%" PRIu64, number);
	if (path && signature) {
		f.program = (struct found_text){text, read_text(path, text)};
		snprintf(f.signature, sizeof(f.signature), "%s", signature);
	}
	snprintf(f.message, sizeof(f.message), "made up, number %" PRIu64, number);
	snprintf(f.allocator, sizeof(f.allocator), "%s", fake.allocator);
	atomic_fetch_add(&fake.page->findings, 1);
	if (!fake.inbox || (!fake.repeat && is_filed(f.signature)))
		return;
	snprintf(name, sizeof(name), "%d-%" PRIu64, (int)getpid(), f.input);
	int err = folder_create(fake.inbox, name, &f);

	if (err)
		fprintf(stderr, "inbox: %s\n", strerror(-err));
	else
		atomic_fetch_add(&fake.page->reported, 1);
}

/* The longer it runs the worse is what it finds. */
static void worsen(uint64_t n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s.fake", fake.worst);
	FILE *out = fopen(path, "we");

	if (!out)
		return;
	fprintf(out, PROGRAM "# %" PRIu64 "\n", n);
	if (fclose(out) == 0 && rename(path, fake.worst) == 0)
		atomic_store(&fake.page->worst_milli, n * 10);
}

static void say(const char *word)
{
	uint64_t n = atomic_load(&fake.page->inputs);

	fprintf(stderr,
		"#%" PRIu64 "\t%s  cov: 12 ft: %" PRIu64 " corp: 5/67b exec/s: 1 rss: 9Mb\n", n,
		word, 100 + n);
}

static void input(void)
{
	const struct timespec a_while = {.tv_nsec = INPUT_NS};
	uint64_t n = atomic_fetch_add(&fake.page->inputs, 1) + 1;

	nanosleep(&a_while, NULL);
	atomic_fetch_add(&fake.page->executed, 2);
	atomic_store(&fake.page->peak_maps, 40 + n);
	if (fake.find && n % fake.find == 0)
		report((n / fake.find + fake.seed) % fake.signatures);
	if (fake.worst && n % 50 == 0)
		worsen(n);
	if (n == fake.die)
		abort();
	for (; n == fake.hang;)
		pause();
	if (fake.spam || (n & (n - 1)) == 0)
		say("pulse");
}

static void open_page(void)
{
	int fd = open(fake.stats ? fake.stats : "", O_RDWR | O_CLOEXEC);
	void *page = mmap(NULL, sizeof(*fake.page), PROT_READ | PROT_WRITE,
			  fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		_exit(1);
	fake.page = page;
	atomic_store(&fake.page->pid, (uint32_t)getpid());
	atomic_store(&fake.page->abi, JOB_STATS_ABI);
}

static void add_to_corpus(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/fake-%u", fake.corpus, fake.seed);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static int run_one_file(void)
{
	atomic_store(&fake.page->peak_maps, 7);
	atomic_store(&fake.page->worst_milli, strlen(fake.allocator) * 1000);
	atomic_store(&fake.page->inputs, 1);
	return 0;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct stat st;

	for (int i = 1; i < argc; i++)
		take_flag(argv[i]);
	take_words();
	open_page();
	if (fake.corpus && stat(fake.corpus, &st) == 0 && S_ISREG(st.st_mode))
		return run_one_file();
	if (fake.stay)
		sigaction(SIGTERM, &ignore, NULL);
	if (fake.corpus)
		add_to_corpus();
	/* As libFuzzer: until one second more is over than it was told. */
	for (uint64_t end = fuzz_now_ns() + (fake.seconds + 1) * (uint64_t)FUZZ_NS_PER_S;
	     fuzz_now_ns() < end;)
		input();
	say("DONE");
	return 0;
}
