#include "harness/kernel/facts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "harness/kernel/child_test.h"

#define TEXT_BYTES 65536

/* The whole table, as text. */
static void read_maps(char *text)
{
	size_t used = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	while ((n = read(fd, text + used, TEXT_BYTES - 1 - used)) > 0)
		used += (size_t)n;
	CHECK_EQ(n, 0);
	text[used] = '\0';
	close(fd);
}

/* Everything that a program could ask, at once. */
static void ask_all(void)
{
	int64_t v;

	CHECK_EQ(fact_overcommit(&v), 0);
	CHECK_EQ(fact_thp(&v), 0);
	CHECK_EQ(fact_shmem_thp(&v), 0);
	CHECK_EQ(fact_meminfo("SwapTotal", &v), 0);
	CHECK_EQ(fact_memlock(&v), 0);
	CHECK_EQ(fact_shm(&v), 0);
	for (int advice = 0; advice < 110; advice++)
		fact_advice(advice, &v);
	CHECK_EQ(fact_dontunmap(&v), 0);
	CHECK_EQ(fact_fixed_noreplace(&v), 0);
}

CHILD_TEST(leave_the_address_space_as_it_was)
{
	static char before[TEXT_BYTES], after[TEXT_BYTES];

	ask_all(); /* whatever libc maps for itself the first time */
	read_maps(before);
	ask_all();
	read_maps(after);
	CHECK_EQ(strcmp(before, after), 0);
}

/* A mapping that was the scratch's neighbour still merges as if nothing had been there. */
CHILD_TEST(leave_no_trace_in_a_neighbour)
{
	static char before[TEXT_BYTES], after[TEXT_BYTES];
	const size_t len = 1 << 16;
	int prots[] = {PROT_NONE, PROT_READ | PROT_WRITE};

	for (int i = 0; i < 2; i++) {
		char *p = mmap(NULL, 3 * len, prots[i], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		CHECK(p != MAP_FAILED);
		CHECK_EQ(munmap(p + len, len), 0);
		read_maps(before);
		ask_all();
		read_maps(after);
		CHECK_EQ(strcmp(before, after), 0);
		void *mid = mmap(p + len, len, prots[i], MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				 -1, 0);
		CHECK(mid == p + len);
		read_maps(after);
		/* Two lines have become one: shorter by a line. */
		CHECK(strlen(after) < strlen(before));
		CHECK_EQ(munmap(p, 3 * len), 0);
	}
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

CHILD_TEST(leave_no_descriptor_behind)
{
	ask_all();
	int before = open_descriptors();

	ask_all();
	CHECK_EQ(open_descriptors(), before);
}

static int64_t asked(int (*fact)(int64_t *))
{
	int64_t v = -1;

	CHECK_EQ(fact(&v), 0);
	return v;
}

CHILD_TEST(settings_are_of_the_documented_values)
{
	int64_t overcommit = asked(fact_overcommit), thp = asked(fact_thp);

	CHECK(overcommit >= 0 && overcommit <= 2);
	CHECK(thp >= 0 && thp <= 2);
	CHECK(asked(fact_shmem_thp) >> 1 == 0);
}

CHILD_TEST(meminfo_gives_bytes_and_counts)
{
	int64_t total, size, huge = -7;

	CHECK_EQ(fact_meminfo("MemTotal", &total), 0);
	/* sysconf counts what the kernel manages: the same number. */
	CHECK_EQ(total, (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	int err = fact_meminfo("Hugepagesize", &size);
	if (!err) {
		CHECK_EQ(size & (size - 1), 0);
		CHECK_EQ(fact_meminfo("HugePages_Free", &huge), 0);
		CHECK(huge >= 0 && huge < 1 << 20);
	} else {
		CHECK_EQ(err, -ENOENT);
	}
}

CHILD_TEST(meminfo_wants_the_whole_name)
{
	int64_t v = 42;

	CHECK_EQ(fact_meminfo("MemTot", &v), -ENOENT);
	CHECK_EQ(fact_meminfo("emTotal", &v), -ENOENT);
	CHECK_EQ(fact_meminfo("", &v), -ENOENT);
	CHECK_EQ(v, 42);
}

/* Drops CAP_IPC_LOCK, for good; the limit is lowered to two pages. */
static void be_limited(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	struct rlimit r;

	CHECK_EQ(syscall(SYS_capget, &head, data), 0);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	CHECK_EQ(syscall(SYS_capset, &head, data), 0);
	CHECK_EQ(getrlimit(RLIMIT_MEMLOCK, &r), 0);
	r.rlim_cur = 2 * (rlim_t)sysconf(_SC_PAGESIZE);
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &r), 0);
}

/* Not libc's: the sanitizers make nothing of it. */
static int lock(void *p, size_t len)
{
	return (int)syscall(SYS_mlock, p, len);
}

/* What the fact says and what mlock does, of a process with and one without the capability. */
static void check_lock(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 3 * page;
	int64_t limit = asked(fact_memlock);
	void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(lock(p, len) == 0, limit >= (int64_t)len);
	CHECK_EQ(munmap(p, len), 0);
}

CHILD_TEST(memlock_is_what_mlock_allows)
{
	check_lock();
	be_limited();
	check_lock();
	CHECK_EQ(asked(fact_memlock), 2 * sysconf(_SC_PAGESIZE));
}

/* Root of a user namespace has the capability, and the limit all the same. */
CHILD_TEST(memlock_of_a_user_namespace_is_limited)
{
	struct rlimit r;

	if (syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) != 0)
		CHILD_SKIP("no user namespaces");
	CHECK_EQ(getrlimit(RLIMIT_MEMLOCK, &r), 0);
	r.rlim_cur = 2 * (rlim_t)sysconf(_SC_PAGESIZE);
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &r), 0);
	check_lock();
	CHECK_EQ(asked(fact_memlock), r.rlim_cur);
}

CHILD_TEST(advice_that_every_kernel_has)
{
	int64_t v = -1;

	CHECK_EQ(fact_advice(MADV_DONTNEED, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(fact_advice(MADV_DONTFORK, &v), 0);
	CHECK_EQ(v, 1);
}

CHILD_TEST(advice_that_no_kernel_has)
{
	int64_t v = -1;

	CHECK_EQ(fact_advice(7777, &v), 0);
	CHECK_EQ(v, 0);
	/* Known, but not for private anonymous memory. */
	CHECK_EQ(fact_advice(MADV_REMOVE, &v), 0);
	CHECK_EQ(v, 0);
}

CHILD_TEST(pages_of_the_machine_are_never_poisoned)
{
	int64_t v = 5;

	CHECK_EQ(fact_advice(MADV_HWPOISON, &v), -EPERM);
	CHECK_EQ(fact_advice(101 /* MADV_SOFT_OFFLINE */, &v), -EPERM);
	CHECK_EQ(v, 5);
}

/* An empty range is checked for its advice alone: a second, independent opinion. */
CHILD_TEST(advice_agrees_with_that_on_an_empty_range)
{
	static const int newer[] = {102, 22, 25, 18}; /* guard, populate, collapse, wipeonfork */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < 4; i++) {
		int64_t v = -1;

		CHECK_EQ(fact_advice(newer[i], &v), 0);
		CHECK_EQ(v, madvise(p, 0, newer[i]) == 0);
	}
}

CHILD_TEST(shm_agrees_with_what_is_there)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	CHECK_EQ(asked(fact_shm), fd >= 0);
}

CHILD_TEST(calls_that_this_kernel_has)
{
	int64_t dontunmap = asked(fact_dontunmap), noreplace = asked(fact_fixed_noreplace);

	CHECK(dontunmap == 0 || dontunmap == 1);
	CHECK(noreplace == 0 || noreplace == 1);
	/* Guards are younger than both. */
	int64_t guard;
	CHECK_EQ(fact_advice(102, &guard), 0);
	CHECK(!guard || (dontunmap && noreplace));
}

/* Without address space there is an error and no answer. */
CHILD_TEST(no_room_is_no_answer)
{
	struct rlimit r = {0, 0};
	int64_t v = 9;

	CHECK_EQ(setrlimit(RLIMIT_AS, &r), 0);
	CHECK_EQ(fact_advice(MADV_DONTNEED, &v), -ENOMEM);
	CHECK_EQ(fact_dontunmap(&v), -ENOMEM);
	CHECK_EQ(fact_fixed_noreplace(&v), -ENOMEM);
	CHECK_EQ(v, 9);
	CHECK_EQ(fact_overcommit(&v), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leave_the_address_space_as_it_was),
		cmocka_unit_test(leave_no_trace_in_a_neighbour),
		cmocka_unit_test(leave_no_descriptor_behind),
		cmocka_unit_test(settings_are_of_the_documented_values),
		cmocka_unit_test(meminfo_gives_bytes_and_counts),
		cmocka_unit_test(meminfo_wants_the_whole_name),
		cmocka_unit_test(memlock_is_what_mlock_allows),
		cmocka_unit_test(memlock_of_a_user_namespace_is_limited),
		cmocka_unit_test(advice_that_every_kernel_has),
		cmocka_unit_test(advice_that_no_kernel_has),
		cmocka_unit_test(pages_of_the_machine_are_never_poisoned),
		cmocka_unit_test(advice_agrees_with_that_on_an_empty_range),
		cmocka_unit_test(shm_agrees_with_what_is_there),
		cmocka_unit_test(calls_that_this_kernel_has),
		cmocka_unit_test(no_room_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
