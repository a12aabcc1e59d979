#!/usr/bin/env python3
"""How many inputs it takes to find each canary from an empty corpus, and how many without what fuzzing
here knows: mutations by whole ops, and the state of the allocator as feedback.

    fuzz_canaries.py [--build BUILD] [--seeds 1-5] [--modes ops,bytes] [--seconds 30] [--cpu N]
                     [--rows FILE] [--table] [CANARY...]

Each run is fuzz_alloc on one processor until a finding of the canary's own kind (`# expect:` in its
program) is confirmed, or the time is over. No input says what it expects: of canaries that are made for
that (`expectation`) growth is the same defect, and right; the table says "as growth". Runs are appended
to FILE as JSON Lines; what is in there already is not run again, so an interrupted call goes on. The
table goes to standard output at the end; --table alone prints that of FILE. Medians are over the seeds,
of which those that found nothing count as endless: such a median is written as more than the inputs that
were tried.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CANARIES = ROOT / "allocators" / "canary"
EXPECT = re.compile(r"^# expect: ([a-z-]+) at op", re.M)
GROWTH = ("map-growth", "footprint-growth")
MODES = {"ops": [], "bytes": ["--bytes", "--no-state"]}
POLL_SECONDS = 0.02
STATS = struct.Struct("<IIQ")  # the start of struct job_stats: abi, pid, inputs
STATS_ABI = 1


def kind_of(canary):
    found = EXPECT.search((CANARIES / f"{canary}.prog").read_text(encoding="utf-8"))
    return found[1] if found else None


def right_kinds(kind):
    return {kind, *GROWTH} if kind == "expectation" else {kind}


def canaries():
    """All that are to be found."""
    return [path.stem for path in sorted(CANARIES.glob("*.prog")) if kind_of(path.stem)]


def inputs_so_far(stats):
    try:
        abi, _, inputs = STATS.unpack(stats.read_bytes()[:STATS.size])
    except (OSError, struct.error):
        return 0
    return inputs if abi == STATS_ABI else 0


def found_in(inbox, kinds):
    """The first finding of these kinds, of which there may be some."""
    found = []
    for path in inbox.glob("*/found.json"):
        try:
            finding = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # gone, or not ours to read
        if finding["kind"] in kinds:
            found.append(finding)
    return min(found, key=lambda f: f["input"], default=None)


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(args, canary, mode, seed, scratch):
    """One row. Other kinds that come first are counted too, but are not what is looked for."""
    inbox, stats, log = scratch / "inbox", scratch / "stats", scratch / "log"
    inbox.mkdir()
    library = args.build / "allocators" / "canary" / f"{canary}.so"
    command = ["taskset", "-c", str(args.cpu), args.build / "fuzz_alloc", f"--allocator={library}",
               f"--inbox={inbox}", f"--stats={stats}", *MODES[mode], f"-seed={seed}",
               f"-max_total_time={args.seconds + 5}", "-timeout=60", "-verbosity=0"]
    kind, begin, finding = kind_of(canary), time.monotonic(), None
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, cwd=scratch, start_new_session=True)
        try:
            while not finding and process.poll() is None and time.monotonic() - begin < args.seconds:
                time.sleep(POLL_SECONDS)
                finding = found_in(inbox, right_kinds(kind))
        finally:
            early = process.poll()
            end(process)
    finding = finding or found_in(inbox, right_kinds(kind))
    row = {"canary": canary, "kind": kind, "mode": mode, "seed": seed, "found": finding is not None,
           "inputs": finding["input"] if finding else inputs_so_far(stats),
           "seconds": round(finding["seconds"] if finding else time.monotonic() - begin, 3),
           "others": sorted({path.name for path in inbox.iterdir()} if not finding else [])}
    if not finding and early is not None:
        said = log.read_text(errors="replace").strip().splitlines()
        row["ended"] = f"exit {early}: {said[-1] if said else 'nothing said'}"
    return row


def read_rows(path):
    rows = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # a line that was cut off is run again
            rows[row["canary"], row["mode"], row["seed"]] = row
    return rows


def middle(rows, key):
    """(median, whether it is one). Of an even number the higher one, so that it is some run's own."""
    found = [row[key] if row["found"] else float("inf") for row in rows]
    value = statistics.median_high(found)
    if value != float("inf"):
        return value, True
    return statistics.median_high([row[key] for row in rows]), False


def cell(rows, key, form):
    if not rows:
        return "-"
    value, exact = middle(rows, key)
    return ("" if exact else "> ") + form.format(value)


def times_fewer(a, b):
    """How many times fewer inputs the first took."""
    if not a or not b:
        return "-"
    (few, few_exact), (many, many_exact) = middle(a, "inputs"), middle(b, "inputs")
    if not few_exact:
        return "-"
    return ("" if many_exact else "> ") + f"{many / max(few, 1):.1f}"


def print_table(rows, names):
    print("| canary | kind | found | inputs | seconds | by bytes: found | inputs | seconds | times fewer |")
    print("|---|---|---|---|---|---|---|---|---|")
    totals = {mode: [0, 0] for mode in MODES}
    for name in names:
        sets = {mode: [row for key, row in sorted(rows.items()) if key[:2] == (name, mode)]
                for mode in MODES}
        if not any(sets.values()):
            continue
        kind = kind_of(name)
        cells = [name, f"{kind} (as growth)" if len(right_kinds(kind)) > 1 else kind]
        for mode, found in sets.items():
            hits = sum(row["found"] for row in found)
            totals[mode][0] += bool(found) and middle(found, "inputs")[1]
            totals[mode][1] += bool(found)
            cells += [f"{hits}/{len(found)}" if found else "-", cell(found, "inputs", "{:.0f}"),
                      cell(found, "seconds", "{:.2f}")]
        print("| " + " | ".join([*cells, times_fewer(sets["ops"], sets["bytes"])]) + " |")
    print()
    print("; ".join(f"{mode}: {hit} of {of} canaries found by most seeds" for mode, (hit, of) in totals.items()))


def numbers(text):
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--seeds", type=numbers, default=numbers("1-5"), help="such as 1-5 or 1,3")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES))
    parser.add_argument("--seconds", type=float, default=30, help="at most, for each run")
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--rows", type=Path, default=ROOT / "results" / "fuzz-canaries.jsonl")
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("canaries", nargs="*", metavar="CANARY")
    args = parser.parse_args()
    args.build = args.build.resolve()
    unknown = [*(set(args.canaries) - set(canaries())), *(set(args.modes) - set(MODES))]
    if unknown:
        parser.error(f"not known: {' '.join(unknown)}")
    return args


def main():
    args = parse_args()
    names = args.canaries or canaries()
    rows = read_rows(args.rows)
    args.rows.parent.mkdir(parents=True, exist_ok=True)
    todo = [(name, mode, seed) for name in names for mode in args.modes for seed in args.seeds
            if (name, mode, seed) not in rows]
    for i, key in enumerate([] if args.table else todo):
        scratch = Path(tempfile.mkdtemp(prefix="fuzz-canary."))
        try:
            row = run(args, *key, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        with open(args.rows, "a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        rows[key] = row
        print(f"{i + 1}/{len(todo)} {' '.join(map(str, key))}: {'found' if row['found'] else 'not found'}, "
              f"{row['inputs']} inputs, {row['seconds']} s{' ' + row['ended'] if 'ended' in row else ''}",
              file=sys.stderr)
    print_table(rows, names)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
