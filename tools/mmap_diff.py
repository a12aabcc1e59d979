#!/usr/bin/env python3
"""Compares the kernel's mappings with the model of the pages on random programs.

    mmap_diff.py [--programs N] [--seed S] [--first I] [--jobs N] [--check-ledger]
    mmap_diff.py --wrong-rules [--programs N] [--seed S]

Runs `allocrig run -a kernel` over random programs of mapping ops (random_programs.py --kind
kernel). What the model says differently is a finding: the kernel is wrong, or the model is. Such
programs are kept, with the command that repeats each.

With --wrong-rules the model follows a wrong rule, one after the other, and each has to be found: it
tells after how many programs and seconds, and exits 1 where one was not among N programs.

Exit: 0 no finding, 1 findings, 2 none, but some programs were broken or gave no result.
"""

import argparse
import collections
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_programs
import random_runs

SHOWN = 20  # examples of each kind
FEW = 20  # programs in a command that looks for a wrong rule


class Tally:
    """What came out, over all batches."""

    def __init__(self, args):
        self.args = args
        self.programs = self.with_finding = self.run_ns = 0
        self.slowest = (0, "")
        self.ops, self.outcomes = collections.Counter(), collections.Counter()
        self.kinds, self.unsupported = collections.Counter(), collections.Counter()
        self.broken = collections.Counter()
        self.examples = collections.defaultdict(list)
        self.silent = []  # commands that gave fewer results than programs

    def keep(self, result, label):
        path = random_runs.keep(result, self.args.keep)
        if len(self.examples[label]) < SHOWN:
            self.examples[label].append(shlex.join(command(self.args, [path])))

    def add(self, result):
        self.programs += 1
        self.outcomes[result["outcome"]] += 1
        self.ops.update({word: n for word, n in (result.get("ops") or {}).items()
                         if isinstance(n, int)})
        ns = result.get("wall_ns", 0)
        self.run_ns += ns
        self.slowest = max(self.slowest, (ns, Path(result["program"]["path"]).name))
        reason = result.get("reason") or "no reason given"
        findings = random_runs.kinds_found(result)
        self.kinds.update(findings)
        self.with_finding += bool(findings)
        for kind in findings:
            self.keep(result, kind)
        if result["outcome"] == "unsupported":
            self.unsupported[reason] += 1
        if result["outcome"] == "broken":
            self.broken[reason] += 1
            self.keep(result, reason)


def command(args, paths):
    check = ["--check-ledger"] if args.check_ledger else []
    return [str(args.allocrig), "run", *check, *map(str, paths), "-a", "kernel"]


def run_batch(args, scratch, indices):
    indices = [args.first + i for i in indices]
    paths = random_programs.write(scratch, indices, args.seed, "kernel")
    words = command(args, paths)
    results, said = random_runs.answers(words, len(paths))
    return results, words, said


def report(tally, seconds):
    ops = ", ".join(f"{n} {word}" for word, n in tally.ops.items())
    print(f"{tally.programs} programs in {seconds:.0f} s; ops: {ops}")
    if tally.programs:
        ns, name = tally.slowest
        print(f"mean {tally.run_ns / tally.programs / 1e6:.1f} ms a run, slowest "
              f"{ns / 1e6:.0f} ms ({name})")
    print(", ".join(f"{n} {outcome}" for outcome, n in tally.outcomes.most_common()))
    for title, counts in [("finding", tally.kinds), ("unsupported", tally.unsupported),
                          ("broken", tally.broken)]:
        for label, count in counts.most_common():
            print(f"{count:6} {title}: {label}")
            for again in tally.examples[label]:
                print(f"         {again}")
    random_runs.print_silent(tally.silent)


def wrong_rules(args):
    """The rules that can be made wrong, as the command itself names them."""
    words = [str(args.allocrig), "run", "--wrong-rule", "?", "-a", "kernel", "x"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    return re.search(r"they are ([a-z0-9 -]+);", said)[1].split()


def find_wrong_rule(args, rule, scratch):
    """How many programs it took, and what was found; nothing: (args.programs, None)."""
    for first in range(0, args.programs, FEW):
        paths = random_programs.write(scratch, [args.first + first + i for i in range(FEW)], args.seed,
                                      "kernel")
        words = command(args, ["--wrong-rule", rule, *paths])
        results, said = random_runs.answers(words, len(paths))
        if said is not None:
            sys.exit(f"no result: {shlex.join(words)}: {said}")
        for path in paths:
            Path(path).unlink()
        for i, result in enumerate(results):
            kinds = random_runs.kinds_found(result)
            if kinds:
                return first + i + 1, ", ".join(kinds)
    return args.programs, None


def find_wrong_rules(args):
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for rule in wrong_rules(args):
            begin = time.monotonic()
            programs, found = find_wrong_rule(args, rule, Path(scratch))
            missed += found is None
            print(f"{rule:24}{programs:6} programs {time.monotonic() - begin:6.1f} s  "
                  f"{found or 'NOT FOUND'}", flush=True)
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(description="Compares the kernel's mappings with the model "
                                     "of the pages on random programs.")
    parser.add_argument("--allocrig", type=Path, default=random_runs.ROOT / "build/allocrig")
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="I", help="number of the first")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--check-ledger", action="store_true",
                        help="compare the ledger with /proc/self/maps after every op too")
    parser.add_argument("--keep", type=Path, default=Path("results/mmap"), metavar="DIR",
                        help="where programs are kept (default results/mmap)")
    parser.add_argument("--wrong-rules", action="store_true",
                        help="look for each rule of the model that can be made wrong")
    args = parser.parse_args()
    if args.wrong_rules:
        return find_wrong_rules(args)
    tally = Tally(args)
    begin = time.monotonic()
    random_runs.run_all(args.jobs, random_runs.parts(args.programs, args.jobs), lambda scratch, part:
                        run_batch(args, scratch, part), tally, lambda:
                        f"{tally.programs} of {args.programs} programs, {tally.with_finding} with "
                        "a finding")
    report(tally, time.monotonic() - begin)
    return 1 if tally.with_finding else 2 if tally.broken or tally.silent else 0


if __name__ == "__main__":
    sys.exit(main())
