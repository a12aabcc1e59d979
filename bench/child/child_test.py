#!/usr/bin/env python3
"""The benchmark's process by hand: child_test.py CHILD SAMPLED LIBVOID PAIR FAMILY

Every workload runs through on libc and on the void allocator in both builds, and the process tells
when another file serves a call than the one that was meant.
"""

import os
import re
import subprocess
import sys
import unittest

CHILD, SAMPLED, VOID, PAIR, FAMILY = (os.path.realpath(path) for path in sys.argv[1:6])
SECONDS = 120


def run(program, *words, preload=None):
    env = dict(os.environ)
    env.pop("LD_PRELOAD", None)
    if preload:
        env["LD_PRELOAD"] = preload
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=SECONDS, env=env)


def listed():
    return [line.split("\t") for line in run(CHILD, "--list").stdout.splitlines()]


class List(unittest.TestCase):
    def test_lines(self):
        names = set()
        for fields in listed():
            name, threads, only_fixed, summary = fields
            self.assertRegex(name, r"^[a-z0-9][a-z0-9-]*$")
            self.assertLess(len(name), 24)
            self.assertTrue(threads.isdigit())
            self.assertIn(only_fixed, ("0", "1"))
            self.assertTrue(0 < len(summary) < 200)
            names.add(name)
        self.assertEqual(len(names), len(listed()))
        self.assertIn("drain-1-in-20", names)

    def test_builds_agree(self):
        self.assertEqual(run(CHILD, "--list").stdout, run(SAMPLED, "--list").stdout)


class Workloads(unittest.TestCase):
    def ends_well(self, program, workload, *words, preload=None):
        got = run(program, "--alone", workload, "--scale", "2", *words, preload=preload)
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)
        self.assertIn(f"\n{workload}: ok; ", "\n" + got.stdout)
        served = got.stdout.rsplit(", on ", 1)[1].strip()
        self.assertEqual(os.path.realpath(served), preload or os.path.realpath(served))
        return got.stdout

    def test_on_libc(self):
        for fields in listed():
            for program in (CHILD, SAMPLED):
                with self.subTest(fields[0], program=program):
                    self.ends_well(program, fields[0])

    def test_on_void(self):
        for fields in listed():
            for program in (CHILD, SAMPLED):
                with self.subTest(fields[0], program=program):
                    self.ends_well(program, fields[0], "--verify", "0", preload=VOID)

    def test_for_a_time(self):
        for name, _, only_fixed, _ in listed():
            if only_fixed == "0":
                with self.subTest(name):
                    self.ends_well(CHILD, name, "--time", "20ms")

    def test_deterministic(self):
        """The same calls again, and in the other build; others with another seed."""
        def ops(program, seed):
            text = self.ends_well(program, "cfrac", "--seed", seed)
            return re.findall(r"(\d+) ops", text)

        self.assertEqual(ops(CHILD, "5"), ops(CHILD, "5"))
        self.assertEqual(ops(CHILD, "5"), ops(SAMPLED, "5"))
        self.assertNotEqual(ops(CHILD, "5"), ops(CHILD, "6"))

    def test_sampled_tells_kernel_calls(self):
        text = self.ends_well(SAMPLED, "drain")
        seen = re.search(r"^(\d+) kernel calls of the allocator(.*); 0 unseen", text, re.M)
        if seen.group(2):
            self.skipTest(seen.group(2))
        # 6000 blocks of 1.3 KB on average, by pieces of 128 KiB of the break at most.
        self.assertGreater(int(seen.group(1)), 20)


class After(unittest.TestCase):
    def test_each(self):
        for after in ("idle", "light", "purge"):
            with self.subTest(after):
                got = run(CHILD, "--alone", "drain", "--scale", "1", "--after", after,
                          "--after-time", "30ms")
                self.assertEqual(got.returncode, 0, got.stdout)
                ops = int(re.search(r"^  after\s.*\s(\d+) ops", got.stdout, re.M).group(1))
                self.assertEqual(ops > 0, after == "light", got.stdout)

    def test_no_purge(self):
        got = run(CHILD, "--alone", "drain", "--after", "purge", preload=FAMILY)
        self.assertEqual(got.returncode, 1)
        self.assertIn("drain: unsupported: this allocator has no purge of its own", got.stdout)


class Served(unittest.TestCase):
    def is_wrong(self, words, preload, *options):
        got = run(CHILD, "--alone", "cfrac", "--scale", "1", *options, preload=preload)
        self.assertEqual(got.returncode, 1, got.stdout)
        self.assertRegex(got.stdout, "(?m)^cfrac: wrong allocator: " + words)
        self.assertNotIn("churn", got.stdout)

    def test_the_one_that_was_meant(self):
        got = run(CHILD, "--alone", "cfrac", "--scale", "1", "--file", FAMILY, preload=FAMILY)
        self.assertEqual(got.returncode, 0, got.stdout)

    def test_not_preloaded(self):
        self.is_wrong(r"malloc is served by .*libc.* not by .*libvoid", None, "--file", VOID)

    def test_another(self):
        self.is_wrong(r"malloc is served by .*family.* not by .*libvoid", FAMILY, "--file", VOID)

    def test_in_part(self):
        self.is_wrong(r"calloc is served by .*libc.*, malloc by .*pair", PAIR, "--file", PAIR)


class Words(unittest.TestCase):
    def test_misuse(self):
        for words in (["--alone"], ["--alone", "cfrac", "--seed"], ["--alone", "cfrac", "--x", "1"],
                      ["--alone", "cfrac", "--time", "1h"], ["--alone", "cfrac", "--scale", "-1"],
                      ["--alone", "cfrac", "--after", "lunch"], ["--what"]):
            with self.subTest(words):
                got = run(CHILD, *words)
                self.assertEqual((got.returncode, got.stdout), (3, ""))
                self.assertIn("usage: ", got.stderr)

    def test_unknown_workload(self):
        got = run(CHILD, "--alone", "nothing")
        self.assertEqual(got.returncode, 1)
        self.assertIn("nothing: broken: there is no such workload", got.stdout)

    def test_no_page(self):
        self.assertEqual(run(CHILD).returncode, 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
