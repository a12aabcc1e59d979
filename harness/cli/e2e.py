"""What the end-to-end tests share: running allocrig, reading its results, building libraries.

A test file is called with the path of allocrig as its first argument; the rest is unittest's.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ALLOCRIG = os.path.abspath(sys.argv.pop(1))
SEEDS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                                      "corpus", "seeds"))
PAGE = os.sysconf("SC_PAGESIZE")
LOADS = ["preload", "dlopen"]
# A second opinion on every exit code: DESIGN.md, "Outcomes and exit codes".
CLEAN, FINDING, BROKEN, MISUSE, UNSUPPORTED = 0, 1, 2, 3, 77

# The least of an allocator that is right: a bump pointer that never gives anything back.
# Each test breaks it in one place.
BUMP = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef BEFORE_MALLOC
#define BEFORE_MALLOC
#endif
#ifndef BEFORE_FREE
#define BEFORE_FREE
#endif
#ifndef BEFORE_REALLOC
#define BEFORE_REALLOC
#endif
static char heap[64 << 20] __attribute__((aligned(4096)));
static size_t used;
struct head { size_t size, unused; };
__attribute__((noinline)) void *bump_take(size_t size)
{
	if (size > sizeof(heap))
		goto full;
	size_t at = __atomic_fetch_add(&used, (size + 31) & ~(size_t)15, __ATOMIC_RELAXED);
	if (at + size + 32 > sizeof(heap))
		goto full;
	struct head *h = (struct head *)(heap + at);
	h->size = size;
	return h + 1;
full:
	errno = ENOMEM;
	return NULL;
}
void *malloc(size_t size)
{
	BEFORE_MALLOC;
	return bump_take(size);
}
void free(void *p)
{
	BEFORE_FREE;
	(void)p;
}
#ifndef MALLOC_AND_FREE_ONLY
void *calloc(size_t n, size_t size)
{
	size_t all;
	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return bump_take(all);
}
void *realloc(void *p, size_t size)
{
	BEFORE_REALLOC;
	void *q = bump_take(size);
	if (q && p) {
		size_t old = ((struct head *)p - 1)->size;
		__builtin_memcpy(q, p, old < size ? old : size);
	}
	return q;
}
size_t malloc_usable_size(void *p)
{
	return p ? ((struct head *)p - 1)->size : 0;
}
#endif
"""

# Every block is a mapping of its own, and free gives it back: what a refused munmap does to it is
# decided by FREE_FAILED.
MAPPER = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef BEFORE_MALLOC
#define BEFORE_MALLOC
#endif
#ifndef MAP
#define MAP(len) mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
#define UNMAP(p, len) munmap(p, len)
#endif
#ifndef FREE_FAILED
#define FREE_FAILED madvise(h, h->size, MADV_DONTNEED)
#endif
struct head { size_t size, unused; };
void *malloc(size_t size)
{
	int before = errno;
	BEFORE_MALLOC;
	size_t all = (size + sizeof(struct head) + 4095) & ~(size_t)4095;
	struct head *h = MAP(all);
	if (h == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	h->size = all;
	errno = before;
	return h + 1;
}
void free(void *p)
{
	struct head *h = (struct head *)p - 1;
	int before = errno;
	if (p && UNMAP(h, h->size) != 0) {
		FREE_FAILED;
		errno = before;
	}
}
"""


def allocrig(*args, **more):
    """Runs it. Text in and out, nothing on standard input, a minute at most."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "timeout": 60, "encoding": "utf-8", "errors": "surrogateescape", **more}
    if "input" in options:
        del options["stdin"]
    return subprocess.run([ALLOCRIG, *args], **options)


def have(allocator):
    got = allocrig("list", "--json", "-")
    rows = [json.loads(line) for line in got.stdout.splitlines()]
    return any(row["name"] == allocator and row["available"] for row in rows)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def kinds(result):
    return [finding["kind"] for finding in result["findings"]]


def found(result):
    """(kind, op) of each finding."""
    return [(finding["kind"], finding["op"]) for finding in result["findings"]]


def checkpoint(result, name):
    return next(c for c in result["checkpoints"] if c["name"] == name)


class Case(unittest.TestCase):
    """A test with a directory of its own, which `self.dir` names."""

    longMessage = True
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="allocrig-e2e.")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        return path

    def program(self, text, name="p.prog"):
        """Indented text is fine; the version line is added."""
        lines = [line.strip() for line in text.strip().splitlines()]
        return self.file(name, "\n".join(["allocrig 1", *lines, ""]))

    def library(self, source=BUMP, *flags, name="lib.so"):
        path = os.path.join(self.dir, name)
        code = self.file(name + ".c", source)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-g", "-fno-builtin", "-w", "-o", path,
                        code, *flags], check=True, timeout=60)
        return path

    def run_all(self, programs, allocators, *args, exit_code=None, **more):
        """The results of every run, checked to be whole JSON Lines of the right shape."""
        each = [word for a in allocators for word in ("-a", a)]
        got = allocrig("run", *programs, *each, "--json", "-", *args, **more)
        said = f"exit {got.returncode}\n{got.stdout}\n{got.stderr}"
        if exit_code is not None:
            self.assertEqual(got.returncode, exit_code, said)
        results = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual(len(results), len(programs) * len(allocators), said)
        for result in results:
            self.assertEqual(result["schema"], "allocrig.run/1")
        return results

    def run_one(self, program, allocator, *args, **more):
        """`program` is a path, or the text of a program."""
        path = program if os.sep in program and "\n" not in program else self.program(program)
        return self.run_all([path], [allocator], *args, **more)[0]


class Marked(Case):
    """Tests that start processes and look for them, however deep below, by their environment."""

    MARK = "ALLOCRIG_E2E_MARK"

    def start(self, *args, **more):
        env = {**os.environ, self.MARK: self.dir}
        process = subprocess.Popen([ALLOCRIG, *args], env=env, stdin=subprocess.DEVNULL, **more)
        self.addCleanup(process.kill)
        return process

    def marked(self):
        mark = f"{self.MARK}={self.dir}".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if mark in file.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    @staticmethod
    def wait_for(question):
        """Until it is so: the test's own time limit is the only clock."""
        while not question():
            os.sched_yield()


def main():
    unittest.main(module="__main__")


def main_or_skip():
    """As main; UNSUPPORTED where a test was skipped and none failed, for ctest's SKIP_RETURN_CODE."""
    result = unittest.main(module="__main__", exit=False).result
    if result.wasSuccessful() and result.skipped:
        print(*{reason for _, reason in result.skipped}, sep="\n")
        sys.exit(UNSUPPORTED)
    sys.exit(not result.wasSuccessful())
