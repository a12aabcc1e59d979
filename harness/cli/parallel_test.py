"""Threads that run side by side, that end, and that fork: judged as exactly as ones that take turns."""

import json
import os
import signal
import subprocess
import unittest

import e2e

BUILT_IN = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]

# Every lane does what can be counted whatever the order; slots are handed over where counts do not
# depend on it.
#
# The first allocation comes before: scudo is not whole in a child that is forked during that.
MIXED = """
malloc b[70] 8
mmap m[0:4] 16p rw private,anon
repeat 3 {
parallel {
  @0 repeat 20 {
    malloc b[0:20] 100
    touch b[0:20]
    free b[0:20]
  }
  @1 repeat 10 {
    malloc b[20:30] 5000
    realloc b[20:30] 300000
    exit
    free b[20:30]
  }
  @2 repeat 4 {
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
  }
  @3 calloc b[60:70] 3 1000
  @3 fork {
    free b[60:70]
  }
  @3 free b[60:70]
}
}
"""
FORK_CHILD = 1 + 10 + 30 + 1 + 10 + 10
LANES = [3 * 20 * 20, 10 * (3 * 10 + 1), 4 * (FORK_CHILD + 4 + 3), 10 + 1 + 10 + 10]

PARTICULAR = 777  # the size at which a library breaks


class BuiltIn(e2e.Case):
    def test_clean_and_counted(self):
        allocators = [name for name in BUILT_IN if e2e.have(name)]
        path = self.program(MIXED)
        for load in e2e.LOADS:
            for result in self.run_all([path], allocators, "--load", load, "--check-ledger",
                                       exit_code=e2e.CLEAN):
                with self.subTest(load=load, allocator=result["allocator"]["name"]):
                    # scudo waits for a lock now and then, which leaves EAGAIN: known.
                    self.assertEqual([f for f in result["findings"] if not f["known"]], [])
                    self.assertEqual((result["ops"]["executed"], result["ops"]["skipped"]),
                                     (5 + 3 * (1 + sum(LANES)), 0))

    def test_without_tape_and_without_oracles(self):
        path = self.program(MIXED)
        for args in (["--no-tape"], ["--no-oracles"], ["--no-oracles", "--no-tape"]):
            with self.subTest(args=args):
                for result in self.run_all([path], ["glibc", "guard"], *args,
                                           exit_code=e2e.CLEAN):
                    self.assertEqual(result["ops"]["executed"], 5 + 3 * (1 + sum(LANES)))

    def test_short_lived_threads_leave_nothing(self):
        """A thousand of them, each with a block that another one frees."""
        text = """
            repeat 500 {
              @1 malloc b[0:8] 1000
              @2 malloc b[8:10] 200000
              @1 exit
              @2 exit
              free b[0:10]
            }
            expect rss < 4M
            expect maps < 40"""
        for load in e2e.LOADS:
            for result in self.run_all([self.program(text)], BUILT_IN, "--load", load,
                                       exit_code=e2e.CLEAN):
                with self.subTest(load=load, allocator=result["allocator"]["name"]):
                    self.assertEqual(result["findings"], [])

    def test_threads_of_libc_are_not_the_allocators(self):
        """Loaded by dlopen, guard has given everything back when its threads have ended."""
        result = self.run_one("""
            repeat 20 {
              @1 malloc b[0] 100000
              @1 free b[0]
              @1 exit
            }
            expect maps == 0
            expect maps.peak <= 2""", "guard", "--load", "dlopen", exit_code=e2e.CLEAN)
        self.assertEqual(result["watch"]["passed_by"], 0)


    def test_sections_of_every_form(self):
        """Empty ones, many in a row, of one thread, with threads that end first and last."""
        text = """
            parallel {
            }
            @5 parallel {
            }
            repeat 1000 {
              parallel {
              }
            }
            parallel {
              @3 malloc b[0] 10
            }
            @5 parallel {
              free b[0]
              @2 malloc b[1] 4
            }
            parallel {
              @4 exit
            }
            parallel {
              @1 repeat 5 {
                exit
              }
              @2 repeat 5 {
                repeat 2 {
                  exit
                  malloc b[2] 4
                  exit
                  free b[2]
                }
              }
            }
            @2 exit
            parallel {
              @0 free b[1]
              @3 exit
            }"""
        executed = 2 + 1000 + 2 + 3 + 2 + (1 + 5 + 5 * 2 * 4) + 1 + 3
        for load in e2e.LOADS:
            for result in self.run_all([self.program(text)], BUILT_IN, "--load", load,
                                       "--check-ledger", exit_code=e2e.CLEAN):
                self.assertEqual((result["ops"]["executed"], result["ops"]["skipped"]),
                                 (executed, 0), result["allocator"]["name"])

    def test_as_many_threads_as_there_can_be(self):
        lines = "".join(f"@{i} malloc b[{i}] {i}\n@{i} touch b[{i}]\n" for i in range(256))
        result = self.run_one(f"parallel {{\n{lines}}}\nfree b[0:256]", "guard", "--check-ledger",
                              exit_code=e2e.CLEAN)
        # malloc(0) too returns a block.
        self.assertEqual((result["ops"]["executed"], result["ops"]["skipped"]), (1 + 3 * 256, 0))

    def test_more_forks_than_there_are_places(self):
        """They wait for one another; their own children never have to."""
        lines = "".join(f"@{i} fork {{\nmalloc b[{i}] 9\nfork {{\nfree b[{i}]\nfork {{\nsleep 1ms\n}}\n"
                        "}\n}\n" for i in range(100))
        result = self.run_one(f"malloc b[100] 8\nparallel {{\n{lines}}}", "guard",
                              exit_code=e2e.CLEAN)
        self.assertEqual((result["ops"]["executed"], result["ops"]["failed"]), (2 + 5 * 100, 0))

    def test_blocks_of_libc_are_not_lost(self):
        """It has one for each thread; here it lies in pages whose purge is refused."""
        for load in e2e.LOADS:
            self.run_one("realloc b[5] 2\n@1 trim\n@1 exit", "guard", "--load", load, "--fault",
                         "madvise ENOMEM nth=2 count=0", exit_code=e2e.CLEAN)

    def test_guard_loses_nothing_in_a_section(self):
        body = "repeat 30 {\nmalloc b[%d:%d] 300000\ntouch b[%d]\nfree b[%d:%d]\n}"
        lines = "".join(f"@{i} " + body % (4 * i, 4 * i + 4, 4 * i, 4 * i, 4 * i + 4) + "\n"
                        for i in range(4))
        for call in ("munmap", "madvise", "mprotect", "mmap"):
            for nth in (1, 5):
                self.run_one(f"fault {call} ENOMEM nth={nth} count=3\nparallel {{\n{lines}}}",
                             "guard", exit_code=e2e.CLEAN)
        for ballast in (2, 20):
            self.run_one(f"ballast {ballast}\nparallel {{\n{lines}}}", "guard",
                         exit_code=e2e.CLEAN)

    def test_much_thread_local_storage(self):
        """libc takes it from the stacks that the harness gives."""
        library = self.library("static volatile __thread char own[3 << 20] __attribute__((tls_model("
                               "\"initial-exec\")));\n#define BEFORE_MALLOC own[size] = 1\n" +
                               e2e.BUMP)
        self.run_one("@1 malloc b[0] 10\n@1 exit\nparallel {\n@1 free b[0]\n@2 malloc b[1] 9\n}",
                     library, exit_code=e2e.CLEAN)


class Broken(e2e.Case):
    def check(self, text, source, kind, said, **more):
        library = self.library(source, "-pthread")
        for load in e2e.LOADS:
            with self.subTest(load=load):
                result = self.run_one(text, library, "--load", load, "--hang-after", "1s",
                                      exit_code=e2e.FINDING)
                self.assertEqual(e2e.kinds(result), [kind], result)
                finding = result["findings"][0]
                self.assertRegex(finding["message"], said)
                for key, value in more.items():
                    self.assertEqual(finding[key], value)

    SIDE_BY_SIDE = f"""
        parallel {{
          @0 repeat 50 {{
            malloc b[0] 100
            free b[0]
          }}
          @1 malloc b[1] 100
          @1 malloc b[2] {PARTICULAR}
          @1 free b[1:3]
        }}"""

    def test_overlap_across_threads(self):
        # Whoever comes first: both may ask at once.
        first = (f"static void *first; if (size == {PARTICULAR}) {{ void *mine = bump_take(size), "
                 "*other = (void *)0; return __atomic_compare_exchange_n(&first, &other, mine, 0, "
                 "5, 5) ? mine : other; }")
        text = f"""
            parallel {{
              @0 malloc b[0] {PARTICULAR}
              @1 malloc b[1] {PARTICULAR}
            }}"""
        self.check(text, f"void *bump_take(unsigned long);\n#define BEFORE_MALLOC {first}\n" + e2e.BUMP, "overlap",
                   r"overlaps b\[[01]\]")

    def test_crash_names_thread_and_op(self):
        bad = f"if (size == {PARTICULAR}) *(volatile int *)0x1234 = 1"
        self.check(self.SIDE_BY_SIDE, f"#define BEFORE_MALLOC {bad}\n" + e2e.BUMP, "crash",
                   r"SIGSEGV .*in malloc on b\[2\]; stack: malloc", op=5, thread=1, slot=2)

    def test_crash_in_two_threads_at_once(self):
        """One is told of, and what all had done is counted."""
        meet = f"""
            static int met;
            static void work(unsigned long size)
            {{
                if (size != {PARTICULAR})
                    return;
                __atomic_add_fetch(&met, 1, __ATOMIC_SEQ_CST);
                while (__atomic_load_n(&met, __ATOMIC_SEQ_CST) < 2) ;
                *(volatile int *)0x1234 = 1;
            }}
            #define BEFORE_MALLOC work(size)
            """
        library = self.library(meet + e2e.BUMP)
        for load in e2e.LOADS:
            for _ in range(5):
                result = self.run_one(f"""
                    malloc b[5] 3
                    parallel {{
                      @1 repeat 50 {{
                        malloc b[0] 1
                        free b[0]
                      }}
                      @1 malloc b[1] {PARTICULAR}
                      @2 fork {{
                        malloc b[3] 4
                      }}
                      @2 malloc b[2] {PARTICULAR}
                    }}""", library, "--load", load, exit_code=e2e.FINDING)
                self.assertEqual(e2e.kinds(result), ["crash"])
                finding = result["findings"][0]
                self.assertIn((finding["op"], finding["thread"], finding["slot"]),
                              [(5, 1, 1), (8, 2, 2)])
                self.assertEqual(result["ops"]["executed"], 1 + 50 * 2 + 2)

    def test_lost_in_a_section(self):
        """The op and the thread whose call was refused are named, whoever calls beside."""
        library = self.library(e2e.MAPPER)
        text = """
            fault munmap ENOMEM nth=1 count=1
            malloc b[0:4] 100000
            parallel {
              @0 malloc b[10:60] 20
              @1 free b[0]
            }
            free b[1:4]"""
        for load in e2e.LOADS:
            result = self.run_one(text, library, "--load", load, exit_code=e2e.FINDING)
            self.assertEqual([(f["kind"], f["op"], f["thread"], f["slot"])
                              for f in result["findings"]], [("lost-mapping", 3, 1, 0)])

    def test_hang_names_thread_and_op(self):
        bad = f"if (size == {PARTICULAR}) for (volatile int i = 0;; i++)"
        self.check(self.SIDE_BY_SIDE, f"#define BEFORE_MALLOC {bad}\n;" + e2e.BUMP, "hang",
                   r"in malloc on b\[2\]; stack: malloc", op=5, thread=1, slot=2)

    # One thread has the lock while another forks, and no handler minds it.
    LOCK = f"""
        #include <pthread.h>
        static volatile int held, forked;
        static int lock;
        static void before(void) {{ while (!held) ; }}
        static void behind(void) {{ forked = 1; }}
        static void work(unsigned long size)
        {{
            while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) ;
            if (size == {PARTICULAR} && !forked)
                for (held = 1; !forked;) ;
            __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
        }}
        __attribute__((constructor)) static void follow(void)
        {{ pthread_atfork(before, behind, 0); }}
        #define BEFORE_MALLOC work(size)
        """

    def test_lock_held_at_fork(self):
        text = f"""
            parallel {{
              @0 malloc b[0] {PARTICULAR}
              @0 free b[0]
              @1 fork {{
                malloc b[1] 100
              }}
            }}
            malloc b[2] 8"""
        self.check(text, self.LOCK + e2e.BUMP, "fork-broken",
                   r"no progress for .* in malloc on b\[1\]; when it was forked, thread 0 was in "
                   r"malloc \(op 1\); stack: .*malloc.*; stack of the parent's thread 1: .*wait",
                   op=4, in_fork=True)

    AT_EXIT = """
        #include <pthread.h>
        static pthread_key_t key;
        static void last(void *own);
        __attribute__((constructor)) static void begin(void) { pthread_key_create(&key, last); }
        #define BEFORE_MALLOC pthread_setspecific(key, &key)
        """
    EXIT = """
        @1 malloc b[0] 100
        @1 exit
        @1 malloc b[1] 100
        free b[0:2]"""

    def test_destructors_are_watched(self):
        """What the allocator does when a thread ends is on the tape, at the op that ended it."""
        library = self.library(self.AT_EXIT + e2e.BUMP + """
            static void last(void *own) { madvise(heap, 4096, MADV_NORMAL); }""")
        for load in e2e.LOADS:
            tape = self.file("tape.jsonl", "")
            self.run_one(self.EXIT, library, "--load", load, "--tape", tape,
                         exit_code=e2e.CLEAN)
            calls = [(line["op"], line["call"]) for line in e2e.lines_of(tape)
                     if line.get("call") == "madvise"]
            self.assertEqual(calls, [(1, "madvise")])

    def test_hang_in_a_destructor(self):
        self.check(self.EXIT, self.AT_EXIT + e2e.BUMP + """
            static void last(void *own) { for (volatile int i = 0;; i++) ; }""", "hang",
                   r"in exit; stack: last", op=1, thread=1)

    def test_crash_in_a_destructor(self):
        self.check(self.EXIT, self.AT_EXIT + e2e.BUMP + """
            static void last(void *own) { *(volatile int *)0x1234 = 1; }""", "crash",
                   r"SIGSEGV .*in exit; stack: last", op=1, thread=1)

    def test_thread_that_cannot_be_made(self):
        """It goes on as it is; the op failed."""
        fails = "size_t all; if (broken) { errno = ENOMEM; return NULL; }"
        library = self.library("static int broken;\n#define BEFORE_FREE broken = 1\n" +
                               e2e.BUMP.replace("size_t all;", fails))
        result = self.run_one("@1 malloc b[0] 8\nfree b[0]\n@1 exit\n@1 malloc b[1] 8", library,
                              exit_code=e2e.CLEAN)
        self.assertEqual((result["ops"]["executed"], result["ops"]["failed"]), (4, 1))


class Killed(e2e.Marked):
    """In the middle of a section, with children of children and threads that end."""

    LOOP = """
        malloc b[99] 8
        repeat 100000000 {
        parallel {
          @0 repeat 30 {
            malloc b[0:8] 200000
            touch b[0]
            free b[0:8]
          }
          @1 fork {
            malloc b[10:20] 200000
            fork {
              malloc b[20:30] 200000
              sleep 3ms
            }
          }
          @2 repeat 30 {
            malloc b[40:48] 150000
            free b[40:48]
            exit
          }
        }
        }"""

    def begin(self, *more):
        tape = self.file("tape.jsonl", "")
        process = self.start("run", self.program(self.LOOP), "-a", "guard", "--tape", tape, *more,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        # allocrig, the child, and two below it.
        self.wait_for(lambda: os.path.getsize(tape) > 100000 and len(self.marked()) == 4)
        return process, tape

    def whole_lines(self, tape):
        with open(tape, "rb") as file:
            *lines, last = file.read().split(b"\n")
        self.assertGreater(len([json.loads(line) for line in lines]), 100)
        return last

    def test_controller(self):
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            process, tape = self.begin()
            process.send_signal(number)
            said = process.communicate(timeout=30)[1]
            self.assertEqual(process.returncode,
                             -9 if number == signal.SIGKILL else e2e.BROKEN, said)
            self.wait_for(lambda: not self.marked())
            last = self.whole_lines(tape)
            if number != signal.SIGKILL:
                self.assertEqual(last, b"")

    def test_child(self):
        results = self.file("results.jsonl", "")
        process, tape = self.begin("--json", results)
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            (child,) = file.read().split()
        os.kill(int(child), signal.SIGKILL)
        process.communicate(timeout=30)
        self.wait_for(lambda: not self.marked())
        self.assertEqual(self.whole_lines(tape), b"")
        (result,) = e2e.lines_of(results)
        self.assertIn(result["outcome"], ["finding", "broken"])
        self.assertGreater(result["ops"]["executed"], 100)


if __name__ == "__main__":
    e2e.main()
