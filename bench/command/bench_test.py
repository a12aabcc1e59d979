"""allocrig bench, as a user sees it: short runs, at one percent of the work."""

import json
import os
import signal
import subprocess
import time
import unittest

import e2e

COMPARE = "/usr/share/benchmark/compare.py"
WORKLOADS = ["cfrac", "glibc-simple"]
SMALL = ["--workload", WORKLOADS[0], "--workload", WORKLOADS[1], "-a", "glibc", "-a", "guard",
         "--reps", "2", "--scale", "1"]
# Two builds of each, two allocators, and the loop of the timed ones.
RUNS = 2 * 2 * (2 + 2 + 1)


class Bench(e2e.Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.dir, "bench.jsonl")

    def bench(self, *args, exit_code=e2e.CLEAN):
        got = e2e.allocrig("bench", *args)
        self.assertEqual(got.returncode, exit_code, got)
        return got

    def rows(self):
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(not text or text.endswith("\n"), text[-80:])
        return [json.loads(line) for line in text.splitlines()]

    def refused(self, *args, says, exit_code=e2e.MISUSE):
        got = self.bench(*args, exit_code=exit_code)
        self.assertEqual(len(got.stderr.splitlines()), 1, got.stderr)
        self.assertTrue(got.stderr.startswith("allocrig: "), got.stderr)
        self.assertIn(says, got.stderr)
        self.assertEqual(got.stdout, "")


def key(row):
    return (row["workload"], row["allocator"]["name"], row["build"], row["after"], row["rep"])


class Results(Bench):
    def test_each_run_is_a_line(self):
        text = self.bench(*SMALL, "--json", self.path).stdout
        rows = self.rows()
        self.assertEqual(len({key(row) for row in rows}), RUNS)
        self.assertEqual(len(rows), RUNS)
        for row in rows:
            self.assertEqual(row["schema"], "allocrig.bench/1")
            self.assertEqual(row["status"], "ok", row["why"])
            self.assertEqual((row["seed"], row["scale_percent"]), (1, 1))
            if row["allocator"]["name"] != "loop":
                self.assertEqual(len(row["allocator"]["sha256"]), 64)
            timed = row["build"] == "timed"
            net = timed and row["allocator"]["name"] != "loop"
            self.assertEqual("net_ns_per_op" in row["metrics"], net, row["metrics"])
        for word in WORKLOADS + ["glibc", "guard", "loop: ", "seed 1", "Ranked per metric"]:
            self.assertIn(word, text)

    def test_the_net_cost_is_of_the_same_block(self):
        self.bench(*SMALL, "--json", self.path)
        timed = {key(row): row["metrics"] for row in self.rows() if row["build"] == "timed"}
        for (workload, allocator, build, after, rep), metrics in timed.items():
            if allocator == "loop":
                continue
            loop = timed[(workload, "loop", build, after, rep)]
            self.assertAlmostEqual(
                metrics["net_ns_per_op"]["value"],
                metrics["ns_per_op"]["value"] - loop["ns_per_op"]["value"], places=6)

    def test_a_second_call_runs_nothing_twice(self):
        self.bench(*SMALL, "--json", self.path)
        with open(self.path, "rb") as file:
            before = file.read()
        text = self.bench(*SMALL, "--json", self.path).stdout
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertIn(f"{RUNS} runs, {RUNS} of them from before", text)
        # More repetitions go on where these end.
        self.bench(*SMALL, "--reps", "3", "--json", self.path)
        self.assertEqual(len(self.rows()), RUNS * 3 // 2)
        with open(self.path, "rb") as file:
            self.assertTrue(file.read().startswith(before))

    def test_standard_output_is_json_alone(self):
        got = self.bench(*SMALL, "--latency", "off", "--reps", "1", "--json", "-")
        rows = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual(len(rows), 6)
        self.assertIn("Ranked per metric", got.stderr)

    def test_a_table_of_a_file(self):
        text = self.bench(*SMALL, "--json", self.path).stdout
        table = self.bench("--table", self.path).stdout
        self.assertIn(table, text)
        only = self.bench("--table", self.path, "--metric", "free_p*_ns").stdout
        self.assertIn("free p50", only)
        self.assertNotIn("peak maps", only)
        self.assertTrue(all(len(line) <= 100 for line in table.splitlines()), table)

    def test_what_runs_is_listed(self):
        text = self.bench("--list").stdout
        for name in WORKLOADS + ["program/map-limit", "maps/128K"]:
            self.assertRegex(text, rf"(?m)^{name} ")


class Interrupts(Bench):
    def start(self, *args):
        words = [e2e.ALLOCRIG, "bench", *args, "--json", self.path]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def lines(self):
        with open(self.path, "rb") as file:
            return file.read().count(b"\n")

    def wait_for_lines(self, process, n):
        while process.poll() is None:
            if os.path.exists(self.path) and self.lines() >= n:
                return
            time.sleep(0.01)
        self.fail(process.communicate())

    def test_sigint_leaves_a_table_and_goes_on(self):
        many = [*SMALL, "--reps", "50"]
        process = self.start(*many)
        self.wait_for_lines(process, 5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, e2e.BROKEN, err)
        self.assertIn("interrupted after", out)
        self.assertIn("peak maps", out)
        done = self.rows()
        self.assertGreaterEqual(len(done), 5)
        self.assertTrue(all(row["status"] == "ok" for row in done))
        self.bench(*SMALL, "--json", self.path)
        rows = self.rows()
        self.assertEqual(len({key(row) for row in rows}), len(rows))
        self.assertEqual(rows[:len(done)], done)

    def test_kill_leaves_whole_lines(self):
        for lines in (1, 3, 7):
            process = self.start(*SMALL)
            self.wait_for_lines(process, lines)
            process.kill()
            process.communicate()
            with open(self.path, "rb") as file:
                whole = file.read().split(b"\n")[:-1]
            for line in whole:
                json.loads(line)
        # As a machine that stopped in the middle of a line.
        with open(self.path, "ab") as file:
            file.write(b'{"schema":"allocrig.bench/1","workload":"cf')
        self.bench(*SMALL, "--json", self.path)
        rows = self.rows()
        self.assertEqual(len(rows), RUNS)
        self.assertEqual(len({key(row) for row in rows}), RUNS)

    def test_one_writer_at_a_time(self):
        process = self.start(*SMALL, "--reps", "50")
        self.wait_for_lines(process, 1)
        self.refused(*SMALL, "--json", self.path, says="is being written by another")
        self.refused(*SMALL, "--json", self.path, "--fresh", says="is being written by another")
        process.kill()
        process.communicate()


class Misuse(Bench):
    def test_bad_options(self):
        for args, says in [
                (["--workload", "no-such"], "no workload is named 'no-such'"),
                (["--reps", "0"], "--reps takes a number from 1 on"),
                (["--reps", "many"], "--reps takes a number"),
                (["--time", "1"], "--time takes a time such as 10s"),
                (["--scale", "-5"], "--scale takes a number"),
                (["--after", "sleep"], "--after takes idle, light or purge"),
                (["--latency", "maybe"], "--latency takes on or off"),
                (["--threads", "9999"], "--threads takes at most"),
                (["--after", "idle", "--time", "1s"], "not with --time"),
                (["--fresh"], "--fresh is for the file of --json"),
                (["--json", "-", "--gbench", "-"], "are the same"),
                (["larson"], "workloads are named with --workload"),
                (["maps", "--time", "1s"], "maps has no --time"),
                (["--table", "/no/such"], "cannot read /no/such"),
                (["-a", "kernel"], "the kernel is none"),
                (["-a", "nobody"], "nobody"),
                (["-a", "/no/such.so"], "/no/such.so"),
                (["--workload", "drain", "--time", "1s"], "fixed work"),
                (["--no-such"], "unknown option")]:
            with self.subTest(args):
                self.refused(*args, says=says)

    def test_files_of_others_stay(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("a poem\nof two lines\n")
        self.refused(*SMALL, "--json", self.path, says="line 1")
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "a poem\nof two lines\n")

    def test_other_settings_are_refused(self):
        self.bench(*SMALL, "--latency", "off", "--json", self.path)
        with open(self.path, "rb") as file:
            before = file.read()
        self.refused(*SMALL, "--seed", "2", "--json", self.path, says="--fresh")
        self.refused(*SMALL, "--scale", "2", "--json", self.path, says="--fresh")
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), before)
        self.bench(*SMALL, "--latency", "off", "--seed", "2", "--fresh", "--json", self.path)
        self.assertEqual({row["seed"] for row in self.rows()}, {2})

    def test_what_cannot_be_written(self):
        got = e2e.allocrig("bench", *SMALL, "--json", "/dev/full")
        self.assertEqual(got.returncode, e2e.BROKEN)
        self.assertIn("cannot write /dev/full", got.stderr)


class Allocators(Bench):
    def run_on(self, path, exit_code):
        text = self.bench("--workload", "cfrac", "--scale", "1", "--reps", "1", "--latency", "off",
                          "-a", path, "-a", "glibc", "--json", self.path,
                          exit_code=exit_code).stdout
        rows = [row for row in self.rows() if row["allocator"]["name"] not in ("glibc", "loop")]
        self.assertEqual(len(rows), 1)
        return rows[0], text

    def family(self, name, *flags):
        """An allocator with every function that is asked for."""
        more = r"""
void *memalign(size_t align, size_t size)
{
	char *p = bump_take(size + align);
	return p + (align - (uintptr_t)p % align) % align;
}
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
int posix_memalign(void **ret, size_t align, size_t size)
{
	*ret = memalign(align, size);
	return 0;
}
"""
        return self.library(e2e.BUMP + more, *flags, name=name)

    def test_what_is_no_allocator_is_named(self):
        path = self.library("int nothing;", name="wrong.so")
        self.refused("--workload", "cfrac", "-a", path, says="wrong.so exports no malloc")

    def test_another_file_that_serves_is_a_status(self):
        path = self.library("#include <stddef.h>\nvoid *malloc(size_t n) { (void)n; return NULL; }"
                            "\nvoid free(void *p) { (void)p; }", name="half.so")
        row, text = self.run_on(path, e2e.BROKEN)
        self.assertEqual(row["status"], "wrong-allocator")
        self.assertEqual(row["metrics"], {})
        self.assertIn("half: wrong-allocator in 1 of 1", text)

    def test_a_crash_is_a_status(self):
        path = self.family("crashes.so", "-DBEFORE_FREE=if(used>100000)abort()")
        row, text = self.run_on(path, e2e.FINDING)
        self.assertEqual(row["status"], "crash")
        self.assertEqual(row["metrics"], {})
        self.assertIn("crashes: crash in 1 of 1", text)

    def test_a_file_that_was_built_anew(self):
        path = self.family("mine.so")
        self.run_on(path, e2e.CLEAN)
        self.family("mine.so", "-DBEFORE_FREE=(void)getpid()")
        self.refused("--workload", "cfrac", "--scale", "1", "-a", path, "--json", self.path,
                     says="SHA-256")


class Programs(Bench):
    def test_a_program_under_the_limit(self):
        self.bench("--workload", "program/map-limit", "-a", "glibc", "--reps", "1", "--json",
                   self.path)
        row, = self.rows()
        self.assertEqual(row["build"], "program")
        metrics = {name: m["value"] for name, m in row["metrics"].items()}
        limit = row["host"]["max_map_count"]
        self.assertGreater(metrics["peak_maps"], limit * 0.9)
        self.assertLess(metrics["headroom_maps"], limit * 0.1)
        self.assertEqual(metrics["lost_bytes"], 0)
        self.assertIn("ns_per_op", metrics)


@unittest.skipUnless(os.path.exists(COMPARE), "needs libbenchmark-tools")
class Gbench(Bench):
    def test_standard_output_is_json_alone(self):
        got = self.bench(*SMALL, "--latency", "off", "--gbench", "-")
        rows = json.loads(got.stdout)["benchmarks"]
        runs = {(row["name"], row["repetition_index"]) for row in rows}
        self.assertEqual(len(runs), len(rows))
        self.assertIn(("cfrac/guard/peak_maps", 1), runs)
        self.assertIn("Ranked per metric", got.stderr)

    def test_no_file_of_results_is_overwritten(self):
        self.bench(*SMALL, "--latency", "off", "--json", self.path)
        self.refused("--table", self.path, "--gbench", self.path, says="name another one")
        self.assertEqual(len(self.rows()), 12)

    def test_it_is_known_before_that_it_cannot_be_written(self):
        self.refused(*SMALL, "--gbench", "/no/such/file", says="cannot write",
                     exit_code=e2e.BROKEN)

    def test_compare_takes_it(self):
        both = []
        for name in ("one.json", "two.json"):
            both.append(os.path.join(self.dir, name))
            self.bench(*SMALL, "--latency", "off", "--gbench", both[-1])
        got = subprocess.run(["/usr/bin/python3", COMPARE, "benchmarks", *both],
                             capture_output=True, text=True, check=False)
        self.assertEqual(got.returncode, 0, got.stderr)
        for metric in ("peak_rss_bytes", "peak_maps", "net_ns_per_op", "final_rss_bytes"):
            self.assertIn(f"cfrac/glibc/{metric}", got.stdout)


if __name__ == "__main__":
    e2e.main()
