#!/usr/bin/env python3
"""Compares programs that are fed to one child with the same programs in children of their own.

    feed_diff.py [--programs N] [--seed S] [-a ALLOCATOR]... [--ballast N]

Random programs (random_programs.py) of all kinds are handed to one child, one after the other
(feed-programs), and run by `allocrig run`, each in a fresh child. Both must come to the same end
with the same kinds of findings, but for growth, which is not judged where a child has a past.
Findings of what is done behind a program, when it is undone, may come on top. What a call does to
errno depends on the allocator's past (a heap that has to grow, or not), so that is counted alone.

Exit: 0 no difference, 1 differences, 2 some programs gave no result.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import random_programs
import random_runs

ALLOCATORS = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard", "kernel"]
GROWTH = {"map-growth", "footprint-growth"}
OF_THE_PAST = {"errno-clobbered", "wrong-errno"}
SECONDS = 1200


def fed(args, allocator, paths):
    """(end, kinds, kinds behind it, why) of each program, and how many children that took."""
    words = [str(args.feeder), "-a", allocator, "--load", args.load, "--resident", *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    answers, children = {}, 0
    for line in done.stdout.splitlines():
        name, end, kinds, again, child, *_, why = line.split("\t")
        answers[name] = (end, set(filter(None, kinds.split(","))),
                         set(filter(None, again.split(","))), why)
        children = max(children, int(child))
    return answers, children


def fresh(args, allocator, paths):
    words = [str(args.allocrig), "run", *map(str, paths), "-a", allocator, "--load", args.load]
    results, _ = random_runs.answers(words, len(paths))
    return {r["program"]["path"]: r for r in results}


def end_of(result):
    """As the feeder calls it. A crash or a hang is a finding like any other here."""
    kinds = {f["kind"] for f in result.get("findings", [])}
    ends = {"broken": "broken", "unsupported": "refused"}
    if result["outcome"] in ends:
        return ends[result["outcome"]]
    return "crashed" if "crash" in kinds else "hung" if "hang" in kinds else "normal"


def difference(answer, result):
    """In words, or None."""
    end, kinds, again, why = answer
    alone = {f["kind"] for f in result.get("findings", [])} - GROWTH - OF_THE_PAST
    kinds = kinds - OF_THE_PAST
    if end != end_of(result):
        return f"ends {end} ({why}), alone {end_of(result)} ({result.get('reason')})"
    if kinds - alone or alone - kinds - again:
        return f"finds {sorted(kinds)}, alone {sorted(alone)}"
    return None


def compare(args, allocator, scratch):
    """The differences of one allocator, and how many programs were compared."""
    kinds = ["kernel"] if allocator == "kernel" else random_programs.ALLOCATOR_KINDS
    paths = [str(path) for i in range(args.programs)
             for path in random_programs.write(scratch, [i], args.seed, kinds[i % len(kinds)],
                                               args.ballast)]
    answers, children = fed(args, allocator, paths)
    results = fresh(args, allocator, paths)
    both = [path for path in paths if path in answers and path in results]
    found = []
    for path in both:
        said = difference(answers[path], results[path])
        if said:
            found.append(f"{allocator} {random_runs.keep(results[path], args.keep)}: {said}")
    counts = len([p for p in both if answers[p][1]])
    print(f"{allocator}: {len(both)} programs in {children} children, {counts} with findings, "
          f"{len(found)} differences", flush=True)
    return found, len(both)


def main():
    parser = argparse.ArgumentParser(description="Compares fed programs with fresh children.")
    build = random_runs.ROOT / "build"
    parser.add_argument("--allocrig", type=Path, default=build / "allocrig")
    parser.add_argument("--feeder", type=Path, default=build / "feed-programs")
    parser.add_argument("--programs", type=int, default=500, metavar="N", help="for each allocator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ballast", type=int, metavar="N", help="a ballast line in each program")
    parser.add_argument("--load", default="preload", choices=["preload", "dlopen"])
    parser.add_argument("-a", "--allocator", dest="allocators", action="append", metavar="NAME")
    parser.add_argument("--keep", type=Path, default=Path("results/feed"), metavar="DIR")
    args = parser.parse_args()
    differences, missing = [], 0
    for allocator in args.allocators or ALLOCATORS:
        with tempfile.TemporaryDirectory() as scratch:
            found, compared = compare(args, allocator, scratch)
        differences += found
        missing += args.programs - compared
    for said in differences:
        print(f"DIFFERS: {said}")
    if missing:
        print(f"{missing} programs without a result")
    return 1 if differences else 2 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
