#!/usr/bin/env python3
"""All micro-benchmarks under every allocator that allocrig knows: whole_test.py MICRO ALLOCRIG

The names of allocators may follow; else it is all that are there.
"""

import json
import os
import subprocess
import sys
import unittest

MICRO, ALLOCRIG = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
ROWS = {"/peak_maps", "/peak_rss_bytes", "/kept_bytes"}
# Not allocators that programs can run on.
NOT_REAL = {"void", "kernel"}
# Machines differ in what of this they have.
MAY_LACK = {"map_hugepage/": "no huge pages are there", "map_churn/": "vm.max_map_count is"}


def allocators():
    out = subprocess.run([ALLOCRIG, "list", "--json", "-"], check=True, capture_output=True,
                         text=True).stdout
    return [a for a in map(json.loads, out.splitlines())
            if a["available"] and a["name"] not in NOT_REAL]


class Whole(unittest.TestCase):
    def rows(self, allocator):
        env = dict(os.environ)
        env.pop("LD_PRELOAD", None)
        if allocator["name"] != "glibc":
            env["LD_PRELOAD"] = allocator["path"]
        run = subprocess.run([MICRO, "--benchmark_min_time=0.001", "--benchmark_format=json"],
                             env=env, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertEqual(result["context"]["malloc_served_by"],
                         os.path.realpath(allocator["path"]))
        return result["benchmarks"]

    def check(self, rows):
        names = [row["name"] for row in rows]
        self.assertEqual(len(names), len(set(names)))
        for row in rows:
            if "error_message" in row:
                words = [w for start, w in MAY_LACK.items() if row["name"].startswith(start)]
                self.assertTrue(words and row["error_message"].startswith(words[0]), row)
            elif not row["name"].endswith(tuple(ROWS)):
                self.assertGreater(row["real_time"], 0, row)
                for memory in ROWS:
                    self.assertIn(row["name"] + memory, names)

    def test_whole_set(self):
        first = None
        for allocator in allocators():
            with self.subTest(allocator=allocator["name"]):
                rows = self.rows(allocator)
                self.check(rows)
                names = {row["name"] for row in rows}
                first = first or names
                self.assertEqual(names, first)
                self.assertGreater(len(names), 200)

    def test_there_is_more_than_one(self):
        self.assertIn("guard", [a["name"] for a in allocators()])


if __name__ == "__main__":
    wanted = set(sys.argv[1:])
    if wanted:
        every = allocators
        allocators = lambda: [a for a in every() if a["name"] in wanted]  # noqa: E731
        del sys.argv[1:]
    unittest.main()
