"""End to end: programs as C files, compiled and run without allocrig."""

import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess

from e2e import (ALLOCRIG, BROKEN, CLEAN, FINDING, MISUSE, SEEDS, UNSUPPORTED, Case, allocrig,
                 main)

CORPUS = os.path.dirname(SEEDS)
COMPILERS = [name for name in ("cc", "gcc", "clang") if shutil.which(name)]
# All of the corpus, and not as much of it as covers everything.
ALL = os.environ.get("ALLOCRIG_EMIT_ALL")
STRICT = ["-Wall", "-Wextra", "-Werror"]
# What only shows with a tape and in what is done after the program.
SEEN_BY_TAPE = {"lost-mapping", "map-growth", "footprint-growth"}

# Right as they are; each line that is added at the end makes one wrong.
RIGHT = {
    "maps": """
        mmap m[0:8] 4p rw private,anon -> ok
        touch m[0:8] -> ok
        expect maps == 1
        expect mapped == 32p
        expect rss == 32p
        munmap m[0:8:2] -> ok
        expect maps == 4
        expect maps.peak == 4
        expect rss.peak == 32p
        expect munmap.made == 4
        expect munmap.failed == 0
        check m[0:8] -> ok
        munmap m[1] 1 1p -> EINVAL
        """,
    "access": """
        mmap m[0] 8p rw private,anon
        touch m[0]
        mprotect m[0] none 2p 1p -> ok
        check m[0] -> SIGSEGV
        check m[0] 0 2p -> ok
        mprotect m[0] r -> ok
        check m[0] -> ok
        add m[0] 3 -> SIGSEGV
        munmap m[0] 4p 1p
        check m[0] 4p 1p -> SIGSEGV
        """,
    "advice": """
        mmap m[0] 8p rw private,anon
        touch m[0]
        madvise m[0] dontneed 1p 2p -> ok
        expect rss == 6p
        check m[0]
        madvise m[0] free 4p 2p
        check m[0]
        add m[0] 5
        check m[0]
        """,
    "files": """
        mmap m[0] 8p rw shared,file,offset=4p -> ok
        mmap m[1] 8p rw private,of=m[0],offset=4p -> ok
        touch m[0]
        check m[1]
        add m[1] 1 0 2p
        touch m[0]
        check m[1]
        truncate m[0] 6p -> ok
        check m[0] -> SIGBUS
        check m[0] 0 2p -> ok
        truncate m[0] 12p
        check m[0] -> ok
        mmap m[2] 4p rw shared,zero
        touch m[2]
        mmap m[3] 4p rw shared,memfd
        add m[3] 7
        check m[2:4]
        """,
    "mremap": """
        mmap m[0] 4p rw private,anon
        touch m[0]
        mmap m[1] 16p none private,anon
        mremap m[0] 8p maymove,fixed=m[1]+4p -> ok
        check m[0] -> ok
        mremap m[0] 2p maymove,to=m[2] 0 2p -> ok
        check m[2] -> ok
        mmap m[4] 4p rw shared,anon
        touch m[4]
        mremap m[4] 4p maymove,to=m[5] 0 0 -> ok
        add m[4] 1
        check m[5] -> ok
        """,
    "fork": """
        mmap m[0] 4p rw private,anon
        mmap m[1] 4p rw shared,anon
        mmap m[2] 4p rw private,anon
        madvise m[2] dontfork
        touch m[0:3]
        fork {
          check m[0:2] -> ok
          touch m[0:2] -> ok
          check m[2] -> SIGSEGV
          fork {
            add m[1] 5
          }
        }
        check m[0:3] -> ok
        """,
    "nested": """
        repeat 5 {
          when ram > 1M {
            mmap m[0:6:2] 1p rw private,anon
            touch m[0:6]
            munmap m[0:6]
          }
          when ram < 1M {
            expect maps == 77
          }
        }
        expect maps == 0
        """,
    "ballast": """
        mmap m[0:30] 1p rw private,anon -> ok
        munmap m[0:30:2] -> ok|ENOMEM
        expect munmap.failed >= 1
        """,
    "blocks": """
        malloc b[0:20] 100 -> ok
        calloc b[20] 10 100000
        posix_memalign b[21] 64 100 -> ok
        touch b[0:22]
        realloc b[0:10] 5000 -> ok
        realloc b[20] 10
        usable b[0:22]
        free b[0:22:2]
        malloc b[30] 9223372036854775808 -> ENOMEM
        free b[0:31]
        realloc b[0:10] 9000 -> ok
        free b[0:10]
        trim
        """,
    "threads": """
        @1 malloc b[0:10] 100
        free b[0:5]
        @2 free b[5:10]
        @1 exit
        @1 malloc b[0] 7
        @1 fork {
          malloc b[1] 10
          touch b[0:2]
          free b[0:2]
        }
        parallel {
          @0 repeat 200 {
            malloc b[20:30] 64
            touch b[20:30]
            free b[20:30]
          }
          @1 mmap m[1] 4p rw private,anon
          @1 touch m[1]
          @2 fork {
            malloc b[40] 10
            check m[1]
          }
        }
        check m[1]
        """,
}
HEADERS = {"ballast": "ballast 6"}
WRONG = {
    "maps": "expect maps == 3",
    "access": "touch m[0] 0 1p -> ok",
    "advice": "madvise m[0] dontneed 0 1 -> EINVAL",
    "files": "check m[3] -> SIGBUS",
    "mremap": "mremap m[0] 4p -> EFAULT",
    "fork": "fork {\nmunmap m[0] -> ENOMEM\n}",
    "nested": "mmap m[0] 0 rw private,anon -> ok",
    "ballast": "munmap m[1] 1 1p -> ok",
    "blocks": "malloc b[60] 9223372036854775808 -> ok",
    "threads": "@2 malloc b[60] 100 -> ENOMEM",
}

# An allocator that is wrong as the macro WRONG says.
BAD = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
static char heap[64 << 20] __attribute__((aligned(4096)));
static size_t used;
struct head { size_t size, unused; };
void *malloc(size_t size)
{
	struct head *h = (struct head *)(heap + used + OFFSET);
	if (size > sizeof(heap) - used - 64) {
		errno = FAILURE;
		return NULL;
	}
	used += STEP((size + 31) & ~(size_t)15);
	h->size = size;
	return h + 1;
}
void free(void *p) { ON_FREE; (void)p; }
void *calloc(size_t n, size_t size)
{
	size_t all = n * size;
	if (size && all / size != n) {
		errno = ENOMEM;
		return NULL;
	}
	void *p = malloc(all);
	if (p)
		memset(p, DIRT, all);
	return p;
}
void *realloc(void *p, size_t size)
{
	void *q = malloc(size);
	size_t old = p ? ((struct head *)p)[-1].size : 0;
	if (q && p)
		memcpy(q, p, (old < size ? old : size) LESS);
	return q;
}
size_t malloc_usable_size(void *p) { return p ? ((struct head *)p)[-1].size : 0; }
"""
SOUND = {"OFFSET": "0", "FAILURE": "ENOMEM", "STEP(n)": "(n)", "ON_FREE": "", "DIRT": "0",
         "LESS": ""}
DEFECTS = {
    "overlap": {"STEP(n)": "16"},
    "misaligned": {"OFFSET": "8"},
    "errno": {"FAILURE": "EBUSY"},
    "free-errno": {"ON_FREE": "errno = EPERM"},
    "dirty": {"DIRT": "1"},
    "lost": {"LESS": "/ 2"},
    "crash": {"ON_FREE": "__builtin_trap()"},
}
USES_ALL = """
    malloc b[0:4] 100
    touch b[0:4]
    realloc b[0:4] 1000
    calloc b[4] 10 100
    malloc b[5] 1T
    free b[0:6]
    """


def words_of(path):
    """What a program uses, each with the word before it: ops, flags, outcomes, metrics."""
    with open(path, encoding="utf-8") as file:
        lines = [re.findall(r"[a-z_A-Z][\w.]*", line.partition("#")[0]) for line in file]
    return {(line[0], word) for line in lines if line for word in line}


def covering(paths):
    """Of the programs as many as have all that any of them has: a compiler's time for each."""
    kept, seen = [], set()
    for path in sorted(paths, key=lambda path: (-len(words_of(path)), path)):
        words = words_of(path)
        if words - seen:
            kept.append(path)
            seen |= words
    return kept


class Emit(Case):
    def emit(self, program, *flags, compiler="cc"):
        """The path of the compiled program."""
        code = os.path.join(self.dir, os.path.basename(program) + ".c")
        binary = code[:-2] + "." + compiler
        got = allocrig("emit-c", program, "-o", code)
        self.assertEqual((got.returncode, got.stdout, got.stderr), (CLEAN, "", ""))
        subprocess.run([compiler, *flags, "-o", binary, code], check=True, timeout=120)
        return binary

    def run_c(self, binary, **env):
        return subprocess.run([binary], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, encoding="utf-8", timeout=120,
                              env={**os.environ, **env})

    def text(self, name, more=""):
        lines = [HEADERS.get(name, "# none"), RIGHT[name], more]
        return "\n".join(line.strip() for part in lines for line in part.strip().splitlines())


class Command(Emit):
    def test_standard_output(self):
        program = self.program("mmap m[0] 1p rw private,anon")
        got = allocrig("emit-c", program)
        self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))
        path = os.path.join(self.dir, "x.c")
        self.assertEqual(allocrig("emit-c", program, "-o", path).returncode, CLEAN)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), got.stdout)
        self.assertEqual(allocrig("emit-c", program, "-o", "-").stdout, got.stdout)
        with open(program, encoding="ascii") as file:
            again = allocrig("emit-c", "-", stdin=file)
        self.assertEqual(again.returncode, CLEAN)

    def test_bad_program(self):
        path = os.path.join(self.dir, "x.c")
        got = allocrig("emit-c", self.program("malok b[0] 1"), "-o", path)
        self.assertEqual(got.returncode, MISUSE)
        self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
        self.assertIn("p.prog:2:1: ", got.stderr)
        self.assertEqual(os.listdir(self.dir), ["p.prog"])

    def test_misuse(self):
        program = self.program("sleep 1ms")
        for words in ([], [program, program], ["-o"], ["--json", "-", program],
                      [os.path.join(self.dir, "none")], [program, "-o", program]):
            got = allocrig("emit-c", *words)
            self.assertEqual((got.returncode, got.stdout), (MISUSE, ""), words)
            self.assertEqual(got.stderr.count("\n"), 1, got.stderr)

    def test_cannot_be_written(self):
        program = self.program("sleep 1ms")
        for path in (os.path.join(self.dir, "no", "x.c"), self.dir, "/dev/full"):
            got = allocrig("emit-c", program, "-o", path)
            self.assertEqual(got.returncode, BROKEN, got.stderr)
            self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
        self.assertEqual(os.listdir(self.dir), ["p.prog"])
        with open("/dev/full", "w", encoding="ascii") as full:
            got = allocrig("emit-c", program, stdout=full)
        self.assertEqual(got.returncode, BROKEN)

    def test_old_file_stays_when_it_fails(self):
        program = self.program("sleep 1ms")
        old = self.file("x.c", "old")
        got = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", ALLOCRIG, "emit-c",
                              program, "-o", old], stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(got.returncode, BROKEN, got.stderr)
        with open(old, encoding="ascii") as file:
            self.assertEqual(file.read(), "old")
        self.assertEqual(sorted(os.listdir(self.dir)), ["p.prog", "x.c"])


class Judged(Emit):
    def test_right(self):
        for name in RIGHT:
            for compiler in COMPILERS:
                with self.subTest(name, compiler=compiler):
                    program = self.program(self.text(name), name + ".prog")
                    flags = [] if compiler == "cc" else STRICT
                    got = self.run_c(self.emit(program, *flags, compiler=compiler))
                    self.assertEqual((got.returncode, got.stdout, got.stderr), (CLEAN, "", ""))

    def test_optimised(self):
        for name in ("blocks", "access", "threads"):
            with self.subTest(name):
                program = self.program(self.text(name), name + ".prog")
                got = self.run_c(self.emit(program, "-O2", *STRICT))
                self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))

    def test_wrong(self):
        for name, more in WRONG.items():
            with self.subTest(name):
                program = self.program(self.text(name, more), name + ".prog")
                with open(program, encoding="ascii") as file:
                    lines = file.read().splitlines()
                last = len(lines) - more.count("\n") // 2
                got = self.run_c(self.emit(program))
                self.assertEqual(got.returncode, FINDING, got.stderr)
                self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
                self.assertTrue(got.stderr.startswith(f"line {last}: "), got.stderr)

    def test_not_possible_here(self):
        for line in ("needs overcommit == 7", "needs ram < 1M", "ballast 100000000"):
            got = self.run_c(self.emit(self.program(line + "\nmmap m[0] 1p rw private,anon")))
            self.assertEqual(got.returncode, UNSUPPORTED, line)
            self.assertEqual(got.stderr.count("\n"), 1)

    def test_terabytes(self):
        program = self.program("""
            mmap m[0] 16T rw private,anon,noreserve -> ok
            touch m[0] 5T 3p -> ok
            mprotect m[0] none 1T 1T -> ok
            check m[0] 5T 10p -> ok
            check m[0] 1T 1p -> SIGSEGV
            expect mapped == 16T
            expect rss == 3p
            munmap m[0] 5T 1T -> ok
            """)
        got = self.run_c(self.emit(program))
        self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))

    def test_checkpoint_says_the_numbers(self):
        program = self.program("mmap m[0] 3p rw private,anon\ntouch m[0] 0 2p\ncheckpoint here")
        got = self.run_c(self.emit(program))
        self.assertEqual(got.stdout, "here: maps 1, mapped 12288, rss 8192\n")


class Allocators(Emit):
    """The same file on the allocator that is preloaded."""

    def library_with(self, name, **defect):
        what = {**SOUND, **defect}
        return self.library(BAD, *(f"-D{key}={value}" for key, value in what.items()),
                            name=name + ".so")

    def test_defects(self):
        binary = self.emit(self.program(USES_ALL))
        got = self.run_c(binary)
        self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))
        got = self.run_c(binary, LD_PRELOAD=self.library_with("sound"))
        self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))
        for name, defect in DEFECTS.items():
            with self.subTest(name):
                got = self.run_c(binary, LD_PRELOAD=self.library_with(name, **defect))
                self.assertEqual(got.returncode, FINDING, got.stderr)
                self.assertRegex(got.stderr, r"^line [2-7]: [a-z]+ b\[\d\]: ")

    def test_leak_is_found_as_in_a_run(self):
        program = self.program("malloc b[0:100] 1M\nfree b[0:100]\nexpect maps <= 50")
        self.assertEqual(self.run_c(self.emit(program)).returncode, CLEAN)


class Corpus(Emit):
    """Every program that there is compiles without a warning and says what a run says."""

    def say(self, path):
        """Exit code and complaint of the C file."""
        name = "-".join(path.split(os.sep)[-2:])
        code = os.path.join(self.dir, name + ".c")
        binary = os.path.join(self.dir, name + ".out")
        got = allocrig("emit-c", path, "-o", code)
        if got.returncode:
            return got.returncode, got.stderr
        done = subprocess.run(["cc", *STRICT, "-o", binary, code], stderr=subprocess.PIPE,
                              encoding="utf-8", timeout=120, check=False)
        if done.returncode:
            return "compile", done.stderr
        got = self.run_c(binary)
        os.unlink(binary)
        return got.returncode, got.stderr

    def all_of(self, *patterns):
        paths = [path for p in patterns for path in sorted(glob.glob(os.path.join(CORPUS, p)))]
        paths = paths if ALL else covering(paths)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(zip(paths, pool.map(self.say, paths)))

    def judge_of_run(self, path, *options):
        got = allocrig("run", path, *options, "--json", "-")
        return json.loads(got.stdout), got.returncode

    def test_mappings(self):
        said = self.all_of("mmap/*.prog")
        for path, (code, text) in said:
            with self.subTest(os.path.basename(path)):
                wanted = self.judge_of_run(path, "-a", "kernel")[1]
                self.assertIn(code, (CLEAN, UNSUPPORTED), text)
                self.assertEqual(code, wanted, text)

    def test_seeds(self):
        for name in ("map-limit", "partial-unmap", "separator", "threshold", "mmap-backoff"):
            with self.subTest(name):
                code, text = self.say(os.path.join(SEEDS, name + ".prog"))
                self.assertEqual(code, CLEAN, text)

    def test_blocks(self):
        said = self.all_of("conformance/*.prog", "regressions/*.prog")
        self.assertGreater(len(said), 15)
        for path, (code, text) in said:
            with open(path, encoding="utf-8") as file:
                has_faults = "\nfault " in file.read()
            with self.subTest(os.path.basename(path)):
                if has_faults:
                    self.assertIn(code, (FINDING, UNSUPPORTED), text)
                    continue
                result, wanted = self.judge_of_run(path, "-a", "glibc", "--strict")
                kinds = {finding["kind"] for finding in result["findings"]}
                if kinds and kinds <= SEEN_BY_TAPE:
                    continue
                self.assertEqual(code, wanted, text + str(kinds))


if __name__ == "__main__":
    main()
