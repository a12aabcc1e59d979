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
import shlex
import sys
import time
from pathlib import Path

import random_programs
import random_runs

ALLOCATORS = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]
LOADS = ["preload", "dlopen"]


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
        path = random_runs.keep(result, self.args.keep)
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
        label = " ".join([outcome] + random_runs.kinds_found(result)) + (f" ({reason})" if reason else "")
        self.outcomes[label] += 1
        if label != "clean" and label not in self.examples:
            self.examples[label] = f"{allocator} {load}: {self.keep(result)}"


def command(args, paths, combination):
    allocator, load = combination
    check = [] if args.without_check else ["--check-ledger"]
    return [str(args.allocrig), "run", *check, *map(str, paths), "-a", allocator, "--load", load]


def run_batch(args, scratch, indices, combination):
    """The results of one command, the command, and what it said when a result is missing."""
    kinds = [args.kind] if args.kind else random_programs.ALLOCATOR_KINDS
    paths = [path for i in indices
             for path in random_programs.write(scratch, [i], args.seed, kinds[i % len(kinds)],
                                               args.ballast)]
    words = command(args, paths, combination)
    results, said = random_runs.answers(words, len(paths))
    for result in results:
        result["combination"] = combination
    return results, words, said


def batches(args):
    """Indices of programs, and where they run. Small numbers too reach every combination."""
    combinations = [(a, load) for a in args.allocators for load in LOADS]
    for number, part in enumerate(random_runs.parts(args.programs, len(combinations))):
        yield part, combinations[number % len(combinations)]


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
    random_runs.print_silent(tally.silent)


def main():
    parser = argparse.ArgumentParser(description="Compares the ledger with /proc/self/maps on "
                                     "random programs.")
    parser.add_argument("--allocrig", type=Path, default=random_runs.ROOT / "build/allocrig")
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--ballast", type=int, metavar="N", help="a ballast line in each program")
    parser.add_argument("--kind", choices=random_programs.KINDS,
                        help="default: maps, blocks, mixed and parallel in turn")
    parser.add_argument("-a", "--allocator", dest="allocators", action="append", metavar="NAME")
    parser.add_argument("--keep", type=Path, default=Path("results/ledger"), metavar="DIR",
                        help="where programs are kept (default results/ledger)")
    parser.add_argument("--without-check", action="store_true",
                        help="run them as they are: what is the cost, are they good programs")
    args = parser.parse_args()
    args.allocators = args.allocators or ALLOCATORS
    tally = Tally(args)
    begin = time.monotonic()
    random_runs.run_all(args.jobs, batches(args), lambda scratch, batch:
                        run_batch(args, scratch, *batch), tally, lambda:
                        f"{tally.programs} of {args.programs} programs, "
                        f"{len(tally.mismatches)} differences")
    report(tally, time.monotonic() - begin)
    return 1 if tally.mismatches else 2 if tally.silent else 0


if __name__ == "__main__":
    sys.exit(main())
