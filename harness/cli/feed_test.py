"""Programs that are fed to one child: feed_test.py ALLOCRIG FEED-PROGRAMS CANARIES.

CANARIES is where the broken allocators are built; their programs stand in allocators/canary.
"""

import glob
import os
import re
import signal
import subprocess
import sys
import unittest

import e2e

FEEDER, CANARIES = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
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


if __name__ == "__main__":
    e2e.main()
