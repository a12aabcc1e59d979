/*
 * child_main.c - allocrig-child: the process in which a program runs on an allocator.
 *
 * Linked to libc alone. What was mapped before the constructors of a preloaded allocator run is
 * the loader's and not the allocator's, so the accounts open in .preinit_array, the only code of
 * an executable that runs before them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocators/loader.h"
#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/fed.h"
#include "harness/kernel/proc.h"

static struct run_shared *shared;
static struct arena arena, common;
static struct accounts *accounts;
static struct program_file program;

static void refuse(enum refusal why, int err)
{
	shared->refusal = why;
	shared->refusal_err = -err;
	atomic_store(&shared->state, RUN_REFUSED);
	_exit(2);
}

static struct run_shared *map_shared(void)
{
	struct stat st;

	if (fstat(RUN_FD_SHARED, &st) != 0 || st.st_size < (off_t)sizeof(struct run_shared))
		return NULL;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, RUN_FD_SHARED,
		       0);

	if (p == MAP_FAILED)
		return NULL;
	struct run_shared *s = p;

	return s->config.abi == RUN_ABI ? s : NULL;
}

/* Before any code of the allocator runs that could close descriptors. */
static int keep_program(void)
{
	struct stat st;
	int high = fcntl(RUN_FD_PROGRAM, F_DUPFD_CLOEXEC, PROC_FD_FROM);

	program.fd = high < 0 ? RUN_FD_PROGRAM : high;
	if (fstat(program.fd, &st) != 0)
		return -errno;
	program.len = (size_t)st.st_size;
	size_t most = shared->config.fed ? RUN_FEED_TEXT_BYTES : program.len;
	void *p = mmap(NULL, most, PROT_READ, MAP_SHARED, program.fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	program.text = p;
	return 0;
}

static int init_arenas(void)
{
	size_t common_bytes = child_common_bytes(&shared->config);
	int err = arena_init(&arena, child_arena_bytes(&shared->config));

	return err || !common_bytes ? err : arena_init_shared(&common, common_bytes);
}

static void before_constructors(void)
{
	static const char misuse[] = "allocrig-child is started by allocrig\n";

	shared = map_shared();
	if (!shared) {
		ssize_t ignored = write(STDERR_FILENO, misuse, sizeof(misuse) - 1);

		(void)ignored;
		_exit(2);
	}
	atomic_store(&shared->state, RUN_LOADING);
	int err = init_arenas();

	if (!err)
		err = crash_install(shared, &arena, shared->config.threads, 0, RUN_FD_NOTIFY);
	if (!err)
		err = crash_thread_stack(0);
	if (!err)
		err = fork_op_follow();
	if (err)
		refuse(REFUSAL_ARENA, err);
	err = keep_program();
	if (err)
		refuse(REFUSAL_PROGRAM, err);
	err = accounts_new(&arena, &accounts);
	if (!err)
		err = accounts_exclude_present(accounts);
	if (err)
		refuse(REFUSAL_ACCOUNTS, err);
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const preinit)(void) = before_constructors;

static void load(struct loaded *ret_loaded)
{
	static struct loader_refusal refusal;

	position_phase(&shared->pos[0], PHASE_CALL);
	if (loader_load(&shared->config, &shared->served, ret_loaded, &refusal) == 0) {
		position_phase(&shared->pos[0], PHASE_HARNESS);
		return;
	}
	memcpy(shared->refusal_text, refusal.text, sizeof(shared->refusal_text));
	refuse(refusal.why, -refusal.err);
}

static enum run_state run(struct child *c)
{
	if (child_begin(c) != 0)
		return RUN_REFUSED;
	child_run(c);
	return RUN_ENDED;
}

int main(void)
{
	static struct loaded loaded;
	static struct child child;

	load(&loaded);
	struct child_setup setup = {
		.shared = shared,
		.alloc = &loaded.allocator,
		.accounts = accounts,
		.arena = &arena,
		.common = &common,
		.program = &program,
	};

	enum run_state state = RUN_REFUSED;

	if (child_init(&child, &setup) != 0)
		atomic_store(&shared->state, state);
	else
		while (fed_next(&child)) {
			state = run(&child);
			if (!fed_end(&child, state))
				break;
		}
	_exit(state == RUN_REFUSED ? 2 : 0);
}
