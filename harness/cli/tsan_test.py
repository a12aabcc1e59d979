"""allocrig and its child with ThreadSanitizer: what threads of a program share is synchronised.

tsan_test.py ALLOCRIG [unittest's arguments], of a tree with ALLOCRIG_TSAN. Exit 77 where
ThreadSanitizer cannot run.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import e2e

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import random_programs

# Old ones do not know the addresses that the kernel hands out with much randomness.
FIXED = ["setarch", "-R"]

SECTIONS = """
malloc b[70] 8
mmap m[0:4] 16p rw private,anon
repeat 3 {
parallel {
  @0 repeat 10 {
    malloc b[0:20] 100
    touch b[0:20]
    usable b[0:20]
    free b[0:20]
    trim
  }
  @1 repeat 6 {
    malloc b[20:30] 5000
    realloc b[20:30] 300000
    exit
    free b[20:30]
  }
  @2 repeat 3 {
    fork {
      malloc b[40:50] 64
      free b[20:50]
      fork {
        calloc b[50:60] 10 100
        free b[50:60]
      }
    }
    madvise m[0:4] dontneed
    mmap m[5] 4p rw private,anon
    touch m[5]
    munmap m[5]
    sleep 1ms
  }
  @3 calloc b[60:70] 3 1000
  @3 fork {
    free b[60:70]
  }
  @3 free b[60:70]
}
@3 malloc b[60:64] 500
@2 exit
@1 free b[60:64]
checkpoint round
}
"""
# Blocks go from hand to hand.
SHARED = """
parallel {
  @0 repeat 50 {
    malloc b[0:8] 100000
    touch b[0:8]
  }
  @1 repeat 50 {
    free b[0:8]
    malloc b[0] 1
  }
  @2 repeat 50 {
    realloc b[0:8] 20
    usable b[0:8]
  }
  @3 repeat 20 {
    posix_memalign b[3] 64 100
    munmap m[0]
    mmap m[0] 2p rw private,anon -> ok
    touch m[0]
    exit
  }
}
"""
# Not mmap: ThreadSanitizer maps now and then where calls are trapped, and gives up when refused.
REFUSALS = "fault munmap ENOMEM nth=2 count=5\nfault madvise ENOMEM nth=4 count=3\n"
# A library that is instrumented, and has a race: the flag orders nothing.
RACE = """
static int met, raced;
static void race(unsigned long size)
{
	while (size == 778 && !__atomic_load_n(&met, __ATOMIC_RELAXED)) ;
	raced++;
	__atomic_store_n(&met, 1, __ATOMIC_RELAXED);
}
#define BEFORE_MALLOC race(size)
""" + e2e.BUMP
MEET = "parallel {\n@0 malloc b[0] 777\n@1 malloc b[1] 778\n}"


def runs():
    """Whether a program with ThreadSanitizer does, under these words before its command."""
    with tempfile.TemporaryDirectory() as scratch:
        program = os.path.join(scratch, "p")
        done = subprocess.run(["cc", "-fsanitize=thread", "-x", "c", "-o", program, "-"], text=True,
                              input="int main(void) { return 0; }", stderr=subprocess.PIPE,
                              timeout=60)
        for words in (FIXED, []) if done.returncode == 0 else ():
            if words and not shutil.which(words[0]):
                continue
            done = subprocess.run([*words, program], stderr=subprocess.PIPE, text=True, timeout=60)
            if done.returncode == 0:
                return words
    print(f"ThreadSanitizer cannot run here: {done.stderr.strip()}", file=sys.stderr)
    return None


class Races(e2e.Case):
    before = []

    def reports(self, programs, allocator, *args):
        """What ThreadSanitizer said, and the result."""
        log = os.path.join(self.dir, "race")
        options = f"log_path={log} exitcode=0 atexit_sleep_ms=0 history_size=7"
        got = subprocess.run([*self.before, e2e.ALLOCRIG, "run", *programs, "-a", allocator,
                              "--load", "dlopen", *args], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=100,
                             env={**os.environ, "TSAN_OPTIONS": options})
        said = ""
        for path in glob.glob(log + "*"):
            with open(path, encoding="utf-8") as file:
                said += file.read()
        return said, got

    def check_paths(self, programs, allocator, *args, exit_code=e2e.CLEAN):
        with self.subTest(allocator=os.path.basename(allocator), args=args):
            said, got = self.reports(programs, allocator, *args)
            self.assertEqual(said, "")
            self.assertEqual(got.returncode, exit_code, got.stdout + got.stderr)

    def check(self, text, allocator, *args, **more):
        self.check_paths([self.program(text)], allocator, *args, **more)

    def test_a_race_is_reported(self):
        """Untrapped: ThreadSanitizer makes system calls when it has something to tell."""
        library = self.library(RACE, "-fsanitize=thread")
        said, _ = self.reports([self.program(MEET)], library, "--no-tape")
        self.assertRegex(said, r"data race .*lib\.so\.c.* in race")

    def test_judged(self):
        for text in (SECTIONS, SHARED):
            for args in ([], ["--no-tape"], ["--show-tape"]):
                self.check(text, "guard", *args)

    def test_random_programs(self):
        paths = random_programs.write(self.dir, range(15), 3, "parallel")
        for args in ([], ["--no-tape"]):
            self.check_paths(paths, "guard", *args)

    def test_refused(self):
        for text in (SECTIONS, SHARED):
            self.check(REFUSALS + text, "guard")

    def test_nothing_left(self):
        """Why an allocator returned NULL is looked into, and told."""
        lines = "".join(f"@{i} repeat 20 {{\nmalloc b[{i}] 100M\n}}\n" for i in range(4))
        self.check(f"parallel {{\n{lines}}}", self.library(e2e.BUMP), exit_code=e2e.FINDING)

    def test_without_oracles(self):
        """Memory that nobody had before: where it is used again, the allocator alone orders that."""
        library = self.library(e2e.BUMP)
        for text in (SECTIONS, SHARED):
            for args in (["--no-oracles"], ["--no-oracles", "--no-tape"]):
                self.check(text, library, *args)


if __name__ == "__main__":
    Races.before = runs()
    if Races.before is None:
        sys.exit(77)
    e2e.main()
