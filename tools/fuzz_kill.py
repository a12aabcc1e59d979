#!/usr/bin/env python3
"""kill -9 of `allocrig fuzz` at random moments, over one folder: fuzz_kill.py N

After each: the folder opens (tools/fuzz_dir.py), each finding that was told so far is in it with its
program, no process is left, and the next call goes on with it. At the end one call is let come to
its end: what is in no inbox any more is filed, and the counts have not gone back.

By default the targets are fakes that find something all the time; --real CANARY fuzzes that
allocator with the real ones.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz_dir  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
MARK = "ALLOCRIG_FUZZ_KILL"
LEFT_S = 5


def marked(mark):
    """The processes of this test that are left."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Killer:
    def __init__(self, args):
        self.args = args
        self.random = random.Random(args.seed)
        self.dir = Path(tempfile.mkdtemp(prefix="allocrig-kill."))
        self.out = self.dir / "out"
        self.told = {}
        self.sessions = self.inputs = 0
        targets = args.targets or str(Path(args.allocrig).parent / ("" if args.real else "fuzz_fake"))
        allocator = ["-a", args.real or "glibc", "--targets", targets]
        self.command = [args.allocrig, "fuzz", *allocator, "--out", str(self.out), "--jobs",
                        str(args.jobs)]
        self.mark = f"{MARK}={self.dir}".encode()
        self.env = {**os.environ, MARK: str(self.dir),
                    "ALLOCRIG_FAKE": "find=20 signatures=400 die=200 repeat"}

    def run(self, seconds, *more):
        """Runs until it ends, or for so long and then no more; what it told goes into `told`."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stdout:
            process = subprocess.Popen([*self.command, *more], stdout=stdout, stdin=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE if not seconds else subprocess.DEVNULL,
                                       env=self.env, text=True)
            try:
                _, errors = process.communicate(timeout=seconds or 300)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                _, errors = process.communicate()
            stdout.seek(0)
            for name, signature in fuzz_dir.told(stdout.read()):
                self.told[name] = signature
        return process.returncode, errors

    def check(self, when):
        problems, filed = fuzz_dir.check(self.out) if self.out.exists() else ([], {})
        for name, signature in self.told.items():
            if filed.get(name) != signature:
                problems.append(f"{name} was told and is not there")
        totals = {}
        if (self.out / "fuzz.json").exists():
            totals = json.loads((self.out / "fuzz.json").read_text())["totals"]
        for key in ("sessions", "inputs"):
            if totals.get(key, 0) < getattr(self, key):
                problems.append(f"{key} went back from {getattr(self, key)} to {totals.get(key)}")
            setattr(self, key, totals.get(key, 0))
        if problems:
            print(f"{when}: in {self.out}", *problems[:20], sep="\n  ")
        return not problems

    def none_is_left(self):
        """The kernel ends what a killed one has started, in its own time."""
        end = time.monotonic() + LEFT_S
        while marked(self.mark):
            if time.monotonic() > end:
                print(f"left behind: {marked(self.mark)}")
                return False
            os.sched_yield()
        return True

    def all(self):
        for i in range(self.args.kills):
            seconds = self.random.uniform(0.001, self.args.most)
            code, _ = self.run(seconds, "--time", "60s")
            if code != -signal.SIGKILL:
                print(f"kill {i}: it ended by itself, with {code}")
                return False
            if not self.check(f"kill {i} after {seconds:.3f} s") or not self.none_is_left():
                return False
        self.env["ALLOCRIG_FAKE"] = ""
        code, errors = self.run(None, "--time", "2s", "--shrink-time", "0s")
        if code not in (0, 1):
            print(f"the last call: exit {code}\n{errors}")
            return False
        if fuzz_dir.folders(self.out / "inbox"):
            print("the last call left something in the inbox")
            return False
        return self.check("the last call") and self.none_is_left()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kills", type=int)
    parser.add_argument("--allocrig", default=str(ROOT / "build/allocrig"), type=os.path.abspath)
    parser.add_argument("--real", metavar="CANARY", help="an allocator, fuzzed by the real targets")
    parser.add_argument("--targets", help="folder of the targets")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=float, default=1.0, help="seconds until a kill, at most")
    parser.add_argument("--seed", type=int, default=1)
    killer = Killer(parser.parse_args())
    good = killer.all()
    print(f"{killer.args.kills} kills, {killer.sessions} sessions that began, {killer.inputs} inputs "
          f"counted, {len(killer.told)} findings told: {'all there' if good else 'FAILED'}")
    if good:
        shutil.rmtree(killer.dir)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
