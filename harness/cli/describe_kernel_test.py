"""allocrig describe kernel: what is so on any kernel, and that what cannot be measured says so."""
import json
import os
import resource
import signal
import subprocess

import e2e

NO_BODY = 65534


def describe(*args, **more):
    return e2e.allocrig("describe", "kernel", *args, **more)


def measured(**more):
    got = describe("--json", "-", **more)
    assert got.returncode == e2e.CLEAN, got
    lines = got.stdout.splitlines()
    assert len(lines) == 1, got
    return json.loads(lines[0])


def rows(result, table):
    return {row["key"]: row for row in result[table]}


class Described(e2e.Case):
    @classmethod
    def setUpClass(cls):
        cls.result = measured()
        cls.limits = rows(cls.result, "limits")
        cls.merges = rows(cls.result, "merges")
        cls.costs = rows(cls.result, "costs")
        cls.features = {row["name"]: row for row in cls.result["features"]}

    def test_which_kernel(self):
        got = self.result
        self.assertEqual(got["schema"], "allocrig.describe-kernel/1")
        self.assertEqual(got["allocator"]["name"], "kernel")
        self.assertEqual(got["allocator"]["version"], os.uname().release)
        self.assertEqual(got["machine"]["release"], os.uname().release)
        self.assertEqual(got["machine"]["build_id"], got["allocator"]["build_id"])

    def test_machine(self):
        machine = self.result["machine"]
        with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
            self.assertEqual(machine["max_map_count"], int(file.read()))
        with open("/proc/sys/vm/overcommit_memory", encoding="ascii") as file:
            self.assertEqual(machine["overcommit"], int(file.read()))
        self.assertEqual(machine["page_bytes"], resource.getpagesize())
        self.assertGreater(machine["ram_bytes"], machine["page_bytes"])
        self.assertGreaterEqual(machine["swap_bytes"], 0)
        self.assertEqual(machine["root"], os.geteuid() == 0)

    def test_every_row_is_measured_or_says_why(self):
        value = {"limits": "any", "merges": "maps", "costs": "ns"}
        for table, key in value.items():
            self.assertGreater(len(self.result[table]), 10)
            for row in self.result[table]:
                self.assertNotEqual(row[key] is None, row["unsupported"] is None, row)
                self.assertTrue(row["words"], row)

    def highest(self, call):
        """The count up to which it succeeds; `any` is beyond all others."""
        row = self.limits[call]
        if row["unsupported"]:
            self.skipTest(f"{call}: {row['unsupported']}")
        if row["any"]:
            return 1000
        return -1000 if row["highest"] is None else row["highest"]

    def test_what_no_kernel_refuses(self):
        for call in ("munmap-whole", "munmap-edge", "mprotect-whole", "mremap-shrink",
                     "dontneed-middle"):
            with self.subTest(call=call):
                self.assertEqual(self.highest(call), 1000)
                self.assertIsNone(self.limits[call]["refusal"])

    def test_what_costs_more_is_refused_earlier(self):
        for less, more in (("munmap-edge", "munmap-middle"), ("mprotect-whole", "mprotect-edge"),
                           ("mprotect-edge", "mprotect-middle"), ("mmap", "munmap-middle"),
                           ("dontfork-edge", "dontfork-middle"),
                           ("mremap-shrink", "mremap-fixed")):
            with self.subTest(less=less, more=more):
                self.assertGreater(self.highest(less), self.highest(more))

    def test_refusals_have_an_errno(self):
        for call, row in self.limits.items():
            if row["unsupported"] is None and not row["any"]:
                self.assertIn(row["refusal"], ("ENOMEM", "EAGAIN"), call)

    def test_one_beyond_the_limit_at_most(self):
        self.highest("mmap")
        self.assertIn(self.result["highest_count"], (0, 1))

    def maps(self, key):
        row = self.merges[key]
        if row["unsupported"]:
            self.skipTest(f"{key}: {row['unsupported']}")
        return row["maps"]

    def test_merges(self):
        for key, maps in {"neighbours": 1, "other-protection": 2, "bridged": 1, "split-undone": 1,
                          "split-undone-touched": 1, "zero-same-offset": 2, "memfd-apart": 2,
                          "inner-dontfork": 3, "inner-dontneed": 1, "fork-parent": 1,
                          "touched-before-met": 2}.items():
            with self.subTest(key=key):
                self.assertEqual(self.maps(key), maps)

    def test_costs_are_times(self):
        for row in self.result["costs"]:
            if row["ns"] is not None:
                self.assertLess(abs(row["ns"]), 8e9)
                self.assertIn("median" if "map" not in row["key"] else "", row["how"])
        self.assertGreater(self.costs["fork"]["ns"], 0)
        self.assertGreater(self.costs["touch"]["ns"], 0)

    def test_features(self):
        self.assertEqual(len(self.features), len(self.result["features"]))
        self.assertEqual(self.features["madvise dontneed"]["state"], "yes")
        self.assertEqual(self.features["madvise remove"]["detail"], "for shared memory only")
        for name in ("hwpoison", "soft_offline"):
            self.assertEqual(self.features["madvise " + name]["state"], "not-tried")
        for row in self.result["features"]:
            self.assertIn(row["state"], ("yes", "no", "not-tried", "unsupported"), row)

    def test_facts_agree_with_features(self):
        """Whatever has guards has the older calls too."""
        if self.features["madvise guard_install"]["state"] == "yes":
            for name in ("MREMAP_DONTUNMAP", "MAP_FIXED_NOREPLACE", "PROCMAP_QUERY",
                         "PAGEMAP_SCAN"):
                self.assertEqual(self.features[name]["state"], "yes", name)


class Text(e2e.Case):
    def test_rows(self):
        got = describe()
        self.assertEqual((got.returncode, got.stderr), (e2e.CLEAN, ""))
        for line in (r"kernel +" + os.uname().release, r"max_map_count +\d+ \(L below\)",
                     r"  munmap of the middle +(succeeds while the count is < L, then ENOMEM"
                     r"|succeeds |unsupported: )",
                     r"  two private anonymous neighbours +(1|unsupported: .+)",
                     r"  first write to a page \(fault\) +([\d.]+ (ns|us)  \(median .*\)"
                     r"|unsupported: .+)",
                     r"  madvise hwpoison +not tried: .+"):
            self.assertRegex(got.stdout, rf"(?m)^{line}")

    def test_json_file_beside_text(self):
        path = os.path.join(self.dir, "kernel.json")
        got = describe("--json", path)
        self.assertEqual(got.returncode, e2e.CLEAN)
        self.assertIn("munmap of the middle", got.stdout)
        [result] = e2e.lines_of(path)
        self.assertEqual(result["schema"], "allocrig.describe-kernel/1")

    def test_no_profile_is_written(self):
        path = os.path.join(self.dir, "kernel.profile")
        got = describe("--profile", path)
        self.assertEqual((got.returncode, got.stdout), (e2e.MISUSE, ""))
        self.assertEqual(got.stderr.count("\n"), 1)
        self.assertFalse(os.path.exists(path))

    def test_disk_full(self):
        got = describe("--json", "/dev/full")
        self.assertEqual(got.returncode, e2e.BROKEN)
        self.assertIn("cannot write /dev/full", got.stderr)


class Restricted(e2e.Case):
    """Whoever may do less gets rows that say so, and the others all the same."""

    @staticmethod
    def limited(what, value):
        return lambda: resource.setrlimit(what, (value, value))

    def test_ordinary_user(self):
        if os.geteuid() != 0:
            self.skipTest("is one already")

        def give_up():
            os.setgroups([])
            os.setgid(NO_BODY)
            os.setuid(NO_BODY)

        result = measured(preexec_fn=give_up)
        self.assertFalse(result["machine"]["root"])
        self.assertEqual(rows(result, "merges")["neighbours"]["maps"], 1)
        self.assertIsNone(rows(result, "limits")["munmap-middle"]["unsupported"])

    def test_nothing_may_be_locked(self):
        if os.geteuid() == 0:
            self.skipTest("root may lock")
        result = measured(preexec_fn=self.limited(resource.RLIMIT_MEMLOCK, 0))
        self.assertIsNotNone(rows(result, "limits")["mlock-middle"]["unsupported"])
        self.assertEqual(result["machine"]["memlock_bytes"], 0)

    def test_little_address_space(self):
        """Too little for the fillers: the limits are not measured, the rest is."""
        result = measured(preexec_fn=self.limited(resource.RLIMIT_AS, 200 << 20))
        limits = rows(result, "limits")
        if result["machine"]["max_map_count"] < 60000:
            self.skipTest("the fillers are small here")
        self.assertIn("Cannot allocate memory", limits["munmap-middle"]["unsupported"])
        self.assertIsNone(limits["munmap-middle"]["any"])
        self.assertEqual(rows(result, "merges")["neighbours"]["maps"], 1)

    def test_no_processes(self):
        """Where nothing can be forked every row says so."""
        if os.geteuid() == 0:
            self.skipTest("root may always fork")
        result = measured(preexec_fn=self.limited(resource.RLIMIT_NPROC, 0))
        for table in ("limits", "merges", "costs"):
            for row in result[table]:
                self.assertIn("no process could measure it", row["unsupported"])


class Interrupted(e2e.Marked):
    def test_leaves_nothing_behind(self):
        process = self.start("describe", "kernel", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for(lambda: len(self.marked()) > 1 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (e2e.CLEAN, e2e.BROKEN))
        self.wait_for(lambda: not self.marked())


if __name__ == "__main__":
    e2e.main()
