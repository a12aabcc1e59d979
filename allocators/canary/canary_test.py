"""One canary: its defect is found, as that, where it is, whichever way it is loaded.

canary_test.py ALLOCRIG DIRECTORY NAME: DIRECTORY has NAME.so and correct.so; NAME.prog stands beside
this file and says in a comment what is to be found: `# expect: KIND at op N`, or `# expect: clean`.
`# control: NAME` names a built-in allocator that has to be clean; without it that is glibc.

Without the oracle of that kind the same test has to fail: nothing else finds the defect. What was
found is left in DIRECTORY/NAME.found, for coverage_test.py.
"""

import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness", "cli"))

import e2e  # noqa: E402

BUILT, NAME = sys.argv.pop(1), sys.argv.pop(1)
PROGRAM = os.path.join(HERE, NAME + ".prog")
FOUND = os.path.join(BUILT, NAME + ".found")
EXPECT = re.compile(r"^# expect: (?:(?P<clean>clean)|(?P<kind>[a-z-]+) at op (?P<op>-?\d+))$", re.M)
CONTROL = re.compile(r"^# control: (\S+)$", re.M)
# Nothing here takes long but the hangs that are meant.
HANG_AFTER = ["--hang-after", "1s"]
# Behind these nothing was judged, whoever names them: such a run is not clean.
CUTS = {"crash", "hang", "fork-broken"}
OVERWRITTEN = -1  # the op where the results themselves were written over


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

    def run_on(self, allocator, load, exit_code, *args):
        result = self.run_one(PROGRAM, allocator, "--load", load, *HANG_AFTER, *args,
                              exit_code=exit_code)
        self.assertEqual(result["load"], load)
        return result

    def in_both_loads(self, judge):
        for load in e2e.LOADS:
            with self.subTest(load=load):
                judge(load)

    def assert_caught(self, result):
        expected = expectation()
        found = [(f["kind"], f["op"]) for f in result["findings"]]
        self.assertEqual(found, [expected] if expected else [], result["findings"])

    def test_canary_is_caught(self):
        def judge(load):
            result = self.run_on(self.library(NAME), load,
                                 e2e.FINDING if expectation() else e2e.CLEAN)
            self.assert_caught(result)
            self.assertEqual(result["without"], [])
            found[load] = [(f["kind"], f["rule"]) for f in result["findings"]]

        found = {}
        if os.path.exists(FOUND):
            os.remove(FOUND)
        self.in_both_loads(judge)
        if len(found) == len(e2e.LOADS):
            with open(FOUND, "w", encoding="utf-8") as file:
                json.dump(found[e2e.LOADS[0]], file)

    @unittest.skipUnless(expectation(), "there is nothing to be found")
    def test_fails_without_its_oracle(self):
        """Nothing else finds it: the result is clean, or says that it is no result."""
        kind, op = expectation()
        cuts = kind in CUTS or op == OVERWRITTEN

        def judge(load):
            result = self.run_on(self.library(NAME), load, e2e.BROKEN if cuts else e2e.CLEAN,
                                 "--without", kind)
            with self.assertRaises(self.failureException):
                self.assert_caught(result)
            self.assertEqual((result["without"], result["findings"]), ([kind], []))
            if cuts:
                self.assertIn(f"{kind} is not judged", result["reason"])

        self.in_both_loads(judge)

    def test_correct_one_passes(self):
        def judge(load):
            self.run_on(self.library("correct"), load, e2e.CLEAN)

        self.in_both_loads(judge)

    def test_built_in_is_clean_or_known(self):
        def judge(load):
            self.run_on(control(), load, e2e.CLEAN)

        self.in_both_loads(judge)


if __name__ == "__main__":
    e2e.main()
