"""What programs mean, seen from outside: the semantics that DESIGN.md pins."""

import os
import subprocess
import sys

import e2e


class Slots(e2e.Case):
    def ops(self, text, allocator="glibc", *args, exit_code=e2e.CLEAN):
        result = self.run_one(text, allocator, *args, exit_code=exit_code)
        ops = result["ops"]
        return (ops["executed"], ops["skipped"], ops["failed"])

    def test_full_slot_is_not_filled_again(self):
        for op in ("malloc b[0] 99999", "calloc b[0] 3 99999", "aligned_alloc b[0] 64 128",
                   "posix_memalign b[0] 64 99999", "memalign b[0] 64 99999", "valloc b[0] 99999",
                   "pvalloc b[0] 99999"):
            with self.subTest(op=op):
                self.assertEqual(self.ops(f"malloc b[0] 8\n{op}\nfree b[0]"), (2, 1, 0))
        self.assertEqual(self.ops("mmap m[0] 1p rw private,anon\nmmap m[0] 9p rw private,anon\n"
                                  "expect mapped == 1p"), (1, 1, 0))

    def test_full_slot_is_skipped_whatever_is_expected(self):
        self.assertEqual(self.ops("malloc b[0] 8\nmalloc b[0] 8 -> ENOMEM"), (1, 1, 0))

    def test_empty_mapping_slot(self):
        for op in ("munmap m[0]", "munmap m[0] 0 1p", "mremap m[0] 2p maymove", "mprotect m[0] r",
                   "madvise m[0] dontneed", "touch m[0]", "touch m[0] 0 1p"):
            with self.subTest(op=op):
                self.assertEqual(self.ops(f"{op} -> ok" if op[0] != "t" else op), (0, 1, 0))

    def test_empty_block_slot_is_null(self):
        self.assertEqual(self.ops("free b[0:5]\nusable b[0:5]"), (10, 0, 0))
        result = self.run_one("realloc b[0] 100\ntouch b[0]\nreallocarray b[1] 10 10\ntouch b[1]\n"
                              "malloc b[0] 8\nmalloc b[1] 8", "glibc", exit_code=e2e.CLEAN)
        self.assertEqual((result["ops"]["executed"], result["ops"]["skipped"]), (4, 2))
        self.assertEqual(result["live_blocks_at_end"], 2)
        self.assertEqual(self.ops("touch b[0]"), (0, 1, 0))

    def test_realloc_moves_the_slot(self):
        self.assertEqual(self.ops("""
            malloc b[0] 100
            touch b[0]
            repeat 50 {
              realloc b[0] 100000
              realloc b[0] 10
            }
            free b[0]
            malloc b[0] 8"""), (104, 0, 0))

    def test_failed_allocation_leaves_the_slot_empty(self):
        self.assertEqual(self.ops("malloc b[0] 9223372036854775807 -> ENOMEM\nmalloc b[0] 8 -> ok"),
                         (2, 0, 0))
        self.assertEqual(self.ops("malloc b[0] 9223372036854775807\nmalloc b[0] 8 -> ok"),
                         (2, 0, 1))

    def test_failed_munmap_leaves_the_slot_full(self):
        self.assertEqual(self.ops("""
            mmap m[0] 4p rw private,anon -> ok
            munmap m[0] 1 1p -> EINVAL
            mmap m[0] 9p rw private,anon
            expect mapped == 4p
            munmap m[0] 0 0
            munmap m[0] -> ok
            mmap m[0] 9p rw private,anon -> ok
            expect mapped == 9p"""), (5, 1, 1))

    def test_slices(self):
        self.assertEqual(self.ops("malloc b[0:10:3] 8\nfree b[9]\nfree b[0:10]"), (15, 0, 0))
        self.assertEqual(self.ops("malloc b[5:5] 8\nmalloc b[7:3] 8"), (0, 0, 0))
        result = self.run_one("malloc b[1:100:2] 8", "glibc", exit_code=e2e.CLEAN)
        self.assertEqual(result["live_blocks_at_end"], 50)

    def test_repeat(self):
        self.assertEqual(self.ops("""
            repeat 3 {
              repeat 4 {
                malloc b[0] 8
                free b[0]
              }
              malloc b[1] 8
            }
            repeat 0 {
              malloc b[2:50] 8
            }"""), (25, 2, 0))

    def test_fork_block_is_run_by_the_child(self):
        result = self.run_one("""
            malloc b[0] 100
            touch b[0]
            fork {
              free b[0]
              malloc b[0] 200
              touch b[0]
              malloc b[1:9] 8
            }
            malloc b[1] 8
            free b[0]""", "glibc", exit_code=e2e.CLEAN)
        self.assertEqual((result["ops"]["skipped"], result["live_blocks_at_end"]), (0, 1))


class Judging(e2e.Case):
    def finding(self, text, kind, op, said, *args, allocator="glibc"):
        for load in e2e.LOADS:
            result = self.run_one(text, allocator, "--load", load, *args, exit_code=e2e.FINDING)
            self.assertEqual(e2e.kinds(result), [kind], result["findings"])
            finding = result["findings"][0]
            self.assertEqual(finding["op"], op, finding)
            self.assertRegex(finding["message"], said)
        return finding

    def test_outcomes(self):
        for text, op, said in [
                ("mmap m[0] 0 rw private,anon -> ok", 0, r"mmap on m\[0\] failed with EINVAL, "
                                                         r"allowed: ok"),
                ("mmap m[0] 1p rw private,anon -> EINVAL|ENOMEM", 0,
                 r"mmap on m\[0\] succeeded, allowed: EINVAL\|ENOMEM"),
                ("mmap m[0] 1p rw anon -> ok|EBADF", 0, "failed with EINVAL"),
                ("malloc b[0] 8 -> ENOMEM", 0, r"malloc on b\[0\] succeeded, allowed: ENOMEM"),
                ("malloc b[0] 9223372036854775807 -> ok", 0, "malloc .* failed with ENOMEM"),
                ("posix_memalign b[0] 24 8 -> ok", 0, "posix_memalign .* failed with EINVAL"),
                ("posix_memalign b[0] 64 8 -> EINVAL", 0, "posix_memalign .* succeeded"),
                ("mmap m[0] 2p rw private,anon\nmunmap m[0] 1 1p -> ok", 1,
                 "munmap .* failed with EINVAL"),
                ("mmap m[0] 2p rw private,anon\nmprotect m[0] r 1 1p -> ok", 1, "mprotect"),
                ("mmap m[0] 2p rw private,anon\nmadvise m[0] dontneed 1 1p -> ok", 1, "madvise"),
                ("mmap m[0] 2p rw private,anon\nmremap m[0] 0 -> ok", 1, "mremap .* EINVAL")]:
            with self.subTest(text=text):
                self.finding(text, "unexpected-result", op, said)

    def test_outcomes_met(self):
        self.run_one("""
            mmap m[0] 0 rw private,anon -> EINVAL
            mmap m[0] 1p rw private,anon -> ok|ENOMEM
            malloc b[0] 9223372036854775807 -> ENOMEM
            malloc b[0] 9223372036854775807 -> ok|ENOMEM
            posix_memalign b[1] 24 8 -> EINVAL""", "glibc", exit_code=e2e.CLEAN)

    def test_op_numbers(self):
        """Statements in the order of the text; closing braces, comments and headers do not count."""
        finding = self.finding("""
            # a comment
            malloc b[0] 8

            repeat 5 {
              repeat 2 {
                checkpoint c
              }
              trim
            }
            fork {
              free b[0]
            }
            sleep 1ms
            expect maps == 77""", "expectation", 8, r"expected maps == 77, measured -?\d+")
        self.assertEqual((finding["count"], finding["iteration"]), (1, 0))

    def test_iteration(self):
        finding = self.finding("""
            repeat 5 {
              malloc b[3:9] 8
              mmap m[2:9] 1p rw private,anon -> ok
              expect mmap.made <= 14
              munmap m[2:9]
            }""", "expectation", 3, r"mmap.made <= 14, measured (at least )?21")
        self.assertEqual((finding["count"], finding["iteration"]), (3, 2))

    def test_expectations(self):
        for metric, value in (("maps", 1), ("maps.peak", 2), ("mapped", 3), ("mapped.peak", 5),
                              ("rss", 2), ("rss.peak", 3), ("munmap.made", 2),
                              ("munmap.failed", 1), ("mmap.made", 2), ("maps.lost", 0),
                              ("mapped.lost", 0)):
            pages = "" if "." in metric and "peak" not in metric or "maps" in metric else "p"
            setup = """
                mmap m[0] 3p rw private,anon
                touch m[0]
                mmap m[1] 2p r private,anon
                munmap m[1]
                munmap m[0] 1 1p
                madvise m[0] dontneed 1p 1p
                """
            # Of `rss.peak` only what checkpoints and statement ends saw counts.
            holds = {"==": (value, value + 1), "!=": (value - 1, value), "<": (value + 1, value),
                     "<=": (value, value - 1), ">": (value - 1, value), ">=": (value, value + 1)}
            for which, found in enumerate([[], [("expectation", 6)]]):
                texts = [f"expect {metric} {relation} {values[which]}{pages}"
                         for relation, values in holds.items() if values[which] >= 0]
                results = self.run_all([self.program(setup + text, f"{i}.prog")
                                        for i, text in enumerate(texts)], ["glibc"],
                                       exit_code=e2e.FINDING if found else e2e.CLEAN)
                for text, result in zip(texts, results):
                    with self.subTest(text):
                        self.assertEqual(e2e.found(result), found)

    def test_no_oracles_no_findings(self):
        result = self.run_one("malloc b[0] 8 -> ENOMEM\nexpect maps == 999", "glibc",
                              "--no-oracles", exit_code=e2e.CLEAN)
        self.assertEqual(result["instrumentation"], [])
        self.run_one("malloc b[0:9] 8\nfree b[0:9]", "void", "--no-oracles", exit_code=e2e.CLEAN)

    def test_same_verdict_every_time(self):
        path = self.program("malloc b[0:9] 8\nmmap m[0] 0 rw private,anon -> ok\nfree b[0:9]")
        results = [self.run_one(path, "glibc", "--seed", str(seed), exit_code=e2e.FINDING)
                   for seed in (1, 1, 2, 3, 18446744073709551615)]
        self.assertEqual(len({str(result["findings"]) for result in results}), 1)
        self.assertEqual([result["seed"] for result in results][:4], [1, 1, 2, 3])


class Absent(e2e.Case):
    def test_lacking_functions(self):
        library = self.library(e2e.BUMP, "-DMALLOC_AND_FREE_ONLY")
        for load in e2e.LOADS:
            result = self.run_one("""
                malloc b[0] 8 -> ok
                calloc b[1] 2 8 -> ENOMEM
                realloc b[0] 100
                reallocarray b[0:3] 10 10
                aligned_alloc b[2] 64 64
                posix_memalign b[2] 64 64
                memalign b[2] 64 64
                valloc b[2] 64
                pvalloc b[2] 64
                usable b[0:4]
                trim
                free b[0]""", library, "--load", load, exit_code=e2e.CLEAN)
            ops = result["ops"]
            self.assertEqual(ops["absent"], {
                "calloc": 1, "realloc": 1, "reallocarray": 3, "aligned_alloc": 1,
                "posix_memalign": 1, "memalign": 1, "valloc": 1, "pvalloc": 1, "usable": 4,
                "trim": 1})
            self.assertEqual((ops["executed"], ops["skipped"]), (2, 15))
            self.assertEqual(sorted(result["served_by_own_file"]), ["free", "malloc"])

    def test_sized_frees(self):
        """With the size and alignment asked for; never a block that the standard leaves out."""
        for load in e2e.LOADS:
            ops = self.run_one("""
                malloc b[0] 100
                reallocarray b[1] 3 100
                aligned_alloc b[2] 64 128
                memalign b[3] 64 128
                free_sized b[0:2]
                free_aligned_sized b[2]
                free_sized b[3]
                free_aligned_sized b[3]
                free_sized b[2]
                free b[3]
                expect maps == 0""", "guard", "--load", load, exit_code=e2e.CLEAN)["ops"]
            self.assertEqual((ops["executed"], ops["skipped"]), (9, 2))

    def test_one_lacking(self):
        library = self.library()
        for load in e2e.LOADS:
            result = self.run_one("reallocarray b[0] 3 8\nrealloc b[0] 24\nfree b[0]", library,
                                  "--load", load, exit_code=e2e.CLEAN)
            self.assertEqual(result["ops"]["absent"], {"reallocarray": 1})


class ExitCodes(e2e.Case):
    def setUp(self):
        super().setUp()
        self.clean = self.program("malloc b[0] 8\nfree b[0]", "clean.prog")
        self.finding = self.program("expect maps == 999", "finding.prog")
        self.unsupported = self.program("fault munmap ENOMEM\nmalloc b[0] 8", "unsupported.prog")
        self.broken = self.library(e2e.BUMP + "__attribute__((constructor)) static void b(void)"
                                              "{ kill(getpid(), SIGKILL); }", name="broken.so")

    def test_gravest_decides(self):
        for programs, allocators, code in [
                ([self.clean], ["glibc"], e2e.CLEAN),
                ([self.unsupported], ["glibc"], e2e.UNSUPPORTED),
                ([self.unsupported], ["glibc", "guard"], e2e.UNSUPPORTED),
                ([self.unsupported, self.clean], ["glibc"], e2e.CLEAN),
                ([self.clean, self.finding, self.unsupported], ["glibc"], e2e.FINDING),
                ([self.finding, self.clean], ["glibc", "guard"], e2e.FINDING),
                ([self.clean, self.finding], [self.broken, "glibc"], e2e.BROKEN),
                ([self.unsupported], [self.broken], e2e.UNSUPPORTED)]:
            with self.subTest(programs=programs, allocators=allocators):
                # Without the tape nothing can be refused.
                results = self.run_all(programs, allocators, "--no-tape", exit_code=code)
                ran = [(r["program"]["path"], r["allocator"]["name"]) for r in results]
                self.assertEqual(len(set(ran)), len(results))

    def test_unsupported(self):
        for text, args, said in [
                ("ballast 4000000000\nmalloc b[0] 8", [], "more maps than the ballast line"),
                ("fault munmap ENOMEM\nmalloc b[0] 8", ["--no-tape"], "tape, which is off")]:
            result = self.run_one(text, "glibc", *args, exit_code=e2e.UNSUPPORTED)
            self.assertEqual((result["outcome"], result["findings"]), ("unsupported", []))
            self.assertIn(said, result["reason"])

    def test_undecided_expectation_is_unsupported(self):
        for metric in ("munmap.made", "maps.lost"):
            text = f"malloc b[0:50] 1M\nfree b[0:50]\nexpect {metric} <= 2"
            result = self.run_one(text, "glibc", "--no-tape", exit_code=e2e.UNSUPPORTED)
            self.assertEqual(result["outcome"], "unsupported")
            self.assertRegex(result["reason"], r"expect at op 2 was not decided: .*: the tape is off")

    def test_known_findings(self):
        """One that glibc's profile knows: shown and counted, and clean unless --strict."""
        version = self.run_one(self.clean, "glibc")["allocator"]["version"]
        if version != "2.36":
            self.skipTest(f"glibc {version} is not the one that the profile was written for")
        path = self.program("aligned_alloc b[0] 24 48\nfree b[0]", "known.prog")
        for args, code, outcome in (([], e2e.CLEAN, "clean"),
                                    (["--strict"], e2e.FINDING, "finding")):
            result = self.run_one(path, "glibc", *args, exit_code=code)
            self.assertEqual(result["outcome"], outcome)
            finding, = result["findings"]
            self.assertEqual((finding["kind"], finding["known"]), ("accepted-bad-alignment", True))
            self.assertTrue(finding["link"].startswith("https://"))

    def test_a_file_has_no_profile(self):
        """The same library by its path is judged by the strict rules alone."""
        library = self.library(e2e.BUMP + "void *aligned_alloc(size_t a, size_t n)"
                                          "{ return bump_take(n); }")
        result = self.run_one("aligned_alloc b[0] 24 48", library, exit_code=e2e.FINDING)
        self.assertIn("accepted-bad-alignment", e2e.kinds(result))


class Print(e2e.Case):
    def test_round_trip(self):
        text = """allocrig 1
            fault munmap ENOMEM nth=3
            malloc   b[ 0 ] 0024   # spaces and comments go
            malloc b[1:65530] 128K
            @1 free b[1:65530:2]
            mmap m[0:9] 1p rw private,anon
            munmap m[0:9:2] -> ENOMEM|ok
            mmap m[7] 1p rw anon -> EINVAL
            repeat 3 {
              fork {
                malloc b[5] 4096
              }
              @2 repeat 2 {
                touch b[5] 0 8
              }
            }
            expect rss <= 32M
            """.replace("b[ 0 ]", "b[0]")
        path = self.file("p.prog", text)
        once = e2e.allocrig("run", "--print", path)
        self.assertEqual((once.returncode, once.stderr), (e2e.CLEAN, ""))
        again = e2e.allocrig("run", "--print", "-", input=once.stdout)
        self.assertEqual((again.returncode, again.stdout), (e2e.CLEAN, once.stdout))
        self.assertNotIn("#", once.stdout)
        self.assertIn("malloc b[0] 24\n", once.stdout)

    def test_seeds(self):
        for name in sorted(os.listdir(e2e.SEEDS)):
            once = e2e.allocrig("run", "--print", os.path.join(e2e.SEEDS, name))
            again = e2e.allocrig("run", "--print", "-", input=once.stdout)
            self.assertEqual((once.returncode, again.stdout), (e2e.CLEAN, once.stdout), name)
            self.assertTrue(once.stdout.startswith("allocrig 1\n"))

    def test_bad_program_prints_nothing(self):
        path = self.program("malloc b[0] 8\nfrob")
        got = e2e.allocrig("run", "--print", self.program("malloc b[0] 8", "q.prog"), path)
        self.assertEqual((got.returncode, got.stdout), (e2e.MISUSE, ""))


class Size(e2e.Case):
    # About 150 MB of text: more than may be kept in memory.
    STATEMENTS = 10000000
    MOST_KIB = 100 << 10

    def test_memory_does_not_grow_with_the_program(self):
        block = "".join(f"malloc b[{i % 50}] {i % 7 + 1}00\nfree b[{i % 50}]\n"
                        for i in range(500))
        path = os.path.join(self.dir, "long.prog")
        with open(path, "w") as out:
            out.write("allocrig 1\n")
            for _ in range(self.STATEMENTS // 1000):
                out.write(block)
        # Children of children count too: the highest of allocrig and allocrig-child.
        command = [sys.executable, "-c",
                   "import resource, subprocess, sys\n"
                   "code = subprocess.call(sys.argv[1:])\n"
                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
                   "sys.exit(code)", e2e.ALLOCRIG, "run", path, "-a", "glibc", "--json",
                   os.path.join(self.dir, "out.jsonl")]
        got = subprocess.run(command, capture_output=True, text=True, timeout=110)
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        self.assertLess(int(got.stdout.splitlines()[-1]), self.MOST_KIB)
        with open(os.path.join(self.dir, "out.jsonl")) as file:
            self.assertIn(f'"executed":{self.STATEMENTS},', file.read())


if __name__ == "__main__":
    e2e.main()
