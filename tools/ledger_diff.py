#!/usr/bin/env python3
"""Compares the ledger with the kernel, op by op, on random programs.

    ledger_diff.py [--programs N] [--seed S] [--jobs N] [--ballast N] [-a ALLOCATOR]...

Runs `allocrig run --check-ledger` over random programs (random_programs.py), spread over
allocators and both ways to load them: after every op the child compares its ledger with
/proc/self/maps. A difference is the outcome `broken` with a reason that begins with "ledger".
Such programs are kept, with the command that repeats each.

Exit: 0 no difference, 1 differences, 2 some programs gave no result.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_programs

ROOT = Path(__file__).resolve().parent.parent
ALLOCATORS = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]
LOADS = ["preload", "dlopen"]
BATCH = 100  # programs in one command
BATCH_SECONDS = 600  # the watchdog of each run is much faster


class Tally:
    """What came out, over all batches."""

    def __init__(self, args):
        self.args = args
        self.programs = self.skipped = self.executed = self.run_ns = 0
        self.slowest = (0, "")
        self.outcomes = collections.Counter()
        self.examples = {}  # of each outcome that is not clean, the first
        self.mismatches = []
        self.silent = []  # commands that gave fewer results than programs

    def keep(self, result):
        """Copies the program out of the scratch directory; the command that repeats it."""
        self.args.keep.mkdir(parents=True, exist_ok=True)
        path = shutil.copy(result["program"]["path"], self.args.keep)
        return shlex.join(command(self.args, [path], result["combination"]))

    def add(self, result):
        outcome, reason = result["outcome"], result.get("reason") or ""
        ops = result.get("ops") or {}
        self.programs += 1
        self.executed += ops.get("executed", 0)
        self.skipped += ops.get("skipped", 0)
        ns = result.get("wall_ns", 0)
        self.run_ns += ns
        self.slowest = max(self.slowest, (ns, Path(result["program"]["path"]).name))
        if outcome == "broken" and reason.startswith("ledger"):
            self.mismatches.append((reason, self.keep(result)))
            outcome = "ledger differs"
        allocator, load = result["combination"]
        kinds = sorted({f["kind"] for f in result.get("findings", []) if not f.get("known")})
        label = " ".join([outcome] + kinds) + (f" ({reason})" if reason else "")
        self.outcomes[label] += 1
        if label != "clean" and label not in self.examples:
            self.examples[label] = f"{allocator} {load}: {self.keep(result)}"


def command(args, paths, combination):
    allocator, load = combination
    check = [] if args.without_check else ["--check-ledger"]
    return [str(args.allocrig), "run", *check, *map(str, paths), "-a", allocator, "--load", load]


def parse_results(text):
    """A last line that was cut off is a result that is missing."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def run_batch(args, scratch, indices, combination):
    """The results of one command, the command, and what it said when a result is missing."""
    kinds = [args.kind] if args.kind else random_programs.KINDS
    paths = [path for i in indices
             for path in random_programs.write(scratch, [i], args.seed, kinds[i % len(kinds)],
                                               args.ballast)]
    words = command(args, paths, combination) + ["--json", "-"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=BATCH_SECONDS)
        out, said = done.stdout, done.stderr.strip().splitlines()[-3:]
    except subprocess.TimeoutExpired:
        out, said = "", [f"no end within {BATCH_SECONDS} s"]
    results = list(parse_results(out))
    for result in results:
        result["combination"] = combination
    return results, words, said if len(results) < len(paths) else None


def batches(args):
    """Indices of programs, and where they run. Small numbers too reach every combination."""
    combinations = [(a, load) for a in args.allocators for load in LOADS]
    size = max(1, min(BATCH, args.programs // len(combinations)))
    for number, first in enumerate(range(0, args.programs, size)):
        yield (range(first, min(first + size, args.programs)),
               combinations[number % len(combinations)])


def run_all(args, tally):
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        running = [pool.submit(run_batch, args, scratch, *batch) for batch in batches(args)]
        try:
            for future in concurrent.futures.as_completed(running):
                results, words, said = future.result()
                for result in results:
                    tally.add(result)
                    Path(result["program"]["path"]).unlink()
                if said is not None:
                    tally.silent.append((words, said))
                if sys.stderr.isatty():
                    print(f"\r{tally.programs} of {args.programs} programs, "
                          f"{len(tally.mismatches)} differences", end="", file=sys.stderr)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if sys.stderr.isatty():
        print(file=sys.stderr)


def report(tally, seconds):
    print(f"{tally.programs} programs, {tally.executed} ops executed, {tally.skipped} skipped, "
          f"in {seconds:.0f} s; {len(tally.mismatches)} differences")
    if tally.programs:
        ns, name = tally.slowest
        print(f"mean {tally.run_ns / tally.programs / 1e6:.1f} ms a run, slowest "
              f"{ns / 1e6:.0f} ms ({name})")
    for label, count in tally.outcomes.most_common():
        print(f"  {count:6} {label}")
        if label in tally.examples:
            print(f"         first: {tally.examples[label]}")
    for reason, again in tally.mismatches:
        print(f"DIFFERS: {reason}\n  {again}")
    for words, said in tally.silent:
        print(f"NO RESULT: {shlex.join(words[:4])} ... {shlex.join(words[-6:])}")
        print("".join(f"  {line}\n" for line in said), end="")


def main():
    parser = argparse.ArgumentParser(description="Compares the ledger with /proc/self/maps on "
                                     "random programs.")
    parser.add_argument("--allocrig", type=Path, default=ROOT / "build/allocrig")
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--ballast", type=int, metavar="N", help="a ballast line in each program")
    parser.add_argument("--kind", choices=random_programs.KINDS, help="default: all in turn")
    parser.add_argument("-a", "--allocator", dest="allocators", action="append", metavar="NAME")
    parser.add_argument("--keep", type=Path, default=Path("results/ledger"), metavar="DIR",
                        help="where programs are kept (default results/ledger)")
    parser.add_argument("--without-check", action="store_true",
                        help="run them as they are: what is the cost, are they good programs")
    args = parser.parse_args()
    args.allocators = args.allocators or ALLOCATORS
    tally = Tally(args)
    begin = time.monotonic()
    run_all(args, tally)
    report(tally, time.monotonic() - begin)
    return 1 if tally.mismatches else 2 if tally.silent else 0


if __name__ == "__main__":
    sys.exit(main())
