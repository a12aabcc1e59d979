#!/usr/bin/env python3
"""random_programs.py and what runs them: random_programs_test.py ALLOCRIG [unittest's arguments]"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import ledger_diff
import mmap_diff
import random_programs
from random_kernel import FACTS

ALLOCRIG = os.path.abspath(sys.argv.pop(1))

# Stands in for allocrig: one program differs, one crashes the allocator, the last is not answered.
STAND_IN = """#!/usr/bin/env python3
import json, os, sys
assert "--check-ledger" in sys.argv and sys.argv[-2:] == ["--json", "-"]
paths = [a for a in sys.argv if a.endswith(".prog")]
for path in paths:
    number = int(path[-10:-5])
    result = {"outcome": "clean", "program": {"path": path}, "findings": [], "wall_ns": 1000,
              "ops": {"executed": 10, "skipped": 1}}
    if number == 1:
        result.update(outcome="broken", reason="ledger: one VMA too many")
    if number == 2:
        result.update(outcome="finding", findings=[{"kind": "crash", "known": False}])
    if number != int(os.environ.get("UNANSWERED", -1)):
        print(json.dumps(result))
"""


# One program with two findings, one broken, two unsupported; the rest are clean.
MMAP_STAND_IN = """#!/usr/bin/env python3
import json, os, sys
assert sys.argv[-4:] == ["-a", "kernel", "--json", "-"]
assert ("--check-ledger" in sys.argv) == bool(os.environ.get("CHECKED"))
for path in [a for a in sys.argv if a.endswith(".prog")]:
    number = int(path[-10:-5])
    result = {"outcome": "clean", "program": {"path": path}, "findings": [], "wall_ns": 1000,
              "ops": {"executed": 10, "skipped": 1, "failed": 2, "absent": []}}
    if number == int(os.environ.get("WRONG", 1)):
        result.update(outcome="finding", findings=[{"kind": "wrong-access"},
                                                   {"kind": "lost-content"}])
    if number == 2:
        result.update(outcome="broken", reason="it broke")
    if number in [3, 4]:
        result.update(outcome="unsupported", reason="no swap", ops=None)
    print(json.dumps(result))
"""


class Programs(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def test_all_are_valid(self):
        for kind in random_programs.KINDS:
            paths = random_programs.write(self.scratch.name, range(300), 5, kind, 40)
            done = subprocess.run([ALLOCRIG, "run", "--print", *paths], capture_output=True,
                                  text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.count("ballast 40\n"), 300)

    def test_same_seed_same_program(self):
        text = random_programs.program(3, 17, "mixed")
        self.assertEqual(text, random_programs.program(3, 17, "mixed"))
        self.assertNotEqual(text, random_programs.program(4, 17, "mixed"))
        self.assertNotEqual(text, random_programs.program(3, 18, "mixed"))

    def test_every_word_is_used(self):
        text = "".join(random_programs.program(1, i, kind) for kind in random_programs.KINDS
                       for i in range(400))
        words = set(re.findall(r"[a-z_0-9]+", text))
        expected = """malloc calloc realloc reallocarray aligned_alloc posix_memalign memalign
            valloc pvalloc free free_sized free_aligned_sized usable touch trim exit parallel mmap munmap mremap mprotect madvise repeat fork
            checkpoint none r rw rx rwx private shared shared_validate droppable anon zero file
            memfd fixed fixed_noreplace noreserve populate maymove dontunmap""".split()
        self.assertEqual(sorted(set(expected + random_programs.ADVICES) - words), [])
        self.assertFalse(words & {"hwpoison", "soft_offline"})
        self.assertIn("@3 ", text)
        self.assertRegex(text, r"(?m)^( *)fork \{\n(\1 .*\n)*\1  fork \{")

    def test_kernel_programs_have_all_mapping_ops(self):
        texts = [random_programs.program(1, i, "kernel") for i in range(600)]
        text = "".join(texts)
        words = set(re.findall(r"[a-z_0-9]+", text))
        expected = """mmap munmap mremap mprotect madvise msync mlock munlock truncate check add
            touch repeat fork parallel when needs exit checkpoint anon zero file memfd shm of offset
            hint fixed fixed_noreplace to maymove dontunmap shared private shared_validate droppable
            noreserve populate locked sync async invalidate""".split()
        self.assertEqual(sorted(set(expected + random_programs.ADVICES + list(FACTS)) - words), [])
        self.assertFalse(words & {"hwpoison", "soft_offline", "malloc", "free_sized", "usable",
                                  "trim"})
        self.assertNotIn("->", text)
        self.assertRegex(text, r"mremap \S+ \S+ \S*maymove\S* \S+ 0\n")
        self.assertRegex(text, r"(?m)^( *)(@\d )?fork \{\n(\1 .*\n)*\1  fork \{")
        self.assertRegex(text, r"(?m)^( *)(@\d )?when .* \{\n(\1 .*\n)*\1  (@\d )?when ")
        for program in texts:
            last = [line for line in program.splitlines() if not line.startswith("checkpoint")][-2:]
            self.assertRegex(" ".join(last), r"check m\[0:\d+\]")

    def test_sections(self):
        text = "".join(random_programs.program(1, i, "parallel") for i in range(400))
        sections = re.findall(r"(?m)^( *)(?:@\d )?parallel \{\n((?:\1 .*\n)*)\1\}", text)
        self.assertGreater(len(sections), 400)
        bodies = [re.sub(f"(?m)^{indent}", "", body) for indent, body in sections]
        self.assertIn("", bodies)
        threads = [set(re.findall(r"(?m)^  @(\d) ", body)) for body in bodies]
        self.assertTrue({1, 2, 3, 4} <= set(map(len, threads)))
        for inside in [r"^  @[1-7] exit$", r"^    exit$", r"^  @\d repeat \d+ \{$", r"^  @\d fork \{$",
                       r"^  @\d mmap m"]:
            self.assertTrue(any(re.search(inside, body, re.M) for body in bodies), inside)
        # From hand to hand: two threads, the same slots.
        self.assertTrue(any(re.search(r"^  @(\d) repeat \d+ \{\n    malloc (b\S+) .*\n.*\n  \}\n"
                                      r"  @(?!\1)\d repeat \d+ \{\n    free \2\n", body, re.M)
                            for body in bodies))
        self.assertRegex(text, r"(?m)^ *@[1-7] exit$")
        self.assertIn("parallel {", "".join(random_programs.program(1, i, "mixed")
                                            for i in range(100)))

    def test_sizes(self):
        for i in range(400):
            lines = random_programs.program(2, i, "mixed").splitlines()
            statements = [line for line in lines[2:] if line.strip() != "}"]
            self.assertGreaterEqual(len(statements), 5)
            self.assertLessEqual(len(statements), 60 + 20)  # the last may be several in one

    def test_budgets(self):
        """Counted by running: repeats, lines of threads and blocks of fork children."""
        paths = random_programs.write(self.scratch.name, range(60), 6, "parallel")
        done = subprocess.run([ALLOCRIG, "run", "-a", "guard", "--json", "-", *paths],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in done.stdout.splitlines():
            result = json.loads(line)
            calls = result["ops"]["executed"] + result["ops"]["skipped"]
            self.assertLess(calls, 2 * random_programs.CALLS)
            self.assertLess(result["peak"]["rss_bytes"], 4 * random_programs.TOUCH_BYTES)


class Differences(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.allocrig = Path(self.scratch.name) / "allocrig"
        self.allocrig.write_text(STAND_IN)
        self.allocrig.chmod(0o755)
        self.keep = Path(self.scratch.name) / "kept"

    def run_it(self, *arguments, **environment):
        said = io.StringIO()
        words = ["ledger_diff.py", "--allocrig", str(self.allocrig), "--keep", str(self.keep),
                 *arguments]
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(said), \
                mock.patch.dict(os.environ, environment):
            return ledger_diff.main(), said.getvalue()

    def test_difference_is_kept(self):
        code, said = self.run_it("--programs", "30", "--seed", "9")
        self.assertEqual(code, 1)
        self.assertIn("30 programs, 300 ops executed, 30 skipped", said)
        self.assertIn("1 differences", said)
        self.assertRegex(said, r"DIFFERS: ledger: one VMA too many\n  .* run --check-ledger "
                               r"\S*-00001\.prog -a \w+ --load \w+\n")
        self.assertRegex(said, r"1 finding crash\n")
        self.assertEqual({p.name[-10:] for p in self.keep.iterdir()}, {"00001.prog", "00002.prog"})

    def test_no_difference(self):
        self.assertEqual(self.run_it("--programs", "1")[0], 0)

    def test_missing_result_is_told(self):
        code, said = self.run_it("--programs", "1", UNANSWERED="0")
        self.assertEqual(code, 2)
        self.assertIn("NO RESULT", said)

    def test_every_combination_runs(self):
        args = mock.Mock(allocators=["a", "b", "c"], programs=13)
        parts = list(ledger_diff.batches(args))
        self.assertEqual(sorted(i for part, _ in parts for i in part), list(range(13)))
        self.assertEqual(len({combination for _, combination in parts}), 6)
        args.programs = 20000
        self.assertEqual(len({combination for _, combination in ledger_diff.batches(args)}), 6)


class MmapDifferences(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.allocrig = Path(self.scratch.name) / "allocrig"
        self.allocrig.write_text(MMAP_STAND_IN)
        self.allocrig.chmod(0o755)
        self.keep = Path(self.scratch.name) / "kept"

    def run_it(self, *arguments, **environment):
        said = io.StringIO()
        words = ["mmap_diff.py", "--allocrig", str(self.allocrig), "--keep", str(self.keep),
                 *arguments]
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(said), \
                mock.patch.dict(os.environ, environment):
            return mmap_diff.main(), said.getvalue()

    def test_findings_are_counted_and_kept(self):
        code, said = self.run_it("--programs", "20", "--seed", "9")
        self.assertEqual(code, 1)
        self.assertIn("20 programs", said)
        self.assertIn("180 executed, 18 skipped, 36 failed", said)
        self.assertIn("16 clean, 2 unsupported, 1 finding, 1 broken\n", said)
        self.assertRegex(said, r"1 finding: wrong-access\n  .* run \S*-00001\.prog -a kernel\n")
        self.assertRegex(said, r"1 finding: lost-content\n")
        self.assertRegex(said, r"2 unsupported: no swap\n")
        self.assertRegex(said, r"1 broken: it broke\n  .*-00002\.prog")
        self.assertEqual({p.name[-10:] for p in self.keep.iterdir()}, {"00001.prog", "00002.prog"})

    def test_the_gravest_decides(self):
        self.assertEqual(self.run_it("--programs", "20", WRONG="-1")[0], 2)
        self.assertEqual(self.run_it("--programs", "1", "--check-ledger", CHECKED="1")[0], 0)
        code, said = self.run_it("--programs", "3", "--first", "5", WRONG="6")
        self.assertEqual(code, 1)
        self.assertIn("-00006.prog", said)


if __name__ == "__main__":
    unittest.main()
