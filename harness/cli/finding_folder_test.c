#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_testing.h"

static void path_in(const struct scratch *s, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", s->path, name);
}

/* Entries but . and .. */
static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void assert_same(const struct found *a, const struct found *b)
{
	assert_string_equal(a->signature, b->signature);
	assert_string_equal(a->message, b->message);
	assert_string_equal(a->allocator, b->allocator);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->known, b->known);
	assert_int_equal(a->load, b->load);
	assert_int_equal(a->hang_ns, b->hang_ns);
	assert_int_equal(a->input, b->input);
	assert_int_equal((int64_t)(a->seconds * 1000), (int64_t)(b->seconds * 1000));
	assert_int_equal(a->program.len, b->program.len);
	assert_memory_equal(a->program.text, b->program.text, a->program.len);
	assert_int_equal(a->nhistory, b->nhistory);
	for (uint32_t i = 0; i < a->nhistory; i++)
		assert_string_equal(a->history[i].text, b->history[i].text);
}

static void assert_comes_back(const struct scratch *s, const struct found *f, const char *name)
{
	char path[PATH_MAX];
	enum folder_state state = FOLDER_LEFT;
	struct found again;

	path_in(s, name, path);
	assert_int_equal(folder_create(s->path, name, f), 0);
	assert_int_equal(folder_read(path, &again, &state), 0);
	assert_int_equal(state, FOLDER_FOUND);
	assert_same(&again, f);
	found_release(&again);
}

static void comes_back_as_it_was(void **state)
{
	const struct scratch *s = *state;
	struct found plain = scratch_found(0), with_past = scratch_found(4);

	with_past.known = true;
	with_past.load = LOAD_PRELOAD;
	assert_comes_back(s, &plain, "plain");
	assert_comes_back(s, &with_past, "past");
	assert_int_equal(count_entries(s->path), 2);
}

static void has_all_that_is_known_so_far(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(2);
	char path[PATH_MAX];

	path_in(s, "x", path);
	assert_int_equal(folder_create(s->path, "x", &f), 0);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const file[] = {"found.prog", "program.prog", "history/000.prog",
						   "history/001.prog"};
		const char *want[] = {f.program.text, f.program.text, f.history[0].text,
				      f.history[1].text};
		char *text = scratch_get(path, file[i]);

		assert_string_equal(text, want[i]);
		free(text);
	}
	char *readme = scratch_get(path, "README.md");

	assert_non_null(strstr(readme, f.signature));
	assert_non_null(strstr(readme, "Nothing is confirmed or shrunk yet"));
	free(readme);
	/* found.json found.prog program.prog README.md history, and nothing half made */
	assert_int_equal(count_entries(path), 5);
}

static void bytes_that_are_no_text_come_back(void **state)
{
	struct found f = scratch_found(0);

	snprintf(f.signature, sizeof(f.signature), "crash/free/signal/\xff<\"\\x\"");
	snprintf(f.allocator, sizeof(f.allocator), "/tmp/\xe9\n.so");
	snprintf(f.message, sizeof(f.message), "it printed: \x80");
	assert_comes_back(*state, &f, "x");
}

static void refuses_a_name_that_is_taken(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(1), other = scratch_found(0), again;
	enum folder_state in;
	char path[PATH_MAX];

	assert_int_equal(folder_create(s->path, "x", &f), 0);
	assert_int_equal(folder_create(s->path, "x", &other), -EEXIST);
	path_in(s, "x", path);
	assert_int_equal(folder_read(path, &again, &in), 0);
	assert_same(&again, &f);
	found_release(&again);
	/* Also by what is no folder of ours. */
	path_in(s, "empty", path);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(folder_create(s->path, "empty", &f), -EEXIST);
	scratch_put(s->path, "file", "");
	assert_int_equal(folder_create(s->path, "file", &f), -EEXIST);
	assert_int_equal(count_entries(s->path), 3);
}

static void refuses_what_makes_no_folder(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(0);
	char path[PATH_MAX];

	path_in(s, "not-there", path);
	assert_int_equal(folder_create(path, "x", &f), -ENOENT);
	assert_int_equal(folder_create(s->path, "", &f), -EINVAL);
	assert_int_equal(folder_create(s->path, "..", &f), -EINVAL);
	assert_int_equal(folder_create(s->path, "a/b", &f), -EINVAL);
	f.signature[0] = '\0';
	assert_int_equal(folder_create(s->path, "x", &f), -EINVAL);
	assert_int_equal(count_entries(s->path), 0);
}

/* What somebody has done to a file of the folder. */
static const struct damage {
	const char *file, *text; /* NULL: it is gone */
} damages[] = {
	{"found.json", NULL},
	{"found.json", ""},
	{"found.json", "{"},
	{"found.json", "[]"},
	{"found.json", "{\"schema\":\"allocrig.found/1\"}"},
	{"found.prog", NULL},
	{"found.prog", ""},
	{"found.prog", "allocrig 1\nmalloc b[0"},
	{"history/001.prog", NULL},
	{"history/001.prog", "allocrig 1\nnothing"},
};

static void knows_a_damaged_folder(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(2), ret = {.input = 7};
	enum folder_state in = FOLDER_SHRUNK;
	char path[PATH_MAX], name[32];

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		path_in(s, name, path);
		assert_int_equal(folder_create(s->path, name, &f), 0);
		scratch_put(path, damages[i].file, damages[i].text);
		int err = folder_read(path, &ret, &in);

		if (err != -EINVAL)
			fail_msg("%s as '%s': %d", damages[i].file, damages[i].text, err);
	}
	assert_int_equal(ret.input, 7);
	assert_int_equal(in, FOLDER_SHRUNK);
	path_in(s, "not-there", path);
	assert_int_equal(folder_read(path, &ret, &in), -EINVAL);
	assert_int_equal(folder_read(s->path, &ret, &in), -EINVAL);
}

/* Each field of found.json with something else in it. */
static void knows_a_damaged_field(void **state)
{
	const struct scratch *s = *state;
	static const char *const edits[][2] = {
		{"allocrig.found/1", "allocrig.found/9"}, {"\"dlopen\"", "\"upload\""},
		{"\"overlap\"", "\"overlay\""},		  {"\"found\"", "\"lost\""},
		{"history/000.prog", "../../x00.prog"},	  {"\"history\"", "\"histories\""},
		{"\"allocator\"", "\"allocators\""},	  {"\"signature\"", "\"signatur_\""},
	};
	struct found f = scratch_found(1), ret;
	enum folder_state in;
	char path[PATH_MAX];

	path_in(s, "x", path);
	assert_int_equal(folder_create(s->path, "x", &f), 0);
	char *good = scratch_get(path, "found.json");

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *at = strstr(good, edits[i][0]);
		char *bad = NULL;

		assert_non_null(at);
		assert_true(asprintf(&bad, "%.*s%s%s", (int)(at - good), good, edits[i][1],
				     at + strlen(edits[i][0])) > 0);
		scratch_put(path, "found.json", bad);
		free(bad);
		int err = folder_read(path, &ret, &in);

		if (err != -EINVAL)
			fail_msg("with %s: %d", edits[i][1], err);
	}
	scratch_put(path, "found.json", good);
	free(good);
	assert_int_equal(folder_read(path, &ret, &in), 0);
	found_release(&ret);
}

/* A program larger than a file may become: none of it is left. */
static void leaves_nothing_on_a_full_disk(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(0);
	char *big = calloc(1, 1 << 20);
	struct rlimit was, less;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;

	memset(big, '\n', 1 << 20);
	f.program = (struct found_text){.text = big, .len = 1 << 20};
	sigaction(SIGXFSZ, &ignore, &old);
	getrlimit(RLIMIT_FSIZE, &was);
	less = (struct rlimit){.rlim_cur = 1 << 16, .rlim_max = was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &less);
	int err = folder_create(s->path, "x", &f);

	setrlimit(RLIMIT_FSIZE, &was);
	sigaction(SIGXFSZ, &old, NULL);
	free(big);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(count_entries(s->path), 0);
}

/* A file system that is full at every place in turn, until it is large enough. */
static void survives_a_disk_that_fills_up(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(2);
	unsigned failed = 0;
	int err = -ENOSPC;

	/* What is mounted here nobody else sees, and it goes with us. */
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip();
	for (unsigned inodes = 2; err && inodes < 20; inodes++) {
		char options[64];

		snprintf(options, sizeof(options), "size=1m,nr_inodes=%u", inodes);
		if (mount("tmpfs", s->path, "tmpfs", 0, options) != 0)
			skip();
		err = folder_create(s->path, "x", &f);
		unsigned left = count_entries(s->path);

		umount2(s->path, MNT_DETACH);
		assert_int_equal(left, err ? 0 : 1);
		assert_true(err == 0 || err == -ENOSPC);
		failed += err != 0;
	}
	assert_int_equal(err, 0);
	assert_true(failed > 3);
}

static void make_folders_and_tell(const char *parent, int fd)
{
	struct found f = scratch_found(3);
	char name[32];

	for (unsigned i = 0;; i++) {
		snprintf(name, sizeof(name), "%d-%u", (int)getpid(), i);
		if (folder_create(parent, name, &f) != 0 || write(fd, "x", 1) != 1)
			_exit(1);
	}
}

/* Kills a maker of folders behind its `n`th, in the middle of whatever it does then. */
static unsigned make_and_kill(const char *parent, unsigned n)
{
	int ends[2], status;
	unsigned told = 0;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(ends[0]);
		make_folders_and_tell(parent, ends[1]);
	}
	close(ends[1]);
	while (told < n && read(ends[0], &byte, 1) == 1)
		told++;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(ends[0], &byte, 1) == 1)
		told++;
	close(ends[0]);
	return told;
}

static void is_whole_when_its_maker_is_killed(void **state)
{
	const struct scratch *s = *state;
	unsigned told = 0, whole = 0;
	struct found want = scratch_found(3);

	for (unsigned round = 0; round < 20; round++)
		told += make_and_kill(s->path, round % 5);
	DIR *dir = opendir(s->path);

	for (const struct dirent *e; (e = readdir(dir));) {
		char path[PATH_MAX];
		struct found f;
		enum folder_state in;

		if (e->d_name[0] == '.')
			continue;
		path_in(s, e->d_name, path);
		assert_int_equal(folder_read(path, &f, &in), 0);
		assert_same(&f, &want);
		found_release(&f);
		whole++;
	}
	closedir(dir);
	/* The last of each may have had its name before it was told of. */
	assert_in_range(whole, told, told + 20);
}

static void sweeps_what_nobody_makes_any_more(void **state)
{
	const struct scratch *s = *state;
	struct found f = scratch_found(0);
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char path[PATH_MAX], name[MAKING_NAME];
	int parent = open(s->path, O_RDONLY | O_DIRECTORY), dir;

	/* One that is still being made, one of yore, one that is young. */
	assert_int_equal(making_begin(parent, name, &dir), 0);
	assert_int_equal(file_put(dir, "found.prog", "x", 1), 0);
	path_in(s, name, path);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	path_in(s, ".making-old", path);
	assert_int_equal(mkdir(path, 0777), 0);
	scratch_put(path, "found.prog", "x");
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	path_in(s, ".making-young", path);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(folder_create(s->path, "x", &f), 0);
	assert_int_equal(count_entries(s->path), 3);
	assert_int_equal(making_end(parent, name, dir, "y"), 0);
	assert_int_equal(count_entries(s->path), 3);
	close(parent);
}

static void assert_name(const char *signature, const char *begin)
{
	char name[NAME_MAX + 1];

	folder_name(signature, name, sizeof(name));
	if (strncmp(name, begin, strlen(begin)) != 0 || strlen(name) != strlen(begin) + 6)
		fail_msg("%s is %s, not %s and six digits", signature, name, begin);
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
}

static void names_say_what_it_is(void **state)
{
	char a[NAME_MAX + 1], b[NAME_MAX + 1], tiny[12], longest[256];

	(void)state;
	assert_name("lost-mapping/free/munmap", "lost-mapping-free-munmap-");
	assert_name("crash/free/signal/mi_free<.text\xff/", "crash-free-signal-mi-free-text-");
	assert_name("//", "");
	folder_name("crash/a<b", a, sizeof(a));
	folder_name("crash/a/b", b, sizeof(b));
	assert_string_not_equal(a, b);
	folder_name("crash/a<b", b, sizeof(b));
	assert_string_equal(a, b);
	folder_name("crash/a<b", tiny, sizeof(tiny));
	assert_int_equal(strlen(tiny), 11);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[255] = '\0';
	folder_name(longest, a, sizeof(a));
	assert_true(strlen(a) < 100);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(comes_back_as_it_was),
		IN_SCRATCH(has_all_that_is_known_so_far),
		IN_SCRATCH(bytes_that_are_no_text_come_back),
		IN_SCRATCH(refuses_a_name_that_is_taken),
		IN_SCRATCH(refuses_what_makes_no_folder),
		IN_SCRATCH(knows_a_damaged_folder),
		IN_SCRATCH(knows_a_damaged_field),
		IN_SCRATCH(leaves_nothing_on_a_full_disk),
		IN_SCRATCH(survives_a_disk_that_fills_up),
		IN_SCRATCH(is_whole_when_its_maker_is_killed),
		IN_SCRATCH(sweeps_what_nobody_makes_any_more),
		cmocka_unit_test(names_say_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
