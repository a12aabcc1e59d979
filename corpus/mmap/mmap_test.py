"""The programs on the mapping calls: clean on this kernel, each said in full, by whoever runs it.

mmap_test.py ALLOCRIG FOLDER USER: FOLDER holds the programs; USER is `self`, or `nobody` to run
them without privilege (skipped where that cannot be tried). Their form is in corpus/mmap/README.md.
"""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness", "cli"))

import e2e  # noqa: E402

FOLDER, USER = sys.argv.pop(1), sys.argv.pop(1)
PROGRAMS = sorted(glob.glob(os.path.join(FOLDER, "*.prog")))
NOBODY = 65534
SOURCE = re.compile(r"# [^:]*\S: \S.*")
BELIEF = re.compile(r"# belief: \S.*")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


class Mmap(e2e.Case):
    def as_user(self):
        """How subprocess starts it: an environment without a home, a directory it may write."""
        if USER == "self":
            return {}
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        os.chown(self.dir, NOBODY, NOBODY)
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": self.dir,
               "env": {"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": self.dir}}
        try:
            e2e.allocrig("--help", **who)
        except PermissionError:
            self.skipTest(f"{e2e.ALLOCRIG} cannot be run by another user")
        return who

    def test_all_hold(self):
        self.assertTrue(PROGRAMS)
        results = self.run_all(PROGRAMS, ["kernel"], timeout=300, **self.as_user())
        for path, result in zip(PROGRAMS, results):
            with self.subTest(program=name_of(path)):
                self.assertIn(result["outcome"], ("clean", "unsupported"), result)
                if result["outcome"] == "unsupported":
                    self.assertTrue(result["reason"])
                    continue
                self.assertEqual(result["findings"], [])
                # What is skipped says nothing.
                self.assertGreater(result["ops"]["executed"], 0)
                self.assertEqual(result["ops"]["skipped"], 0, result["ops"])

    def test_each_names_its_source(self):
        told = "".join(text_of(path) for path in glob.glob(os.path.join(FOLDER, "README*.md")))
        for path in PROGRAMS:
            with self.subTest(program=name_of(path)):
                lines = text_of(path).splitlines()
                self.assertEqual(lines[0], "allocrig 1")
                self.assertRegex(lines[1], SOURCE)
                if BELIEF.match(lines[2]):
                    self.assertIn(f"`{name_of(path)}`", told, "a belief that no README tells")


if __name__ == "__main__":
    e2e.main_or_skip()
