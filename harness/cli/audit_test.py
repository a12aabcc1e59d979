"""allocrig audit: what it runs, prints and writes."""

import json
import os
import shlex
import subprocess
import unittest

from e2e import ALLOCRIG, BUMP, CLEAN, FINDING, MISUSE, Case, allocrig, main

SMALL = "allocrig 1\nmalloc b[0:10] 100\ntouch b[0:10]\nfree b[0:10]\ncheckpoint freed\n"
BREAKS = "allocrig 1\nmalloc b[0] 8\nmalloc b[1] 100\n"
ODD = BUMP.replace("return bump_take(size);", "return (char *)bump_take(size) + (size == 100);", 1)


class Audit(Case):
    def corpus(self, **programs):
        folder = os.path.join(self.dir, "corpus")
        os.mkdir(folder)
        for name, text in programs.items():
            self.file(os.path.join("corpus", name + ".prog"), text)
        return folder

    def audit(self, *args, exit_code):
        out = os.path.join(self.dir, "audit.jsonl")
        got = allocrig("audit", "--json", out, *args)
        self.assertEqual(got.returncode, exit_code, got)
        with open(out, encoding="utf-8") as lines:
            return got, [json.loads(line) for line in lines]

    def test_every_program_on_every_allocator_and_a_scorecard_each(self):
        corpus = self.corpus(one=SMALL, two=SMALL)
        got, rows = self.audit("--corpus", corpus, "-a", "glibc", "-a", "guard", exit_code=CLEAN)
        runs = [(r["allocator"]["name"], r["program"]["name"]) for r in rows
                if r["schema"] == "allocrig.run/1"]
        self.assertEqual(runs, [(a, p) for a in ("glibc", "guard") for p in ("one", "two")])
        cards = [r for r in rows if r["schema"] == "allocrig.audit/1"]
        self.assertEqual([c["allocator"]["name"] for c in cards], ["glibc", "guard"])
        self.assertEqual([c["runs"] for c in cards], [2, 2])
        for name in ("glibc", "guard"):
            self.assertRegex(got.stdout, rf"(?m)^{name} +0 ")

    def test_a_finding_is_one_line_that_says_what_to_type(self):
        library = self.library(ODD)
        corpus = self.corpus(small=SMALL, breaks=BREAKS)
        got, rows = self.audit("--corpus", corpus, "-a", library, exit_code=FINDING)
        lines = [line for line in got.stdout.splitlines() if line.startswith("misaligned at op ")]
        self.assertEqual(len(lines), 2, got.stdout)
        command = shlex.split(lines[0].split("; see: ")[1])
        self.assertEqual(os.path.realpath(command[0]), os.path.realpath(ALLOCRIG))
        again = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               timeout=60, check=False)
        self.assertEqual(again.returncode, FINDING)
        self.assertIn("misaligned at op 1", again.stdout)
        self.assertGreaterEqual(rows[-1]["violations"], 2)

    def test_the_control_runs_before_what_it_controls(self):
        after = SMALL.replace("freed", "idle")
        corpus = self.corpus(**{"limit-after": after, "limit-after-control": after})
        _, rows = self.audit("--corpus", corpus, "-a", "glibc", exit_code=CLEAN)
        self.assertEqual([r["program"]["name"] for r in rows[:2]],
                         ["limit-after-control", "limit-after"])
        self.assertIsNone(rows[-1]["limit_after_bytes"])  # no munmap was refused

    def test_misuse_is_one_line(self):
        empty = os.path.join(self.dir, "empty")
        os.mkdir(empty)
        for args in (["--corpus", empty], ["--corpus", "/nonexistent"], ["a.prog"],
                     ["-a", "nosuch"]):
            with self.subTest(args=args):
                got = allocrig("audit", *args)
                self.assertEqual(got.returncode, MISUSE)
                self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
                self.assertEqual(got.stdout, "")


class Describe(Case):
    def describe(self, allocator):
        got = allocrig("describe", allocator, "--json", "-")
        self.assertEqual(got.returncode, CLEAN, got)
        return json.loads(got.stdout)

    def test_glibc(self):
        d = self.describe("glibc")
        self.assertEqual(d["min_block"], 24)
        self.assertEqual(d["class_ranges"][0], {"first": 1, "last": 24, "step": 24})
        self.assertEqual(d["class_ranges"][1]["step"], 16)
        # 128 KiB, less the 16 bytes of the chunk's head, rounded up to the step of this search.
        self.assertTrue(131040 <= d["mmap_threshold"] <= 131072, d["mmap_threshold"])
        self.assertEqual(d["answers"]["realloc-zero"], "frees, null, errno kept")

    def test_guard_gives_every_byte_back(self):
        d = self.describe("guard")
        self.assertEqual(d["after_free"], {"maps": 0, "bytes": 0})
        self.assertEqual(d["maps_per_mapped_block"], 2)
        self.assertEqual(d["answers"]["aligned-alloc-3"], "refused, EINVAL")

    def test_a_library_that_keeps_everything(self):
        d = self.describe(self.library())
        self.assertEqual(d["mmap_threshold"], 0)
        self.assertEqual(d["answers"]["pvalloc-1"], "no such function")
        self.assertEqual(d["min_block"], 1)
        self.assertEqual(d["class_ranges"][0]["step"], 1)

    def test_text_has_the_facts(self):
        got = allocrig("describe", "glibc")
        self.assertEqual(got.returncode, CLEAN)
        for word in ("size classes", "mmap threshold", "overhead per block", "after purge",
                     "aligned_alloc(3, 64)"):
            self.assertIn(word, got.stdout)


if __name__ == "__main__":
    main()
