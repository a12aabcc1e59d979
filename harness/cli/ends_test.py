"""However an allocator ends a run: told apart, at the right op, in a result that is whole."""

import json
import os
import signal
import subprocess
import unittest

import e2e

SIZE = 666  # the one that the broken library breaks at

BAD_STORE = "*(volatile int *)0x1234 = 1"
BAD_BUS = ('*(volatile char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,'
           ' syscall(SYS_memfd_create, "empty", 0), 0) = 1')
DIVIDE = "{ volatile int zero = 0; zero = 7 / zero; }"
SPIN = "for (volatile int i = 0;; i++)"
WAIT = "for (;;) { int word = 0; syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0); }"
OVERFLOW = """
__attribute__((noinline)) int deeper(volatile char *p)
{
	volatile char frame[4096];
	frame[0] = *p;
	return deeper(frame) + frame[1];
}
"""


class Ends(e2e.Case):
    def broken(self, what, where="MALLOC", before="", after="", name="lib.so"):
        """A library that does `what` at the size of SIZE (malloc, realloc) or at any free."""
        condition = "" if where == "FREE" else f"if (size == {SIZE}) "
        source = f"#define BEFORE_{where} {condition}{what}\n" + e2e.BUMP
        return self.library(before + source + after, name=name)

    def check(self, result, kind, op, said):
        self.assertEqual(e2e.kinds(result), [kind], result)
        finding = result["findings"][0]
        self.assertEqual(finding["op"], op, finding)
        self.assertRegex(finding["message"], said)
        self.assertEqual(result["outcome"], "finding")
        return finding


class Signals(Ends):
    text = f"""
        malloc b[0:3] 100
        checkpoint before
        malloc b[3] {SIZE}
        free b[0:4]"""

    def crash(self, what, said, **more):
        for load in e2e.LOADS:
            with self.subTest(load=load, what=what):
                result = self.run_one(self.text, self.broken(what, **more), "--load", load,
                                      exit_code=e2e.FINDING)
                finding = self.check(result, "crash", 2, said)
                self.assertEqual(finding["slot"], 3)
                self.assertEqual(result["end"], "crashed")
                self.assertEqual([c["name"] for c in result["checkpoints"]], ["start", "before"])
                self.assertEqual(result["ops"]["executed"], 3)
                finding["frames"] = finding["signature"].split("/")[-1]
                self.assertRegex(finding["message"], r"in malloc on b\[3\]")
        return finding

    def test_segv(self):
        finding = self.crash(BAD_STORE, r"SIGSEGV at address 0x1234, instruction 0x[0-9a-f]+,")
        self.assertRegex(finding["message"], r"stack: malloc\b")
        self.assertEqual(finding["signature"], "crash/malloc/SIGSEGV/malloc")

    def test_bus(self):
        self.crash(BAD_BUS, r"SIGBUS at address 0x[0-9a-f]+000, .*stack: malloc\b")

    def test_fpe(self):
        self.crash(DIVIDE, r"SIGFPE at address 0x[0-9a-f]+, .*stack: malloc\b")

    def test_ill(self):
        self.crash("__builtin_trap()", r"SIGILL at address 0x[0-9a-f]+, .*stack: malloc\b")

    def test_abort(self):
        finding = self.crash('{ write(2, "corrupted thing\\n", 16); abort(); }',
                             r"SIGABRT in malloc.*malloc.*it printed: corrupted thing")
        self.assertEqual(finding["signature"], "crash/malloc/SIGABRT/malloc/corrupted-thing")

    def test_jump_to_nowhere(self):
        self.crash("((void (*)(void))0x10)()", r"SIGSEGV at address 0x10, .*malloc")

    def test_stack_overflow(self):
        self.crash("deeper((char *)&used)", r"SIGSEGV at address 0x7[0-9a-f]+,.*deeper",
                   before="int deeper(volatile char *);\n", after=OVERFLOW)

    def test_exit(self):
        for what, status in [("exit(0)", 0), ("exit(3)", 3), ("_exit(0)", 0), ("_exit(2)", 2),
                             ("syscall(SYS_exit_group, 77)", 77)]:
            self.crash(what, rf"the process exited with status {status} in malloc")

    def test_other_signals(self):
        for name in ("TERM", "HUP", "USR1"):
            self.crash(f"kill(getpid(), SIG{name})", rf"SIG{name}\b in malloc")
        self.crash("kill(getpid(), 40)", r"SIG40 in malloc")

    def test_killed(self):
        """By itself, as the kernel killed nobody for want of memory."""
        self.crash("kill(getpid(), SIGKILL)", r"SIGKILL in malloc")


class Places(Ends):
    def place(self, text, library, kind, op, said, *args):
        for load in e2e.LOADS:
            with self.subTest(load=load, text=text):
                result = self.run_one(text, library, "--load", load, *args, exit_code=e2e.FINDING)
                finding = self.check(result, kind, op, said)
        return finding

    def test_free(self):
        self.place("malloc b[0] 8\nfree b[0]", self.broken("abort()", "FREE"), "crash", 1,
                   r"SIGABRT in free on b\[0\].*free")

    def test_realloc(self):
        self.place(f"malloc b[0] 8\nrealloc b[0] {SIZE}", self.broken(BAD_STORE, "REALLOC"),
                   "crash", 1, r"SIGSEGV at address 0x1234.*in realloc on b\[0\].*realloc")

    def test_thread(self):
        finding = self.place(f"@3 malloc b[0] 8\n@3 repeat 2 {{\n@3 malloc b[1:3] {SIZE}\n}}",
                             self.broken(BAD_STORE), "crash", 2, r"SIGSEGV at address 0x1234")
        self.assertEqual((finding["thread"], finding["slot"], finding["iteration"]), (3, 1, 0))

    def test_thread_stack_overflow(self):
        self.place(f"@2 malloc b[0] {SIZE}",
                   self.broken("deeper((char *)&used)", before="int deeper(volatile char *);\n",
                               after=OVERFLOW), "crash", 0, r"SIGSEGV.*deeper")

    def test_fork_child(self):
        text = f"malloc b[0] 8\nfork {{\nfree b[0]\nmalloc b[1] {SIZE}\n}}\nmalloc b[2] 9"
        for what, said in [(BAD_STORE, r"after fork: SIGSEGV at address 0x1234.*malloc"),
                           ("abort()", r"after fork: SIGABRT"),
                           ("_exit(0)", r"after fork: the process exited with status 0"),
                           ("exit(5)", r"after fork: the process exited with status 5"),
                           ("kill(getpid(), SIGKILL)", r"after fork: SIGKILL")]:
            finding = self.place(text, self.broken(what), "fork-broken", 3, said)
            self.assertTrue(finding["in_fork"])

    def test_nested_fork(self):
        text = f"fork {{\nfork {{\nmalloc b[1] {SIZE}\n}}\nmalloc b[2] 8\n}}\nmalloc b[2] 9"
        self.place(text, self.broken(BAD_STORE), "fork-broken", 2, r"SIGSEGV at address 0x1234")

    def test_atfork_handlers(self):
        source = """
            #include <pthread.h>
            static void handler(void) { %s; }
            __attribute__((constructor)) static void set(void) { pthread_atfork(%s); }
            """
        for which in ("handler, 0, 0", "0, handler, 0"):
            self.place("malloc b[0] 8\nfork {\nmalloc b[1] 8\n}",
                       self.library(e2e.BUMP + source % (BAD_STORE, which)), "crash", 1,
                       r"SIGSEGV at address 0x1234.*in fork.*handler")
        self.place("malloc b[0] 8\nfork {\nmalloc b[1] 8\n}",
                   self.library(e2e.BUMP + source % (BAD_STORE, "0, 0, handler")), "fork-broken", 1,
                   r"SIGSEGV")
        self.place("malloc b[0] 8\nfork {\nmalloc b[1] 8\n}\nmalloc b[2] 8",
                   self.library(e2e.BUMP + source % (WAIT, "0, 0, handler")), "fork-broken", 1,
                   r"no progress", "--hang-after", "300ms")

    def test_constructor(self):
        source = "__attribute__((constructor)) static void begin(void) { %s; }"
        for what, kind, said in [
                (BAD_STORE, "crash", r"SIGSEGV at address 0x1234.*before the first op.*begin"),
                ("abort()", "crash", r"SIGABRT before the first op"),
                ("_exit(0)", "crash", r"exited with status 0 before the first op"),
                ("_exit(2)", "crash", r"exited with status 2 before the first op"),
                (WAIT, "hang", r"no progress for .* before the first op.*begin")]:
            self.place("malloc b[0] 8", self.library(e2e.BUMP + source % what), kind, -1, said,
                       "--hang-after", "300ms")

    def test_destructor_is_not_the_runs(self):
        source = "__attribute__((destructor)) static void end(void) { abort(); }"
        for load in e2e.LOADS:
            self.run_one("malloc b[0] 8", self.library(e2e.BUMP + source), "--load", load,
                         exit_code=e2e.CLEAN)

    def test_own_handler(self):
        """An allocator that catches SIGSEGV itself, blocks it meanwhile, and hands it on."""
        source = """
            static struct sigaction old;
            static void mine(int n, siginfo_t *info, void *context)
            {
                old.sa_sigaction(n, info, context);
            }
            __attribute__((constructor)) static void set(void)
            {
                struct sigaction act = {.sa_sigaction = mine, .sa_flags = SA_SIGINFO};
                sigaction(SIGSEGV, &act, &old);
            }"""
        for load in e2e.LOADS:
            result = self.run_one("""
                mmap m[0:3] 2p none private,anon
                touch m[0:3]
                repeat 3 {
                  touch m[0:3]
                }""", self.library(e2e.BUMP + source), "--load", load, exit_code=e2e.CLEAN)
            self.assertEqual((result["ops"]["executed"], result["ops"]["failed"]), (15, 12))

    def test_rest_of_the_runs(self):
        """One allocator's crash is nothing to the next run."""
        programs = [self.program(f"malloc b[0] {SIZE}"), self.program("malloc b[0] 1", "q.prog")]
        results = self.run_all(programs, [self.broken(BAD_STORE), "glibc"], exit_code=e2e.FINDING)
        self.assertEqual([result["outcome"] for result in results],
                         ["finding", "clean", "clean", "clean"])


class Hangs(Ends):
    def hang(self, text, library, kind, op, said):
        for load in e2e.LOADS:
            result = self.run_one(text, library, "--load", load, "--hang-after", "300ms",
                                  exit_code=e2e.FINDING)
            self.check(result, kind, op, said)

    def test_spin(self):
        self.hang(f"malloc b[0] 8\nmalloc b[1:9] {SIZE}", self.broken(SPIN), "hang", 1,
                  r"no progress for 0\.[3-9] s in malloc on b\[1\].*malloc")

    def test_wait(self):
        self.hang(f"malloc b[0] 8\n@2 malloc b[7] {SIZE}", self.broken(WAIT), "hang", 1,
                  r"no progress for 0\.[3-9] s in malloc on b\[7\].*malloc")

    def test_free(self):
        self.hang("malloc b[0] 8\nfree b[0]", self.broken(SPIN, "FREE"), "hang", 1, "in free")

    def test_fork(self):
        self.hang(f"fork {{\nmalloc b[0] {SIZE}\n}}\nmalloc b[0] 8", self.broken(WAIT),
                  "fork-broken", 1, r"after fork: no progress for .* in malloc on b\[0\]")

    def test_sleep_is_progress(self):
        self.run_one("sleep 700ms\nmalloc b[0] 8", "glibc", "--hang-after", "200ms",
                     exit_code=e2e.CLEAN)


class Interrupts(Ends, e2e.Marked):
    def run_in_background(self, programs):
        out = open(os.path.join(self.dir, "out"), "w")
        self.addCleanup(out.close)
        process = self.start("run", *programs, "-a", "glibc", "--json", "-", stdout=out,
                             stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        return process

    def text(self):
        with open(os.path.join(self.dir, "out")) as file:
            return file.read()

    def results(self):
        text = self.text()
        self.assertTrue(text.endswith("\n") or not text, text)
        return [json.loads(line) for line in text.splitlines()]

    def begin(self, long_op):
        quick = self.program("malloc b[0] 8", "quick.prog")
        slow = self.program(long_op, "slow.prog")
        process = self.run_in_background([quick, quick, slow, quick])
        # A line that is being written can be seen in part.
        self.wait_for(lambda: self.text().count("\n") == 2 and len(self.marked()) > 1)
        return process

    def test_signals(self):
        forks = "fork {\nfork {\nsleep 1000s\n}\n}"
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for long_op in ("sleep 1000s", forks, "repeat 1000000000 {\nmalloc b[0] 8\n}"):
                with self.subTest(signal=signum.name, op=long_op):
                    process = self.begin(long_op)
                    process.send_signal(signum)
                    said = process.communicate(timeout=30)[1]
                    self.assertEqual(process.returncode, e2e.BROKEN, said)
                    results = self.results()
                    self.assertEqual([result["outcome"] for result in results],
                                     ["clean", "clean", "broken"])
                    self.assertEqual((results[2]["reason"], results[2]["end"]),
                                     ("interrupted", "interrupted"))
                    self.wait_for(lambda: not self.marked())

    def test_killed(self):
        for long_op in ("sleep 1000s", "fork {\nfork {\nsleep 1000s\n}\n}"):
            process = self.begin(long_op)
            process.kill()
            process.communicate(timeout=30)
            self.assertEqual([result["outcome"] for result in self.results()], ["clean", "clean"])
            self.wait_for(lambda: not self.marked())

    def test_no_process_stays(self):
        """An allocator that daemonises: whoever stays in the run's group ends with it."""
        library = self.broken("if (fork() == 0) for (;;) pause()")
        path = self.program(f"malloc b[0] {SIZE}\nmalloc b[1] {SIZE}")
        env = {**os.environ, self.MARK: self.dir}
        e2e.allocrig("run", path, "-a", library, env=env)
        self.wait_for(lambda: not self.marked())


if __name__ == "__main__":
    e2e.main()
