"""Programs that are fed to one child: feed_test.py ALLOCRIG FEED-PROGRAMS CANARIES INSTRUMENTED.

CANARIES is where the broken allocators are built; their programs stand in allocators/canary.
INSTRUMENTED is where some are built with coverage, if there is a clang.
"""

import glob
import os
import re
import signal
import subprocess
import sys
import unittest

import e2e

FEEDER, CANARIES, INSTRUMENTED = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "allocators",
                        "canary")
EXPECT = re.compile(r"^# expect: ([a-z-]+) at op", re.M)
GROWTH = {"map-growth", "footprint-growth"}
HARMLESS = "mmap m[0:3] 2p rw private,anon\ntouch m[0:3]\nmunmap m[0] 1p 1p\n"
# Their defects show on the first pages of a heap alone. A child that is fed has made threads, which
# took blocks: what is missed there is missed in a child of its own that has as many.
OF_A_NEW_HEAP = {"rule-12-live", "unexpected-result-outcome"}
BUILT_IN = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]


class Line:
    def __init__(self, text):
        name, self.end, kinds, again, child, fds, maps, pages, self.why = text.split("\t")
        self.kinds = set(filter(None, (kinds + "," + again).split(",")))
        self.child, self.fds, self.maps, self.pages = map(int, (child, fds, maps, pages))


class Fed(e2e.Marked):
    def feed(self, allocator, *words):
        done = subprocess.run([FEEDER, "-a", allocator, *words], capture_output=True, text=True,
                              timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [Line(line) for line in done.stdout.splitlines()]

    def details(self, allocator, *words):
        """What a fuzzer is told of each program: numbers where they are such."""
        done = subprocess.run([FEEDER, "--details", "-a", allocator, *words], capture_output=True,
                              text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split("\t")[1] for line in done.stdout.splitlines()
                 if line.startswith("details")]
        pairs = [[word.partition("=")[::2] for word in line.split()] for line in lines]
        return [{key: int(value) if value.isdigit() else value for key, value in each}
                for each in pairs]

    def ends(self, lines):
        return [(line.end, line.child) for line in lines]

    def at_work(self, feeder):
        """The child, when it runs the program that maps a memfd."""
        for pid in self.marked():
            with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
                if pid != feeder and "/memfd:allocrig (deleted)" in maps.read():
                    return pid
        return None

    def canary(self, name):
        return os.path.join(CANARIES, name + ".so"), os.path.join(PROGRAMS, name + ".prog")


class Canaries(Fed):
    def expected(self):
        for path in sorted(glob.glob(os.path.join(PROGRAMS, "*.prog"))):
            with open(path, encoding="utf-8") as file:
                found = EXPECT.search(file.read())
            if found and found[1] not in GROWTH:
                yield os.path.basename(path)[:-5], found[1]

    def test_found_after_a_hundred_harmless_programs(self):
        harmless = self.program(HARMLESS)
        for name, kind in self.expected():
            library, program = self.canary(name)
            if name in OF_A_NEW_HEAP:
                continue
            with self.subTest(canary=name):
                lines = self.feed(library, "--hang-ms", "500", *[harmless] * 100, program)
                self.assertEqual({line.end for line in lines[:-1]}, {"normal"})
                self.assertEqual(set().union(*(line.kinds for line in lines[:-1])), set())
                self.assertIn(kind, lines[-1].kinds, lines[-1].why)


class Ends(Fed):
    def test_a_crash_or_a_hang_is_one_programs_alone(self):
        harmless = self.program(HARMLESS)
        for name, end in ("crash", "crashed"), ("crash-exit", "crashed"), ("hang", "hung"):
            library, program = self.canary(name)
            with self.subTest(canary=name):
                lines = self.feed(library, "--hang-ms", "300", harmless, program, harmless,
                                  harmless)
                self.assertEqual(self.ends(lines),
                                 [("normal", 1), (end, 1), ("normal", 2), ("normal", 2)])
                self.assertIn({"hung": "hang"}.get(end, "crash"), lines[1].kinds)
                self.assertFalse(lines[2].kinds | lines[3].kinds)

    def test_a_child_that_was_killed_while_it_waited_is_nobodys_end(self):
        harmless = self.program(HARMLESS)
        lines = self.feed("glibc", "--times", "3", "--kill-after", "2", harmless, harmless)
        self.assertEqual(self.ends(lines), [("normal", 2), ("normal", 3)])

    def test_a_child_that_is_killed_at_work_is_that_programs_end(self):
        harmless, slow = self.program(HARMLESS), self.program("mmap m[0] 1p rw shared,memfd\nsleep 600s",
                                                         "slow.prog")
        mark = {**os.environ, self.MARK: self.dir}
        feeder = subprocess.Popen([FEEDER, "-a", "glibc", harmless, slow, harmless], env=mark,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(feeder.kill)
        first = Line(feeder.stdout.readline().rstrip("\n"))
        self.assertEqual(first.end, "normal")
        self.wait_for(lambda: self.at_work(feeder.pid))
        os.kill(self.at_work(feeder.pid), signal.SIGKILL)
        rest, _ = feeder.communicate(timeout=60)
        lines = [Line(line) for line in rest.splitlines()]
        self.assertEqual(self.ends(lines), [("broken", 1), ("normal", 2)])
        self.assertIn("SIGKILL", lines[0].why)

    def test_an_allocator_that_closes_everything(self):
        library = self.library(e2e.BUMP, "-DBEFORE_MALLOC=close_range(3, 4000, 0)")
        closes = self.program("malloc b[0] 10", "closes.prog")
        served = self.program("mmap m[0] 1p rw private,anon -> ok\nmalloc b[0] 10", "served.prog")
        wrong = self.program("mmap m[0] 1p rw private,anon -> EINVAL\nmalloc b[0] 10\ntrim",
                             "wrong.prog")
        lines = self.feed(library, "--load", "dlopen", closes, wrong, served, wrong, served)
        self.assertEqual([(line.end, line.kinds) for line in lines],
                         [("normal", kinds) for kinds in
                          (set(), {"unexpected-result"}, set(), {"unexpected-result"}, set())])

    def test_what_is_no_program_disturbs_nobody(self):
        harmless, bad = self.program(HARMLESS), self.file("bad.prog", "allocrig 1\nmolloc\n")
        lines = self.feed("glibc", harmless, bad, harmless)
        self.assertIn("expected", lines[1].why)
        self.assertEqual(self.ends(lines[::2]), [("normal", 1), ("normal", 1)])

    def test_needs_and_facts_are_of_one_program(self):
        harmless = self.program(HARMLESS)
        needs = self.program("needs max_map_count < 2\ntrim", "needs.prog")
        lines = self.feed("glibc", harmless, needs, harmless)
        self.assertEqual(self.ends(lines), [("normal", 1), ("refused", 1), ("normal", 1)])
        self.assertIn("needs max_map_count", lines[1].why)

    def test_more_threads_and_slots_than_there_are_take_another_child(self):
        harmless = self.program(HARMLESS)
        threads = self.program("@9 malloc b[0] 10\n@0 free b[0]", "threads.prog")
        slots = self.program("malloc b[70000] 10", "slots.prog")
        lines = self.feed("glibc", harmless, threads, threads, slots, threads, harmless)
        self.assertEqual(self.ends(lines), [("normal", n) for n in (1, 2, 2, 3, 3, 3)])


class History(Fed):
    def history(self, *words):
        done = subprocess.run([FEEDER, "--history", "3", *words], capture_output=True, text=True,
                              timeout=100, check=True)
        return re.findall(r"# (\w+)$", done.stdout.partition("history")[2], re.M)

    def named(self, name, text=""):
        return self.program(f"{text} # {name}", name + ".prog")

    def test_the_last_programs_of_the_child(self):
        a, b, c, d = (self.named(name) for name in "abcd")
        self.assertEqual(self.history("-a", "glibc", a), ["a"])
        self.assertEqual(self.history("-a", "glibc", a, b, c, b, d), ["d", "b", "c"])

    def test_it_stays_behind_a_crash_and_begins_with_a_child(self):
        library, crash = self.canary("crash")
        text = "malloc b[0:4] 100000\nfree b[0:3]"
        a, b, crash = self.named("a"), self.named("b"), self.program(text + " # x", "x.prog")
        self.assertEqual(self.history("-a", library, a, crash), ["x", "a"])
        self.assertEqual(self.history("-a", library, a, crash, b), ["b"])


class Undone(Fed):
    LEAVES = """
        malloc b[0:9] 3000
        touch b[0:9]
        mmap m[0:4] 3p rw private,anon
        mmap m[4] 3p rw shared,memfd
        mmap m[5] 3p rw private,file
        mmap m[6] 2p rw shared,of=m[4]
        touch m[0:7]
        mlock m[0]
        mprotect m[1] none 1p 1p
        munmap m[2] 1p 1p
    """

    def assert_steady(self, first, last):
        self.assertEqual((last.end, last.child), ("normal", 1))
        self.assertEqual((last.fds, last.maps), (first.fds, first.maps))
        # The kernel's count of resident pages is rough.
        self.assertLess(abs(last.pages - first.pages), 256)

    def test_a_hundred_thousand_empty_programs_leave_nothing(self):
        empty = self.program("")
        for allocator in "glibc", "kernel":
            with self.subTest(allocator=allocator):
                first, last = self.feed(allocator, "--times", "50000", empty, empty)
                self.assert_steady(first, last)

    def test_what_programs_leave_is_gone(self):
        leaves = self.program(self.LEAVES)
        for allocator in BUILT_IN:
            with self.subTest(allocator=allocator):
                lines = self.feed(allocator, "--times", "2000", leaves, leaves, leaves)
                self.assert_steady(lines[1], lines[2])
                self.assertFalse(lines[2].kinds)

    def test_threads_that_end_and_forks_and_sections(self):
        program = self.program("""
            @1 malloc b[0] 100
            @1 exit
            @1 free b[0]
            fork {
              malloc b[1] 100
            }
            parallel {
              @0 malloc b[2] 100
              @1 malloc b[3] 100
              @2 exit
            }
        """)
        first, last = self.feed("glibc", "--times", "300", program, program)
        self.assert_steady(first, last)

    def test_what_a_fork_child_printed_before_it_aborted_is_there(self):
        program = self.program("fault mmap ENOMEM count=0 from=2\nmalloc b[0] 100\n"
                               "fork {\n  malloc b[1:200] 5000\n}")
        aborts, quiet = self.details("scudo", program, self.program("malloc b[0] 100", "a.prog"))
        self.assertGreater(aborts["printed"], 0)
        self.assertEqual(quiet["printed"], 0)

    def test_the_ballast_stands(self):
        program = self.program("mmap m[0:200] 2p rw private,anon -> ok|ENOMEM\n"
                               "mprotect m[0:200] none 0 1p -> ok|ENOMEM|EINVAL|EFAULT\n"
                               "malloc b[0:100] 200K\nfree b[0:100:2]\nexpect maps.peak <= 43")
        lines = self.feed("glibc", "--ballast", "40", "--times", "20", program, program)
        for line in lines:
            self.assertEqual((line.end, line.child, line.kinds - {"lost-mapping"}),
                             ("normal", 1, set()))

    def test_faults_are_of_one_program(self):
        refused = self.program("fault mmap ENOMEM nth=1 count=0\nfault brk ENOMEM nth=1 count=0\n"
                               "malloc b[0] 64M -> ENOMEM", "refused.prog")
        served = self.program("malloc b[0] 64M -> ok", "served.prog")
        lines = self.feed("glibc", refused, served, refused, served)
        self.assertEqual([(line.end, line.child, line.kinds) for line in lines],
                         [("normal", 1, set())] * 4)

    def test_expectations_are_from_the_programs_own_start(self):
        program = self.program("mmap m[0] 100p rw private,anon\ntouch m[0]\n"
                               "expect mapped == 100p\nexpect rss >= 100p\nexpect rss <= 110p\n"
                               "expect mmap.made == 1\nexpect rss.peak >= 100p")
        for line in self.feed("glibc", "--times", "3", program, program):
            self.assertEqual((line.end, line.kinds), ("normal", set()))


class States(Fed):
    """Two programs that differ in one thing reach different places; one reaches the same again."""

    def told(self, *texts, allocator="glibc", words=()):
        programs = [self.program(text, f"{i}.prog") for i, text in enumerate(texts)]
        # What the first one of a child meets is new to the allocator.
        return self.details(allocator, *words, programs[0], *programs)[1:]

    def test_the_same_program_reaches_the_same_in_any_child(self):
        text = "malloc b[0:5] 1M\nrealloc b[0] 2M\nfree b[0:5]\nmalloc b[0:9] 24"
        self.assertEqual(*(self.told(text)[0]["states"] for _ in range(2)))
        self.assertEqual(len({t["states"] for t in self.told(text, "", text, text)[1:]}), 2)

    def test_sizes(self):
        told = self.told("", "malloc b[0] 100", "malloc b[0] 100\nmalloc b[1] 101",
                         "malloc b[0] 100\nmalloc b[1] 128\ncalloc b[2] 1 100",
                         "memalign b[0] 64 100\nmemalign b[1] 4096 100\nmemalign b[2] 3 100",
                         "repeat 256 {\nmalloc b[0] 10\nfree b[0]\n}")
        self.assertEqual([t["sizes"] for t in told], [0, 1, 1, 3, 3, 1])

    def test_rounded_sizes(self):
        told = self.told("", "malloc b[0] 100\ncalloc b[1] 1 99\nrealloc b[2] 1027", "malloc b[0] 104")
        self.assertEqual([t["rounded"] for t in told], ["", "104,1032", ""])

    def test_moves(self):
        told = self.told("malloc b[0] 1000\nrealloc b[1] 7", "malloc b[0] 1000\nrealloc b[0] 999",
                         "malloc b[0] 1000\nrealloc b[0] 999\nrealloc b[0] 999\n"
                         "malloc b[1] 10\nrealloc b[0] 1M")
        self.assertEqual([t["moves"] for t in told], [0, 1, 3])

    def test_kernel_calls_are_of_the_program_and_not_of_its_undoing(self):
        told = self.told("", "malloc b[0] 1M", "malloc b[0] 1M\nfree b[0]",
                         allocator=self.library(e2e.MAPPER))
        self.assertEqual([t["calls"] for t in told], [0, 1, 2])

    def test_refusals_and_errors(self):
        fault = "fault mmap ENOMEM nth=1 count=0\nfault brk ENOMEM nth=1 count=0\n"
        told = self.told("malloc b[0] 64M", fault + "malloc b[0] 64M",
                         fault + "malloc b[0] 64M\ncalloc b[1] 1 64M",
                         "fault munmap ENOMEM nth=1\nmalloc b[0] 64M\nfree b[0]",
                         "posix_memalign b[0] 3 64\nmmap m[0] 1p rw anon")
        self.assertEqual([t["errors"] for t in told], [0, 1, 2, 0, 2])
        refusals = [t["refusals"] for t in told]
        self.assertEqual((refusals[0], refusals[3], refusals[4]), (0, 1, 0))
        self.assertEqual(refusals[2], 2 * refusals[1])
        self.assertEqual(len({t["states"] for t in told}), 5)

    def test_the_kernels_own(self):
        two = "mmap m[0] 4p rw private,anon\nmmap m[1] 4p {} private,anon\n"
        told = self.told(two.format("rw"), two.format("r"), two.format("rw") + "munmap m[0] 1p 1p",
                         two.format("rw") + "munmap m[0] 3p 1p", allocator="kernel")
        self.assertEqual(len({t["states"] for t in told}), 4)
        self.assertEqual({t["calls"] > 2 for t in told}, {True})
        self.assertLess(told[0]["calls"], told[2]["calls"])
        wrong = self.told("mmap m[0] 1p rw private,anon", "mmap m[0] 1p rw anon",
                          "mmap m[0] 0 rw private,anon", allocator="kernel")
        self.assertEqual([t["errors"] for t in wrong], [0, 1, 1])


class Edges(Fed):
    EMPTY, LITTLE = "", "malloc b[0] 100\n"
    MORE = LITTLE + "realloc b[0] 100K\naligned_alloc b[1] 64K 64K\ncalloc b[2] 7 300K\ntrim\n"

    def setUp(self):
        super().setUp()
        self.guard = os.path.join(INSTRUMENTED, "guard.so")
        if not os.path.exists(self.guard):
            self.skipTest("no clang built it")

    def test_more_is_reached_by_a_program_that_does_more(self):
        programs = [self.program(text, f"{i}.prog")
                    for i, text in enumerate((self.EMPTY, self.LITTLE, self.MORE, self.EMPTY))]
        for load in e2e.LOADS:
            with self.subTest(load=load):
                told = self.details(self.guard, "--load", load, *programs)
                edges = [t["edges"] for t in told]
                self.assertGreater(told[0]["edges_known"], 1000)
                self.assertEqual(told[0]["edges_left_out"], 0)
                self.assertTrue(0 == edges[0] == edges[3] < edges[1] < edges[2], edges)

    def test_none_of_a_plain_build(self):
        for allocator in "glibc", "guard":
            told = self.details(allocator, self.program(self.MORE))[0]
            self.assertEqual((told["edges"], told["edges_known"]), (0, 0))

    def test_a_canary_is_found_by_them_and_a_crash_has_none(self):
        _, program = self.canary("overlap")
        library = os.path.join(INSTRUMENTED, "overlap.so")
        self.assertIn("overlap", self.feed(library, program)[0].kinds)
        self.assertGreater(self.details(library, program)[0]["edges"], 0)

    def test_runs_of_their_own(self):
        for load in e2e.LOADS:
            self.run_one(self.MORE, self.guard, "--load", load, exit_code=e2e.CLEAN)

    def test_callbacks_of_every_sort_of_coverage_are_there(self):
        library = self.library(e2e.BUMP, "-fsanitize-coverage=trace-pc,trace-cmp")
        for load in e2e.LOADS:
            line = self.feed(library, "--load", load, self.program(self.LITTLE))[0]
            self.assertEqual((line.end, line.kinds), ("normal", set()))


class Told(Fed):
    def test_what_lives_at_the_peaks(self):
        program = self.program("malloc b[0:4] 10000\nfree b[0:3]\nmmap m[0:8] 1p rw private,anon\n"
                               "munmap m[1:8:2]\nmalloc b[0] 5000\nfree b[0]")
        told = self.details("glibc", program, program)[1]
        self.assertEqual((told["live_peak"], told["live_at_peak"]), (40000, 10000))
        peak = self.run_one(program, "glibc")["peak"]
        self.assertEqual((peak["live_peak_bytes"], peak["live_bytes"]), (40000, 10000))

    def test_a_block_that_is_served_by_more_maps_lives_with_them(self):
        program = self.program("malloc b[0] 100000\nfree b[0]")
        told = self.details(self.library(e2e.MAPPER), program)[0]
        self.assertEqual((told["maps_peak"], told["live_at_peak"]), (1, 100000))

    def test_growth_is_suspected(self):
        canaries = sorted(glob.glob(os.path.join(PROGRAMS, "*-growth*.prog")))
        self.assertGreaterEqual(len(canaries), 8)
        for program in canaries:
            name = os.path.basename(program)[:-5]
            with self.subTest(canary=name):
                with open(program, encoding="utf-8") as file:
                    op = int(re.search(r"^# expect: .* at op (\d+)", file.read(), re.M)[1])
                for told in self.details(self.canary(name)[0], program, program):
                    self.assertIn("growth", told)
                    self.assertEqual(told["growth_stmt"], op)
                for allocator in "glibc", "guard":
                    for told in self.details(allocator, program, program):
                        self.assertNotIn("growth", told)

    def test_the_slowest_call(self):
        library = self.library(e2e.BUMP, "-DBEFORE_MALLOC=if (size == 777) poll(0, 0, 300)",
                               "-include", "poll.h")
        program = self.program("malloc b[0:20] 10\nmalloc b[20] 777\nfree b[0]\nmalloc b[0] 10")
        told = self.details(library, "--timed", "--no-oracles", program)[0]
        self.assertEqual(told["slowest_stmt"], 1)
        self.assertGreaterEqual(told["slowest_ns"], 300000000)
        self.assertEqual(self.details(library, "--no-oracles", program)[0]["slowest_ns"], 0)

    def test_calls_are_timed_alone(self):
        program = self.program("malloc b[0] 10")
        done = subprocess.run([FEEDER, "--timed", "-a", "glibc", program], capture_output=True,
                              text=True, timeout=100)
        self.assertIn("Invalid argument", done.stderr)
        fault = self.program("fault mmap ENOMEM\nmalloc b[0] 1M", "fault.prog")
        lines = self.feed("glibc", "--timed", "--no-oracles", fault, program, fault)
        self.assertEqual(self.ends(lines), [("refused", 0), ("normal", 1), ("refused", 1)])
        self.assertIn("not watched", lines[0].why)

    def test_outcomes(self):
        program = self.program("malloc b[0:2] 10\nmmap m[0] 1p rw private,anon\nfree b[0]\n"
                               "mmap m[1] 1p rw anon\nmunmap m[5]\nmunmap m[0]\n"
                               "parallel {\n@0 malloc b[7] 1\n}")
        whole = "0:0:0:served,0:1:0:served,1:0:0:served,2:0:0:-,3:1:22:-,5:0:0:-," \
                "7:7:0:served,6:0:0:-"
        for words, outcomes in (["--outcomes", "50"], whole), (["--outcomes", "2"], whole[:25]), \
                ([], ""):
            for more in [], ["--no-oracles"]:
                for told in self.details("glibc", *words, *more, program, program):
                    self.assertEqual(told["outcomes"], outcomes)

    def test_crashes_without_stacks(self):
        library, program = self.canary("crash-abort")
        self.assertGreater(self.details(library, program)[0]["stacks"], 0)
        self.assertEqual(self.details(library, "--no-stacks", program)[0]["stacks"], 0)
        self.assertEqual(self.feed(library, "--no-stacks", program)[0].kinds, {"crash"})


if __name__ == "__main__":
    e2e.main()
