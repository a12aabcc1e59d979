"""--without: oracles that do not judge, and results that say so."""

import os

import e2e

TWICE = "static void *first; if (size == 40) { if (first) return first; first = bump_take(size); " \
        "return first; }"
MISALIGNED = "if (size == 48) { char *p = bump_take(64); *(size_t *)(p - 8) = 56; return p + 8; }"
CRASH = "if (size == 77) *(volatile int *)8 = 1;"
EXIT = "if (size == 77) _exit(3);"
HANG = "if (size == 77) for (;;) pause();"
BOTH = "malloc b[0:2] 40\nmalloc b[2] 48"
ENDS = "malloc b[0] 48\nmalloc b[1] 77\nmalloc b[2] 40"


class Without(e2e.Case):
    def broken_allocator(self, *defects, name="lib.so"):
        return self.library("#include <unistd.h>\n" + e2e.BUMP,
                            "-DBEFORE_MALLOC=" + " ".join(defects), name=name)

    def test_others_judge_on(self):
        lib = self.broken_allocator(TWICE, MISALIGNED)
        for kinds, found, code in (([], ["overlap", "misaligned"], e2e.FINDING),
                                   (["overlap"], ["misaligned"], e2e.FINDING),
                                   (["misaligned"], ["overlap"], e2e.FINDING),
                                   (["overlap", "misaligned"], [], e2e.CLEAN)):
            for args in (["--without", ",".join(kinds)] if kinds else [],
                         [word for kind in kinds for word in ("--without", kind)]):
                result = self.run_one(BOTH, lib, *args, exit_code=code)
                self.assertEqual((e2e.kinds(result), result["without"]), (found, kinds))
                self.assertEqual(result["instrumentation"], ["oracles", "sampling", "tape"])

    def test_an_end_that_is_not_judged_is_not_clean(self):
        for defect, kind, said in ((CRASH, "crash", r"at op 1: SIGSEGV at address 0x8,"),
                                   (EXIT, "crash", "exited with status 3 in malloc on b"),
                                   (HANG, "hang", r"no progress for 1\.\d s in malloc")):
            lib = self.broken_allocator(defect)
            for more in ([], ["--no-oracles"]):
                args = ["--hang-after", "1s", *more]
                self.assertEqual(e2e.kinds(self.run_one(ENDS, lib, *args, exit_code=e2e.FINDING)),
                                 [kind])
                result = self.run_one(ENDS, lib, *args, "--without", kind, exit_code=e2e.BROKEN)
                self.assertEqual((result["outcome"], result["findings"]), ("broken", []))
                self.assertRegex(result["reason"], rf"^{kind} is not judged .*{said}")

    def test_what_was_found_before_that_end_stays(self):
        lib = self.broken_allocator(CRASH, MISALIGNED)
        result = self.run_one(ENDS, lib, "--without", "crash", exit_code=e2e.BROKEN)
        self.assertEqual(e2e.kinds(result), ["misaligned"])

    def test_a_fork_child_that_ends_is_not_clean(self):
        text = "fork {\nmalloc b[0] 77\n}\nmalloc b[0] 48"
        for defect in (CRASH, EXIT, HANG):
            lib = self.broken_allocator(defect, MISALIGNED)
            result = self.run_one(text, lib, "--hang-after", "1s", "--without", "fork-broken",
                                  exit_code=e2e.BROKEN)
            self.assertEqual(e2e.kinds(result), ["misaligned"])
            self.assertRegex(result["reason"], "^fork-broken is not judged .* at op 1: after fork")

    def test_a_touch_that_faults_is_not_clean(self):
        lib = self.broken_allocator("if (size == 77) return (void *)4096;")
        for load in e2e.LOADS:
            args = ["--load", load, "--without", "crash,short-usable"]
            result = self.run_one("malloc b[0] 77\ntouch b[0]", lib, *args, exit_code=e2e.BROKEN)
            self.assertRegex(result["reason"], "^crash is not judged")

    def test_people_are_told(self):
        lib, program = self.broken_allocator(TWICE), self.program(BOTH)
        got = e2e.allocrig("run", program, "-a", lib, "--without", "overlap,hang")
        self.assertEqual(got.returncode, e2e.CLEAN)
        self.assertIn("\n  not judged (--without): overlap,hang\n", got.stdout)
        got = e2e.allocrig("run", program, "-a", lib)
        self.assertNotIn("not judged", got.stdout)

    def test_audit(self):
        lib, out = self.broken_allocator(TWICE), os.path.join(self.dir, "out.jsonl")
        self.program(BOTH)
        got = e2e.allocrig("audit", "--corpus", self.dir, "-a", lib, "--without", "overlap",
                           "--json", out)
        self.assertEqual(got.returncode, e2e.CLEAN, got.stdout + got.stderr)
        self.assertIn("\n  not judged (--without): overlap\n", got.stdout)
        for line in e2e.lines_of(out):
            self.assertEqual(line["without"], ["overlap"], line["schema"])

    def test_sweep(self):
        """What is to be typed to see one refusal has the option too."""
        lib = self.library(e2e.MAPPER, "-DFREE_FAILED=__builtin_trap()")
        program, out = self.program("malloc b[0] 8\nfree b[0]"), os.path.join(self.dir, "out.jsonl")
        run = ["run", program, "-a", lib, "--sweep", "munmap", "--json", out]
        got = e2e.allocrig(*run, "--without", "lost-mapping")
        self.assertEqual(got.returncode, e2e.FINDING, got.stdout + got.stderr)
        self.assertIn("\n  not judged (--without): lost-mapping\n", got.stdout)
        lines = e2e.lines_of(out)
        self.assertEqual([line["without"] for line in lines], [["lost-mapping"]] * len(lines))
        command = lines[-1]["signatures"][0]["command"]
        self.assertTrue(command.endswith(" --without lost-mapping"), command)
        self.assertEqual(e2e.allocrig(*run, "--without", "crash").returncode, e2e.BROKEN)

    def test_what_was_not_run_says_nothing(self):
        result = self.run_one("fault mmap ENOMEM\nmalloc b[0] 8", "glibc", "--no-tape",
                              "--without", "overlap", exit_code=e2e.UNSUPPORTED)
        self.assertEqual((result["end"], result["without"]), ("not-run", []))

    def test_describe_does_not_judge(self):
        got = e2e.allocrig("describe", "glibc", "--without", "overlap")
        self.assertEqual(got.returncode, e2e.MISUSE)
        self.assertIn("describe judges nothing", got.stderr)


if __name__ == "__main__":
    e2e.main()
