#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocators/elf_file.h"
#include "allocators/package.h"
#include "allocators/provenance.h"
#include "allocators/registry.h"

/* A directory of its own for each test, and what was resolved there last. */
struct fixture {
	char dir[64];
	char path[PATH_MAX];
	char err[512];
	struct allocator_ref ref;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/provenance-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) && chmod(f->dir, 0755) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void make_file(struct fixture *f, const char *name, const void *data, size_t size)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* A copy of some shared object of this system, as a ground to damage. */
static unsigned char *read_whole(const char *path, size_t *ret_size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return data;
}

static const char *libc_path(void)
{
	static struct allocator_ref ref;
	char err[512];

	assert_int_equal(allocator_resolve("glibc", "/", &ref, err, sizeof(err)), 0);
	return ref.path;
}

static void assert_refused(struct fixture *f, const char *arg, int err, const char *said)
{
	memset(&f->ref, 0x5a, sizeof(f->ref));
	struct allocator_ref before = f->ref;

	assert_int_equal(allocator_resolve(arg, "/nowhere", &f->ref, f->err, sizeof(f->err)), err);
	if (!strstr(f->err, said))
		fail_msg("'%s' does not say '%s'", f->err, said);
	assert_null(strchr(f->err, '\n'));
	assert_memory_equal(&f->ref, &before, sizeof(before));
}

static void unknown_name_lists_the_known_ones(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "gilbc", -ENOENT, "unknown allocator 'gilbc'");
	for (size_t i = 0; i < plugin_count(); i++)
		assert_non_null(strstr(f->err, plugin_at(i)->name));
	assert_refused(f, "", -ENOENT, "unknown allocator ''");
}

static void path_must_exist(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "/no/such/file.so", -ENOENT, "/no/such/file.so: No such file");
	assert_refused(f, "./no\nsuch.so", -ENOENT, "./no?such.so");
	make_file(f, "x.so", "x", 1);
	char below[PATH_MAX + 8];

	snprintf(below, sizeof(below), "%s/y", f->path);
	assert_refused(f, below, -ENOTDIR, "Not a directory");
}

static void path_must_have_a_length(void **state)
{
	char *long_path = malloc(100000);

	memset(long_path, '/', 99999);
	long_path[99999] = '\0';
	assert_refused(*state, long_path, -ENAMETOOLONG, "too long");
	free(long_path);
}

static void file_must_be_readable(void **state)
{
	struct fixture *f = *state;
	bool root = geteuid() == 0;

	make_file(f, "locked.so", "x", 1);
	assert_int_equal(chmod(f->path, 0), 0);
	/* Nothing is unreadable to root. */
	assert_true(!root || seteuid(65534) == 0);
	assert_refused(f, f->path, -EACCES, "Permission denied");
	assert_true(!root || seteuid(0) == 0);
}

static void file_must_be_regular(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, f->dir, -EISDIR, "is a directory");
	assert_refused(f, "/dev/null", -EINVAL, "not a regular file");
	snprintf(f->path, sizeof(f->path), "%s/fifo.so", f->dir);
	assert_int_equal(mkfifo(f->path, 0644), 0);
	/* Opening it would wait for a writer. */
	assert_refused(f, f->path, -EINVAL, "not a regular file");
}

static void file_must_be_elf(void **state)
{
	struct fixture *f = *state;

	make_file(f, "empty.so", "", 0);
	assert_refused(f, f->path, -ENOEXEC, "is not an ELF file");
	unlink(f->path);
	make_file(f, "text.so", "#!/bin/sh\n", 10);
	assert_refused(f, f->path, -ENOEXEC, "is not an ELF file");
	unlink(f->path);
	make_file(f, "linker-script.so", "GROUP ( /lib/libc.so.6 )\n", 25);
	assert_refused(f, f->path, -ENOEXEC, "is not an ELF file");
	unlink(f->path);
	make_file(f, "archive.so", "!<arch>\n", 8);
	assert_refused(f, f->path, -ENOEXEC, "is not an ELF file");
}

static void elf_must_be_whole(void **state)
{
	struct fixture *f = *state;

	make_file(f, "magic.so", "\177ELF\2\1\1", 7);
	assert_refused(f, f->path, -ENOEXEC, "ELF file");
}

static void elf_must_be_of_this_machine(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)data;

	ehdr->e_machine = ehdr->e_machine == EM_S390 ? EM_AARCH64 : EM_S390;
	make_file(f, "foreign.so", data, size);
	free(data);
	assert_refused(f, f->path, -ENOEXEC, "built for another machine");
}

static void elf_of_32_bits_is_foreign(void **state)
{
	Elf32_Ehdr ehdr = {.e_ident = ELFMAG "\1\1\1",
			   .e_type = ET_DYN,
			   .e_machine = EM_386,
			   .e_version = EV_CURRENT,
			   .e_ehsize = sizeof(ehdr)};
	struct fixture *f = *state;

	make_file(f, "small.so", &ehdr, sizeof(ehdr));
	assert_refused(f, f->path, -ENOEXEC, "built for another machine");
}

static void executable_is_no_shared_object(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);

	/* This test is a position-independent executable: ET_DYN, like a library. */
	assert_refused(f, "/proc/self/exe", -ENOEXEC, "not a shared object");
	((Elf64_Ehdr *)data)->e_type = ET_REL;
	make_file(f, "object.so", data, size);
	free(data);
	assert_refused(f, f->path, -ENOEXEC, "not a shared object");
}

static void library_without_malloc_is_no_allocator(void **state)
{
	struct fixture *f = *state;
	char *slash, path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", libc_path());
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/libm.so.6");
	assert_refused(f, path, -ENOEXEC, "exports no malloc");
}

/* Every string with this end, spoilt: string tables share the ends of their strings. */
static void spoil_string(unsigned char *data, size_t size, const char *word)
{
	size_t len = strlen(word) + 1;

	for (size_t i = 0; i + len <= size; i++) {
		if (memcmp(data + i, word, len) == 0)
			data[i] = '_';
	}
}

static void malloc_without_free_is_no_allocator(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);

	spoil_string(data, size, "free");
	make_file(f, "half.so", data, size);
	free(data);
	assert_refused(f, f->path, -ENOEXEC, "no free");
}

/* Whatever the bytes, an answer and no crash. */
static void damaged_elf_is_survived(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);
	unsigned char *copy = malloc(size);
	uint32_t random = 1;
	struct elf_facts facts;

	for (int round = 0; round < 40; round++) {
		size_t keep = round % 2 ? size : size / 40 * (size_t)(round + 1);

		memcpy(copy, data, size);
		for (int i = 0; i < round * 4; i++) {
			random = random * 1664525 + 1013904223;
			/* Most of what is read lies in the first and the last pages. */
			size_t at = i % 2 ? random % 4096 : size - 1 - random % 8192;

			copy[at] = (unsigned char)(random >> 13);
		}
		make_file(f, "damaged.so", copy, keep);
		assert_int_equal(elf_file_inspect(f->path, &facts), 0);
		assert_in_range(facts.verdict, ELF_USABLE, ELF_DAMAGED);
	}
	free(copy);
	free(data);
}

static void whole_file_by_path_is_known(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);
	struct allocator_ref libc;

	make_file(f, "libmine.so.3.1", data, size);
	free(data);
	assert_int_equal(allocator_resolve("glibc", "/", &libc, f->err, sizeof(f->err)), 0);
	assert_int_equal(allocator_resolve(f->path, "/", &f->ref, f->err, sizeof(f->err)), 0);
	assert_true(f->ref.available);
	assert_null(f->ref.plugin);
	assert_string_equal(f->ref.name, "libmine");
	assert_string_equal(f->ref.given, f->path);
	assert_string_equal(f->ref.path, f->path);
	assert_string_equal(f->ref.sha256, libc.sha256);
	assert_string_equal(f->ref.build_id, libc.build_id);
	/* No package owns the copy, whatever it is a copy of. */
	assert_string_equal(f->ref.package, "");
	assert_string_equal(f->ref.version, "");
}

static void file_of_the_working_directory_needs_no_slash(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);
	char before[PATH_MAX];

	make_file(f, "mine", data, size);
	free(data);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(f->dir), 0);
	int ret = allocator_resolve("mine", "/", &f->ref, f->err, sizeof(f->err));

	assert_int_equal(chdir(before), 0);
	assert_int_equal(ret, 0);
	assert_string_equal(f->ref.name, "mine");
	assert_string_equal(f->ref.path, f->path);
}

static void symbolic_links_are_followed(void **state)
{
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s/link.so", f->dir);
	assert_int_equal(symlink(libc_path(), f->path), 0);
	assert_int_equal(allocator_resolve(f->path, "/", &f->ref, f->err, sizeof(f->err)), 0);
	assert_string_equal(f->ref.path, libc_path());
	assert_string_equal(f->ref.name, "link");
	unlink(f->path);
	assert_int_equal(symlink("link.so", f->path), 0);
	assert_refused(f, f->path, -ELOOP, "Too many levels");
}

static void dollar_in_a_path_is_refused(void **state)
{
	struct fixture *f = *state;
	size_t size;
	unsigned char *data = read_whole(libc_path(), &size);

	make_file(f, "$LIB.so", data, size);
	free(data);
	assert_refused(f, f->path, -EINVAL, "expands '$'");
}

static void preload_cannot_carry_spaces_and_colons(void **state)
{
	struct fixture *f = *state;

	snprintf(f->ref.path, sizeof(f->ref.path), "/usr/lib/libx.so");
	assert_int_equal(allocator_check_preload(&f->ref, f->err, sizeof(f->err)), 0);
	snprintf(f->ref.path, sizeof(f->ref.path), "/home/my allocators/libx.so");
	assert_int_equal(allocator_check_preload(&f->ref, f->err, sizeof(f->err)), -EINVAL);
	assert_non_null(strstr(f->err, "--load=dlopen"));
	snprintf(f->ref.path, sizeof(f->ref.path), "/a:b/libx.so");
	assert_int_equal(allocator_check_preload(&f->ref, f->err, sizeof(f->err)), -EINVAL);
	f->ref.path[0] = '\0';
	assert_int_equal(allocator_check_preload(&f->ref, f->err, sizeof(f->err)), 0);
}

static void built_ins_resolve_with_a_reason_or_a_file(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < plugin_count(); i++) {
		const struct plugin *p = plugin_at(i);

		assert_int_equal(
			allocator_resolve(p->name, "/nowhere", &f->ref, f->err, sizeof(f->err)), 0);
		assert_string_equal(f->ref.name, p->name);
		assert_ptr_equal(f->ref.plugin, p);
		assert_int_equal(f->ref.available, f->ref.reason[0] == '\0');
		if (p->files)
			assert_int_equal(f->ref.available, strlen(f->ref.sha256) == 64);
		else
			assert_string_equal(f->ref.path, "");
	}
	assert_int_equal(allocator_resolve("guard", "/nowhere", &f->ref, f->err, sizeof(f->err)),
			 0);
	assert_false(f->ref.available);
	assert_non_null(strstr(f->ref.reason, "/nowhere/allocators/libguard.so"));
}

static void glibc_is_of_its_package(void **state)
{
	struct fixture *f = *state;

	if (access("/usr/bin/dpkg-query", X_OK) != 0)
		skip();
	assert_int_equal(allocator_resolve("glibc", "/", &f->ref, f->err, sizeof(f->err)), 0);
	assert_string_equal(f->ref.version, gnu_get_libc_version());
	assert_memory_equal(f->ref.package, "libc6 2.", 8);
	/* The same file by path, and so without knowing the package. */
	assert_int_equal(allocator_resolve(libc_path(), "/", &f->ref, f->err, sizeof(f->err)), 0);
	assert_memory_equal(f->ref.package, "libc6 2.", 8);
	assert_string_equal(f->ref.name, "libc");
}

static void wrong_hint_is_no_answer(void **state)
{
	struct package p;

	(void)state;
	if (access("/usr/bin/dpkg-query", X_OK) != 0)
		skip();
	package_of(libc_path(), "dpkg", &p);
	assert_string_equal(p.name, "libc6");
	package_of(libc_path(), "no-such-package", &p);
	assert_string_equal(p.name, "libc6");
	package_of("/usr/lib/*", "libc6", &p);
	assert_string_equal(p.name, "");
	package_of("/tmp/nobody", "libc6", &p);
	assert_string_equal(p.name, "");
}

static void upstream_versions(void **state)
{
	static const struct package cases[] = {
		{"5.3.0", "5.3.0-1"},
		{"19.1.7", "1:19.1.7-3~deb12u1"},
		{"2.0.9", "2.0.9+ds-2"},
		{"2.36", "2.36-9+deb12u14"},
		{"1.0-rc1", "1.0-rc1-2"},
		{"7", "7"},
		{"", ""},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		package_upstream_version(&cases[i], buf, sizeof(buf));
		assert_string_equal(buf, cases[i].name);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_name_lists_the_known_ones),
		TEST(path_must_exist),
		TEST(path_must_have_a_length),
		TEST(file_must_be_readable),
		TEST(file_must_be_regular),
		TEST(file_must_be_elf),
		TEST(elf_must_be_whole),
		TEST(elf_must_be_of_this_machine),
		TEST(elf_of_32_bits_is_foreign),
		TEST(executable_is_no_shared_object),
		TEST(library_without_malloc_is_no_allocator),
		TEST(malloc_without_free_is_no_allocator),
		TEST(damaged_elf_is_survived),
		TEST(whole_file_by_path_is_known),
		TEST(file_of_the_working_directory_needs_no_slash),
		TEST(symbolic_links_are_followed),
		TEST(dollar_in_a_path_is_refused),
		TEST(preload_cannot_carry_spaces_and_colons),
		TEST(built_ins_resolve_with_a_reason_or_a_file),
		TEST(glibc_is_of_its_package),
		TEST(wrong_hint_is_no_answer),
		TEST(upstream_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
