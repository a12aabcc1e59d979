"""The targets under AFL++: from one empty program a canary is found, and its crash file shows it again.

afl_test.py BUILD: builds the targets with afl-clang-fast in BUILD/afl, where the child of BUILD is
beside them. Exit 77 where AFL++ is not here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(sys.argv.pop(1)).resolve()
SECONDS = 60  # at most: the first crash ends it
SETTING = {
    "AFL_NO_UI": "1", "AFL_NO_COLOR": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1",
    "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_BENCH_UNTIL_CRASH": "1",
    "AFL_CUSTOM_MUTATOR_LIBRARY": str(BUILD / "fuzz" / "afl_mutator.so"),
}


def build():
    env = dict(os.environ, CC="afl-clang-fast", CXX="afl-clang-fast++", AFL_QUIET="1")
    tree = BUILD / "afl"
    for command in (["cmake", "-G", "Ninja", "-S", ROOT, "-B", tree, "-DALLOCRIG_FUZZ_ENGINE=-fsanitize=fuzzer"],
                    ["ninja", "-C", tree, "-j", "2", "fuzz-targets"]):
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            sys.exit(done.stdout[-8000:])
    return tree


class Afl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = build()

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="allocrig-afl."))
        self.addCleanup(shutil.rmtree, self.dir, True)
        (self.dir / "seeds").mkdir()

    def fuzz(self, target, **env):
        """The figures of afl-fuzz, and the files that crashed."""
        done = subprocess.run(
            ["afl-fuzz", "-V", str(SECONDS), "-t", "5000", "-s", "1", "-i", self.dir / "seeds",
             "-o", self.dir / "out", "--", self.tree / target],
            env={**os.environ, **SETTING, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS + 60, check=False)
        self.said = done.stdout[-4000:]
        found = self.dir / "out" / "default"
        self.assertTrue((found / "fuzzer_stats").exists(), self.said)
        stats = dict(re.findall(r"^(\w+) *: (.*)$", (found / "fuzzer_stats").read_text(), re.M))
        return stats, sorted((found / "crashes").glob("id*"))

    def test_canary_is_found_and_shown_again(self):
        (self.dir / "seeds" / "empty").write_bytes(bytes(16))
        env = {"ALLOCRIG_FUZZ_ALLOCATOR": str(BUILD / "allocators" / "canary" / "overlap-zero.so")}
        stats, crashes = self.fuzz("fuzz_alloc", **env)
        self.assertTrue(crashes, self.said)
        # The state's counters have places beside the code, which has some thousand edges.
        self.assertGreater(int(stats["total_edges"]), 32768)
        again = subprocess.run([self.tree / "fuzz_alloc", crashes[0]], env={**os.environ, **env},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", timeout=60, check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("allocrig: finding on ", again.stdout)
        self.assertIn("overlap", again.stdout)


if __name__ == "__main__":
    if not shutil.which("afl-fuzz") or not shutil.which("afl-clang-fast"):
        print("AFL++ is not here")
        sys.exit(77)
    unittest.main(verbosity=2)
