"""Kernels that lack something, full map tables, tight limits, ordinary users and sudden ends.

What a kernel lacks is taken away by a seccomp filter around allocrig: it answers as an older kernel
does.
"""

import ctypes
import errno
import json
import os
import resource
import struct
import subprocess
import unittest

import e2e

# Rules of a filter: system call, number of the argument, its value, and the error.
SYS_IOCTL, SYS_PRCTL = 16, 157


def ioctl_of_proc(nr, size):
    return 3 << 30 | size << 16 | ord("f") << 8 | nr


DISPATCH = (SYS_PRCTL, 0, 59, errno.EINVAL)  # Syscall User Dispatch
QUERY = (SYS_IOCTL, 1, ioctl_of_proc(17, 104), errno.ENOTTY)  # PROCMAP_QUERY
SCAN = (SYS_IOCTL, 1, ioctl_of_proc(16, 96), errno.ENOTTY)  # PAGEMAP_SCAN


def bpf(*rules):
    def insn(code, jump_true, jump_false, k):
        return struct.pack("HBBI", code, jump_true, jump_false, k)
    load, jump_equal, ret = 0x20, 0x15, 0x06
    program = b""
    for nr, arg, value, err in rules:
        program += (insn(load, 0, 0, 0) + insn(jump_equal, 0, 3, nr) +
                    insn(load, 0, 0, 16 + 8 * arg) + insn(jump_equal, 0, 1, value) +
                    insn(ret, 0, 0, 0x00050000 | err))
    return program + insn(ret, 0, 0, 0x7fff0000)


LIBC = ctypes.CDLL(None, use_errno=True)


def lacking(*rules):
    """For a preexec_fn: from there on the kernel answers these calls with an error."""
    program = bpf(*rules)
    code = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))

    def install(keep=code):
        no_new_privs, set_seccomp, filter_mode = 38, 22, 2
        if LIBC.prctl(no_new_privs, 1, 0, 0, 0) or LIBC.prctl(set_seccomp, filter_mode, head, 0, 0):
            raise OSError(ctypes.get_errno(), f"no seccomp for {len(keep)} bytes")
    return install


def without(*rules):
    return {"preexec_fn": lacking(*rules)}


def filters_work():
    try:
        got = subprocess.run(["true"], **without(DISPATCH, QUERY, SCAN), check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return os.uname().machine == "x86_64" and got.returncode == 0


NO_DISPATCH = [(DISPATCH,), (DISPATCH, QUERY), (DISPATCH, QUERY, SCAN)]
FREES = """
    malloc b[0:4] 100000
    touch b[0:4]
    free b[0:4]"""


def map_limit():
    with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
        return int(file.read())


def fill(count, thread=lambda _: ""):
    """Mappings of which no two neighbours merge."""
    return "\n".join(f"{thread(i)}mmap m[{i}] 1p {'r' if i % 2 else 'rw'} private,anon -> ok|ENOMEM"
                     for i in range(count))


class Kernel(e2e.Case):
    def unsupported(self, text, why, *args, allocator="glibc", **more):
        result = self.run_one(text, allocator, *args, exit_code=e2e.UNSUPPORTED, **more)
        self.assertEqual((result["outcome"], result["findings"]), ("unsupported", []))
        self.assertRegex(result["reason"], why)
        return result

    def needs_all(self):
        watch = self.run_one(FREES, "glibc")["watch"]
        if (watch["tape"], watch["ledger"]) != ("on", "exact"):
            self.skipTest(watch["reason"])


@unittest.skipUnless(filters_work(), "no seccomp filters for x86-64 here")
class NoDispatch(Kernel):
    WHY = "no Syscall User Dispatch"

    def test_runs_go_on(self):
        for rules in NO_DISPATCH:
            for load in e2e.LOADS:
                result = self.run_one(FREES, "glibc", "--load", load, exit_code=e2e.CLEAN,
                                      **without(*rules))
                self.assertEqual(result["outcome"], "clean")
                watch, lost = result["watch"], result["lost"]
                self.assertEqual((watch["tape"], watch["ledger"]), ("unsupported", "sampled"))
                self.assertIn(self.WHY, watch["reason"])
                self.assertEqual((lost["maps"], lost["mapped_bytes"], lost["rss_bytes"]),
                                 (None, None, None))
                self.assertEqual(lost["unsupported"], watch["reason"])
                self.assertEqual(result["peak"]["method"], "sampled")
                self.assertNotIn("tape", result["instrumentation"])
                self.assertEqual(result["calls"], {})
                self.assertIsNone(result["growth"])

    def test_the_programs_own_calls_are_known(self):
        result = self.run_one("""
            mmap m[0:3] 1p rw shared,anon -> ok
            munmap m[1] -> ok
            expect mmap.made == 3
            expect munmap.failed == 0
            expect maps.lost == 0
            expect maps == 2""", "glibc", exit_code=e2e.CLEAN, **without(*NO_DISPATCH[-1]))
        self.assertEqual(result["lost"], {"maps": 0, "mapped_bytes": 0, "rss_bytes": 0})
        self.assertEqual(result["calls"]["mmap"]["made"], 3)

    def test_what_cannot_be_decided(self):
        begin = "mmap m[0] 1p rw shared,anon\nmalloc b[0] 8\n"
        for rules in NO_DISPATCH:
            for metric in ("munmap.failed", "munmap.made", "maps.lost", "mapped.lost"):
                self.unsupported(begin + f"expect {metric} == 0", self.WHY, **without(*rules))
            self.unsupported(begin + "expect maps.peak == 2", "higher: .*" + self.WHY,
                             **without(*rules))
        # A lower bound decides that much.
        rules = without(DISPATCH)
        self.run_one(begin + "expect maps.peak >= 1\nexpect mmap.made >= 1", "glibc",
                     exit_code=e2e.CLEAN, **rules)
        self.run_one(begin + "expect maps.peak <= 0", "glibc", exit_code=e2e.FINDING, **rules)
        self.run_one(begin + "expect munmap.failed == 0", "glibc", "--no-oracles",
                     exit_code=e2e.CLEAN, **rules)

    def test_no_call_can_be_refused(self):
        for rules in NO_DISPATCH:
            more = without(*rules)
            result = self.unsupported("fault munmap ENOMEM nth=1\n" + FREES, self.WHY, **more)
            self.assertEqual(result["ops"]["executed"], 0)
            self.unsupported(FREES, self.WHY, "--fault", "mmap ENOMEM nth=1", **more)
            got = e2e.allocrig("run", self.program(FREES), "-a", "glibc", "--sweep", "munmap",
                               "--json", "-", **more)
            self.assertEqual(got.returncode, e2e.UNSUPPORTED, got)
            *_, row = [json.loads(line) for line in got.stdout.splitlines()]
            self.assertEqual((row["schema"], row["outcome"], row["tried"]),
                             ("allocrig.sweep/1", "unsupported", 0))
            self.assertIn(self.WHY, row["reason"])

    def test_what_was_asked_for_and_cannot_be_had(self):
        tape = os.path.join(self.dir, "tape.jsonl")
        for args in (["--tape", tape], ["--check-ledger"]):
            self.unsupported(FREES, self.WHY, *args, **without(DISPATCH))
        got = e2e.allocrig("run", self.program(FREES), "-a", "glibc", "--show-tape",
                           **without(DISPATCH))
        self.assertEqual(got.returncode, e2e.UNSUPPORTED, got)
        self.assertIn("the tape lacks the calls of the allocator", got.stdout)

    def test_for_people(self):
        got = e2e.allocrig("run", self.program(FREES), "-a", "glibc", **without(DISPATCH))
        head, row, why = got.stdout.splitlines()
        column = head.index("UNMAP ERR")
        self.assertEqual(row[column:column + 9].strip(), "0+")
        self.assertRegex(row, r"clean +\d+\+ ")
        self.assertIn(self.WHY, why)


@unittest.skipUnless(filters_work(), "no seccomp filters for x86-64 here")
class NoQuery(Kernel):
    WHY = "no PROCMAP_QUERY"

    def setUp(self):
        super().setUp()
        self.needs_all()

    def test_calls_are_exact_and_maps_are_sampled(self):
        library = self.library(e2e.MAPPER)
        for load in e2e.LOADS:
            whole = self.run_one(FREES, library, "--load", load, exit_code=e2e.CLEAN)
            result = self.run_one(FREES, library, "--load", load, exit_code=e2e.CLEAN,
                                  **without(QUERY))
            watch = result["watch"]
            self.assertEqual((watch["tape"], watch["ledger"]), ("on", "sampled"))
            self.assertIn(self.WHY, watch["reason"])
            self.assertEqual(result["calls"], whole["calls"])
            self.assertEqual(result["lost"], {"maps": 0, "mapped_bytes": 0, "rss_bytes": 0})
            self.assertEqual((whole["peak"]["method"], result["peak"]["method"]),
                             ("ledger", "sampled"))
            self.assertLessEqual(result["peak"]["maps"], whole["peak"]["maps"])
            self.assertEqual(result["checkpoints"][-1]["maps"], whole["checkpoints"][-1]["maps"])

    def test_of_a_loss_bytes_are_known(self):
        library = self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0")
        text = "fault munmap ENOMEM nth=2\n" + FREES
        for load in e2e.LOADS:
            result = self.run_one(text, library, "--load", load, exit_code=e2e.FINDING,
                                  **without(QUERY))
            self.assertEqual(e2e.kinds(result), ["lost-mapping"])
            self.assertIn("an unknown number of maps", result["findings"][0]["message"])
            lost = result["lost"]
            self.assertEqual((lost["maps"], lost["mapped_bytes"]), (None, 102400))
            self.assertIn(self.WHY, lost["unsupported"])

    def test_of_maps_nothing_is_decided(self):
        library = self.library(
            "static void *kept;\nstatic unsigned long kept_len;\n" + e2e.MAPPER,
            "-DBEFORE_MALLOC=if (kept && munmap(kept, kept_len) == 0) kept = NULL",
            "-DFREE_FAILED=kept = h, kept_len = h->size")
        text = """
            fault munmap ENOMEM nth=1
            malloc b[0] 100000
            free b[0]
            expect mapped.lost == 25p
            {}
            malloc b[0] 8"""
        self.run_one(text.format("expect maps.lost == 1"), library, exit_code=e2e.CLEAN)
        self.run_one(text.format(""), library, exit_code=e2e.CLEAN, **without(QUERY))
        for expectation in ("maps.lost == 1", "maps.peak == 1"):
            self.unsupported(text.format("expect " + expectation), self.WHY, allocator=library,
                             **without(QUERY))

    def test_nothing_lost_is_no_maps_lost(self):
        self.run_one(FREES + "\nexpect maps.lost == 0\nexpect munmap.failed == 0",
                     self.library(e2e.MAPPER), exit_code=e2e.CLEAN, **without(QUERY))

    def test_growth_is_not_judged(self):
        library = self.library(e2e.MAPPER, "-DUNMAP(p,len)=0",
                               "-DMAP(len)=mmap(NULL,len,3,MAP_SHARED|MAP_ANONYMOUS,-1,0)")
        text = "repeat 300 {\nmalloc b[0] 100\nfree b[0]\n}"
        result = self.run_one(text, library, exit_code=e2e.FINDING)
        self.assertIn("map-growth", e2e.kinds(result))
        result = self.run_one(text, library, exit_code=e2e.CLEAN, **without(QUERY))
        self.assertIsNone(result["growth"])

    def test_tape_and_sweep_work(self):
        path = os.path.join(self.dir, "tape.jsonl")
        library = self.library(e2e.MAPPER)
        self.run_one(FREES, library, "--tape", path, exit_code=e2e.CLEAN, **without(QUERY))
        tape = e2e.lines_of(path)
        self.assertEqual([e["call"] for e in tape], ["mmap"] * 4 + ["munmap"] * 4)
        self.assertEqual({(e["maps"], e["mapped_bytes"]) for e in tape}, {(None, None)})
        got = e2e.allocrig("run", self.program(FREES), "-a", library, "--sweep", "mmap",
                           "--json", "-", **without(QUERY))
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        row = json.loads(got.stdout.splitlines()[-1])
        self.assertEqual((row["made"], row["tried"], row["handled"]), (4, 4, 4))

    def test_the_ledger_cannot_be_checked(self):
        result = self.unsupported(FREES, "ledger cannot be checked: .*" + self.WHY,
                                  "--check-ledger", **without(QUERY))
        self.assertNotIn("check-ledger", result["instrumentation"])

    def test_no_scan(self):
        library = self.library(e2e.MAPPER)
        whole = self.run_one(FREES, library, exit_code=e2e.CLEAN)
        result = self.run_one(FREES, library, exit_code=e2e.CLEAN, **without(SCAN))
        if whole["harness"]["rss_method"] == "PAGEMAP_SCAN":
            self.assertEqual(result["harness"]["rss_method"], "pagemap")
        self.assertEqual(result["peak"]["rss_bytes"], whole["peak"]["rss_bytes"])
        self.assertEqual(result["watch"], whole["watch"])


@unittest.skipIf(map_limit() > 1 << 20, "vm.max_map_count is too large for a quick test")
class Ballast(Kernel):
    """KERNEL.md: a mapping is refused when the process has more maps than the limit says."""

    def check_full(self, result, headroom, tried):
        mmap = result["calls"]["mmap"]
        self.assertEqual(result["harness"]["maps"] + headroom, map_limit())
        self.assertEqual(mmap["made"] - mmap["failed"], headroom + 1, mmap)
        self.assertEqual(mmap["made"], tried)
        if result["watch"]["ledger"] == "exact":
            self.assertEqual(result["peak"]["maps"] + result["harness"]["maps"], map_limit() + 1)

    def test_headroom_is_exact(self):
        before, headrooms = map_limit(), [0, 1, 2, 3, 8, 16, 40, 1000]
        paths = [self.program(f"ballast {n}\n" + fill(n + 5), f"{n}.prog") for n in headrooms]
        for load in e2e.LOADS:
            for n, result in zip(headrooms, self.run_all(paths, [self.library()], "--load", load,
                                                         exit_code=e2e.CLEAN)):
                with self.subTest(load=load, headroom=n):
                    self.assertEqual(result["ballast"], n)
                    self.check_full(result, n, n + 5)
        self.assertEqual(map_limit(), before)

    def test_with_threads(self):
        text = "ballast 8\n" + fill(13, lambda i: f"@{i % 5} ")
        for load in e2e.LOADS:
            self.check_full(self.run_one(text, "glibc", "--load", load, exit_code=e2e.CLEAN), 8, 13)

    def test_not_in_fork_children(self):
        result = self.run_one(f"""
            ballast 3
            fork {{
              mmap m[0:20000] 1p rw shared,anon -> ok
              fork {{
                mmap m[20000:30000] 1p rw shared,anon -> ok
              }}
            }}
            {fill(9)}
            fork {{
              munmap m[0:4]
              mmap m[100:5000] 1p rw shared,anon -> ok
            }}
            mmap m[9] 1p rw shared,anon -> ENOMEM""", "glibc", exit_code=e2e.CLEAN)
        self.assertEqual(result["calls"]["mmap"], {"made": 34910, "failed": 6, "injected": 0,
                                                   "by_allocator": 0})

    @unittest.skipUnless(filters_work(), "no seccomp filters for x86-64 here")
    def test_whatever_the_kernel_lacks(self):
        for rules in [*NO_DISPATCH, (QUERY,), (SCAN,)]:
            result = self.run_one("ballast 2\n" + fill(6), "glibc", exit_code=e2e.CLEAN,
                                  **without(*rules))
            self.check_full(result, 2, 6)

    def test_more_than_is_free(self):
        for n in (map_limit(), map_limit() - 10, 2 ** 63, 2 ** 64 - 1):
            result = self.unsupported(f"ballast {n}\nmalloc b[0] 8",
                                      "more maps than the ballast line leaves$")
            self.assertEqual(result["ops"]["executed"], 0)

    def test_glibc_loses_memory(self):
        self.needs_all()
        for load in e2e.LOADS:
            result = self.run_one("ballast 16\nmalloc b[0:64] 132K\nfree b[1:64:2]", "glibc",
                                  "--load", load, exit_code=e2e.FINDING)
            self.assertEqual(e2e.kinds(result), ["lost-mapping"])
            self.assertGreater(result["lost"]["maps"], 0)
            self.assertEqual(result["calls"]["munmap"]["injected"], 0)


def nobody():
    """For subprocess: an ordinary user, where the tests run as root."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


def nobody_can(path):
    return subprocess.run(["test", "-x", path], **nobody(), check=False).returncode == 0


class Users(Kernel):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o777)
        if not nobody_can(e2e.ALLOCRIG) or not nobody_can(self.dir):
            self.skipTest("an ordinary user cannot run this build")

    def test_all_works_the_same(self):
        library = self.library(e2e.MAPPER, "-DFREE_FAILED=(void)0")
        for text, args in [(FREES, ["--check-ledger"]), ("ballast 16\n" + fill(20), []),
                           (FREES, ["--fault", "munmap ENOMEM nth=2"])]:
            results = [self.run_one(text, library, *args, **more) for more in ({}, nobody())]
            self.assertIn(results[0]["outcome"], ("clean", "finding"))
            for key in ("outcome", "peak", "lost", "watch", "calls", "harness", "instrumentation"):
                self.assertEqual(results[0][key], results[1][key])
            self.assertEqual(*[e2e.kinds(result) for result in results])

    def test_tape_and_sweep(self):
        library = self.library(e2e.MAPPER)
        path = os.path.join(self.dir, "tape.jsonl")
        self.run_one(FREES, library, "--tape", path, exit_code=e2e.CLEAN, **nobody())
        self.assertEqual(len(e2e.lines_of(path)), 8)
        got = e2e.allocrig("run", self.program(FREES), "-a", library, "--sweep", "mmap",
                           "--json", "-", **nobody())
        self.assertEqual(got.returncode, e2e.CLEAN, got)
        self.assertEqual(json.loads(got.stdout.splitlines()[-1])["handled"], 4)


class Limits(Kernel):
    def setUp(self):
        super().setUp()
        self.mapper = self.library(e2e.MAPPER)

    def under(self, limit, value, text, *args):
        def lower():
            resource.setrlimit(limit, (value, value))
        return self.run_one(text, self.mapper, *args, preexec_fn=lower)

    def test_address_space(self):
        """From too little for the harness, by way of too little for ballast, to enough."""
        said = []
        for megabytes in [100, *range(200, 1000, 100), 4000]:
            result = self.under(resource.RLIMIT_AS, megabytes << 20, "ballast 8\nmalloc b[0] 8")
            said.append(f"{result['outcome']}: {result['reason']}")
        different = list(dict.fromkeys(said))
        self.assertEqual(said, sorted(said, key=different.index))
        self.assertEqual(different[0], "broken: no memory for the harness: Cannot allocate memory")
        self.assertIn("unsupported: the ballast cannot be had: Cannot allocate memory", different)
        self.assertEqual(different[-1], "clean: None")

    def test_null_has_a_cause_there(self):
        text = "malloc b[0:4] 500M\nfree b[0:4]"
        result = self.under(resource.RLIMIT_AS, 1500 << 20, text, "--check-ledger")
        self.assertEqual((result["outcome"], result["ops"]["null_at_refusal"] > 0),
                         ("clean", True))

    def test_descriptors(self):
        path = os.path.join(self.dir, "tape.jsonl")
        result = self.under(resource.RLIMIT_NOFILE, 32, FREES + "\nfork {\nmalloc b[9] 8\n}",
                            "--check-ledger", "--tape", path)
        self.assertEqual(result["outcome"], "clean")
        self.assertEqual(len(e2e.lines_of(path)), 9)
        result = self.under(resource.RLIMIT_NOFILE, 14, FREES)
        self.assertEqual(result["outcome"], "broken")
        self.assertRegex(result["reason"], r"^cannot start .*: Too many open files$")

    def test_tape_cannot_be_written(self):
        for path, why in [(self.dir, "Is a directory"), (self.dir + "/no/tape", "No such file"),
                          ("/dev/full", "No space left"), ("", "No such file")]:
            got = e2e.allocrig("run", self.program(FREES), "-a", "glibc", "--tape", path)
            self.assertEqual(got.returncode, e2e.BROKEN, got)
            self.assertRegex(got.stderr, rf"^allocrig: cannot write {path}: {why}.*\n$")

    def test_standard_output_cannot_be_written(self):
        for args in (["--show-tape"], ["--tape", "-"]):
            with open("/dev/full", "wb") as full:
                got = e2e.allocrig("run", self.program(FREES), "-a", "glibc", *args, stdout=full)
            self.assertEqual(got.returncode, e2e.BROKEN, got)
            self.assertIn("cannot write standard output: ", got.stderr)


class Killed(e2e.Marked):
    LOOP = "repeat 1000000000 {\nmalloc b[0:9] 200000\nfree b[0:9]\n}"

    def size(self, path):
        return os.path.getsize(path) if os.path.exists(path) else 0

    def kill(self, process):
        process.kill()
        process.communicate(timeout=30)
        self.wait_for(lambda: not self.marked())

    def whole_lines(self, path):
        """All but one that the kernel was in the midst of taking."""
        with open(path, "rb") as file:
            *lines, _ = file.read().split(b"\n")
        return [json.loads(line) for line in lines]

    def test_sweep(self):
        program = self.program("malloc b[0:40] 100000\nsleep 20ms\nfree b[0:40]")
        path = os.path.join(self.dir, "out.jsonl")
        process = self.start("run", program, "-a", self.library(e2e.MAPPER), "--sweep", "munmap",
                             "--jobs", "3", "--json", path, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.wait_for(lambda: self.size(path) > 10000 and len(self.marked()) > 3)
        self.kill(process)
        self.assertGreater(len(self.whole_lines(path)), 1)
        self.assertEqual({line["schema"] for line in self.whole_lines(path)}, {"allocrig.run/1"})

    def test_taped_run(self):
        path = os.path.join(self.dir, "tape.jsonl")
        for text in (self.LOOP, "fork {\n" + self.LOOP + "\n}"):
            process = self.start("run", self.program(text), "-a", self.library(e2e.MAPPER),
                                 "--tape", path, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            self.wait_for(lambda: self.size(path) > 100000)
            self.kill(process)
            self.assertGreater(len(self.whole_lines(path)), 100)
            os.unlink(path)


if __name__ == "__main__":
    e2e.main()
