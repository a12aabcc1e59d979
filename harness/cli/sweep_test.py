"""Sweeps, as a user sees them: on an allocator that loses what is refused, one that is right, and
one that promises to lose nothing."""

import json
import os
import re
import signal
import subprocess
import time

import e2e

CANARIES = os.path.join(os.path.dirname(e2e.ALLOCRIG), "allocators", "canary")
LOSES = os.path.join(CANARIES, "lost-mapping.so")
RIGHT = os.path.join(CANARIES, "correct.so")

# Both canaries map a block of this size with a few bytes before it: 196 KiB.
BYTES = 200000
MAPPED = 49 * e2e.PAGE
FREES = f"malloc b[0:4] {BYTES}\ntouch b[0:4]\nfree b[0:4]"
COLUMNS = ["CALLS", "REFUSED", "HANDLED", "LOST", "WORST LOSS", "ALL LOSSES", "CRASHED", "HUNG",
           "CONTENT", "OTHER", "KNOWN"]


def cells(text, allocator):
    """The numbers of an allocator's row: columns are two spaces apart."""
    header, *lines = text.splitlines()
    assert re.split(r"\s{2,}", header.strip())[3:] == COLUMNS, header
    row = next(line for line in lines if re.match(rf"\S+ +{allocator} ", line))
    return dict(zip(COLUMNS, re.split(r"\s{2,}", row.strip())[3:]))


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


class Sweep(e2e.Case):
    def sweep(self, allocators, *args, text=FREES, exit_code=e2e.CLEAN):
        """What people read, the lines of the runs, and those of the rows."""
        path = os.path.join(self.dir, "out.jsonl")
        each = [word for a in allocators for word in ("-a", a)]
        got = e2e.allocrig("run", self.program(text), *each, "--json", path, *args)
        self.assertEqual(got.returncode, exit_code, got)
        with open(path, encoding="utf-8") as file:
            lines = lines_of(file.read())
        rows = [line for line in lines if line["schema"] == "allocrig.sweep/1"]
        runs = [line for line in lines if line["schema"] == "allocrig.run/1"]
        self.assertEqual(len(rows) + len(runs), len(lines))
        self.assertEqual(len(rows), len(allocators))
        self.assertEqual(len(runs), sum(row["tried"] + 1 for row in rows))
        return got.stdout, runs, rows


class Table(Sweep):
    def test_who_loses_and_who_does_not(self):
        text, _, rows = self.sweep([LOSES, RIGHT, "guard"], "--sweep", "munmap",
                                   exit_code=e2e.FINDING)
        loses, right, guard = rows
        self.assertEqual((loses["made"], loses["planned"], loses["tried"]), (4, 4, 4))
        self.assertEqual(loses["lost"],
                         {"runs": 4, "worst_bytes": MAPPED, "total_bytes": 4 * MAPPED})
        self.assertEqual(loses["handled"], 0)
        for row in (right, guard):
            self.assertGreaterEqual(row["made"], 4)
            self.assertEqual(row["handled"], row["made"])
            self.assertEqual(row["lost"], {"runs": 0, "worst_bytes": 0, "total_bytes": 0})
            self.assertEqual(row["signatures"], [])
        for row in rows:
            for other in ("crashed", "hung", "content", "other", "known", "not_met", "broken",
                          "unsupported"):
                self.assertEqual(row[other], 0, other)
            self.assertEqual((row["outcome"], row["interrupted"]), ("clean", False))
        self.assertEqual(cells(text, "lost-mapping"),
                         dict(zip(COLUMNS, ["4", "4", "0", "4", "196 KiB", "784 KiB"] + 5 * ["0"])))
        none = ["4", "4", "4", "0", "-", "-"] + 5 * ["0"]
        self.assertEqual(cells(text, "correct"), dict(zip(COLUMNS, none)))
        self.assertEqual(cells(text, "guard")["LOST"], "0")

    def test_one_size_in_the_table_and_in_the_sentence(self):
        """577 pages are 2.2539 MiB: rounded, not cut."""
        size = 577 * e2e.PAGE - 64
        text, _, (row,) = self.sweep([LOSES], "--sweep", "munmap", exit_code=e2e.FINDING,
                                     text=f"malloc b[0] {size}\nfree b[0]")
        worst = cells(text, "lost-mapping")["WORST LOSS"]
        self.assertEqual(worst, f"{row['lost']['worst_bytes'] / 2**20:.1f} MiB")
        self.assertIn(f" {worst} mapped", row["signatures"][0]["message"])

    def test_lost_pages_are_lost_bytes(self):
        """No mapping is lost where only a purge was refused: the resident bytes count."""
        text, runs, (row,) = self.sweep([os.path.join(CANARIES, "lost-mapping-pages.so")],
                                        "--sweep", "madvise", exit_code=e2e.FINDING)
        lost = [run["lost"] for run in runs[1:]]
        self.assertEqual({r["mapped_bytes"] for r in lost}, {0})
        self.assertEqual(row["lost"]["worst_bytes"], max(r["rss_bytes"] for r in lost))
        self.assertGreater(row["lost"]["worst_bytes"], BYTES // 2)
        self.assertEqual(cells(text, "lost-mapping-pages")["WORST LOSS"], "192 KiB")

    def test_the_command_shows_the_refusal_alone(self):
        text, _, (row,) = self.sweep([LOSES], "--sweep", "munmap", exit_code=e2e.FINDING)
        wrong, = row["signatures"]
        self.assertEqual((wrong["first"], wrong["runs"]), ("munmap ENOMEM nth=1", 4))
        self.assertIn(f"    see: {wrong['command']}\n", text)
        again = subprocess.run(wrong["command"], shell=True, text=True, check=False,
                               stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(again.returncode, e2e.FINDING)
        self.assertIn(wrong["signature"], again.stdout)
        self.assertEqual(again.stdout.count("  lost-mapping at op"), 1)

    def test_nothing_to_refuse(self):
        text, runs, (row,) = self.sweep([RIGHT], "--sweep", "mremap")
        self.assertEqual((row["made"], row["tried"], len(runs)), (0, 0, 1))
        self.assertIn("\n  it made no such call\n", text)

    def test_refused_from_each_on(self):
        """Out of memory at every call of a few: null is an answer, nothing else."""
        _, _, rows = self.sweep([RIGHT, "guard"], "--sweep", "oom")
        for row in rows:
            self.assertGreaterEqual(row["made"], 4)
            self.assertEqual(row["handled"], row["made"])

    def test_what_a_run_without_its_memory_cannot_meet(self):
        """The program's expectations are for a run that gets what it asks for."""
        text, runs, (row,) = self.sweep([RIGHT], "--sweep", "oom",
                                        text=f"{FREES}\nmalloc b[9] {BYTES} -> ok\nexpect "
                                             "rss.peak >= 700K")
        self.assertEqual((row["handled"], row["other"], row["unmet"]), (5, 0, 5))
        self.assertIn("expectation", e2e.kinds(runs[1]))
        self.assertIn("\n  runs that did not get their memory and missed what the program expects: "
                      "5\n", text)

    def test_guard_takes_every_refusal(self):
        text = """
            malloc b[0:30:3] 300000
            memalign b[1:30:3] 1M 70000
            malloc b[2:30:3] 3000
            touch b[0:30]
            realloc b[0:15:3] 900000
            realloc b[15:30:3] 150000
            touch b[0:30]
            @1 free b[1:30:2]
            trim
            free b[0:30]"""
        for call in ("munmap", "madvise", "mprotect", "mmap", "mremap"):
            _, _, (row,) = self.sweep(["guard"], "--sweep", call, "--sweep-max", "25", text=text)
            self.assertEqual(row["handled"], row["tried"], (call, row))
            self.assertGreater(row["tried"], 0, call)


class Spread(Sweep):
    def test_first_and_last_and_what_is_left_out(self):
        text, runs, (row,) = self.sweep([RIGHT], "--sweep", "mmap,munmap", "--sweep-max", "3",
                                        text=f"malloc b[0:5] {BYTES}\nfree b[0:5]")
        made = row["made"]
        self.assertGreaterEqual(made, 10)
        self.assertEqual((row["planned"], row["tried"]), (3, 3))
        self.assertEqual([run["fault"].split()[-1] for run in runs[1:]],
                         ["nth=1", f"nth={1 + (made - 1) // 2}", f"nth={made}"])
        self.assertIn(f"\n  {made - 3} of {made} calls were not refused: the 3 refusals are spread "
                      "evenly (--sweep-max)\n", text)

    def test_all_of_few(self):
        text, _, (row,) = self.sweep([RIGHT], "--sweep", "munmap", "--sweep-max", "4")
        self.assertEqual(row["tried"], row["made"])
        self.assertNotIn("--sweep-max", text)

    def test_results_do_not_depend_on_jobs(self):
        def names(jobs):
            _, runs, rows = self.sweep([LOSES], "--sweep", "munmap", "--jobs", jobs,
                                       exit_code=e2e.FINDING)
            self.assertEqual(rows[0]["jobs"], int(jobs))
            return [(r["fault"], e2e.kinds(r)) for r in runs]

        self.assertEqual(names("1"), names("7"))

    def test_peaks_are_sampled_where_they_are_asked_for(self):
        for expect, sampled in (("rss.peak >= 100K", True), ("rss <= 1G", False)):
            _, runs, _ = self.sweep([RIGHT], "--sweep", "munmap", "--sweep-max", "1",
                                    text=f"{FREES}\nexpect {expect}")
            self.assertEqual("sampling" in runs[1]["instrumentation"], sampled, expect)


class Interrupt(Sweep):
    def test_what_was_done_is_whole(self):
        path = os.path.join(self.dir, "out.jsonl")
        program = self.program(f"{FREES}\nsleep 300ms")
        run = subprocess.Popen([e2e.ALLOCRIG, "run", program, "-a", RIGHT, "-a", LOSES, "--sweep",
                                "munmap", "--jobs", "1", "--json", path],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    if file.read().count("\n") >= 2:
                        break
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        text, _ = run.communicate(timeout=60)
        self.assertEqual(run.returncode, e2e.BROKEN)
        with open(path, encoding="utf-8") as file:
            *runs, row = lines_of(file.read())
        self.assertEqual((row["schema"], row["interrupted"]), ("allocrig.sweep/1", True))
        self.assertEqual(len(runs), row["tried"] + 1)
        self.assertLess(row["tried"], 4)
        self.assertEqual((row["broken"], row["handled"]), (0, row["tried"]))
        self.assertIn(f"\n  interrupted: {row['tried']} of 4 runs were made\n", text)
        self.assertNotIn("lost-mapping ", text.split("\n", 1)[1])


if __name__ == "__main__":
    e2e.main()
