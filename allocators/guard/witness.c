/*
 * Preloaded before an allocator: writes down, for every process that starts, which file serves its
 * malloc, and for every abort which file called it. What a test suite does with the output and
 * exit codes of the processes it starts, nothing is missed.
 *
 * Lines in the file named by WITNESS, appended in one write each:
 *
 *     PID malloc FILE                   "own" for the executable itself
 *     PID abort FILE                    FILE called abort()
 *     PID end PEAK_KIB ANONYMOUS_KIB    at a regular exit: the most resident memory there was, and
 *                                       what of it is left that comes from no file
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* dprintf, as it allocates nothing: the witness must not use what it watches. */
#define WITNESS_SAY(...)                                                                           \
	do {                                                                                       \
		int fd = witness_open();                                                           \
		if (fd >= 0) {                                                                     \
			dprintf(fd, __VA_ARGS__);                                                  \
			close(fd);                                                                 \
		}                                                                                  \
	} while (0)

static int witness_open(void)
{
	const char *path = getenv("WITNESS");

	return path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
}

/* The executable has no name in the linker's list; "own" is what nothing preloaded could replace.
 */
static const char *witness_file_of(const void *code)
{
	struct link_map *file = NULL;
	Dl_info info;

	if (!code || !dladdr1(code, &info, (void **)&file, RTLD_DL_LINKMAP) || !file)
		return "?";
	return *file->l_name ? file->l_name : "own";
}

static long witness_field(const char *path, const char *name)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';

	const char *field = strstr(text, name);
	return field ? strtol(field + strlen(name), NULL, 10) : -1;
}

/*
 * An executable that is not position-independent has its own address for malloc, a jump to where it
 * really is: an undefined symbol with a value. Calls from libraries do not pass there.
 */
static const void *witness_malloc(void)
{
	const void *code = dlsym(RTLD_DEFAULT, "malloc");
	ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (dladdr1(code, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
	    symbol->st_shndx == SHN_UNDEF)
		code = dlsym(RTLD_NEXT, "malloc");
	return code;
}

__attribute__((constructor)) static void witness_start(void)
{
	int error = errno;

	WITNESS_SAY("%d malloc %s\n", getpid(), witness_file_of(witness_malloc()));
	errno = error;
}

__attribute__((destructor)) static void witness_end(void)
{
	/* Not ru_maxrss: that begins with what the process had before exec. */
	long peak = witness_field("/proc/self/status", "\nVmHWM:");

	WITNESS_SAY("%d end %ld %ld\n", getpid(), peak,
		    witness_field("/proc/self/smaps_rollup", "\nAnonymous:"));
}

/* Before libc's in the order of lookup: every file's abort() comes here. */
void abort(void)
{
	void (*next)(void) = (void (*)(void))dlsym(RTLD_NEXT, "abort");

	WITNESS_SAY("%d abort %s\n", getpid(), witness_file_of(__builtin_return_address(0)));
	if (next)
		next();
	_exit(134);
}
