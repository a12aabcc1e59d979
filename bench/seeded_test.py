"""The seeded allocators: seeded_test.py ALLOCRIG [unittest's arguments]

That each serves, and that maps and keeps differ from base as they say, in counts alone: times are
for tools/bench_proof.py.
"""

import json
import os
import unittest

import e2e

SEEDED = os.path.join(os.path.dirname(e2e.ALLOCRIG), "bench", "seeded")
NAMES = ["base", "slow5", "slow10", "maps", "keeps"]
SPAN, SEGMENT = 64 << 10, 1 << 20
KEPT = 1 / 20


class Seeded(e2e.Case):
    def bench(self, names, *words):
        path = os.path.join(self.dir, "bench.jsonl")
        files = [w for n in names for w in ("-a", os.path.join(SEEDED, f"{n}.so"))]
        got = e2e.allocrig("bench", *files, "--reps", "1", "--latency", "off", "--json", path,
                           *words)
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        return {(row["workload"], row["allocator"]["name"]): row for row in rows}

    def test_each_serves(self):
        words = [w for name in ("larson", "kv-server", "mstress", "malloc-large")
                 for w in ("--workload", name)]
        rows = self.bench(NAMES, "--scale", "1", *words)
        for (workload, name), row in rows.items():
            if name != "loop":
                self.assertEqual(row["status"], "ok", row["why"])
                self.assertEqual(row["served_by"], os.path.join(SEEDED, f"{name}.so"))
        self.assertEqual(len(rows), 4 * (len(NAMES) + 1))

    def test_one_differs_in_maps_and_one_in_what_it_keeps(self):
        rows = self.bench(["base", "maps", "keeps"], "--scale", "10", "--workload", "drain")
        of = {name: {m: v["value"] for m, v in row["metrics"].items()}
              for (_, name), row in rows.items()}
        base, maps, keeps = of["base"], of["maps"], of["keeps"]
        segments = base["peak_mapped_bytes"] / SEGMENT
        self.assertGreater(segments, 30)
        for metric in ("peak_maps", "final_maps"):
            # One a segment; the first joins whatever lies beside it.
            self.assertAlmostEqual(maps[metric] - base[metric], segments - 1, delta=2)
            self.assertEqual(keeps[metric], base[metric])
        # The last block of a span may end before it does.
        more = keeps["final_rss_bytes"] - base["final_rss_bytes"]
        self.assertAlmostEqual(more, KEPT * base["peak_rss_bytes"], delta=4 * SPAN)
        self.assertAlmostEqual(maps["final_rss_bytes"], base["final_rss_bytes"], delta=4 * SPAN)
        for other in (maps, keeps):
            self.assertEqual(other["peak_mapped_bytes"], base["peak_mapped_bytes"])
            self.assertAlmostEqual(other["peak_rss_bytes"], base["peak_rss_bytes"], delta=4 * SPAN)

    def test_slow_ones_execute_more(self):
        rows = self.bench(["base", "slow5", "slow10"], "--scale", "5", "--workload", "cfrac")
        of = {name: row["metrics"].get("instructions", {}).get("value")
              for (_, name), row in rows.items()}
        if of["base"] is None:
            self.skipTest("this machine does not count instructions")
        for name in ("slow5", "slow10"):
            self.assertGreater(of[name], 1.005 * of["base"])
        self.assertGreater(of["slow10"], of["slow5"])


if __name__ == "__main__":
    e2e.main()
