"""One canary: its defect is found, as that, where it is, whichever way it is loaded.

canary_test.py ALLOCRIG DIRECTORY NAME: DIRECTORY has NAME.so and correct.so; NAME.prog stands beside
this file and says in a comment what is to be found: `# expect: KIND at op N`, or `# expect: clean`.
`# control: NAME` names a built-in allocator that has to be clean; without it that is glibc.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness", "cli"))

import e2e  # noqa: E402

BUILT, NAME = sys.argv.pop(1), sys.argv.pop(1)
PROGRAM = os.path.join(HERE, NAME + ".prog")
EXPECT = re.compile(r"^# expect: (?:(?P<clean>clean)|(?P<kind>[a-z-]+) at op (?P<op>\d+))$", re.M)
CONTROL = re.compile(r"^# control: (\S+)$", re.M)
# Nothing here takes long but the hangs that are meant.
HANG_AFTER = ["--hang-after", "1s"]


def text():
    with open(PROGRAM, encoding="utf-8") as file:
        return file.read()


def control():
    found = CONTROL.search(text())
    return found[1] if found else "glibc"


def expectation():
    found = list(EXPECT.finditer(text()))
    if len(found) != 1:
        sys.exit(f"{PROGRAM}: {len(found)} lines of '# expect: KIND at op N', one is needed")
    return None if found[0]["clean"] else (found[0]["kind"], int(found[0]["op"]))


class Canary(e2e.Case):
    def library(self, name):
        return os.path.join(BUILT, name + ".so")

    def run_on(self, allocator, exit_code):
        for load in e2e.LOADS:
            with self.subTest(allocator=allocator, load=load):
                result = self.run_one(PROGRAM, allocator, "--load", load, *HANG_AFTER,
                                      exit_code=exit_code)
                self.assertEqual(result["load"], load)
                yield result

    def test_canary_is_caught(self):
        expected = expectation()
        exit_code = e2e.FINDING if expected else e2e.CLEAN
        for result in self.run_on(self.library(NAME), exit_code):
            found = [(f["kind"], f["op"]) for f in result["findings"]]
            self.assertEqual(found, [expected] if expected else [], result["findings"])

    def test_correct_one_passes(self):
        for result in self.run_on(self.library("correct"), e2e.CLEAN):
            self.assertEqual((result["outcome"], result["findings"]), ("clean", []))

    def test_built_in_is_clean_or_known(self):
        for result in self.run_on(control(), e2e.CLEAN):
            self.assertEqual([f for f in result["findings"] if not f["known"]], [])


if __name__ == "__main__":
    e2e.main()
