"""One conformance program: allocators that keep the rule pass it, one that breaks it does not.

conformance_test.py ALLOCRIG CANARIES PROGRAM: CANARIES is the folder of the built canaries. The
form of a program's first comments is in corpus/README.md.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "harness", "cli"))

import e2e  # noqa: E402

CANARIES, PROGRAM = sys.argv.pop(1), sys.argv.pop(1)
NAME = os.path.splitext(os.path.basename(PROGRAM))[0]
RULE = re.compile(r"# Rule (?P<number>\d+): \S.*\. \[[^\]]+\]")
CANARY = re.compile(r"# canary: (?P<name>[a-z0-9-]+)")
PROFILE = re.compile(r"# profile: (?P<rule>[a-z0-9-]+) "
                     r"(?P<form>zero|realloc-zero|call|rounding|usable) (?P<stmt>\d+)")
# Nothing in here takes long but the hangs that are meant.
HANG_AFTER = ["--hang-after", "1s"]


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def statements():
    return [line for line in lines_of(PROGRAM)[1:]
            if line and line != "}" and line.split()[0] not in ("#", "fault", "ballast")]


def expected_of(canary):
    """The kind that the canary's own program says."""
    text = "\n".join(lines_of(os.path.join(ROOT, "allocators", "canary", canary + ".prog")))
    return re.search(r"^# expect: ([a-z-]+) at op \d+$", text, re.M)[1]


def built_ins():
    with open(os.path.join(ROOT, "allocators", "list.def"), encoding="utf-8") as file:
        names = re.findall(r"^PLUGIN\((\w+)\)", file.read(), re.M)
    return [name for name in names if name != "void"]


class Conformance(e2e.Case):
    def run_on(self, *allocators, more=()):
        results = self.run_all([PROGRAM], allocators, *more)
        if all(result["outcome"] == "unsupported" for result in results):
            self.skipTest(results[0]["reason"])
        return results

    def test_form(self):
        lines = lines_of(PROGRAM)
        rule = RULE.fullmatch(lines[1])
        self.assertTrue(rule, lines[1])
        self.assertEqual(NAME[:3], f"{int(rule['number']):02}-")
        self.assertNotEqual(bool(CANARY.fullmatch(lines[2])), bool(PROFILE.fullmatch(lines[2])),
                            lines[2])
        profile = PROFILE.fullmatch(lines[2])
        if profile:
            self.assertEqual(profile["rule"], NAME[3:])
            self.assertLess(int(profile["stmt"]), len(statements()))

    def test_sound_allocators_pass(self):
        """All in one command: each time it starts it asks for their packages, which takes longest."""
        *built_in, correct = self.run_on(*built_ins(), os.path.join(CANARIES, "correct.so"))
        for result in built_in:
            with self.subTest(allocator=result["allocator"]["name"]):
                self.assertIn(result["outcome"], ("clean", "unsupported"), result["findings"])
                self.assertEqual([f for f in result["findings"] if not f["known"]], [])
                if result["outcome"] == "unsupported":
                    self.assertTrue(result["reason"])
        self.assertEqual((correct["outcome"], correct["findings"]), ("clean", []))
        self.assertEqual(correct["ops"]["absent"], {})

    def test_canary_is_caught(self):
        canary = CANARY.fullmatch(lines_of(PROGRAM)[2])
        if not canary:
            return
        result = self.run_on(os.path.join(CANARIES, canary["name"] + ".so"), more=HANG_AFTER)[0]
        self.assertEqual(result["outcome"], "finding")
        self.assertIn(expected_of(canary["name"]), e2e.kinds(result), result["findings"])


if __name__ == "__main__":
    e2e.main_or_skip()
