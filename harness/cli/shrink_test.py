"""End to end: programs made smaller for as long as they show the same finding."""

import json
import os
import re
import signal
import subprocess
import sys

import e2e
from e2e import BROKEN, CLEAN, FINDING, MISUSE, UNSUPPORTED, Case, Marked, allocrig

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import shrink_canaries  # noqa: E402

# Of every way to find something one; tools/shrink_canaries.py shrinks them all.
CANARIES = ["overlap", "lost-mapping", "dirty-zero", "corrupted", "errno-clobbered", "crash",
            "fork-broken-exit", "accepted-overflow", "overlap-zero", "unexpected-result"]

SHORT = "{ struct head *h = (struct head *)bump_take(size) - 1; h->size = 0; return h + 1; }"
# Its third block and all behind it say that they are empty.
THIRD = [f"-DBEFORE_MALLOC=static int n; if (__atomic_fetch_add(&n, 1, 0) >= 2) {SHORT}"]
# The same, and so slow that somebody can come in between.
SLOW = [f"-DBEFORE_MALLOC=static int n; struct timespec t = {{0, 20000000}}; nanosleep(&t, 0); "
        f"if (n++ > 1) {SHORT}", "-include", "time.h"]


def canary(name):
    return os.path.join(os.path.dirname(e2e.ALLOCRIG), "allocators", "canary", name + ".so")


class Shrinks(Case):
    def shrink(self, program, library, *args, exit_code=CLEAN, **more):
        path = program if os.sep in program and "\n" not in program else self.program(program)
        got = allocrig("shrink", path, "-a", library, *args, **more)
        self.assertEqual(got.returncode, exit_code, f"{got.stdout}\n{got.stderr}")
        return got

    def result(self, program, library, *args, **more):
        got = self.shrink(program, library, "--json", "-", *args, **more)
        result = json.loads(got.stdout)
        self.assertEqual(result["schema"], "allocrig.shrink/1")
        return result

    def assert_statements(self, text, *lines):
        found = [re.sub(r"\s+", " ", line) for line in text.splitlines()
                 if not line.startswith("#")]
        self.assertEqual(found, ["allocrig 1", *lines])

    def assert_one_line(self, got, *words):
        self.assertEqual((got.stdout, got.stderr.count("\n")), ("", 1), got.stderr)
        for word in words:
            self.assertIn(word, got.stderr)


class Canaries(Shrinks):
    def test_padded_canaries(self):
        shrinker = shrink_canaries.Shrinker(e2e.ALLOCRIG, self.dir)
        for name in CANARIES:
            with self.subTest(name=name):
                result = shrinker.shrink(name, 40, 1)
                self.assertIsNotNone(result, "the padding hides it")
                self.assertTrue(result["minimal"])
                self.assertGreaterEqual(result["statements_before"], 40)
                self.assertLessEqual(result["statements"], result["own"], result["text"])
                # It still is a program that shows it.
                kinds = set(shrinker.signatures(self.file("small.prog", result["text"]),
                                                shrinker.built / f"{name}.so").values())
                self.assertIn(result["kind"], kinds)


class Basics(Shrinks):
    PADDED = """
        # of this nothing matters but three mallocs
        needs ram > 1M
        malloc b[0:9] 100
        repeat 20 {
          touch b[0:9]
          realloc b[3] 4000
        }
        @2 free b[0:9]
        expect maps >= 0
        """

    def test_to_standard_output(self):
        got = self.shrink(self.PADDED, self.library(e2e.BUMP, *THIRD))
        self.assert_statements(got.stdout, "malloc b[0:3] 1")
        self.assertIn("# short-usable/malloc/", got.stdout)
        self.assertIn("5 statements, now 1; nothing more can go", re.sub("6 s", "5 s", got.stderr))

    def test_to_a_file_and_the_same_each_time(self):
        library = self.library(e2e.BUMP, *THIRD)
        out = os.path.join(self.dir, "small.prog")
        first = self.result(self.PADDED, library, "-o", out)
        second = self.result(self.PADDED, library)
        for key in ["text", "steps", "steps_kept", "signature"]:
            self.assertEqual(first[key], second[key])
        with open(out, encoding="utf-8") as file:
            self.assert_statements(file.read(), "malloc b[0:3] 1")
        self.assertEqual(os.listdir(self.dir).count("small.prog"), 1)
        self.assertEqual([n for n in os.listdir(self.dir) if n.startswith("small.prog.")], [])
        self.run_one(out, library, exit_code=FINDING)
        self.assertEqual(first["hang_ns"], 10**9)
        self.assertEqual(first["shown"], {"fired": 5, "runs": 5})
        self.assertEqual(first["shown_in_other_load"], {"fired": 5, "runs": 5})
        # What is minimal stays as it is.
        again = self.result(out, library)
        self.assertEqual((again["text"], again["steps_kept"]), (first["text"], 0))

    def test_the_gravest_or_the_one_that_is_named(self):
        library = self.library(e2e.BUMP, *THIRD, "-DBEFORE_FREE=errno = 7")
        program = "malloc b[0:4] 1\nfree b[0]"
        self.assertEqual(self.result(program, library)["kind"], "short-usable")
        named = self.result(program, library, "--signature", "errno-clobbered/free/free")
        self.assert_statements(named["text"], "free b[0]")
        got = self.shrink(program, library, "--signature", "crash/x", exit_code=MISUSE)
        self.assert_one_line(got, "'crash/x'", "short-usable/malloc/", "errno-clobbered/free/free")

    def test_refusals_and_ballast_of_the_command_line(self):
        library = canary("lost-mapping")
        small = self.result("malloc b[0:9] 200000\nfree b[0:9]", library, "--fault",
                            "munmap ENOMEM nth=4 from=1 to=1", "--fault", "mmap EAGAIN nth=99",
                            "--ballast", "65000")
        self.assertEqual(small["signature"], "lost-mapping/free/munmap")
        self.assertEqual(small["text"].splitlines()[1], "fault munmap ENOMEM")
        self.assertEqual((small["statements"], small["faults"]), (2, []))
        # Two calls that are counted together are no line of a program.
        small = self.result("malloc b[0:9] 200000\nfree b[0:9]", library, "--fault",
                            "munmap,mremap ENOMEM nth=2")
        self.assertEqual(small["faults"], ["munmap,mremap ENOMEM nth=2"])

    def test_nothing_is_found(self):
        library = self.library()
        self.assert_one_line(self.shrink("malloc b[0] 1", library, exit_code=MISUSE),
                             "no finding", "--tries")
        self.assert_one_line(self.shrink("malloc b[0] 1", library, "--tries", "3",
                                         exit_code=MISUSE), "no finding", "3 runs")

    def test_unsupported_and_misuse(self):
        library = self.library()
        program = self.program("malloc b[0] 1")
        self.assert_one_line(self.shrink("needs ram > 8000T\nmalloc b[0] 1", library,
                                         exit_code=UNSUPPORTED), "unsupported")
        for args in [["-a", library, "-a", "glibc"], [], ["-a", library, "--no-oracles"],
                     ["-a", library, "--tries", "0"], ["-a", library, "--time", "5"],
                     ["-a", library, "-o", program], ["-a", library, program],
                     ["-a", library, "-o", "-", "--json", "-"]]:
            with self.subTest(args=args):
                got = allocrig("shrink", program, *args)
                self.assertEqual(got.returncode, MISUSE, got.stderr)
                self.assert_one_line(got)
        self.assert_one_line(self.shrink("malloc b[0", library, exit_code=MISUSE), ":2:")

    def test_large_programs(self):
        lines = [f"malloc b[{i % 100}] {i % 3000}\nfree b[{i % 100}]" for i in range(10000)]
        lines[7777] = "posix_memalign b[200] 24 64"
        library = self.library(e2e.BUMP + """
            int posix_memalign(void **p, size_t alignment, size_t size)
            {
                *p = bump_take(size);
                return *p ? 0 : ENOMEM;
            }
            """)
        small = self.result("\n".join(lines), library)
        self.assertEqual(small["kind"], "accepted-bad-alignment")
        self.assertEqual((small["statements_before"], small["statements"]), (19999, 1))
        self.assertLess(small["runs"], 150)


class Ends(Shrinks):
    def test_hangs(self):
        library = self.library(e2e.BUMP, "-DBEFORE_FREE=for (;;);")
        small = self.result("malloc b[0:20] 9\ntrim\nfree b[3:9]\nmalloc b[30] 9", library,
                            "--hang-after", "200ms")
        self.assertEqual(small["kind"], "hang")
        self.assert_statements(small["text"], "free b[0]")

    def test_what_a_crash_kept_from_running_for_ever(self):
        """Without the crash the loop goes on; that is no finding, and takes no longer than a run."""
        library = self.library(e2e.BUMP, "-DBEFORE_FREE=abort()")
        small = self.result("free b[0]\nrepeat 10000000000 {\n  usable b[0]\n}\nfree b[0]",
                            library)
        self.assert_statements(small["text"], "free b[0]")

    def test_growth_is_confirmed(self):
        small = self.result("malloc b[9] 9\nrepeat 300 {\n  malloc b[0:2] 200000\n  touch b[0]\n"
                            "  free b[0:2]\n}\ntrim", canary("map-growth"))
        self.assertEqual(small["kind"], "map-growth")
        self.assertLessEqual(small["statements"], 4)
        self.assertEqual(small["shown"], {"fired": 1, "runs": 1})

    def test_what_shows_only_sometimes(self):
        """Every other process has the defect."""
        library = self.library(e2e.BUMP, f"-DBEFORE_MALLOC=if (getpid() & 1) {SHORT}")
        small = self.result("malloc b[0:9] 1\ntouch b[0:9]\nfree b[0:9]", library, "--tries", "12")
        self.assertEqual((small["tries"], small["kind"]), (12, "short-usable"))
        self.assert_statements(small["text"], "malloc b[0] 1")

    def test_an_expectation_stays_one(self):
        """Without its free the program would be wrong on every allocator: that is no step."""
        library = canary("expectation")
        program = "malloc b[0:8] 1M\nfree b[0:8]\ntrim\nexpect mapped <= 2M"
        small = self.result(program, library)
        self.assertEqual((small["kind"], small["clean_on"]), ("expectation", "guard"))
        self.assertIn("free b[", small["text"])
        loose = self.result(program, library, "--clean-on", "none")
        self.assertIsNone(loose["clean_on"])
        self.assertNotIn("free b[", loose["text"])

    def test_known_findings_are_shrunk_when_there_is_nothing_else(self):
        library = self.library(e2e.BUMP, *THIRD)
        profile = self.file("my.profile", "known short-usable/* "
                            "https://example.com/1 it is so\n")
        got = self.shrink("malloc b[0:9] 1", library, "--profile", profile)
        self.assertIn("known to its profile", got.stderr)

    def test_time_is_up(self):
        part = self.result("malloc b[0:40] 1000\nfree b[0:40]", self.library(e2e.BUMP, *THIRD),
                           "--time", "1ns")
        self.assertEqual((part["minimal"], part["stopped"]), (False, "time"))
        self.assert_statements(part["text"], "malloc b[0:40] 1000", "free b[0:40]")
        self.assertEqual(part["shown"], {"fired": 5, "runs": 5})

    def test_kernel(self):
        small = self.result("mmap m[0:4] 8p rw private,anon\ntouch m[0:4]\nmmap m[9] 4p r shared,zero\n"
                            "madvise m[1] dontneed\nmunmap m[9]\ncheck m[0:4]", "kernel",
                            "--wrong-rule", "dontneed-zeroes")
        self.assertLessEqual(small["statements"], 4)
        self.assertIsNone(small["shown_in_other_load"])


class Interrupts(Marked):
    def test_the_smallest_so_far_is_written(self):
        library = self.library(e2e.BUMP, *SLOW)
        program = self.program("malloc b[0:20] 1000000\nfree b[0:20]\nmalloc b[0:5] 9")
        out = os.path.join(self.dir, "small.prog")
        process = self.start("shrink", program, "-a", library, "-o", out,
                             stderr=subprocess.DEVNULL)
        self.wait_for(lambda: os.path.exists(out))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), BROKEN)
        self.assertEqual(self.marked(), [])
        self.assertEqual(sorted(n for n in os.listdir(self.dir) if "small" in n), ["small.prog"])
        self.run_one(out, library, exit_code=FINDING)


if __name__ == "__main__":
    e2e.main()
