#!/usr/bin/env python3
"""Folders of findings: what is in them holds. finding_folder_test.py ALLOCRIG FINDING-FOLDER CANARIES"""

import json
import random
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALLOCRIG, FOLDER, BUILT = (Path(arg).resolve() for arg in sys.argv[1:4])
CANARIES = Path(__file__).resolve().parents[2] / "allocators" / "canary"
FILES = ["README.md", "found.json", "found.prog", "program.prog", "repro.c", "tape.txt", "verdict.json"]


def run(*words, ok=True, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=110,
                          check=False, **more)
    if ok and done.returncode:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Folders(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="allocrig-folders.")
        self.dir = Path(self.scratch.name)

    def tearDown(self):
        self.scratch.cleanup()

    def program(self, name, text):
        path = self.dir / f"{name}.prog"
        path.write_text("allocrig 1\n" + text, encoding="ascii")
        return path

    def make(self, canary, signature, program=None, history=()):
        program = program or CANARIES / f"{canary}.prog"
        run(FOLDER, "make", self.dir, canary, BUILT / f"{canary}.so", program, signature,
            signature.split("/")[0], *history)
        return self.dir / canary

    def found(self, folder):
        return json.loads((folder / "found.json").read_text(encoding="utf-8"))

    def check_files(self, folder, signature):
        """Every file says the same thing; returns README.md."""
        self.assertEqual(sorted(p.name for p in folder.iterdir()), FILES)
        verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        self.assertEqual(verdict["schema"], "allocrig.run/1")
        # Where a loop is caught is chance.
        self.assertTrue([f for f in verdict["findings"]
                         if f["signature"].startswith(signature)])
        readme = (folder / "README.md").read_text(encoding="utf-8")
        for words in (signature, "Which rule says otherwise", verdict["allocator"]["sha256"],
                      verdict["findings"][0]["message"], f"-a {BUILT}",
                      (folder / "program.prog").read_text(encoding="ascii").splitlines()[-1]):
            self.assertIn(words, readme)
        return readme

    def commands(self, readme, folder):
        """What README says to type, as it stands there."""
        return [line.strip().replace("allocrig ", f"{ALLOCRIG} ", 1)
                for line in readme.partition("In this folder:")[2].splitlines()
                if line.startswith("    ")]

    def check_canary(self, canary, signature, rule, statements):
        folder = self.make(canary, signature)
        run(FOLDER, "work", folder)
        found = self.found(folder)
        self.assertEqual(found["state"], "shrunk")
        self.assertLessEqual(found["statements"], statements)
        self.assertEqual(found["shown"]["fired"], found["shown"]["runs"])
        self.assertEqual(found["shown_in_other_load"]["fired"], found["shown_in_other_load"]["runs"])
        readme = self.check_files(folder, signature)
        self.assertRegex(readme, rule)
        self.assertEqual((found["repro"]["exit"], found["repro"]["exit_plain"]), (1, 0))
        again, compiled, *_ = self.commands(readme, folder)
        self.assertEqual(run("sh", "-c", again, ok=False, cwd=folder).returncode, 1)
        self.assertEqual(run("sh", "-c", compiled, ok=False, cwd=folder).returncode, 1)
        self.assertTrue((folder / "tape.txt").exists())
        return folder

    def test_overlap(self):
        self.check_canary("overlap", "overlap/malloc/block", r"disjoint.*C17 7\.22\.3p1", 3)

    def test_crash(self):
        self.check_canary("crash-abort", "crash/free/SIGABRT/bounded_list", "valid one", 2)

    def test_hang(self):
        # Each run that shows it takes the watchdog's second.
        folder = self.make("hang", "hang/free/stuck/keep_sum")
        run(FOLDER, "work", folder, "2s")
        found = self.found(folder)
        self.assertLessEqual(found["statements"], 3)
        self.assertEqual((found["repro"]["exit"], found["repro"]["exit_plain"]), (1, 0))
        self.assertIn("call returns", self.check_files(folder, "hang/free/stuck"))

    def test_growth_is_shown_in_c(self):
        folder = self.make("map-growth", "map-growth/repeat/maps")
        run(FOLDER, "work", folder)
        proof = self.found(folder)["repro"]
        self.assertEqual((proof["exit"], proof["exit_plain"]), (1, 0), proof)
        self.assertIn("maps behind each quarter", proof["said"])

    def test_refusals_become_the_kernels_own(self):
        folder = self.check_canary("lost-mapping", "lost-mapping/free/munmap", r"munmap\(2\)", 2)
        text = (folder / "program.prog").read_text(encoding="ascii")
        self.assertIn("ballast", text)
        self.assertNotIn("fault", text)

    def test_refusals_that_need_the_harness(self):
        path = self.program("again", "fault mmap EAGAIN\nmalloc b[0] 300000\n")
        folder = self.make("overlap", "wrong-errno/malloc/failure", path)
        run(FOLDER, "work", folder)
        self.assertEqual(self.found(folder)["repro"]["exit"], 77)

    def test_programs_before_it_become_part_of_it(self):
        past = self.program("past", "malloc b[0] 100\nfree b[0]\nmalloc b[0] 100\nfree b[0]\n")
        other = self.program("other", "malloc b[3:9] 40\nfree b[3:9]\n")
        last = self.program("last", "malloc b[0] 100\nmalloc b[1] 100\n")
        folder = self.make("overlap-second-reuse", "overlap/malloc/block", last,
                           [other, past, other])
        run(FOLDER, "work", folder)
        found = self.found(folder)
        self.assertEqual((found["state"], found["joined"], found["history"]), ("shrunk", 4, []))
        self.assertLessEqual(found["statements"], 6)
        self.check_files(folder, "overlap/malloc/block")

    def test_programs_before_it_stay_where_they_must(self):
        past = self.program("past", "fault mmap ENOMEM\nmalloc b[0] 300000\nmalloc b[1] 24\n")
        other = self.program("other", "malloc b[3:9] 40\nfree b[3:9]\n")
        last = self.program("last", "malloc b[1] 24\nmalloc b[0] 400000\n")
        signature = "null-without-cause/malloc/no-cause"
        folder = self.make("null-without-cause-after", signature, last, [other, past, other, other])
        run(FOLDER, "work", folder)
        found = self.found(folder)
        self.assertEqual((found["state"], found["history"], found["statements"]),
                         ("shrunk", ["history/001.prog"], 1))
        history = (folder / "history" / "001.prog").read_text(encoding="ascii")
        self.assertEqual(len(history.splitlines()), 3, history)
        readme = (folder / "README.md").read_text(encoding="utf-8")
        self.assertIn("--one-child history/*.prog program.prog", readme)
        done = run("sh", "-c", self.commands(readme, folder)[0], ok=False, cwd=folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(signature, done.stdout)
        self.assertIn("need the programs before it", done.stdout)

    def test_what_does_not_show_again_is_said_to_be_so(self):
        program = self.program("nothing", "malloc b[0] 24\n")
        folder = self.make("overlap", "overlap/malloc/block", program)
        run(FOLDER, "work", folder)
        found = self.found(folder)
        self.assertEqual((found["state"], found["shown_again"]), ("left", False))
        self.assertRegex((folder / "README.md").read_text(encoding="utf-8"), "not shown again")

    def test_a_deadline_leaves_what_there_was_time_for(self):
        lines = "".join(f"malloc b[{i + 20}] {i * 37}\n" for i in range(25))
        text = (CANARIES / "overlap.prog").read_text(encoding="ascii").partition("\n")[2]
        folder = self.make("overlap", "overlap/malloc/block", self.program("long", lines + text))
        run(FOLDER, "work", folder, "10ms")
        found = self.found(folder)
        self.assertEqual(found["state"], "left")
        self.check_files(folder, "overlap/malloc/block")
        run(FOLDER, "work", folder)
        self.assertEqual(self.found(folder)["state"], "shrunk")
        self.assertEqual(self.found(folder)["statements"], 3)
        self.assertEqual(self.found(folder)["statements_before"], 28)

    def test_goes_on_after_any_kill(self):
        folder = self.make("overlap", "overlap/malloc/block")
        rng = random.Random(7)
        for _ in range(12):
            work = subprocess.Popen([FOLDER, "work", folder], stdout=subprocess.PIPE, text=True)
            # Some steps on, in the middle of the next.
            for _ in range(rng.randrange(9)):
                work.stdout.readline()
            work.kill()
            work.stdout.close()
            work.wait()
            state = self.found(folder)["state"]
            got = run(ALLOCRIG, "run", folder / "program.prog", "-a", BUILT / "overlap.so", ok=False)
            self.assertEqual(got.returncode, 1, state)
        run(FOLDER, "work", folder)
        self.assertEqual(self.found(folder)["state"], "shrunk")
        self.assertEqual(self.found(folder)["statements"], 3)
        left = [p.name for p in folder.iterdir() if p.name not in FILES]
        self.assertEqual(left, [])

    def test_one_child_knows_what_it_cannot(self):
        program = CANARIES / "overlap.prog"
        for option in (["--json", "-"], ["--show-tape"], ["--sweep", "mmap"], ["--no-oracles"]):
            got = run(ALLOCRIG, "run", "--one-child", program, "-a", "glibc", *option, ok=False)
            self.assertEqual(got.returncode, 3, option)
            self.assertTrue(re.search("--one-child", got.stderr), got.stderr)
        got = run(ALLOCRIG, "run", "--one-child", program, program, "-a", "glibc")
        self.assertRegex(got.stdout, "behind 1 in its child: clean")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
