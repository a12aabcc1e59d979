"""What bench_proof.py computes with: exact rank tests, corrections, rows of `allocrig bench`.

Values are paired by block, because a block is what ran side by side. All ratios are second by
first, as natural logarithms where they are averaged or compared with a floor.
"""

import json
import math
import random
import statistics

# Added before ratios are taken, so that none is no end: one thing, or one page.
OFFSET = {"maps": 1, "calls": 1, "faults": 1, "bytes": 4096}


def midranks(values):
    """Twice the rank of each: ties share the mean of theirs, and that is whole then."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for i in order[at:end]:
            ranks[i] = at + 1 + end
        at = end
    return ranks


class Counts:
    """How many subsets have which sum, as the digits of one large number."""

    def __init__(self, items):
        self.width = len(items) + 1
        self.mask = (1 << self.width) - 1

    def of(self, packed, most):
        return [packed >> (self.width * s) & self.mask for s in range(most + 1)]


def two_sided(counts, seen):
    """The share that is as far from the middle, or further."""
    total = sum(counts)
    middle = sum(s * n for s, n in enumerate(counts)) / total
    far = abs(seen - middle) - 1e-9
    return sum(n for s, n in enumerate(counts) if abs(s - middle) >= far) / total


def mann_whitney(a, b):
    """The exact two-sided p, ties as they are: over all ways to choose who is `a`."""
    if not a or not b:
        return 1.0
    ranks = midranks(list(a) + list(b))
    packing = Counts(ranks)
    chosen = [1] + [0] * len(a)
    for rank in ranks:
        for k in range(len(a), 0, -1):
            chosen[k] += chosen[k - 1] << (packing.width * rank)
    return two_sided(packing.of(chosen[len(a)], sum(ranks)), sum(ranks[:len(a)]))


def signed_rank(differences):
    """Wilcoxon's exact two-sided p of pairs; those without a difference say nothing."""
    some = [d for d in differences if d]
    if not some:
        return 1.0
    ranks = midranks([abs(d) for d in some])
    packing = Counts(ranks)
    packed = 1
    for rank in ranks:
        packed += packed << (packing.width * rank)
    seen = sum(rank for rank, d in zip(ranks, some) if d > 0)
    return two_sided(packing.of(packed, sum(ranks)), seen)


def holm(values):
    """p values, corrected for how many there are."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, least = [0.0] * len(values), 0.0
    for at, i in enumerate(order):
        least = max(least, min(1.0, values[i] * (len(values) - at)))
        corrected[i] = least
    return corrected


def percentile(values, share):
    """The least value that so much of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def log_ratio(a, b, unit):
    """None: there is no ratio."""
    a, b = a + OFFSET.get(unit, 0), b + OFFSET.get(unit, 0)
    return math.log(b / a) if a > 0 and b > 0 else None


def kind_of(name):
    """Latencies are one kind, as they are to bench/result.c."""
    call = name.split("_")[0]
    return "latency_ns" if call in ("malloc", "realloc", "aligned", "free", "mmap") else name


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Values:
    """Of one result file: for each workload and metric, allocator and block, one value."""

    def __init__(self, rows):
        self.value, self.unit, self.better, self.troubles = {}, {}, {}, []
        # What both builds have is taken from the one whose calls are not timed, as tables do.
        for row in sorted(rows, key=lambda row: row["build"] != "sampled"):
            name = row["allocator"]["name"]
            if row["status"] != "ok":
                self.troubles.append(f"{row['workload']} on {name}: {row['status']}: {row['why']}")
            for metric, got in row["metrics"].items():
                self.unit[metric], self.better[metric] = got["unit"], got["better"]
                by = self.value.setdefault((self.group(row), metric), {})
                by.setdefault(name, {})[row["block"]] = got["value"]

    @staticmethod
    def group(row):
        return row["workload"] + ("/" + row["after"] if row["after"] else "")

    def pairs(self, key, a, b):
        """Blocks that have both, and the two values of each."""
        of = self.value[key]
        x, y = of.get(a, {}), of.get(b, {})
        return [(block, x[block], y[block]) for block in sorted(x) if block in y]


class Comparison:
    """`b` to `a` in one metric: of one workload, or (None) of all together."""

    def __init__(self, workload, metric, logs, unpaired=None):
        self.workload, self.metric, self.n = workload, metric, len(logs)
        self.log = statistics.median(logs)
        # Machines drift by more than what is looked for, so what ran side by side is compared;
        # as if it had not, `unpaired` is a second opinion.
        self.p = self.corrected = signed_rank(logs)
        self.unpaired = unpaired

    def moved(self, floor, alpha):
        return self.corrected < alpha and abs(self.log) > floor


def cells(values, a, b):
    """All workloads by all metrics, and the pairs' ratios of each."""
    found = []
    for (workload, metric), _ in sorted(values.value.items()):
        pairs = values.pairs((workload, metric), a, b)
        logs = {block: log_ratio(x, y, values.unit[metric]) for block, x, y in pairs}
        logs = {block: log for block, log in logs.items() if log is not None}
        if logs:
            found.append((workload, metric, pairs, logs))
    return found


def all_together(found):
    """For each metric the mean over workloads of the ratios of each block."""
    blocks = {}
    for _, metric, _, logs in found:
        for block, log in logs.items():
            blocks.setdefault(metric, {}).setdefault(block, []).append(log)
    for metric, of in blocks.items():
        # A block that lacks a workload would move the mean by that alone.
        most = max(map(len, of.values()))
        yield metric, [statistics.fmean(logs) for logs in of.values() if len(logs) == most]


def compare(values, a, b):
    """One Comparison for each workload and metric, and one a metric for all; p corrected."""
    by_cell = cells(values, a, b)
    found = [Comparison(workload, metric, list(logs.values()),
                        mann_whitney([x for _, x, _ in pairs], [y for _, _, y in pairs]))
             for workload, metric, pairs, logs in by_cell]
    found += [Comparison(None, metric, logs) for metric, logs in all_together(by_cell)]
    for comparison, p in zip(found, holm([c.p for c in found])):
        comparison.corrected = p
    return found


def noise(values, a, b, size, share, draws=400):
    """
    For each (workload or None, metric) of an allocator beside itself: what the middle of `size`
    blocks' ratios stays below, drawn from all blocks there are.
    """
    by_cell = cells(values, a, b)
    logs_of = {(workload, metric): list(logs.values()) for workload, metric, _, logs in by_cell}
    logs_of.update({(None, metric): logs for metric, logs in all_together(by_cell)})
    rng = random.Random(1)
    return {key: percentile([abs(statistics.median(rng.choices(logs, k=size)))
                             for _ in range(draws)], share) for key, logs in logs_of.items()}


def median_logs(values, a, b, size):
    """For each workload and metric: the ratios of medians of `size` blocks each."""
    found = {}
    for workload, metric, pairs, _ in cells(values, a, b):
        for at in range(0, len(pairs) - size + 1, size):
            part = pairs[at:at + size]
            log = log_ratio(statistics.median(x for _, x, _ in part),
                            statistics.median(y for _, _, y in part), values.unit[metric])
            if log is not None:
                found.setdefault((workload, metric), []).append(log)
    return found
