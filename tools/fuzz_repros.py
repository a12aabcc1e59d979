#!/usr/bin/env python3
"""What arrives of each canary: `allocrig fuzz` from an empty corpus, then the folder of its finding.

    fuzz_repros.py --build BUILD [--time 10s] [--shrink-time 15s] [--seed 1] [--cpu N] [--rows FILE]
                   [--table] [CANARY...]

Of all findings of the canary's own kind (`# expect:` in its program; growth where that is an
expectation) the one with the fewest statements counts. Its repro.c is compiled here once more and
run: it has to exit with 1 under the canary and with 0 on plain glibc; 77 says that it left out what
C cannot say, such as a fault plan. Rows are appended to FILE as JSON Lines, and what is in there is
not run again. Exits 1 when a repro.c says something else than it should.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import fuzz_canaries as fuzzing  # noqa: E402
import shrink_canaries as shrinking  # noqa: E402


def statements(program):
    return sum(not shrinking.HEADER.match(line) for line in program.read_text().splitlines())


def kind_of(folder):
    try:
        verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        return verdict["findings"][0]["kind"]
    except (OSError, ValueError, LookupError):
        return folder.name  # not judged yet: its name begins with its kind


def status(command, **environment):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **environment}, timeout=60).returncode
    except subprocess.TimeoutExpired:
        return None


def judge(folder, library, scratch):
    """Exit codes of repro.c under the canary and on glibc; None: there is none, or it hangs."""
    binary = scratch / "repro"
    if not (folder / "repro.c").exists() or status(["cc", "-w", folder / "repro.c", "-o", binary]):
        return None, None
    return status([binary], LD_PRELOAD=str(library)), status([binary])


def run(args, canary):
    library = (args.build / "allocators" / "canary" / f"{canary}.so").resolve()
    kinds = fuzzing.right_kinds(fuzzing.kind_of(canary))
    row = {"canary": canary, "kind": fuzzing.kind_of(canary), "found": False}
    with tempfile.TemporaryDirectory(prefix="allocrig-repros-") as scratch:
        scratch = Path(scratch)
        subprocess.run(["taskset", "-c", str(args.cpu), args.build / "allocrig", "fuzz", "-a", library,
                        "--time", args.time, "--shrink-time", args.shrink_time, "--jobs", "1",
                        "--seed", str(args.seed), "--out", scratch / "out"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        folders = [f for f in (scratch / "out" / "findings").glob("*") if f.is_dir()]
        right = [f for f in folders if kind_of(f).startswith(tuple(kinds))]
        row["others"] = sorted(f.name for f in folders if f not in right)
        if right:
            best = min(right, key=lambda f: statements(f / "program.prog"))
            under, plain = judge(best, library, scratch)
            row |= {"found": True, "folder": best.name, "under": under, "plain": plain,
                    "statements": statements(best / "program.prog"),
                    "program": (best / "program.prog").read_text()}
    return row


def table(rows):
    print(f"{'CANARY':34}{'KIND':24}{'STATEMENTS':>12}{'UNDER':>8}{'GLIBC':>8}")
    for row in rows:
        cells = [str(row.get(key, "-")) for key in ("statements", "under", "plain")]
        print(f"{row['canary']:34}{row['kind']:24}{cells[0]:>12}{cells[1]:>8}{cells[2]:>8}")
    found = [row for row in rows if row["found"]]
    ends = collections.Counter((row["under"], row["plain"]) for row in found)
    print(f"{len(found)} of {len(rows)} found; at most 6 statements: "
          f"{sum(row['statements'] <= 6 for row in found)}; exit codes under the canary and on glibc: "
          + ", ".join(f"{under}/{plain} {n} times" for (under, plain), n in ends.most_common()))
    return any(row["plain"] not in (0, 77) or row["under"] not in (1, 77) for row in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=fuzzing.ROOT / "build")
    parser.add_argument("--time", default="10s")
    parser.add_argument("--shrink-time", default="15s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--rows", type=Path, default=Path("results/fuzz-repros.jsonl"))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("canaries", nargs="*", default=[])
    args = parser.parse_args()
    rows = {}
    if args.rows.exists():
        rows = {row["canary"]: row for row in map(json.loads, args.rows.read_text().splitlines())}
    args.rows.parent.mkdir(parents=True, exist_ok=True)
    for canary in [] if args.table else args.canaries or fuzzing.canaries():
        if canary not in rows:
            rows[canary] = run(args, canary)
            with open(args.rows, "a", encoding="utf-8") as out:
                out.write(json.dumps(rows[canary]) + "\n")
    return table(rows.values())


if __name__ == "__main__":
    sys.exit(main())
