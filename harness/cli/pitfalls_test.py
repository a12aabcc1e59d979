"""What allocators do that a trap of system calls could trip over, each in an allocator of its own.

Every one runs with --check-ledger: it compares the ledger, which believes the trap alone, with the
kernel's table after each op.
"""

import os
import unittest

import e2e

ONCE = "static int done; if (__atomic_exchange_n(&done, 1, __ATOMIC_RELAXED)) return;"
# Twelve blocks are mapped and unmapped, two of them by a thread and three in a fork child.
PROGRAM = """
    malloc b[0:6] 5000
    touch b[0:6]
    free b[0:6:2]
    @1 malloc b[10:14] 100
    @1 free b[10:12]
    fork {
      malloc b[20:22] 8
      free b[1]
      free b[20]
    }
    checkpoint here
    free b[0:30]"""
BLOCKS = 12


class Pitfalls(e2e.Case):
    def setUp(self):
        super().setUp()
        watch = self.run_one("malloc b[0] 8", "glibc")["watch"]
        if (watch["tape"], watch["ledger"]) != ("on", "exact"):
            self.skipTest(watch["reason"])

    def mapper(self, body="", before="", *flags):
        """MAPPER, with the body of a function that runs before each malloc."""
        source = e2e.MAPPER.replace("struct head {", before + "\nstatic void before_malloc(void)\n"
                                    "{\n" + body + "\n}\nstruct head {", 1)
        return self.library("#define BEFORE_MALLOC before_malloc()\n" + source, *flags)

    def check(self, library, *args, text=PROGRAM, blocks=BLOCKS, exit_code=e2e.CLEAN, passed_by=0):
        for load in e2e.LOADS:
            with self.subTest(load=load):
                result = self.run_one(text, library, "--load", load, "--check-ledger", *args,
                                      exit_code=exit_code)
                watch = result["watch"]
                self.assertEqual((watch["tape"], watch["ledger"], watch["reason"]),
                                 ("on", "exact", None))
                self.assertEqual(watch["passed_by"], passed_by)
                if not passed_by:
                    self.assertIsNone(watch["untracked"])
                if blocks is not None:
                    self.assertEqual(result["calls"]["munmap"]["made"], blocks, result["calls"])
                    self.assertEqual(result["calls"]["mmap"]["made"], blocks, result["calls"])
        return result


class Signals(Pitfalls):
    def test_blocks_all_signals(self):
        for body in ("sigset_t all; sigfillset(&all); sigprocmask(SIG_SETMASK, &all, NULL);",
                     "uint64_t all = ~0ull; syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 8);"):
            result = self.check(self.mapper(body))
            self.assertEqual(result["calls"]["rt_sigprocmask"],
                             {"made": BLOCKS, "by_allocator": BLOCKS})

    def test_refused_with_all_signals_blocked(self):
        library = self.mapper("sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL);")
        result = self.run_one("malloc b[0:3] 100\nfree b[0:3]", library, "--fault",
                              "munmap ENOMEM nth=2", "--check-ledger", exit_code=e2e.FINDING)
        self.assertEqual(e2e.kinds(result), ["lost-mapping"])

    def test_sigsys_handler_of_its_own(self):
        """It never gets ours, it is told that it is installed, and it gets those that are sent."""
        before = """
            static volatile int got;
            static void mine(int n, siginfo_t *info, void *context)
            {
                if (info->si_code > 0)
                    abort();
                got++;
            }"""
        install = "struct sigaction act = {.sa_sigaction = mine, .sa_flags = SA_SIGINFO}, old;"
        body = install + """
            sigfillset(&act.sa_mask);
            if (sigaction(SIGSYS, &act, NULL) || sigaction(SIGSYS, NULL, &old) ||
                old.sa_sigaction != mine)
                abort();
            int before = got;
            raise(SIGSYS);
            if (got != before + 1)
                abort();"""
        self.check(self.mapper(body, before))
        constructor = ("__attribute__((constructor)) static void set(void)\n{" + install +
                       "sigaction(SIGSYS, &act, NULL); }")
        self.check(self.mapper("", before + constructor))

    def test_memory_committed_in_a_handler(self):
        before = """
            static struct sigaction old;
            static struct { char *at; size_t len; } reserved[64];
            static int n;
            static void commit(int signo, siginfo_t *info, void *context)
            {
                char *p = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)4095);
                for (int i = 0; i < n; i++)
                    if (p >= reserved[i].at && p < reserved[i].at + reserved[i].len) {
                        mprotect(p, 4096, PROT_READ | PROT_WRITE);
                        return;
                    }
                old.sa_sigaction(signo, info, context);
            }
            static void *reserve(size_t len)
            {
                char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (p != MAP_FAILED) {
                    reserved[n].at = p;
                    reserved[n++].len = len;
                }
                return p;
            }"""
        body = ONCE + """
            struct sigaction act = {.sa_sigaction = commit, .sa_flags = SA_SIGINFO | SA_ONSTACK};
            sigfillset(&act.sa_mask);
            sigaction(SIGSEGV, &act, &old);"""
        library = self.mapper(body, before, "-DMAP(len)=reserve(len)",
                              "-DUNMAP(p,len)=munmap(p,len)")
        tape = os.path.join(self.dir, "tape.jsonl")
        for more in ([], ["--check", "full"], ["--no-oracles"]):
            result = self.check(library, "--tape", tape, *more)
            self.assertGreaterEqual(result["calls"]["mprotect"]["by_allocator"], BLOCKS)
            touched = [e for e in e2e.lines_of(tape) if e["call"] == "mprotect"]
            self.assertIn("touch", {e["op_name"] for e in touched})
        wild = self.run_one("malloc b[0] 8\nfree b[0]\nmalloc b[1] 8", self.mapper(
            body + "}\nstatic int calls;\nstatic void wild(void)\n{\n"
            "if (++calls == 2) *(volatile int *)0x1234 = 1;", before, "-DMAP(len)=(wild(), "
            "reserve(len))", "-DUNMAP(p,len)=munmap(p,len)"), exit_code=e2e.FINDING)
        self.assertEqual(e2e.kinds(wild), ["crash"])


class Processes(Pitfalls):
    def test_thread_of_its_own(self):
        """What it maps is found: in the call that starts it, and at a checkpoint."""
        before = """
            static char stack[65536] __attribute__((aligned(4096)));
            static int asked, answered;
            static void *work(void *unused)
            {
                for (int n = 1;; n++) {
                    while (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) < n)
                        syscall(SYS_futex, &asked, FUTEX_WAIT, n - 1, NULL, NULL, 0);
                    mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                    __atomic_store_n(&answered, n, __ATOMIC_RELEASE);
                    syscall(SYS_futex, &answered, FUTEX_WAKE, 1, NULL, NULL, 0);
                }
            }"""
        body = """
            static int calls;
            if (calls++ == 0) {
                pthread_t thread;
                pthread_attr_t attr;
                pthread_attr_init(&attr);
                pthread_attr_setstack(&attr, stack, sizeof(stack));
                if (pthread_create(&thread, &attr, work, NULL) != 0)
                    abort();
            }
            if (calls > 2)
                return;
            __atomic_store_n(&asked, calls, __ATOMIC_RELEASE);
            syscall(SYS_futex, &asked, FUTEX_WAKE, 1, NULL, NULL, 0);
            while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) < calls)
                syscall(SYS_futex, &answered, FUTEX_WAIT, calls - 1, NULL, NULL, 0);"""
        library = self.mapper(body, before)
        for load in e2e.LOADS:
            result = self.run_one(PROGRAM, library, "--load", load, exit_code=e2e.CLEAN)
            watch = result["watch"]
            self.assertEqual((watch["passed_by"], watch["ledger"]), (1, "exact"))
            # One page each time, and the first block, which its call mapped unseen.
            self.assertEqual(watch["untracked"]["mapped_bytes"], 2 * e2e.PAGE + 8192)
            self.assertEqual(result["calls"]["mmap"]["made"], BLOCKS - 1)
            self.assertEqual(e2e.checkpoint(result, "end")["maps"], 2)
            result = self.run_one(PROGRAM, library, "--load", load, "--check-ledger",
                                  exit_code=e2e.UNSUPPORTED)
            self.assertIn("threads of its own", result["reason"])
            for metric in ("munmap.failed", "mapped.lost", "maps.peak"):
                result = self.run_one(f"malloc b[0] 8\nexpect {metric} == 0", library, "--load",
                                      load)
                self.assertIn(result["outcome"], ("unsupported", "finding"), result)

    def test_forks(self):
        """Behind libc's fork() its calls are seen again."""
        wait = "int status; waitpid(pid, &status, 0); if (status != 7 << 8) abort();"
        library = self.mapper("pid_t pid = fork(); if (pid == 0) { mmap(NULL, 4096, 3, 34, -1, 0);"
                              " _exit(7); }" + wait)
        result = self.check(library, passed_by=BLOCKS)
        self.assertIsNone(result["watch"]["untracked"])
        self.assertEqual(result["calls"]["wait4"]["made"], BLOCKS)

    def test_vforks(self):
        """The rest of such a call is not seen, and what it mapped is found behind it."""
        library = self.mapper("pid_t pid = vfork(); if (pid == 0) _exit(7); int status;"
                              "waitpid(pid, &status, 0); if (status != 7 << 8) abort();")
        result = self.check(library, blocks=None, passed_by=BLOCKS)
        self.assertEqual(result["calls"]["munmap"]["made"], BLOCKS)
        self.assertGreater(result["watch"]["untracked"]["mapped_bytes"], 0)
        result = self.run_one("malloc b[0] 8\nexpect mmap.failed == 0", library,
                              exit_code=e2e.UNSUPPORTED)
        self.assertRegex(result["reason"], "clone, fork or the like")

    def test_atfork_handlers(self):
        """They map before the fork, unmap behind it in the parent and, with more, in the child."""
        before = """
            static void *p;
            static void prepare(void) { p = mmap(NULL, 8192, 3, 34, -1, 0); }
            static void parent(void) { munmap(p, 8192); }
            static void child(void)
            {
                munmap(p, 8192);
                mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            }
            __attribute__((constructor)) static void set(void)
            {
                pthread_atfork(prepare, parent, child);
            }"""
        text = PROGRAM + "\nexpect munmap.made == 14\nexpect munmap.failed == 0\nexpect maps == 0"
        result = self.check(self.mapper("", before), text=text, blocks=BLOCKS + 2)
        self.assertEqual(e2e.kinds(result), [])
        # One after the other: prepare, parent, child, and so on in the child.
        text = """
            fork {
              expect mmap.made == 2
              expect munmap.made == 2
              malloc b[0] 8
              fork {
                malloc b[1] 8
                expect mmap.made == 6
              }
              expect munmap.made == 4
            }
            expect munmap.made == 4
            expect maps == 0"""
        for _ in range(5):
            self.check(self.mapper("", before), text=text, blocks=None)

    def test_stuck_in_an_atfork_handler(self):
        """It is the parent that is stuck, not the child that waits for it."""
        before = """
            static void wait_forever(void) { for (;;) pause(); }
            __attribute__((constructor)) static void set(void) { pthread_atfork(0, %s); }"""
        for which, in_fork in (("wait_forever, 0", False), ("0, wait_forever", True)):
            result = self.run_one("malloc b[0] 8\nfork {\nmalloc b[1] 8\n}",
                                  self.mapper("", before % which), "--hang-after", "300ms",
                                  exit_code=e2e.FINDING)
            finding, = result["findings"]
            self.assertEqual((finding["kind"], finding["in_fork"]), ("fork-broken", in_fork))
            self.assertIn("wait_forever", finding["message"])

    def test_refused_in_an_atfork_handler(self):
        before = """
            static void *p;
            static void prepare(void) { p = mmap(NULL, 8192, 3, 34, -1, 0); }
            static void parent(void) { munmap(p, 8192); }
            __attribute__((constructor)) static void set(void) { pthread_atfork(prepare, parent, 0); }
            """
        result = self.run_one("malloc b[0] 8\nfork {\nsleep 1ms\n}\nmalloc b[1] 8",
                              self.mapper("", before), "--fault", "munmap ENOMEM",
                              exit_code=e2e.FINDING)
        self.assertEqual([(f["kind"], f["signature"]) for f in result["findings"]],
                         [("lost-mapping", "lost-mapping/fork/munmap")])

    def test_destructors_of_threads(self):
        """A program's threads end with the process: what an allocator does at their end is not
        tried."""
        before = """
            static pthread_key_t key;
            static void destructor(void *unused) { write(2, "destructor\\n", 11); }"""
        body = ("static int made; if (!made) { made = 1; pthread_key_create(&key, destructor); }"
                "pthread_setspecific(key, &made);")
        result = self.check(self.mapper(body, before))
        self.assertNotIn("output", result)


class Calls(Pitfalls):
    def test_other_calls_are_counted_by_name(self):
        result = self.check(self.mapper("""
            char bytes[8];
            int word = 1;
            struct timespec t = {0, 1000};
            syscall(SYS_getrandom, bytes, sizeof(bytes), 0);
            syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
            clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);"""))
        for name in ("getrandom", "futex", "clock_nanosleep"):
            self.assertEqual(result["calls"][name], {"made": BLOCKS, "by_allocator": BLOCKS})

    def test_closes_all_descriptors(self):
        tape = os.path.join(self.dir, "tape.jsonl")
        self.check(self.mapper("syscall(SYS_close_range, 0, ~0u, 0);"), "--tape", tape)
        self.assertEqual(len([e for e in e2e.lines_of(tape) if e["call"] == "munmap"]), BLOCKS)

    def test_dispatch_of_its_own(self):
        """Off, or to a selector of its own that would trap it: the trap stays as it is."""
        for how in ("0, 0, 0, 0", "1, 0, 0, &selector"):
            result = self.check(self.mapper(
                ONCE + f"if (prctl(59, {how}) != 0) abort();", "static char selector = 1;"))
            self.assertEqual(result["calls"]["prctl"]["made"], 1)

    def test_calls_in_assembly(self):
        before = """
            static inline __attribute__((always_inline)) long call(long nr, long a, long b, long c,
                                                                   long d)
            {
                register long r10 __asm__("r10") = d, r8 __asm__("r8") = -1, r9 __asm__("r9") = 0;
                long ret;
                __asm__ volatile("syscall"
                                 : "=a"(ret)
                                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                                 : "rcx", "r11", "memory");
                return ret;
            }"""
        library = self.mapper("", before, "-DMAP(len)=(void *)call(SYS_mmap, 0, len, 3, 34)",
                              "-DUNMAP(p,len)=(int)call(SYS_munmap, (long)(p), len, 0, 0)")
        self.check(library)
        result = self.run_one("malloc b[0:3] 8\nfree b[0:3]", library, "--fault",
                              "munmap ENOMEM nth=2", exit_code=e2e.FINDING)
        self.assertEqual(result["calls"]["munmap"]["injected"], 1)

    def test_calls_by_another_table(self):
        """int $0x80: 20 is getpid() there; -ENOSYS where it is not built in."""
        library = self.mapper('long ret; __asm__ volatile("int $0x80" : "=a"(ret) : "a"(20));'
                              "if (ret <= 0 && ret != -38) abort();")
        result = self.check(library, blocks=None, passed_by=BLOCKS)
        self.assertEqual(result["calls"]["munmap"]["made"], BLOCKS)


@unittest.skipUnless(e2e.have("jemalloc"), "jemalloc is not installed")
class BackgroundThreads(Pitfalls):
    def test_drain(self):
        env = {**os.environ,
               "MALLOC_CONF": "background_thread:true,dirty_decay_ms:50,muzzy_decay_ms:50"}
        paths = [os.path.join(e2e.SEEDS, "drain.prog"), self.program(PROGRAM)]
        for load in e2e.LOADS:
            for result in self.run_all(paths, ["jemalloc"], "--load", load, exit_code=e2e.CLEAN,
                                       env=env):
                watch = result["watch"]
                self.assertEqual((watch["tape"], watch["ledger"]), ("on", "exact"))
                self.assertTrue(watch["untracked"] is None or watch["untracked"]["vmas"] > 0)


if __name__ == "__main__":
    e2e.main()
