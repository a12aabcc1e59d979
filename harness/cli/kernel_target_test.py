"""The kernel as the subject: programs of mapping ops, and no allocator."""
import json
import os

import e2e

INSTEAD = "allocrig run corpus/mmap/*.prog -a kernel"

MAPS = """
    mmap m[0:4] 4p rw private,anon
    touch m[0:4]
    checkpoint mapped
    fork {
      munmap m[0] 1p 2p
    }
    munmap m[1:3]
    expect maps == 1
    """


class Target(e2e.Case):
    def test_run(self):
        result = self.run_one(MAPS.replace("expect maps == 1", "expect mapped == 8p"), "kernel",
                              "--check-ledger", exit_code=e2e.CLEAN)
        got = result["allocator"]
        self.assertEqual((got["name"], got["version"]), ("kernel", os.uname().release))
        self.assertEqual((got["path"], got["sha256"], got["package"]), (None, None, None))
        self.assertEqual(result["version_by_itself"], os.uname().release)
        self.assertEqual(result["load"], "inside")
        mapped = e2e.checkpoint(result, "mapped")
        self.assertEqual(mapped["mapped_bytes"], 16 * 4096)
        self.assertEqual(mapped["vmdata_bytes"], 16 * 4096)
        self.assertEqual(mapped["locked_bytes"], 0)

    def test_nobody_else_maps(self):
        """Whatever the environment would have libc's malloc do, or preload."""
        tape = os.path.join(self.dir, "tape")
        env = {**os.environ, "LD_PRELOAD": self.library(e2e.MAPPER), "MALLOC_ARENA_MAX": "1",
               "MALLOC_PERTURB_": "90"}
        result = self.run_one("mmap m[0] 4p rw private,anon\nmunmap m[0]", "kernel", "--tape", tape,
                              exit_code=e2e.CLEAN, env=env)
        calls = [row["call"] for row in e2e.lines_of(tape) if "call" in row]
        self.assertEqual(calls, ["mmap", "munmap"])
        self.assertEqual({call: n["made"] for call, n in result["calls"].items() if n["made"]},
                         {"mmap": 1, "munmap": 1})
        self.assertEqual(result["served_by_own_file"], [])

    def test_beside_an_allocator(self):
        results = self.run_all([self.program(MAPS.replace("expect maps == 1", ""))],
                               ["kernel", "glibc", "guard"], exit_code=e2e.CLEAN)
        self.assertEqual(len({str(r["checkpoints"][1]["mapped_bytes"]) for r in results}), 1)

    def test_blocks_are_unsupported(self):
        for op in ("malloc b[0] 10", "free b[0]", "trim", "fork {\nmalloc b[0] 10\n}"):
            with self.subTest(op=op):
                result = self.run_one(op, "kernel", exit_code=e2e.UNSUPPORTED)
                self.assertEqual(result["outcome"], "unsupported")
                self.assertIn("calls an allocator", result["reason"])


class Elsewhere(e2e.Case):
    """Commands that need blocks say what to type instead."""

    def refused(self, *args):
        got = e2e.allocrig(*args)
        self.assertEqual((got.returncode, got.stdout), (e2e.MISUSE, ""), got)
        self.assertIn(INSTEAD, got.stderr)
        self.assertEqual(got.stderr.count("\n"), 1, got.stderr)

    def test_audit(self):
        self.program("mmap m[0] 1p rw private,anon")
        self.refused("audit", "--corpus", self.dir, "-a", "kernel")
        self.refused("audit", "--corpus", self.dir, "-a", "glibc", "-a", "kernel")
        self.refused("audit", "--conformance", "-a", "kernel")

    def test_sweep(self):
        self.refused("run", self.program("munmap m[0]"), "--sweep", "munmap", "-a", "kernel")

    def test_not_among_those_audited_by_default(self):
        self.program("mmap m[0] 1p rw private,anon")
        got = e2e.allocrig("audit", "--corpus", self.dir, "--json", "-")
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        rows = [json.loads(line) for line in got.stdout.splitlines()]
        names = {row["allocator"]["name"] for row in rows}
        self.assertIn("glibc", names)
        self.assertFalse(names & {"kernel", "void"})


if __name__ == "__main__":
    e2e.main()
