#include "harness/kernel/maps.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/kernel/child_test.h"

#define FOUND_MAX 64

struct seen {
	struct vma v[FOUND_MAX];
	int n, begun;
	int stop_at, stop_with;
};

static void seen_begin(void *ctx)
{
	struct seen *s = ctx;

	s->n = 0;
	s->begun++;
}

static int seen_vma(void *ctx, const struct vma *found)
{
	struct seen *s = ctx;

	if (s->n < FOUND_MAX)
		s->v[s->n] = *found;
	return ++s->n == s->stop_at ? s->stop_with : 0;
}

/* Walks `text` as if it were /proc/self/maps, through a buffer of `size` bytes. */
static int walk_text(const char *text, size_t size, struct seen *s)
{
	char buf[8192];
	int fd = memfd_create("maps", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	int ret = maps_walk(&(struct maps_reader){fd, buf, size},
			    &(struct maps_visitor){seen_begin, seen_vma, s});

	close(fd);
	return ret;
}

static const char sample[] =
	"00400000-00401000 r--p 00000000 fe:00 10952840                           /tmp/a b "
	"[stack]\n"
	"00401000-00402000 r--p 00000000 fe:00 1                                  /tmp/[vdso]\n"
	"2cb03000-2cb24000 rw-p 00000000 00:00 0                                  [heap]\n"
	"7fbd09770000-7fbd09771000 ---p 00000000 00:00 0 \n"
	"7fbd09771000-7fbd09772000 rw-p 00000000 00:00 0                          [anon:scudo:x]\n"
	"7fbd09772000-7fbd09773000 rw-s 00000000 00:00 0                          "
	"[anon_shmem:y]\n"
	"7fbd09773000-7fbd09774000 rw-s 00000000 00:01 7                          "
	"anon_inode:[perf_event]\n"
	"7fbd09b0b000-7fbd09b0f000 r--p 00000000 00:00 0                          [vvar]\n"
	"7fbd09b11000-7fbd09b13000 r-xp 00000000 00:00 0                          [vdso]\n"
	"7ffc3775c000-7ffc3777d000 rw-p 00000000 00:00 0                          [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static void tells_kinds_by_name(void **state)
{
	static const enum vma_kind kinds[] = {
		VMA_ORDINARY, VMA_ORDINARY, VMA_ORDINARY, VMA_ORDINARY, VMA_ORDINARY,
		VMA_ORDINARY, VMA_ORDINARY, VMA_KERNEL,	  VMA_KERNEL,	VMA_STACK,
	};
	struct seen s = {0};

	(void)state;
	assert_int_equal(walk_text(sample, 8192, &s), 0);
	assert_int_equal(s.n, 10); /* no [vsyscall] */
	for (int i = 0; i < s.n; i++)
		assert_int_equal(s.v[i].kind, kinds[i]);
	assert_int_equal(s.v[0].start, 0x400000);
	assert_int_equal(s.v[9].end, 0x7ffc3777d000);
}

static void tells_protection_and_sharing(void **state)
{
	static const uint32_t flags[] = {
		VMA_FLAG_READ,
		VMA_FLAG_READ,
		VMA_FLAG_READ | VMA_FLAG_WRITE,
		0,
		VMA_FLAG_READ | VMA_FLAG_WRITE,
		VMA_FLAG_READ | VMA_FLAG_WRITE | VMA_FLAG_SHARED,
		VMA_FLAG_READ | VMA_FLAG_WRITE | VMA_FLAG_SHARED,
		VMA_FLAG_READ,
		VMA_FLAG_READ | VMA_FLAG_EXEC,
		VMA_FLAG_READ | VMA_FLAG_WRITE,
	};
	struct seen s = {0};

	(void)state;
	assert_int_equal(walk_text(sample, 8192, &s), 0);
	for (int i = 0; i < s.n; i++)
		assert_int_equal(s.v[i].flags, flags[i]);
}

static void any_piece_size_gives_the_same(void **state)
{
	struct seen whole = {0};

	(void)state;
	assert_int_equal(walk_text(sample, 8192, &whole), 0);
	for (size_t size = 128; size < 1200; size++) {
		struct seen s = {0};

		assert_int_equal(walk_text(sample, size, &s), 0);
		assert_int_equal(s.begun, 1);
		assert_int_equal(s.n, whole.n);
		assert_memory_equal(s.v, whole.v, sizeof(s.v));
	}
}

static void contradiction_starts_over(void **state)
{
	struct seen s = {0};

	(void)state;
	assert_int_equal(walk_text("1000-3000 rw-p 00000000 00:00 0 \n"
				   "2000-4000 rw-p 00000000 00:00 0 \n",
				   4096, &s),
			 -EAGAIN);
	assert_true(s.begun > 1);
}

static void refuses_what_is_no_maps(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"1000\n",
		"1000-2000\n",
		"2000-1000 rw-p 0 0:0 0 \n",
		"1000-1000 rw-p 0 0:0 0 \n",
		"-1000 rw-p 0 0:0 0 \n",
		"1000- rw-p 0 0:0 0 \n",
		"11111111111111111-2 rw-p 0 0:0 0 \n",
		"1000-2000 rw-p 0 0:0 0 ", /* cut off */
		"\n",
	};
	struct seen s = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(walk_text(bad[i], 4096, &s), -EBADMSG);
	assert_int_equal(walk_text("", 4096, &s), -ESRCH);
	assert_int_equal(walk_text(sample, 64, &s), -EBADMSG); /* a line that does not fit */
	assert_int_equal(walk_text("1000-2000 rw-p 00000000 00:00 0 ]\n", 4096, &s), 0);
	assert_int_equal(walk_text("1000-2000 ]\n", 4096, &s), 0);
}

static void visitor_ends_the_walk(void **state)
{
	struct seen s = {.stop_at = 3, .stop_with = 42};

	(void)state;
	assert_int_equal(walk_text(sample, 4096, &s), 42);
	assert_int_equal(s.n, 3);
}

static void bad_descriptor(void **state)
{
	char buf[4096];
	struct seen s = {0};

	(void)state;
	assert_int_equal(maps_walk(&(struct maps_reader){-1, buf, sizeof(buf)},
				   &(struct maps_visitor){seen_begin, seen_vma, &s}),
			 -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_kinds_by_name),
		cmocka_unit_test(tells_protection_and_sharing),
		cmocka_unit_test(any_piece_size_gives_the_same),
		cmocka_unit_test(contradiction_starts_over),
		cmocka_unit_test(refuses_what_is_no_maps),
		cmocka_unit_test(visitor_ends_the_walk),
		cmocka_unit_test(bad_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
