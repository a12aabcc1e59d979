#!/usr/bin/env python3
"""What bench_proof.py computes: against known values, and against trying all."""

import itertools
import math
import random
import unittest

import bench_facts
import bench_proof
import bench_stats as stats


def tried(a, b):
    """Mann-Whitney by all choices, one by one."""
    ranks = stats.midranks(a + b)
    middle = len(a) * sum(ranks) / len(ranks)
    far = abs(sum(ranks[:len(a)]) - middle)
    sums = [sum(c) for c in itertools.combinations(ranks, len(a))]
    return sum(abs(s - middle) >= far - 1e-9 for s in sums) / len(sums)


class RankTests(unittest.TestCase):
    def test_known_values(self):
        # Two of 252, two of 20, and the middle of all.
        self.assertAlmostEqual(stats.mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 2 / 252)
        self.assertAlmostEqual(stats.mann_whitney([1, 2, 3], [4, 5, 6]), 0.1)
        self.assertAlmostEqual(stats.mann_whitney([1, 4], [2, 3]), 1.0)
        # Mann and Whitney 1947, table I: n = m = 4, U <= 1 has probability 0.029 on one side.
        self.assertAlmostEqual(stats.mann_whitney([1, 2, 3, 5], [4, 6, 7, 8]), 4 / 70)
        # scipy.stats.mannwhitneyu(..., method="exact").
        self.assertAlmostEqual(stats.mann_whitney([19, 22, 16, 29, 24], [20, 11, 17, 12]),
                               0.1111111111)

    def test_ties(self):
        self.assertEqual(stats.mann_whitney([3] * 9, [3] * 9), 1.0)
        self.assertAlmostEqual(stats.mann_whitney([1] * 9, [5] * 9), 2 / math.comb(18, 9))
        self.assertAlmostEqual(stats.mann_whitney([1] * 20, [2] * 20), 2 / math.comb(40, 20))

    def test_against_all_choices(self):
        rng = random.Random(1)
        for _ in range(60):
            a = [rng.randrange(6) for _ in range(rng.randint(1, 6))]
            b = [rng.randrange(6) for _ in range(rng.randint(1, 6))]
            self.assertAlmostEqual(stats.mann_whitney(a, b), tried(a, b), msg=f"{a} {b}")
            self.assertAlmostEqual(stats.mann_whitney(a, b), stats.mann_whitney(b, a))

    def test_of_equals_few_are_significant(self):
        rng = random.Random(2)
        low = sum(stats.mann_whitney([rng.random() for _ in range(9)],
                                     [rng.random() for _ in range(9)]) < 0.05 for _ in range(400))
        self.assertLess(low, 40)

    def test_signed_ranks(self):
        self.assertEqual(stats.signed_rank([0, 0]), 1.0)
        self.assertAlmostEqual(stats.signed_rank([1, 2, 3, 4, 5]), 2 / 32)
        # scipy.stats.wilcoxon of the same.
        self.assertAlmostEqual(stats.signed_rank([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56,
                                                  60, -67, 75]), 0.041259765625)

    def test_corrected(self):
        self.assertEqual(stats.holm([]), [])
        for got, meant in zip(stats.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]):
            self.assertAlmostEqual(got, meant)

    def test_percentiles(self):
        self.assertEqual(stats.percentile(list(range(1, 101)), 0.95), 95)
        self.assertEqual(stats.percentile([7], 0.95), 7)


def rows_of(made, metrics=("peak_maps", "ns_per_op", "final_rss_bytes"), blocks=12):
    """Rows as allocrig writes them; made(allocator, metric, block) is the value."""
    unit = {"peak_maps": "maps", "ns_per_op": "ns", "final_rss_bytes": "bytes"}
    return [{"workload": workload, "build": "timed", "after": "", "block": block, "status": "ok",
             "why": None, "allocator": {"name": name},
             "metrics": {m: {"value": made(name, m, block), "unit": unit[m], "better": "less"}
                         for m in metrics}}
            for workload in ("one", "two") for block in range(blocks) for name in ("base", "x")]


FLOORS = {"peak_maps": 0.01, "ns_per_op": 0.03, "final_rss_bytes": 0.02}
OF = bench_proof.Floors(FLOORS)


class Seeded(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(3)

    def noise(self, _name, metric, _block):
        return 10 if metric == "peak_maps" else 1e6 * (1 + 0.01 * self.random.random())

    def moved(self, factor, metric):
        def made(name, m, block):
            more = factor if name == "x" and m == metric else 1
            return self.noise(name, m, block) * more
        values = stats.Values(rows_of(made))
        return bench_proof.moves(values, "base", "x", OF)

    def test_nothing(self):
        self.assertEqual(self.moved(1, "ns_per_op"), {})

    def test_each_by_itself(self):
        for metric in FLOORS:
            self.assertEqual(set(self.moved(1.1, metric)), {metric})
            self.assertGreater(self.moved(1.1, metric)[metric].log, 0)

    def test_what_is_significant_but_within_the_floor_has_not_moved(self):
        self.assertEqual(self.moved(1.02, "ns_per_op"), {})

    def test_a_workload_of_its_own_is_seen(self):
        rows = rows_of(self.noise)
        for row in rows:
            if row["workload"] == "two" and row["allocator"]["name"] == "x":
                row["metrics"]["final_rss_bytes"]["value"] *= 1.035
        # All together that is less than the floor.
        got = bench_proof.moves(stats.Values(rows), "base", "x", OF)
        self.assertEqual(got["final_rss_bytes"].workload, "two")

    def test_a_drift_that_both_have_is_none_of_theirs(self):
        def made(name, m, block):
            return self.noise(name, m, block) * (1 + block / 10 if m == "ns_per_op" else 1)
        values = stats.Values(rows_of(made))
        self.assertEqual(bench_proof.moves(values, "base", "x", OF), {})

    def test_what_is_less_than_the_drift_is_seen(self):
        def made(name, m, block):
            more = 1.1 if name == "x" and m == "ns_per_op" else 1
            return self.noise(name, m, block) * more * 1.1 ** (block % 8)
        values = stats.Values(rows_of(made))
        self.assertEqual(set(bench_proof.moves(values, "base", "x", OF)), {"ns_per_op"})
        self.assertTrue(all(c.unpaired > 0.05 for c in stats.compare(values, "base", "x")
                            if c.workload and c.metric == "ns_per_op"))

    def test_verdicts(self):
        expected = bench_proof.EXPECTED["maps"]
        log = {name: stats.Comparison(None, name, [value]) for name, value in
               {"peak_maps": 1, "final_maps": 1, "headroom_maps": -0.1, "ns_per_op": 0.1}.items()}
        right = {m: log[m] for m in ("peak_maps", "final_maps", "headroom_maps")}
        self.assertEqual(bench_proof.wrong(expected, right, {"headroom_maps": "more"}), [])
        self.assertEqual(len(bench_proof.wrong(expected, log, {"headroom_maps": "more"})), 1)
        self.assertEqual(len(bench_proof.wrong(expected, {}, {})), 1)
        log["peak_maps"].log = -1
        self.assertTrue(bench_proof.wrong(expected, right, {"headroom_maps": "more"}))


class Floors(unittest.TestCase):
    def test_those_of_the_source_are_read(self):
        floors = bench_proof.source_floors()
        self.assertIn("peak_maps", floors)
        self.assertIn("latency_ns", floors)
        self.assertTrue(all(0 < floor < 1 for floor in floors.values()), floors)

    def test_of_the_same_twice(self):
        rng = random.Random(4)
        rows = rows_of(lambda _n, m, _b: 5 if m == "peak_maps" else 100 + rng.random(), blocks=100)
        noise = bench_proof.noise_of(stats.Values(rows), "base", "x", 5, OF)
        self.assertEqual(noise["peak_maps"]["floor"], 0)
        self.assertTrue(0 < noise["ns_per_op"]["floor"] < 0.01, noise)
        self.assertEqual((noise["ns_per_op"]["beyond"], noise["ns_per_op"]["of"]), (0, 40))

    def test_of_more_blocks_the_noise_is_less(self):
        rng = random.Random(5)
        values = stats.Values(rows_of(lambda _n, _m, _b: 100 + rng.random(), blocks=100))
        few, many = (stats.noise(values, "base", "x", n, 0.95) for n in (3, 40))
        for key in (("one", "ns_per_op"), (None, "ns_per_op")):
            self.assertLess(many[key], 0.6 * few[key])
        self.assertLess(few[(None, "ns_per_op")], few[("one", "ns_per_op")])

    def test_a_workload_has_its_own_floor(self):
        floors = bench_proof.Floors(FLOORS, {("one", "ns_per_op"): 0.2, (None, "ns_per_op"): 0})
        self.assertEqual(floors.of("one", "ns_per_op"), 0.2)
        self.assertEqual(floors.of("two", "ns_per_op"), 0.03)
        self.assertEqual(floors.of(None, "ns_per_op"), bench_proof.LEAST)
        self.assertEqual(bench_proof.Floors({"latency_ns": 0.5}).of("one", "free_p99_ns"), 0.5)

    def test_a_kind_has_the_floor_of_its_noisiest(self):
        text = bench_proof.floor_lines({"malloc_p50_ns": {"floor": 0.013},
                                        "free_p99_ns": {"floor": 0.2}, "peak_maps": {"floor": 0}})
        self.assertEqual(text, ["[METRIC_PEAK_MAPS] = 0.010,", "[METRIC_LATENCY] = 0.200,"])


def drained(name, after, shares, peak=277 << 20):
    """A row of drain as allocrig writes it: resident at 0, 10 and 12 s as shares of the peak."""
    points = [(0.5, peak, 0), (1.0, shares[0] * peak, 2), (11.0, shares[1] * peak, 2),
              (13.0, shares[2] * peak, 2)]
    return {"workload": "drain", "after": after, "status": "ok", "allocator": {"name": name},
            "metrics": {"peak_rss_bytes": {"value": peak}},
            "phases": [{"begin_s": s, "rss_bytes": rss, "live_bytes": rss}
                       for s, rss in ((0, peak), (0.6, peak), (1.0, 0))],
            "curve": {"s": [p[0] for p in points], "rss": [p[1] for p in points],
                      "phase": [p[2] for p in points]}}


class Facts(unittest.TestCase):
    def judged(self, name, idle, light):
        rows = [drained(name, "idle", idle), drained(name, "light", light)]
        meant = next(m for w, a, _, m in bench_facts.CLAIMS if (w, a) == ("drain", name))
        return bench_facts.judge(bench_facts.figures(rows)[("drain", name)], meant)

    def test_as_the_page_has_it(self):
        self.assertEqual(self.judged("glibc", (0.01, 0.01, 0.01), (0.01, 0.01, 0.01)), [])
        self.assertEqual(self.judged("jemalloc", (1, 1, 1), (1, 0.2, 0.05)), [])
        self.assertEqual(self.judged("tcmalloc", (1, 1, 1), (1, 1, 1)), [])

    def test_otherwise(self):
        self.assertEqual(len(self.judged("glibc", (0.9, 0.01, 0.01), (0.9, 0.01, 0.01))), 1)
        self.assertEqual(len(self.judged("jemalloc", (1, 0.3, 0.3), (1, 1, 1))), 2)
        self.assertEqual(len(self.judged("tcmalloc", (1, 0.5, 0.5), (1, 1, 1))), 1)

    def test_what_was_not_measured_is_not_so(self):
        of = bench_facts.figures([drained("jemalloc", "idle", (1, 1, 1))])
        meant = bench_facts.CLAIMS[1][3]
        self.assertEqual(bench_facts.judge(of[("drain", "jemalloc")], meant),
                         ["light 12 s was not measured"])


if __name__ == "__main__":
    unittest.main()
