"""What allocrig says to its user: one line, the pinned exit code, nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import unittest

ALLOCRIG = sys.argv.pop(1)
BUILT_IN = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard", "void", "kernel"]


def run(*args, **more):
    return subprocess.run([ALLOCRIG, *args], stdin=subprocess.DEVNULL, text=True, timeout=60,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


class Misuse(unittest.TestCase):
    def check(self, args, said, command="allocrig"):
        got = run(*args)
        self.assertEqual(got.returncode, 3, got)
        self.assertEqual(got.stdout, "")
        self.assertEqual(got.stderr, f"allocrig: {said}; try '{command} --help'\n")

    def test_main(self):
        self.check([], "no command given")
        self.check(["foo"], "unknown command 'foo'")
        self.check([""], "unknown command ''")
        self.check(["two\nlines"], "unknown command 'two?lines'")
        self.check(["--foo"], "unknown option '--foo'")
        self.check(["-x", "list"], "unknown option '-x'")
        self.check(["--help=3"], "option '--help' takes no argument")

    def test_command(self):
        for args, said in [
                (["--foo"], "unknown option '--foo'"),
                (["--jsom=3"], "unknown option '--jsom=3'"),
                (["--json"], "option '--json' needs an argument: FILE"),
                (["-j"], "option '-j' needs an argument: FILE"),
                (["-q"], "unknown option '-q'"),
                (["-\xe4"], "unknown option '-\xe4'"),
                (["extra"], "unexpected argument 'extra'"),
                (["--", "--json"], "unexpected argument '--json'")]:
            with self.subTest(args=args):
                self.check(["list", *args], said, "allocrig list")


class Help(unittest.TestCase):
    def test_on_stdout(self):
        for args in (["--help"], ["--version"], ["list", "--help"], ["list", "--usage"]):
            with self.subTest(args=args):
                got = run(*args)
                self.assertEqual((got.returncode, got.stderr), (0, ""))
                self.assertIn("allocrig", got.stdout)

    def test_names_every_command(self):
        self.assertIn("\n  list ", run("--help").stdout)


class LostOutput(unittest.TestCase):
    def check(self, got, file="standard output"):
        self.assertEqual(got.returncode, 2, got)
        self.assertRegex(got.stderr, rf"\Aallocrig: cannot write {file}: [^\n]+\n\Z")

    def test_disk_full(self):
        for args in (["list"], ["list", "--json", "-"], ["--help"], ["list", "--help"]):
            with self.subTest(args=args), open("/dev/full", "w") as full:
                self.check(run(*args, stdout=full))

    def test_closed(self):
        self.check(run("list", stdout=None, preexec_fn=lambda: os.close(1)))

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.check(run("list", stdout=writer,
                       preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)))
        os.close(writer)

    def test_file(self):
        self.check(run("list", "--json", "/dev/full"), "/dev/full")
        self.check(run("list", "--json", "/no/such/dir"), "/no/such/dir")


class List(unittest.TestCase):
    def test_table(self):
        got = run("list")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        self.assertEqual([line.split()[0] for line in got.stdout.splitlines()],
                         ["NAME", *BUILT_IN])

    def test_json(self):
        got = run("list", "--json", "-")
        self.assertEqual((got.returncode, got.stderr), (0, ""))
        rows = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual([row["name"] for row in rows], BUILT_IN)
        for row in rows:
            self.assertEqual(row["schema"], "allocrig.list/1")
            self.assertEqual(row["reason"] is None, row["available"], row)
            self.assertEqual(row["kind"], "kernel" if row["name"] == "kernel" else "allocator")
            if row["available"] and row["name"] not in ("void", "kernel"):
                self.assertRegex(row["sha256"], r"\A[0-9a-f]{64}\Z")
                self.assertRegex(row["build_id"] or "0000", r"\A([0-9a-f]{2})+\Z")
                self.assertTrue(os.path.isabs(row["path"]))

    def test_kernel(self):
        """It has a version and maybe a build id, and no file."""
        rows = [json.loads(line) for line in run("list", "--json", "-").stdout.splitlines()]
        row = next(row for row in rows if row["name"] == "kernel")
        self.assertTrue(row["available"])
        self.assertEqual(row["version"], os.uname().release)
        self.assertRegex(row["build_id"] or "0000", r"\A([0-9a-f]{2})+\Z")
        self.assertEqual((row["path"], row["sha256"], row["package"]), (None, None, None))
        line = next(line for line in run("list").stdout.splitlines() if line.startswith("kernel"))
        self.assertIn("not an allocator", line)


if __name__ == "__main__":
    unittest.main()
