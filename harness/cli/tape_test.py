"""The tape, refusals, ballast and sweeps, as a user sees them."""

import json
import os
import signal
import subprocess
import time
import unittest

import e2e


def of_call(tape, name):
    return [entry for entry in tape if entry["call"] == name]


class Tape(e2e.Case):
    PROGRAM = """
        malloc b[0:3] 8000
        touch b[0:3]
        mmap m[0] 2p rw private,anon
        munmap m[0]
        free b[0:3]"""

    def tape(self, text, *args, allocator=None, exit_code=e2e.CLEAN):
        path = os.path.join(self.dir, "tape.jsonl")
        result = self.run_one(text, allocator or self.library(e2e.MAPPER), "--tape", path, *args,
                              exit_code=exit_code)
        return result, e2e.lines_of(path)

    def test_every_call_in_order(self):
        result, tape = self.tape(self.PROGRAM)
        self.assertIn("tape", result["instrumentation"])
        self.assertEqual(result["watch"]["tape"], "on")
        for entry in tape:
            self.assertEqual(entry["schema"], "allocrig.tape/1")
            self.assertEqual((entry["program"], entry["allocator"]), ("p", "lib"))
        program = [e for e in tape if not e["again"]]
        self.assertEqual([(e["op"], e["op_name"], e["space"], e["slot"], e["caller"], e["call"])
                          for e in program],
                         [(0, "malloc", "b", i, "allocator", "mmap") for i in range(3)] +
                         [(2, "mmap", "m", 0, "program", "mmap"),
                          (3, "munmap", "m", 0, "program", "munmap")] +
                         [(4, "free", "b", i, "allocator", "munmap") for i in range(3)])
        self.assertEqual([e["args"][1] for e in of_call(program, "mmap")],
                         [8192, 8192, 8192, 2 * e2e.PAGE])
        # The upper half of the register is whatever libc left there.
        self.assertEqual(of_call(program, "mmap")[0]["args"][4] & 0xffffffff, 0xffffffff)
        self.assertEqual([e["errno"] for e in program], [None] * 8)

    def test_counts_agree(self):
        result, tape = self.tape(self.PROGRAM)
        for name in ("mmap", "munmap"):
            made = of_call([e for e in tape if not e["again"]], name)
            calls = result["calls"][name]
            self.assertEqual(calls["made"], len(made))
            self.assertEqual(calls["by_allocator"],
                             len([e for e in made if e["caller"] == "allocator"]))

    def test_place(self):
        _, tape = self.tape("repeat 3 {\n@1 malloc b[5] 100\n@1 free b[5]\n}")
        self.assertEqual([(e["thread"], e["iteration"]) for e in tape if not e["again"]],
                         [(1, i) for i in range(3) for _ in range(2)])

    def test_standard_output(self):
        got = e2e.allocrig("run", self.program(self.PROGRAM), "-a", self.library(e2e.MAPPER),
                           "--tape", "-")
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        self.assertEqual({json.loads(line)["schema"] for line in got.stdout.splitlines()},
                         {"allocrig.tape/1"})
        self.assertIn("clean", got.stderr)

    def test_for_people(self):
        got = e2e.allocrig("run", self.program(self.PROGRAM), "-a", self.library(e2e.MAPPER),
                           "--show-tape", "--fault", "munmap ENOMEM nth=2")
        self.assertRegex(got.stdout, r"\n\[0 malloc b\[0\]\] mmap\(NULL, 8192, "
                                     r"PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -1, 0\) "
                                     r"= 0x[0-9a-f]+  maps 1\n")
        self.assertRegex(got.stdout, r"\n\[3 munmap m\[0\]\] \(program\) munmap\(0x[0-9a-f]+, "
                                     r"8192\) = 0")
        self.assertRegex(got.stdout, r"\n\[4 free b\[1\]\] munmap\(0x[0-9a-f]+, 8192\) = -1 ENOMEM "
                                     r"\(injected\)  maps \d+\n")

    def test_disk_full(self):
        got = e2e.allocrig("run", self.program(self.PROGRAM), "-a", self.library(e2e.MAPPER),
                           "--tape", "/dev/full")
        self.assertEqual(got.returncode, e2e.BROKEN, got)
        self.assertIn("cannot write /dev/full: No space", got.stderr)

    def test_off(self):
        for args in (["--no-tape"], ["--no-oracles"]):
            result = self.run_one(self.PROGRAM, "glibc", *args, exit_code=e2e.CLEAN)
            self.assertEqual(result["watch"]["tape"], "off")
            self.assertNotIn("tape", result["instrumentation"])
            self.assertEqual(result["lost"]["unsupported"], "the tape is off")
        _, tape = self.tape(self.PROGRAM, "--no-oracles")
        self.assertGreaterEqual(len(tape), 8)

    def test_peak_of_every_call(self):
        """Mapped and unmapped inside one op: no sample at a statement's end could see it."""
        library = self.library(e2e.MAPPER.replace(
            "void free(", "size_t malloc_usable_size(void *p) { munmap(mmap(NULL, 1 << 20, 3, 34, "
                          "-1, 0), 1 << 20); return ((struct head *)p - 1)->size - 16; }\n"
                          "void free("))
        result = self.run_one("malloc b[0] 8\nusable b[0]\nfree b[0]", library,
                              exit_code=e2e.CLEAN)
        if result["watch"]["ledger"] != "exact":
            self.skipTest(result["watch"]["reason"])
        peak = result["peak"]
        self.assertEqual(peak["method"], "ledger")
        self.assertEqual(peak["mapped_bytes"], (1 << 20) + e2e.PAGE)
        self.assertEqual((peak["mapped_allocator_bytes"], peak["mapped_program_bytes"]),
                         ((1 << 20) + e2e.PAGE, 0))

    def test_check_ledger(self):
        result = self.run_one(self.PROGRAM, "glibc", "--check-ledger", exit_code=e2e.CLEAN)
        self.assertIn("check-ledger", result["instrumentation"])


class Faults(e2e.Case):
    FREES = "malloc b[0:4] 100000\ntouch b[0:4]\nfree b[0:4]"

    def test_the_nth_is_refused(self):
        library = self.library(e2e.MAPPER)
        for lines, args in (("fault munmap ENOMEM nth=3\n", []),
                            ("", ["--fault", "munmap ENOMEM nth=3"])):
            path = os.path.join(self.dir, "tape.jsonl")
            result = self.run_one(lines + self.FREES, library, "--tape", path, *args)
            self.assertEqual(result["faults"], ["munmap ENOMEM nth=3"])
            refused = [e for e in e2e.lines_of(path) if e["injected"]]
            self.assertEqual([(e["call"], e["slot"], e["errno"], e["result"]) for e in refused],
                             [("munmap", 2, "ENOMEM", -12)])
            self.assertEqual(result["calls"]["munmap"]["injected"], 1)

    def test_loss_is_found(self):
        library = self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0")
        result = self.run_one(self.FREES, library, "--fault", "munmap ENOMEM nth=3",
                              exit_code=e2e.FINDING)
        self.assertEqual(e2e.kinds(result), ["lost-mapping"])
        self.assertEqual(result["lost"]["mapped_bytes"], 102400)

    def test_calls_counted_together(self):
        result = self.run_one(self.FREES, self.library(e2e.MAPPER),
                              "--fault", "mmap,munmap ENOMEM nth=5")
        self.assertEqual((result["calls"]["mmap"]["injected"],
                          result["calls"]["munmap"]["injected"]), (0, 1))

    def test_ballast(self):
        result = self.run_one(self.FREES, "glibc", "--ballast", "40")
        self.assertEqual(result["ballast"], 40)
        self.assertEqual(result["harness"]["maps"] + 40, result["host"]["max_map_count"])


class Aftermath(e2e.Case):
    """When the program is over and its calls are made once more."""
    # Of the last two, b[3] is full and b[9] empty.
    PROGRAM = """
        malloc b[0:4] 100000
        touch b[0:4]
        @1 free b[0:2]
        malloc b[3] 5000
        free b[9]"""
    LATE = e2e.MAPPER.replace("void *malloc(size_t size)\n{",
                          "int refused;\nvoid *malloc(size_t size)\n{\n\tif (refused) LATE;")

    def run_refused(self, library, *args):
        result = self.run_one(self.PROGRAM, library, "--fault", "munmap ENOMEM nth=2", *args,
                              exit_code=e2e.FINDING)
        self.assertEqual((result["ops"]["executed"], result["ops"]["skipped"]), (11, 1))
        self.assertEqual({name: result["calls"][name]["made"] for name in ("mmap", "munmap")},
                         {"mmap": 4, "munmap": 2})
        return [(f["kind"], f["op"], f["again"]) for f in result["findings"]]

    def late(self, what):
        return self.library(self.LATE, "-DFREE_FAILED=refused=1", "-DLATE=" + what)

    def test_counts_are_the_programs(self):
        library = self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0")
        self.assertEqual(self.run_refused(library), [("lost-mapping", 2, False)])

    def test_crash(self):
        self.assertEqual(self.run_refused(self.late("abort()")), [("crash", 0, True)])

    def test_hang(self):
        found = self.run_refused(self.late("for (;;)"), "--hang-after", "300ms")
        self.assertEqual(found, [("hang", 0, True)])

    def test_null(self):
        found = self.run_refused(self.late("return errno = ENOMEM, NULL"))
        self.assertEqual(found, [("null-without-cause", 0, True), ("null-without-cause", 3, True),
                                 ("lost-mapping", 2, False)])

    def test_other_sizes_are_asked_for(self):
        """Kept until a smaller block is wanted than the program wants."""
        keeper = e2e.MAPPER.replace("void *malloc(size_t size)\n{", """struct head *kept;
            void *malloc(size_t size)
            {
            if (kept && size < 70000) {
                struct head *h = kept;
                kept = NULL;
                return h + 1;
            }""")
        result = self.run_one(self.PROGRAM, self.library(keeper, "-DFREE_FAILED=kept=h"),
                              "--fault", "munmap ENOMEM nth=2", exit_code=e2e.CLEAN)
        self.assertEqual(result["lost"]["mapped_bytes"], 0)
        self.assertEqual(result["calls"]["mmap"]["made"], 4)

    def test_two_gibibytes(self):
        """What the program holds goes before its calls are made once more."""
        result = self.run_one("malloc b[0] 2G\nmalloc b[1:3] 4M\ntouch b[0:3]\nfree b[1:3]",
                              self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0"),
                              "--fault", "munmap ENOMEM nth=1", exit_code=e2e.FINDING)
        self.assertEqual([(f["kind"], f["op"]) for f in result["findings"]], [("lost-mapping", 3)])
        self.assertLess(result["peak"]["mapped_bytes"], (2 << 30) + (9 << 20))


class Sweep(e2e.Case):
    FREES = "malloc b[0:6] 100000\ntouch b[0:6]\nfree b[0:6]"

    def sweep(self, library, *args, exit_code=None):
        got = e2e.allocrig("run", self.program(self.FREES), "-a", library, "--json", "-", *args)
        if exit_code is not None:
            self.assertEqual(got.returncode, exit_code, got)
        *runs, row = [json.loads(line) for line in got.stdout.splitlines()]
        self.assertEqual(row["schema"], "allocrig.sweep/1")
        self.assertEqual(row["tried"] + 1, len(runs))
        self.assertIsNone(runs[0]["fault"])
        return runs[1:], row

    def test_handled(self):
        runs, row = self.sweep(self.library(e2e.MAPPER), "--sweep", "mmap", exit_code=e2e.CLEAN)
        self.assertEqual((row["made"], row["tried"], row["handled"]), (6, 6, 6))
        self.assertEqual([r["fault"] for r in runs], [f"mmap ENOMEM nth={n}" for n in range(1, 7)])
        self.assertEqual(row["signatures"], [])

    def test_lost(self):
        library = self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0")
        _, row = self.sweep(library, "--sweep", "munmap", "--jobs", "3", exit_code=e2e.FINDING)
        self.assertEqual(row["lost"], {"runs": 6, "worst_bytes": 102400, "total_bytes": 614400})
        self.assertEqual(row["handled"], 0)
        wrong, = row["signatures"]
        self.assertEqual((wrong["first"], wrong["runs"]), ("munmap ENOMEM nth=1", 6))
        again = subprocess.run(wrong["command"], shell=True, text=True, check=False,
                               stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(again.returncode, e2e.FINDING)
        self.assertIn(wrong["signature"], again.stdout)

    def test_crash(self):
        _, row = self.sweep(self.library(e2e.MAPPER, "-DFREE_FAILED=abort()"), "--sweep", "munmap")
        self.assertEqual((row["crashed"], row["handled"], row["lost"]["runs"]), (6, 0, 0))

    def test_spread(self):
        runs, row = self.sweep(self.library(e2e.MAPPER), "--sweep", "mmap,munmap", "--sweep-max", "3")
        self.assertEqual((row["made"], row["planned"]), (12, 3))
        self.assertEqual([r["fault"].split()[-1] for r in runs], ["nth=1", "nth=6", "nth=12"])

    def test_out_of_memory(self):
        runs, row = self.sweep(self.library(e2e.MAPPER), "--sweep", "oom", exit_code=e2e.CLEAN)
        self.assertEqual(row["handled"], 6)
        for n, run in enumerate(runs, 1):
            self.assertEqual(run["fault"], f"mmap,brk,mremap ENOMEM nth={n} count=0")
            self.assertEqual(run["calls"]["mmap"]["injected"], 7 - n)

    def test_what_was_wrong_before_counts_against_no_refusal(self):
        library = self.library(e2e.MAPPER.replace("return h + 1;", "return (char *)(h + 1) + 8;")
                               .replace("(struct head *)p - 1", "(struct head *)((char *)p - 8) - 1"))
        _, row = self.sweep(library, "--sweep", "mmap", exit_code=e2e.FINDING)
        self.assertEqual((row["outcome"], row["handled"], row["signatures"]), ("finding", 6, []))

    def test_interrupt(self):
        path = os.path.join(self.dir, "out.jsonl")
        program = self.program("malloc b[0:6] 100000\nsleep 300ms\nfree b[0:6]")
        run = subprocess.Popen([e2e.ALLOCRIG, "run", program, "-a", self.library(e2e.MAPPER), "--sweep",
                                "munmap", "--jobs", "1", "--json", path],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    if file.read().count("\n") >= 2:
                        break
            time.sleep(0.01)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(timeout=60), e2e.BROKEN)
        *_, row = e2e.lines_of(path)
        self.assertEqual((row["schema"], row["interrupted"]), ("allocrig.sweep/1", True))
        self.assertLess(row["tried"], 6)


if __name__ == "__main__":
    e2e.main()
