#!/usr/bin/env python3
"""google-benchmark's own compare tool takes what allocrig-micro writes: compare_test.py MICRO

Skipped (77) without libbenchmark-tools, or where Python has no scipy for it.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

MICRO = os.path.abspath(sys.argv.pop(1))
COMPARE = "/usr/share/benchmark/compare.py"
# Debian's, which has Debian's scipy.
PYTHON = "/usr/bin/python3"
FILTER = "^(malloc_free/64|batch_lifo/blocks:100/bytes:4096|map_churn/1000|map_hugepage/2097152)$"
NAMES = ["malloc_free/64", "batch_lifo/blocks:100/bytes:4096", "map_churn/1000"]
ROWS = ["", "/peak_maps", "/peak_rss_bytes", "/kept_bytes"]


def has_tool():
    return os.path.exists(COMPARE) and os.path.exists(PYTHON) and subprocess.run(
        [PYTHON, "-c", "import scipy.stats, numpy"], capture_output=True).returncode == 0


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def json(self, name, *flags):
        path = os.path.join(self.dir.name, name)
        subprocess.run([MICRO, f"--benchmark_filter={FILTER}", "--benchmark_min_time=0.001",
                        f"--benchmark_out={path}", *flags], check=True, capture_output=True)
        return path

    def compare(self, *arguments):
        run = subprocess.run([PYTHON, "-W", "error", COMPARE, "--no-color", *arguments],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def row(self, text, name):
        """Change of time and of CPU; old and new of each."""
        found = re.findall(rf"^{re.escape(name)} +" + r"([-+][\d.]+) +" * 2 +
                           r"([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", text, re.M)
        self.assertTrue(found, f"no row {name} in\n{text}")
        return [float(x) for x in found[0]]

    def test_rows_for_time_and_memory(self):
        text = self.compare("--no-utest", "benchmarks", self.json("a.json"), self.json("b.json"))
        for name in NAMES:
            for row in ROWS:
                with self.subTest(name=name + row):
                    self.row(text, name + row)
            # Of one allocator twice.
            self.assertEqual(self.row(text, name + "/peak_maps")[0], 0)
        self.assertEqual(self.row(text, "map_churn/1000/peak_maps"), [0, 0] + [1000] * 4)
        peak = self.row(text, "batch_lifo/blocks:100/bytes:4096/peak_rss_bytes")
        self.assertGreaterEqual(min(peak[2:]), 100 * 4096)

    def test_repetitions_have_a_u_test(self):
        repeated = "--benchmark_repetitions=9"
        text = self.compare("benchmarks", self.json("c.json", repeated),
                            self.json("d.json", repeated))
        for name in NAMES:
            with self.subTest(name=name):
                self.row(text, name + "_mean")
                self.row(text, name + "/peak_rss_bytes_median")
                self.assertRegex(text, rf"{re.escape(name)}_pvalue")
        self.assertRegex(text, r"map_churn/1000/peak_maps_pvalue +1\.0000 +1\.0000")

    def test_aggregates_alone(self):
        flags = ["--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true"]
        text = self.compare("--no-utest", "benchmarks", self.json("e.json", *flags),
                            self.json("f.json", *flags))
        self.row(text, "malloc_free/64/kept_bytes_mean")
        self.assertNotRegex(text, r"(?m)^malloc_free/64 ")

    def test_more_memory_is_a_difference(self):
        old = self.json("g.json")
        new = os.path.join(self.dir.name, "h.json")
        with open(old) as f:
            text = f.read()
        changed = re.sub(r'("name": "map_churn/1000/peak_maps",[^}]*"real_time": )[\d.e+]+',
                         r"\g<1>1100", text)
        self.assertNotEqual(text, changed)
        with open(new, "w") as f:
            f.write(changed)
        text = self.compare("--no-utest", "benchmarks", old, new)
        self.assertAlmostEqual(self.row(text, "map_churn/1000/peak_maps")[0], 0.1)
        self.assertEqual(self.row(text, "malloc_free/64/peak_maps")[0], 0)


if __name__ == "__main__":
    if not has_tool():
        print(f"skipped: no {COMPARE}, or no scipy for {PYTHON}")
        sys.exit(77)
    unittest.main()
