#!/usr/bin/env python3
"""Whether the figures of `allocrig bench` can be trusted: bench_proof.py MODE [OPTION...]

  aa       an allocator beside itself, under two names: what differs is noise
  floors   what bench/command/stats.c should have, from what aa has measured
  seeded   bench/seeded/base.so beside each that differs in one thing: that it is seen, alone
  facts    drain and drain-1-in-20: who gives back when, beside what WORKLOADS.md has
  loop     ns per op on the void allocator: the harness's own share

Each mode calls `allocrig bench --json` and keeps the files in --results: what is interrupted goes
on with the same call. Exit code 1: something is not as it has to be.
"""

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import bench_facts  # noqa: E402
import bench_stats as stats  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
ALPHA = 0.05
SHARE = 0.95  # of comparisons, below the floor
STEP = 0.005  # floors are rounded up to it
REPS_LEAST = 14  # 2 of 2^14 orders, times some 300 tests
LEAST = 0.01  # what is closer is not told apart, however quiet the machine is

TIME = {"ops_per_s", "ns_per_op", "net_ns_per_op", "instructions", "malloc_*", "realloc_*",
        "aligned_*"}
# must: the one, or one of several that mean the same, by all or by some; may: what follows from it.
EXPECTED = {
    "slow5": {"must": [{"ns_per_op", "net_ns_per_op", "ops_per_s", "instructions"}], "may": TIME},
    "slow10": {"must": [{"ns_per_op", "net_ns_per_op", "ops_per_s", "instructions"}], "may": TIME},
    "maps": {"must": [{"peak_maps"}], "may": {"final_maps", "headroom_maps", "kernel_calls"}},
    # What is kept while live bytes fall is in the mean over time as well.
    "keeps": {"must": [{"final_rss_bytes"}],
              "may": {"residue_bytes", "kept_*", "t50_s", "t90_s", "mean_fragmentation"}},
}


def source_ids():
    """bench/result.c: METRIC_PEAK_MAPS and so on, and what they are called in files."""
    text = (ROOT / "bench/result.c").read_text(encoding="utf-8")
    return dict(re.findall(r'\[(METRIC_\w+)\]\s*=\s*\{\s*"(\w+)"', text))


def source_floors():
    """bench/command/stats.c: the name of each metric and its floor."""
    text = (ROOT / "bench/command/stats.c").read_text(encoding="utf-8")
    found = re.findall(r"\[(METRIC_\w+)\]\s*=\s*([\d.]+)", text)
    names = source_ids()
    if len(found) != len(names) or {name for name, _ in found} != set(names):
        sys.exit("bench_proof: the floors of bench/command/stats.c are not those of bench/result.c")
    return {names[name]: float(floor) for name, floor in found}


class Floors:
    """By metric, and where an allocator was run beside itself by workload too (None: all)."""

    def __init__(self, by_metric, by_cell=None):
        self.by_metric, self.by_cell = by_metric, by_cell or {}

    def of(self, workload, metric):
        if (workload, metric) in self.by_cell:
            return max(LEAST, self.by_cell[(workload, metric)])
        return self.by_metric.get(metric, self.by_metric.get(stats.kind_of(metric), 0.05))


# Running.

def bench(args, name, words):
    """The rows of a call of allocrig bench; its tables lie beside them."""
    path, text = args.results / f"{name}.jsonl", args.results / f"{name}.txt"
    args.results.mkdir(parents=True, exist_ok=True)
    command = [args.allocrig, "bench", "--json", str(path), *words]
    if args.cpu is not None:
        os.sched_setaffinity(0, {args.cpu})
    print(f"{' '.join(map(str, command))}", flush=True)
    with open(text, "w", encoding="utf-8") as file:
        code = subprocess.run(command, stdout=file, check=False).returncode
    said = text.read_text(encoding="utf-8").splitlines()
    # Behind the tables stands what the machine did meanwhile.
    at = max((i for i, line in enumerate(said) if line.startswith("Medians")), default=0)
    print("\n".join(said[at + 1:]))
    if code not in (0, 1):
        sys.exit(f"bench_proof: allocrig bench ended with {code}: {text}")
    return stats.read_rows(path)


def workload_words(args):
    """Those that are named, or the quick ones: the processes alone, no programs."""
    names = args.workload
    if not names:
        listed = subprocess.run([args.allocrig, "bench", "--list"], capture_output=True, text=True,
                                check=True).stdout
        names = sorted({line.split()[0] for line in listed.splitlines()
                        if re.match(r"\S+ +(timed|sampled) +\S+ +yes ", line)})
    return [word for name in names for word in ("--workload", name)]


def common_words(args, reps):
    return [*workload_words(args), "--reps", str(reps), "--scale", str(args.scale), "--latency",
            args.latency]


def twice(args, given):
    """Two copies of the file, by names that tell them apart: what is measured is a copy each."""
    path = Path(given)
    if "/" not in given:
        listed = subprocess.run([args.allocrig, "list"], capture_output=True, text=True,
                                check=True).stdout
        found = re.search(rf"(?m)^{re.escape(given)} +available +\S+ +(/\S+)", listed)
        if not found or Path(found[1]).name.startswith("libc."):
            sys.exit(f"bench_proof: {given} is no file that can be preloaded")
        path = Path(found[1])
    stem = given if "/" not in given else path.stem
    folder = args.results / "files"
    folder.mkdir(parents=True, exist_ok=True)
    copies = [folder / f"{stem}-{letter}.so" for letter in "ab"]
    for copy in copies:
        shutil.copyfile(path, copy)
    return stem, copies


# aa, floors.

def noise_of(values, a, b, size, floors):
    """For each metric: the floor that 95 % stay below, and how many are beyond the one it has."""
    noise = {}
    for (workload, metric), logs in stats.median_logs(values, a, b, size).items():
        of = noise.setdefault(metric, {"logs": [], "beyond": 0, "of": 0, "worst": ("", 0.0)})
        far = [abs(log) for log in logs]
        of["logs"] += far
        of["of"] += len(far)
        of["beyond"] += sum(log > floors.of(workload, metric) for log in far)
        of["worst"] = max(of["worst"], (workload, stats.percentile(far, SHARE)),
                          key=lambda worst: worst[1])
    for of in noise.values():
        of["floor"] = stats.percentile(of.pop("logs"), SHARE)
    return noise


def in_order(metrics):
    """As in bench/command/stats.c; latencies, which are many, where their kind stands."""
    order = list(source_floors())
    return sorted(metrics, key=lambda m: (order.index(stats.kind_of(m))
                                          if stats.kind_of(m) in order else len(order), m))


def print_noise(subject, noise, floors):
    print(f"\n{subject} beside itself: |ln ratio of medians| that {SHARE:.0%} stay below")
    print(f"{'metric':24} {'noise':>7} {'floor':>7} {'beyond':>13}  noisiest workload")
    for metric in in_order(noise):
        of = noise[metric]
        share = f"{of['beyond']} of {of['of']}"
        flag = " !" if of["beyond"] * 20 > of["of"] else ""
        print(f"{metric:24} {of['floor']:7.2%} {floors.of(None, metric):7.2%} {share:>13}  "
              f"{of['worst'][0]} {of['worst'][1]:.2%}{flag}")


def run_aa(args):
    floors, over = Floors(source_floors()), 0
    results = {"schema": "allocrig.bench-noise/1", "comparisons": args.comparisons,
               "reps": args.reps, "scale_percent": args.scale, "subjects": {}}
    for given in args.allocator or [str(args.seeded / "base.so"), "jemalloc"]:
        stem, copies = twice(args, given)
        rows = bench(args, f"aa-{stem}", ["-a", copies[0], "-a", copies[1],
                                          *common_words(args, args.comparisons * args.reps)])
        values = stats.Values(rows)
        noise = noise_of(values, copies[0].stem, copies[1].stem, args.reps, floors)
        print_noise(stem, noise, floors)
        print_troubles(values)
        beyond, of = (sum(n[k] for n in noise.values()) for k in ("beyond", "of"))
        metrics = sum(n["beyond"] * 20 > n["of"] for n in noise.values())
        print(f"{beyond} of {of} comparisons are beyond the floor; more than 1 in 20 are in "
              f"{metrics} of {len(noise)} metrics")
        over += metrics > 0
        results["subjects"][stem] = noise
        results.setdefault("host", rows[0]["host"])
    path = args.results / "aa.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}; `bench_proof.py floors {path}` makes a table for bench/command/stats.c")
    return 1 if over else 0


def noisiest(path):
    """The noise of all subjects of a file of aa: where they differ, the larger."""
    with open(path, encoding="utf-8") as file:
        results = json.load(file)
    if results.get("schema") != "allocrig.bench-noise/1":
        sys.exit(f"bench_proof: {path} is not from `bench_proof.py aa`")
    noise = {}
    for of in results["subjects"].values():
        for metric, got in of.items():
            if got["floor"] >= noise.get(metric, got)["floor"]:
                noise[metric] = got
    return results, noise


def floor_lines(noise):
    kinds = {}
    for metric, of in noise.items():
        kind = stats.kind_of(metric)
        kinds[kind] = max(kinds.get(kind, 0), of["floor"])
    lines = []
    for name, metric in source_ids().items():
        if metric in kinds:
            floor = max(LEAST, math.ceil(kinds[metric] / STEP - 1e-9) * STEP)
            lines.append((in_order(source_floors()).index(metric), f"[{name}] = {floor:.3f},"))
    return [line for _, line in sorted(lines)]


def run_floors(args):
    results, noise = noisiest(args.file or args.results / "aa.json")
    host = results["host"]
    print(f"/* {host['cpu']}, {host['cpus']} CPUs, Linux {host['kernel']}: "
          f"{results['comparisons']} comparisons of {results['reps']} runs each, of "
          f"{', '.join(results['subjects'])}. */")
    print("\n".join(floor_lines(noise)))
    return 0


# seeded.

def moves(values, a, b, floors):
    """The metrics that moved, beyond chance and beyond their floor, and where they did most."""
    found = {}
    for c in stats.compare(values, a, b):
        if c.moved(floors.of(c.workload, c.metric), ALPHA):
            if c.metric not in found or abs(c.log) > abs(found[c.metric].log):
                found[c.metric] = c
    return found


def is_among(metric, names):
    return any(re.fullmatch(name.replace("*", ".*"), metric) for name in names)


def wrong(expected, moved, better):
    """What is not as expected, a line each."""
    lines = []
    for names in expected["must"]:
        if not any(m in moved for m in names):
            lines.append(f"not seen by {' or '.join(sorted(names))}")
    for metric, c in moved.items():
        if not is_among(metric, expected["may"].union(*expected["must"])):
            lines.append(f"seen by {metric} too")
        elif (c.log > 0) == (better.get(metric) == "more"):
            lines.append(f"{metric} is better for it")
    return lines


def print_seed(name, values, moved, floors, said):
    print(f"\nbase and {name}")
    print(f"{'metric':24} {'all together':>12} {'p':>8} {'floor':>7}  moved most")
    together = {c.metric: c for c in stats.compare(values, "base", name) if c.workload is None}
    for metric in in_order(together):
        c, most = together[metric], moved.get(metric)
        where = f"{most.workload or 'all together'} {math.expm1(most.log):+.1%}" if most else "-"
        print(f"{metric:24} {math.expm1(c.log):+12.2%} {c.corrected:8.1g} "
              f"{floors.of(None, metric):7.2%}  {where}")
    print("\n".join(f"  WRONG: {line}" for line in said) or "  as it has to be")


def as_json(comparisons):
    return [{"workload": c.workload, "metric": c.metric, "ratio": math.exp(c.log), "n": c.n,
             "p": c.p, "p_corrected": c.corrected, "p_mann_whitney": c.unpaired}
            for c in comparisons]


def print_troubles(values):
    for line in values.troubles[:10]:
        print(f"  {line}")


def seeded_floors(args):
    """From base beside itself, for as many repetitions; else of bench/command/stats.c."""
    path = args.file or args.results / "aa-base.jsonl"
    if not path.exists():
        print("there is no aa-base.jsonl, so floors are those of bench/command/stats.c: run aa first")
        return Floors(source_floors())
    rows = stats.read_rows(path)
    if rows[0]["scale_percent"] != args.scale:
        sys.exit(f"bench_proof: {path} is of --scale {rows[0]['scale_percent']}")
    values = stats.Values(rows)
    return Floors(source_floors(), stats.noise(values, "base-a", "base-b", args.reps, SHARE))


def run_seeded(args):
    floors = seeded_floors(args)
    failed, results = False, {}
    for name in args.allocator or list(EXPECTED):
        files = [str(args.seeded / f"{n}.so") for n in ("base", name)]
        rows = bench(args, f"seeded-{name}", ["-a", files[0], "-a", files[1],
                                              *common_words(args, args.reps)])
        values = stats.Values(rows)
        moved = moves(values, "base", name, floors)
        said = wrong(EXPECTED[name], moved, values.better) + values.troubles[:3]
        if args.reps < REPS_LEAST:
            said.append(f"{args.reps} repetitions are too few for so many tests: {REPS_LEAST}")
        print_seed(name, values, moved, floors, said)
        failed |= bool(said)
        results[name] = {"wrong": said, "moved": as_json(moved.values()),
                         "all": as_json(stats.compare(values, "base", name))}
    path = args.results / "seeded.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(failed)


# facts, loop.

def run_facts(args):
    words = ["--latency", "off", "--after", "idle", "--after", "light", "--after-time", "12s",
             "--reps", str(args.reps), "--scale", str(args.scale)]
    for name in bench_facts.WORKLOADS:
        words += ["--workload", name]
    for name in bench_facts.ALLOCATORS:
        words += ["-a", name]
    failed = bench_facts.check(bench(args, "facts", words))
    return int(failed)


def run_loop(args):
    words = [word for name in args.allocator or [] for word in ("-a", name)]
    args.latency = "off"
    values = stats.Values(bench(args, "loop", [*words, *common_words(args, args.reps)]))
    print("\nns per op: the loop on the void allocator, and each allocator with the loop's share")
    for (workload, metric), of in sorted(values.value.items()):
        if metric != "ns_per_op" or "loop" not in of:
            continue
        loop = statistics.median(of.pop("loop").values())
        cells = [f"{name} {statistics.median(got.values()):.1f} "
                 f"({loop / statistics.median(got.values()):.0%})" for name, got in of.items()]
        print(f"{workload:16} {loop:8.2f}   {'   '.join(cells)}")
    print_troubles(values)
    return 0


MODES = {"aa": run_aa, "floors": run_floors, "seeded": run_seeded, "facts": run_facts,
         "loop": run_loop}
# Repetitions: of each comparison, of each seed, of each case, of each workload.
REPS = {"aa": 5, "floors": 0, "seeded": 20, "facts": 1, "loop": 5}


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("file", nargs="?", type=Path,
                        help="floors: aa.json; seeded: aa-base.jsonl (default: of --results)")
    parser.add_argument("-a", "--allocator", action="append",
                        help="aa: file or name; seeded: which; loop: as of allocrig bench")
    parser.add_argument("--workload", action="append", help="default: the quick set")
    parser.add_argument("--reps", type=int)
    parser.add_argument("--comparisons", type=int, default=20, help="of aa")
    parser.add_argument("--scale", type=int, help="percent of the work (default 25, facts 100)")
    parser.add_argument("--latency", choices=["on", "off"], default="on")
    parser.add_argument("--cpu", type=int, help="the one that everything is to run on")
    parser.add_argument("--allocrig", default=str(ROOT / "build/allocrig"))
    parser.add_argument("--results", type=Path, default=ROOT / "results/proof")
    args = parser.parse_args(argv)
    args.reps = args.reps or REPS[args.mode]
    args.scale = args.scale or (100 if args.mode == "facts" else 25)
    args.seeded = Path(args.allocrig).resolve().parent / "bench/seeded"
    return args


def main(argv=None):
    args = parse(argv)
    return MODES[args.mode](args)


if __name__ == "__main__":
    sys.exit(main())
