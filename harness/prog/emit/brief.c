#include "harness/prog/emit/brief.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define CAUSELESS_MAX ((size_t)1 << 30)

volatile unsigned at_line;
static const char *volatile call = "start";
static volatile unsigned slot;
static volatile unsigned long calls;
static bool is_undecided;

/* Without stdio, which allocates. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char text[256] = "";
	size_t n = (size_t)snprintf(text, sizeof(text), "line %u: %s b[%u]: ", at_line, call, slot);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - 1 - n, format, args);
	va_end(args);
	text[strlen(text)] = '\n';
	if (write(STDERR_FILENO, text, strnlen(text, sizeof(text))) < 0)
		_exit(2);
}

#define WRONG(...) (say(__VA_ARGS__), _exit(1))

static void on_signal(int signal)
{
	static unsigned long seen;

	if (signal != SIGALRM)
		WRONG("the process crashed: %s", sigdescr_np(signal));
	if (seen == calls)
		WRONG("it does not return");
	seen = calls;
}

static void on_exit_of_others(void)
{
	if (call)
		WRONG("the process exited");
}

void begin_held(unsigned seconds)
{
	static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP};
	static char stack[64 << 10];
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
	struct itimerval ticks = {{seconds, 0}, {seconds, 0}};

	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &act, NULL);
	setitimer(ITIMER_REAL, &ticks, NULL);
	atexit(on_exit_of_others);
}

int end_held(void)
{
	call = NULL;
	return is_undecided ? 77 : 0;
}

static void begin_call(const char *name, unsigned i, int err)
{
	call = name;
	slot = i;
	calls++;
	errno = err;
}

void leave_out_faults(void)
{
	call = "at the end";
	say("the fault plan of the program was left out");
	is_undecided = true;
}

static unsigned long maps_now(void)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	unsigned long n = 0;
	ssize_t len;

	while ((len = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < len; i++)
			n += text[i] == '\n';
	close(fd);
	return n;
}

static unsigned long pages_now(unsigned long *ret_resident)
{
	char text[128] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long mapped = 0;

	if (read(fd, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%lu %lu", &mapped, ret_resident) != 2)
		_exit(2);
	close(fd);
	return mapped;
}

/* What an allocator keeps for later it has by the end of the first quarter. */
void judge_growth(unsigned round)
{
	static const char *const what[] = {"maps", "mapped pages", "resident pages"};
	static unsigned long seen[3][4];
	unsigned quarter = round * 4 / GROWTH_ROUNDS;

	if ((round + 1) * 4 % GROWTH_ROUNDS)
		return;
	seen[0][quarter] = maps_now();
	seen[1][quarter] = pages_now(&seen[2][quarter]);
	for (unsigned i = 0; quarter == 3 && i < 3; i++) {
		unsigned long *n = seen[i];

		if (n[0] < n[1] && n[1] < n[2] && n[2] < n[3])
			WRONG("%lu, %lu, %lu, %lu %s behind each quarter of %u rounds", n[0], n[1],
			      n[2], n[3], what[i], GROWTH_ROUNDS);
	}
}

/* The allocator's own; NULL: it has none, and then the call is not made. */
static void *find(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name), *first = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info of_p, of_first;
	bool is_own = p && dladdr(p, &of_p) && dladdr(first, &of_first) &&
		      of_p.dli_fbase == of_first.dli_fbase;

	return is_own ? p : NULL;
}

static size_t usable(void *p, size_t otherwise)
{
	static size_t (*f)(void *);
	static bool was_asked;

	if (!was_asked)
		f = (size_t(*)(void *))find("malloc_usable_size");
	was_asked = true;
	return f ? f(p) : otherwise;
}

/* Which bytes are written: up to 64 KiB all, beyond that the ends and the first of each page. */
static size_t next_byte(size_t at, size_t n)
{
	if (n <= 65536 || at < 4096 || at >= n - 4096 || at % 4096 < 8)
		return at + 1;
	at = (at / 4096 + 1) * 4096;
	return at < n - 4096 ? at : n - 4096;
}

static unsigned char byte_of(unsigned id, size_t at)
{
	return (unsigned char)(((at + id) * 0x9e3779b97f4a7c15u) >> 56 | 1);
}

void write_held(unsigned i)
{
	static unsigned last_id;
	struct held *h = &held[i];

	if (!h->p)
		return;
	begin_call("touch", i, 0);
	h->id = ++last_id;
	h->kept = h->written = h->usable;
	for (size_t at = 0; at < h->written; at = next_byte(at, h->written))
		h->p[at] = byte_of(h->id, at);
}

void look_at_held(unsigned i)
{
	const struct held *h = &held[i];

	slot = i;
	for (size_t at = 0; h->p && at < h->kept; at = next_byte(at, h->written))
		if (h->p[at] != byte_of(h->id, at))
			WRONG("byte %zu is not what was written there", at);
}

void look_at_all_held(void)
{
	call = "at the end";
	for (slot = 0; slot < held_count; slot++)
		look_at_held(slot);
}

/* Where a block that came for b[i] lies. */
static void judge_place(unsigned i)
{
	struct held *h = &held[i];

	for (unsigned j = 0; j < held_count; j++)
		if (j != i && held[j].p && h->p < held[j].p + held[j].usable + !held[j].usable &&
		    held[j].p < h->p + h->usable + !h->usable)
			WRONG("%zu bytes at %p overlap b[%u] at %p", h->usable, (void *)h->p, j,
			      (void *)held[j].p);
}

static void took(unsigned i, void *p, size_t size, size_t align)
{
	struct held *h = &held[i];

	if (size > PTRDIFF_MAX)
		WRONG("%p for more bytes than an address space holds", p);
	if (!align)
		for (align = _Alignof(max_align_t); align > 1 && size < align;)
			align /= 2;
	if ((uintptr_t)p % align)
		WRONG("%p is not aligned to %zu", p, align);
	h->p = p;
	h->size = size;
	h->usable = usable(p, size);
	if (h->usable < size)
		WRONG("%zu usable bytes, fewer than the %zu requested", h->usable, size);
	judge_place(i);
}

/* A call failed: whether it says why, and whether there was a reason. */
static void judge_null(int err, size_t size, size_t align)
{
	size_t len = size + align + 9 * 4096;
	void *room;

	if (err != ENOMEM)
		WRONG("NULL with errno '%s', not ENOMEM", strerrordesc_np(err));
	if (!size || size > CAUSELESS_MAX || align > CAUSELESS_MAX)
		return;
	room = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room != MAP_FAILED)
		WRONG("NULL for %zu bytes, and the kernel has room", size);
	say("NULL, and it cannot be told why");
	is_undecided = true;
}

static void came(unsigned i, void *p, size_t size, size_t align)
{
	held[i].kept = 0;
	if (p)
		took(i, p, size, align);
	else if (size)
		judge_null(errno, size, align);
}

void take_malloc(unsigned i, size_t size)
{
	static void *(*volatile f)(size_t) = malloc;

	if (held[i].p)
		return;
	begin_call("malloc", i, 0);
	came(i, f(size), size, 0);
}

static size_t product(size_t n, size_t size)
{
	return size && n > SIZE_MAX / size ? SIZE_MAX : n * size;
}

void take_calloc(unsigned i, size_t n, size_t size)
{
	void *(*f)(size_t, size_t) = (void *(*)(size_t, size_t))find("calloc");
	struct held *h = &held[i];

	if (h->p || !f)
		return;
	begin_call("calloc", i, 0);
	came(i, f(n, size), product(n, size), 0);
	for (size_t at = 0; h->p && at < h->size; at = next_byte(at, h->size))
		if (h->p[at])
			WRONG("byte %zu is not 0", at);
}

/* A block went in: the first bytes of the new one are its, or all of the old one stays. */
static void came_again(unsigned i, void *p, size_t size)
{
	struct held *h = &held[i];
	bool has_freed = !p && !size && !errno;

	if (p) {
		h->kept = h->kept < size ? h->kept : size;
		took(i, p, size, 0);
	} else if (size) {
		judge_null(errno, size, 0);
	}
	look_at_held(i);
	if (has_freed)
		h->p = NULL;
}

void take_realloc(unsigned i, size_t size)
{
	void *(*f)(void *, size_t) = (void *(*)(void *, size_t))find("realloc");

	if (!f)
		return;
	begin_call("realloc", i, 0);
	look_at_held(i);
	came_again(i, f(held[i].p, size), size);
}

void take_reallocarray(unsigned i, size_t n, size_t size)
{
	void *(*f)(void *, size_t, size_t) =
		(void *(*)(void *, size_t, size_t))find("reallocarray");

	if (!f)
		return;
	begin_call("reallocarray", i, 0);
	look_at_held(i);
	came_again(i, f(held[i].p, n, size), product(n, size));
}

/* A power of two, and no other alignment, is served. */
static void came_aligned(unsigned i, void *p, size_t size, size_t align)
{
	bool is_bad = !align || align & (align - 1);

	if (p && is_bad)
		WRONG("it accepted the alignment %zu", align);
	bool is_odd = is_bad || size % align;

	if (!p && errno == EINVAL && (is_odd || align > CAUSELESS_MAX))
		return;
	if (!p && is_bad && (errno != ENOMEM || size <= CAUSELESS_MAX))
		WRONG("NULL with errno '%s', not EINVAL", strerrordesc_np(errno));
	if (p || !is_odd || errno != ENOMEM)
		came(i, p, size, align);
}

void take_aligned_alloc(unsigned i, size_t align, size_t size)
{
	void *(*f)(size_t, size_t) = (void *(*)(size_t, size_t))find("aligned_alloc");

	if (held[i].p || !f)
		return;
	begin_call("aligned_alloc", i, 0);
	came_aligned(i, f(align, size), size, align);
}

/* Others than powers of two may be rounded up. */
void take_memalign(unsigned i, size_t align, size_t size)
{
	void *(*f)(size_t, size_t) = (void *(*)(size_t, size_t))find("memalign");
	bool is_odd = !align || align & (align - 1);

	if (held[i].p || !f)
		return;
	begin_call("memalign", i, 0);
	void *p = f(align, size);

	if (p || !is_odd)
		came(i, p, size, is_odd ? 0 : align);
}

void take_posix_memalign(unsigned i, size_t align, size_t size)
{
	int (*f)(void **, size_t, size_t) =
		(int (*)(void **, size_t, size_t))find("posix_memalign");
	bool is_bad = !align || align & (align - 1) || align % sizeof(void *);
	static char nothing;
	void *p = &nothing;

	if (held[i].p || !f)
		return;
	begin_call("posix_memalign", i, ENOTNAM);
	int result = f(&p, align, size);

	if (errno != ENOTNAM)
		WRONG("it changed errno to '%s'", strerrordesc_np(errno));
	if (result && p != &nothing)
		WRONG("it failed and changed the pointer that it was given");
	if (!result && is_bad)
		WRONG("it accepted the alignment %zu", align);
	if (result == EINVAL && (is_bad || align > CAUSELESS_MAX))
		return;
	if (result && is_bad && (result != ENOMEM || size <= CAUSELESS_MAX))
		WRONG("it returned '%s', not EINVAL", strerrordesc_np(result));
	if (result && is_bad)
		return;
	errno = result;
	came(i, result ? NULL : p, size, align);
}

void take_valloc(unsigned i, size_t size)
{
	void *(*f)(size_t) = (void *(*)(size_t))find("valloc");

	if (held[i].p || !f)
		return;
	begin_call("valloc", i, 0);
	came(i, f(size), size, size ? 4096 : 1);
}

void take_pvalloc(unsigned i, size_t size)
{
	void *(*f)(size_t) = (void *(*)(size_t))find("pvalloc");

	if (held[i].p || !f)
		return;
	begin_call("pvalloc", i, 0);
	came(i, f(size), size, size ? 4096 : 1);
}

void ask_usable_of(unsigned i)
{
	begin_call("malloc_usable_size", i, 0);
	size_t now = usable(held[i].p, held[i].usable);

	if (held[i].p ? now != held[i].usable : now)
		WRONG("%zu, and it was %zu", now, held[i].p ? held[i].usable : 0);
}

void give_free(unsigned i)
{
	static void (*volatile f)(void *) = free;

	begin_call("free", i, ENOTNAM);
	f(held[i].p);
	if (errno != ENOTNAM)
		WRONG("it changed errno to '%s'", strerrordesc_np(errno));
	held[i].p = NULL;
}
