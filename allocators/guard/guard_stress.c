/*
 * Threads that free each other's blocks while the process forks; run under LD_PRELOAD, and as a
 * unit test with guard's sources linked in. Exit code 0, or 1 with a line that says what broke.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocators/guard/guard.h"

#define THREADS 4
#define FORKS	60
#define SHARED	512

struct note {
	size_t size;
	unsigned char fill;
};

static _Atomic(struct note *) shared[SHARED];
static atomic_int broken, forks_done;

static uint64_t prng(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct note *note_new(uint64_t *random)
{
	unsigned bits = prng(random) % 256 == 0 ? 19 : 5 + prng(random) % 9;
	size_t size = sizeof(struct note) + 1 + prng(random) % ((size_t)1 << bits);
	struct note *n = GUARD_ENTRY(malloc)(size);

	if (!n)
		return NULL;
	*n = (struct note){.size = size, .fill = (unsigned char)prng(random)};
	memset(n + 1, n->fill, size - sizeof(*n));
	return n;
}

static void note_end(struct note *n)
{
	if (!n)
		return;
	const unsigned char *p = (const unsigned char *)(n + 1);

	for (size_t i = 0; i < n->size - sizeof(*n); i++) {
		if (p[i] != n->fill)
			atomic_store(&broken, 1);
	}
	GUARD_ENTRY(free)(n);
}

static void *work(void *arg)
{
	uint64_t random = 0x9e3779b97f4a7c15u + (uintptr_t)arg;

	while (!atomic_load(&forks_done))
		note_end(atomic_exchange(&shared[prng(&random) % SHARED], note_new(&random)));
	return NULL;
}

/* The child of a fork allocates, and frees what other threads had allocated. */
static int child_work(void)
{
	uint64_t random = 88172645463325252u;

	alarm(30); /* a lock that was left taken */
	for (int i = 0; i < 2000; i++)
		note_end(atomic_exchange(&shared[prng(&random) % SHARED], note_new(&random)));
	for (int i = 0; i < SHARED; i++)
		note_end(atomic_exchange(&shared[i], NULL));
	GUARD_ENTRY(malloc_trim)(0);
	return atomic_load(&broken);
}

static int fork_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 1;
	if (pid == 0)
		_exit(child_work());
	return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

int main(void)
{
	pthread_t threads[THREADS];
	int failed_forks = 0;

	for (uintptr_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			return 1;
	}
	for (int i = 0; i < FORKS; i++)
		failed_forks += fork_once();
	atomic_store(&forks_done, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SHARED; i++)
		note_end(atomic_exchange(&shared[i], NULL));
	printf("content %s, %d of %d forks failed\n", atomic_load(&broken) ? "broken" : "kept",
	       failed_forks, FORKS);
	return atomic_load(&broken) || failed_forks;
}
