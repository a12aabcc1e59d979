#!/usr/bin/env python3
"""The fuzz targets with libFuzzer, as a user or a supervisor starts them:
targets_test.py FOLDER CANARIES [CASE...]. FOLDER has fuzz_alloc, fuzz_mmap and fuzz_diff.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(sys.argv[1]).resolve()
CANARIES = Path(sys.argv[2]).resolve()
# Far more than any needs: they end when they have found it.
BUDGET = ["-seed=1", "-max_total_time=100"]


class Target(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="allocrig-fuzz-")
        self.addCleanup(self.work.cleanup)
        self.path = Path(self.work.name)

    def fuzz(self, target, *args, code=None, **environment):
        done = subprocess.run([FOLDER / target, *args], cwd=self.path, capture_output=True,
                              text=True, errors="replace", timeout=300,
                              env={**os.environ, **environment})
        if code is not None:
            self.assertEqual(done.returncode, code, done.stderr[-4000:])
        return done

    def signature(self, done):
        found = re.search(r"^allocrig: finding on \S+: (\S+)$", done.stderr, re.M)
        self.assertIsNotNone(found, done.stderr[-4000:])
        return found.group(1)

    def find(self, canary, *args):
        """From nothing to the finding, and its file again."""
        allocator = f"--allocator={CANARIES / canary}.so"
        done = self.fuzz("fuzz_alloc", allocator, *BUDGET, *args)
        self.assertNotEqual(done.returncode, 0, done.stderr[-4000:])
        signature = self.signature(done)
        crash = list(self.path.glob("crash-*"))
        self.assertEqual(len(crash), 1, done.stderr[-4000:])
        # Where the engine's own input is not enough by itself, the target adds one that is.
        proof = list(self.path.glob("proof-*"))
        return signature, (proof or crash)[0], allocator


class Finds(Target):
    def check(self, canary, kind):
        signature, crash, allocator = self.find(canary)
        self.assertEqual(signature.split("/")[0], kind)
        # Threads side by side do not meet each time.
        again = next(filter(lambda done: done.returncode,
                            (self.fuzz("fuzz_alloc", allocator, crash) for _ in range(40))), None)
        self.assertIsNotNone(again)
        # The rest of that signature is where it was noticed, in one process or in another.
        self.assertEqual(self.signature(again).split("/")[0], kind)

    def test_corrupted(self):
        self.check("corrupted", "corrupted")

    def test_crash(self):
        self.check("crash-abort", "crash")

    def test_growth_of_what_is_resident(self):
        """A loop that fits the work of most inputs, and maps nothing."""
        (self.path / "loop.prog").write_text(
            "allocrig 1\nrepeat 40 {\n  malloc b[0] 20000\n  touch b[0]\n  free b[0]\n}\n")
        subprocess.run([FOLDER / "fuzz" / "fuzz-convert", self.path, self.path / "loop.prog"], check=True)
        done = self.fuzz("fuzz_alloc", f"--allocator={CANARIES / 'footprint-growth-resident'}.so",
                         self.path / "loop.prog.wire")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.signature(done), "footprint-growth/repeat/rss")

    def test_hang(self):
        self.check("hang", "hang")

    def test_overlap(self):
        self.check("overlap", "overlap")


class Waits(Target):
    """What shows behind a long past alone waits for a better proof, at most until the engine ends."""

    RARE = """
        #include <errno.h>
        #include <stddef.h>
        void *__libc_malloc(size_t);
        void *malloc(size_t size)
        {
            static int asked;
            if (size == 3000 && ++asked >= 12) {
                errno = ENOMEM;
                return NULL;
            }
            return __libc_malloc(size);
        }
        void __libc_free(void *);
        void free(void *p)
        {
            __libc_free(p);
        }
    """

    def test_until_the_end(self):
        (self.path / "rare.c").write_text(self.RARE, encoding="utf-8")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", "rare.so", "rare.c"],
                       cwd=self.path, check=True)
        program = self.path / "once.prog"
        program.write_text("allocrig 1\nmalloc b[0] 3000\n", encoding="utf-8")
        (self.path / "seeds").mkdir()
        subprocess.run([FOLDER / "fuzz" / "fuzz-convert", "seeds", program], cwd=self.path,
                       check=True, capture_output=True)
        seed = next((self.path / "seeds").iterdir())
        (self.path / "inbox").mkdir()
        self.fuzz("fuzz_alloc", f"--allocator={self.path / 'rare.so'}", "--inbox=inbox",
                  *[seed] * 300, code=0)
        found = list((self.path / "inbox").glob("*/found.json"))
        self.assertEqual(len(found), 1)
        self.assertIn('"null-without-cause', found[0].read_text(encoding="utf-8"))


class Passes(Target):
    def test_guard(self):
        done = self.fuzz("fuzz_alloc", "--allocator=guard", "-seed=1", "-runs=1000", code=0)
        self.assertIn("Done 1000 runs", done.stderr)

    def test_kernel(self):
        done = self.fuzz("fuzz_mmap", "-seed=1", "-runs=2000", code=0)
        self.assertIn("Done 2000 runs", done.stderr)

    def test_what_is_skipped(self):
        signature, crash, allocator = self.find("errno-clobbered")
        skip = self.path / "skip"
        skip.write_text(f"other/one/here\n{signature}\n")
        done = self.fuzz("fuzz_alloc", allocator, f"--skip={skip}", crash, code=0)
        self.assertNotIn("allocrig: finding", done.stderr)

    def test_what_is_known(self):
        program = self.path / "input"
        allocator = f"--allocator={CANARIES / 'errno-clobbered'}.so"
        copy = self.path / "known.so"
        copy.write_bytes((CANARIES / "errno-clobbered.so").read_bytes())
        (self.path / "known.so.profile").write_text(
            "known errno-clobbered/* https://example.org/1 for this test\n")
        signature, crash, _ = self.find("errno-clobbered")
        program.write_bytes(crash.read_bytes())
        self.fuzz("fuzz_alloc", f"--allocator={copy}", program, code=0)
        strict = self.fuzz("fuzz_alloc", f"--allocator={copy}", "--strict", program)
        self.assertEqual(self.signature(strict), signature)
        self.assertTrue(allocator)


class Goes(Target):
    def test_on_after_findings(self):
        """With an inbox: folders, and all runs are made."""
        inbox = self.path / "inbox"
        inbox.mkdir()
        stats = self.path / "stats"
        done = self.fuzz("fuzz_alloc", f"--allocator={CANARIES / 'errno-clobbered'}.so",
                         f"--inbox={inbox}", f"--stats={stats}", "-seed=1", "-runs=2000", code=0)
        self.assertIn("Done 2000 runs", done.stderr)
        folders = list(inbox.iterdir())
        self.assertTrue(folders, done.stderr[-2000:])
        words = [int.from_bytes(stats.read_bytes()[at:at + 8], "little") for at in range(8, 72, 8)]
        inputs, _, children, findings, _, reported, _, refused = words
        self.assertEqual(inputs + refused, 2000)
        self.assertEqual(reported, len(folders))
        self.assertGreater(findings, 0)
        self.assertGreater(children, 1)

    def test_to_the_worst(self):
        worst = self.path / "worst.prog"
        self.fuzz("fuzz_alloc", "--climb=maps", f"--worst={worst}", "-seed=1", "-runs=500", code=0)
        lines = worst.read_text().splitlines()
        self.assertEqual(lines[0], "allocrig 1")
        self.assertRegex(lines[1], r"^# [0-9.]+ maps per live MiB$")
        run = subprocess.run([FOLDER / "allocrig", "run", worst, "-a", "glibc"],
                             capture_output=True, text=True, timeout=100)
        self.assertIn(run.returncode, (0, 1), run.stderr)

    def test_without_state(self):
        done = self.fuzz("fuzz_alloc", "--no-state", "--bytes", "-seed=1", "-runs=200", code=0)
        self.assertIn("Done 200 runs", done.stderr)
        self.assertIn("ft: 1 corp: 1/", done.stderr)


class Differs(Target):
    def test_from_glibc(self):
        """An alignment that one takes: first as the oracles say it, then without them."""
        args = ["fuzz_diff", f"--allocator={CANARIES / 'accepted-bad-alignment'}.so",
                "--other=glibc", *BUDGET]
        skip = self.path / "skip"
        skip.write_text("")
        for _ in range(8):
            done = self.fuzz(*args, f"--skip={skip}")
            signature = self.signature(done)
            if signature.startswith("unexpected-result/"):
                break
            skip.write_text(skip.read_text() + signature + "\n")
        self.assertEqual(signature, "unexpected-result/posix_memalign/outcome")
        self.assertIn("failed with EINVAL on glibc", done.stderr)
        self.assertIn(" -> EINVAL\n", done.stderr)

    def test_not_from_itself(self):
        done = self.fuzz("fuzz_diff", "--allocator=glibc", "--other=guard", "-seed=1",
                         "-runs=500", code=0)
        self.assertIn("Done 500 runs", done.stderr)


class Misuse(Target):
    def refuse(self, target, *args, code=3, **environment):
        done = self.fuzz(target, *args, "-runs=0", code=code, **environment)
        lines = [x for x in done.stderr.splitlines() if x.startswith("allocrig: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        return lines[0]

    def test_options(self):
        self.assertIn("--alocator=x", self.refuse("fuzz_alloc", "--alocator=x"))
        self.assertIn("--load", self.refuse("fuzz_alloc", "--load=maybe"))
        self.assertIn("--hang-after", self.refuse("fuzz_alloc", "--hang-after=soon"))
        self.assertIn("--allocator", self.refuse("fuzz_alloc", "--allocator"))
        self.assertIn("--strict", self.refuse("fuzz_alloc", "--strict=yes"))
        self.assertIn("--climb", self.refuse("fuzz_alloc", "--worst=x"))
        self.assertIn("--other", self.refuse("fuzz_diff"))

    def test_allocators(self):
        self.refuse("fuzz_alloc", "--allocator=nobody")
        self.refuse("fuzz_alloc", "--allocator=kernel")
        self.refuse("fuzz_alloc", "--allocator=/lib/x86_64-linux-gnu/libm.so.6")
        self.refuse("fuzz_alloc", ALLOCRIG_FUZZ_ALLOCATOR="nobody")


class Engine(Target):
    """libFuzzer's own ways to run, which start the target again with its flags."""

    def test_jobs(self):
        (self.path / "corpus").mkdir()
        done = self.fuzz("fuzz_alloc", "--allocator=guard", "-jobs=2", "-workers=1", "-runs=50",
                         "corpus", code=0)
        logs = sorted(self.path.glob("fuzz-*.log"))
        self.assertEqual(len(logs), 2, done.stderr)
        for log in logs:
            self.assertIn("Done 50 runs", log.read_text(errors="replace"))

    def test_merge(self):
        for folder in ("from", "to"):
            (self.path / folder).mkdir()
        self.fuzz("fuzz_alloc", "--allocator=guard", "-seed=1", "-runs=100", "from", code=0)
        had = len(list((self.path / "from").iterdir()))
        self.fuzz("fuzz_alloc", "--allocator=guard", "-merge=1", "to", "from", code=0)
        kept = len(list((self.path / "to").iterdir()))
        self.assertGreater(had, 0)
        self.assertTrue(0 < kept <= had)

    def test_fork(self):
        (self.path / "corpus").mkdir()
        done = self.fuzz("fuzz_alloc", f"--allocator={CANARIES / 'errno-clobbered'}.so",
                         "-fork=1", "-max_total_time=60", "corpus")
        self.assertNotEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertTrue(list(self.path.glob("crash-*")), done.stderr[-2000:])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
