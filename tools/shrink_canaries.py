#!/usr/bin/env python3
"""Shrinks the programs of the canaries, each padded with lines that do not matter, and prints a table.

    shrink_canaries.py --allocrig BUILD/allocrig [--lines N] [--seed S] [--most OPS] [NAME...]

The padding works on slots of its own: of random_programs.py what the allocator serves without it
mattering, or mappings alone where the defect would drown in more calls. A row says how many
statements there were, how many are left of how many the canary's own program has, and what it took.
Exits 1 when another kind came out, or more statements than the canary's own, or more than --most.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CANARIES = ROOT / "allocators" / "canary"
HEADER = re.compile(r"^\s*(#.*|(allocrig|ballast|fault|needs) .*)?$")
EXPECT = re.compile(r"^# expect: ([a-z-]+) at op", re.M)
OWN = 5000  # the first slot of the padding
FINDING = 1


def block_line(rng):
    slot = OWN + rng.randrange(20)
    size = rng.choice([1, 16, 24, 40, 100, 500, 1000, 4096, 20000])
    return rng.choice([f"malloc b[{slot}] {size}", f"calloc b[{slot}] 3 {size}",
                       f"free b[{slot}]", f"free b[{slot}]", f"touch b[{slot}]",
                       f"usable b[{slot}]", f"free b[{OWN}:{slot}:2]"])


def mapping_line(rng):
    slot = OWN + rng.randrange(20)
    return rng.choice([f"mmap m[{slot}] {rng.choice([1, 2, 5, 64])}p rw private,anon",
                       f"munmap m[{slot}]", f"touch m[{slot}]", f"madvise m[{slot}] dontneed",
                       f"munmap m[{OWN}:{slot}:3]", f"checkpoint c{slot}"])


def filler(rng, line):
    """A statement or a small block of them."""
    kind = rng.randrange(12)
    if kind == 0:
        body = [line(rng) for _ in range(rng.randint(1, 4))]
        return [f"repeat {rng.randint(2, 5)} {{", *body, "}"]
    if kind == 1:
        return ["when ram > 1M {", line(rng), "}"]
    return [line(rng)]


def split(text):
    """Header lines, and the statements of the top, each a list of lines."""
    lines = text.splitlines()
    head = 0
    while head < len(lines) and HEADER.match(lines[head]):
        head += 1
    statements, depth = [], 0
    for line in lines[head:]:
        if depth:
            statements[-1].append(line)
        elif not HEADER.match(line):
            statements.append([line])
        depth += line.split("#")[0].rstrip().endswith("{")
        depth -= line.strip() == "}"
    return lines[:head], statements


def pad(text, count, seed, line):
    """`count` fillers between the statements of the top."""
    rng = random.Random(seed)
    head, statements = split(text)
    places = sorted(rng.randrange(len(statements) + 1) for _ in range(count))
    out = list(head)
    for i in range(len(statements) + 1):
        for _ in range(places.count(i)):
            out += filler(rng, line)
        out += statements[i] if i < len(statements) else []
    return "\n".join(out) + "\n"


def statements_in(text):
    return sum(1 for line in text.splitlines() if not HEADER.match(line) and line.strip() != "}")


class Shrinker:
    def __init__(self, allocrig, directory):
        self.allocrig = allocrig
        self.directory = Path(directory)
        self.built = Path(allocrig).resolve().parent / "allocators" / "canary"

    def call(self, *args):
        got = subprocess.run([self.allocrig, *map(str, args)], stdin=subprocess.DEVNULL, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=900)
        lines = [json.loads(line) for line in got.stdout.splitlines()]
        return got, lines[0] if lines else None

    def signatures(self, program, library):
        _, result = self.call("run", program, "-a", library, "--hang-after", "1s", "--json", "-")
        return {f["signature"]: f["kind"] for f in result["findings"]}

    def padded(self, name, kind, count, seed):
        """A program that shows the canary's finding, and its signature."""
        library = self.built / f"{name}.so"
        text = (CANARIES / f"{name}.prog").read_text(encoding="utf-8")
        path = self.directory / f"{name}.prog"
        for line in (block_line, mapping_line):
            path.write_text(pad(text, count, f"{name}/{seed}", line), encoding="utf-8")
            for signature, found in self.signatures(path, library).items():
                if found == kind:
                    return path, signature
        return None, None

    def shrink(self, name, count, seed):
        """The result object with the canary's own number of statements, or None: not shown."""
        text = (CANARIES / f"{name}.prog").read_text(encoding="utf-8")
        path, signature = self.padded(name, EXPECT.search(text)[1], count, seed)
        if not path:
            return None
        got, result = self.call("shrink", path, "-a", self.built / f"{name}.so", "--signature",
                                signature, "--json", "-")
        if not result:
            raise RuntimeError(f"{name}: exit {got.returncode}: {got.stderr}")
        result["own"] = statements_in(text)
        return result


def names():
    found = [p.stem for p in sorted(CANARIES.glob("*.prog"))]
    return [n for n in found if EXPECT.search((CANARIES / f"{n}.prog").read_text(encoding="utf-8"))]


def is_good(result, kind, most):
    return (result["kind"] == kind and result["minimal"] and
            result["statements"] <= max(result["own"], 1) and
            (not most or result["statements"] <= most))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--allocrig", required=True)
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int)
    parser.add_argument("--show", action="store_true", help="print the programs too")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    bad = 0
    print(f"{'CANARY':34} {'SIGNATURE':52} BEFORE  AFTER  OWN   RUNS  SECONDS  SHOWN", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        shrinker = Shrinker(args.allocrig, directory)
        for name in args.names or names():
            kind = EXPECT.search((CANARIES / f"{name}.prog").read_text(encoding="utf-8"))[1]
            result = shrinker.shrink(name, args.lines, args.seed)
            if not result:
                print(f"{name:34} does not show with padding", flush=True)
                bad += 1
                continue
            good = is_good(result, kind, args.most)
            bad += not good
            shown = result["shown"]
            print(f"{name:34} {result['signature'][:52]:52} {result['statements_before']:6} "
                  f"{result['statements']:6} {result['own']:4} {result['runs']:6} "
                  f"{result['wall_ns'] / 1e9:8.1f}  {shown['fired']}/{shown['runs']}"
                  f"{'' if good else '  BAD'}", flush=True)
            if args.show:
                print(result["text"], flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
