"""One defect of a broken kernel: it is found, as that, where it is, and the real kernel is clean.

kernel_canary_test.py ALLOCRIG BROKEN_KERNEL DIRECTORY NAME: NAME.prog stands beside this file and says
in comments all that is to be found, in order: `# expect: KIND at op N`. What was found is left in
DIRECTORY/kernel-NAME.found, for coverage_test.py.
"""

import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "harness", "cli"))

import e2e  # noqa: E402

BROKEN_KERNEL, BUILT, NAME = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
PROGRAM = os.path.join(HERE, NAME + ".prog")
FOUND = os.path.join(BUILT, f"kernel-{NAME}.found")
EXPECT = re.compile(r"^# expect: (?P<kind>[a-z-]+) at op (?P<op>\d+)$", re.M)


def expectation():
    with open(PROGRAM, encoding="utf-8") as file:
        found = [(match["kind"], int(match["op"])) for match in EXPECT.finditer(file.read())]
    if not found:
        sys.exit(f"{PROGRAM}: no line of '# expect: KIND at op N'")
    return found


def run(*args, below=()):
    done = subprocess.run([*below, e2e.ALLOCRIG, "run", PROGRAM, "-a", "kernel", "--json", "-", *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == e2e.UNSUPPORTED:
        raise unittest.SkipTest(json.loads(done.stdout)["reason"])
    return done.returncode, json.loads(done.stdout)


class KernelCanary(unittest.TestCase):
    BELOW = (BROKEN_KERNEL, NAME)

    def assert_run(self, result, outcome, exit_code):
        code, result = result
        self.assertEqual((result["outcome"], code), (outcome, exit_code), result)
        return [(f["kind"], f["op"]) for f in result["findings"]]

    def test_defect_is_found(self):
        if os.path.exists(FOUND):
            os.remove(FOUND)
        result = run(below=self.BELOW)
        found = self.assert_run(result, "finding", e2e.FINDING)
        self.assertEqual(found, expectation(), result)
        with open(FOUND, "w", encoding="utf-8") as file:
            json.dump([(f["kind"], f["rule"]) for f in result[1]["findings"]], file)

    def test_fails_without_its_oracles(self):
        """Nothing else finds it: with the kinds off that it names, nothing is left."""
        kinds = ",".join(sorted({kind for kind, _ in expectation()}))
        result = run("--without", kinds, below=self.BELOW)
        self.assertEqual(self.assert_run(result, "clean", e2e.CLEAN), [])

    def test_real_kernel_is_clean(self):
        self.assertEqual(self.assert_run(run(), "clean", e2e.CLEAN), [])


if __name__ == "__main__":
    unittest.main()
