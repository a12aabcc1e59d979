"""End to end: the supervisor of fuzz targets, with targets that do as they are told."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import e2e
from e2e import BROKEN, CLEAN, FINDING, MISUSE, UNSUPPORTED, Case, Marked, allocrig, have

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import fuzz_dir  # noqa: E402

FAKE = os.path.join(os.path.dirname(e2e.ALLOCRIG), "fuzz_fake")


class Fuzzes(Marked):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.dir, "out")

    def args(self, *more, seconds=1, jobs=1):
        named = [] if "-a" in more else ["-a", "glibc"]
        return ["fuzz", *named, "--out", self.out, "--targets", FAKE, "--time", f"{seconds}s",
                "--jobs", str(jobs), "--shrink-time", "0s", *more]

    def env(self, fake, **more):
        return {**os.environ, "ALLOCRIG_FAKE": fake, self.MARK: self.dir, **more}

    def fuzz(self, fake, *more, exit_code=CLEAN, env=None, **args):
        got = allocrig(*self.args(*more, **args), env=self.env(fake, **(env or {})))
        self.assertEqual(got.returncode, exit_code, f"{got.stdout}\n{got.stderr}")
        return got

    def result(self, fake, *more, **args):
        got = self.fuzz(fake, "--json", "-", *more, **args)
        results = [json.loads(line) for line in got.stdout.splitlines()]
        for result in results:
            self.assertEqual(result["schema"], "allocrig.fuzz/1")
        return results[0] if len(results) == 1 else results

    def begin(self, fake, *more, **args):
        """Starts it, with its words in a file each."""
        self.said = open(os.path.join(self.dir, "said"), "w+", encoding="utf-8")
        self.complained = open(os.path.join(self.dir, "complained"), "w+", encoding="utf-8")
        self.addCleanup(self.said.close)
        self.addCleanup(self.complained.close)
        process = subprocess.Popen([e2e.ALLOCRIG, *self.args(*more, **args)], stdout=self.said,
                                   stderr=self.complained, stdin=subprocess.DEVNULL,
                                   env=self.env(fake))
        self.addCleanup(process.kill)
        self.process = process
        return process

    def text(self, file):
        with open(file.name, encoding="utf-8") as again:
            return again.read()

    def wait_for_finding(self):
        def is_told():
            self.assertIsNone(self.process.poll(), self.text(self.complained))
            return fuzz_dir.told(self.text(self.said))
        self.wait_for(is_told)

    def dir_is_sound(self, out=None):
        problems, filed = fuzz_dir.check(out or self.out)
        self.assertEqual(problems, [])
        return filed

    def totals(self):
        with open(os.path.join(self.out, "fuzz.json"), encoding="utf-8") as file:
            return json.load(file)["totals"]

    def assert_one_line(self, got, *words):
        self.assertEqual((got.stdout, got.stderr.count("\n")), ("", 1), got.stderr)
        for word in words:
            self.assertIn(word, got.stderr)


class Options(Fuzzes):
    def test_misuse(self):
        for more, word in [
                (["--time", "0s"], "--time"), (["--time", "soon"], "--time"),
                (["--time", "1500ms", "-a", "glibc", "-a", "guard"], "second"),
                (["--jobs", "0"], "--jobs"), (["--jobs", "9999"], "--jobs"),
                (["--climb", "up"], "--climb"), (["--hang-after", "0s"], "--hang-after"),
                (["--load", "static"], "--load"), (["--seed", "x"], "--seed"),
                (["--climb", "maps", "--compare-with", "guard"], "--climb"),
                (["-a", "kernel", "--compare-with", "guard"], "kernel"),
                (["-a", "glibc", "-a", "glibc", "--time", "9s"], "same"),
                (["-a", "/nowhere/none.so"], "none.so"), (["--out", ""], "--out"),
                (["-a", "void"], "void"), (["surplus"], "surplus"),
                (["--corpus", "/nowhere"], "/nowhere")]:
            with self.subTest(more=more):
                self.assert_one_line(self.fuzz("", *more, exit_code=MISUSE), word)
        for args in [["fuzz", "-a", "glibc"], ["fuzz", "--out", self.out]]:
            got = allocrig(*args)
            self.assertEqual(got.returncode, MISUSE)
            self.assert_one_line(got, "--out" if "-a" in args else "-a")

    def test_help(self):
        got = allocrig("fuzz", "--help")
        self.assertEqual((got.returncode, got.stderr), (CLEAN, ""))
        self.assertIn("--shrink-time", got.stdout)
        self.assertIn("fuzz ", allocrig("--help").stdout)

    def test_targets_that_are_not_there(self):
        os.mkdir(os.path.join(self.dir, "empty"))
        got = self.fuzz("", "--targets", os.path.join(self.dir, "empty"), exit_code=UNSUPPORTED)
        self.assert_one_line(got, "fuzz_alloc")
        self.assertFalse(os.path.exists(self.out))

    def test_which_target_and_how(self):
        """The kernel has its own target, a comparison too, and each seed is another one."""
        seeds = set()
        for args, name, words in [
                ([], "fuzz_alloc", ["--allocator=glibc", "--load=preload"]),
                (["--load", "dlopen", "--strict"], "fuzz_alloc", ["--load=dlopen", "--strict"]),
                (["-a", "kernel"], "fuzz_mmap", ["--allocator=kernel"]),
                (["--compare-with", "guard"], "fuzz_diff", ["--other=guard"])]:
            with self.subTest(args=args):
                self.out = os.path.join(self.dir, f"out{len(seeds)}")
                process = self.begin("", *args, "--hang-after", "3s", seconds=30, jobs=2)
                lines = self.command_lines(process, 2)
                for line in lines:
                    self.assertEqual(os.path.basename(line[0]), name)
                    self.assertLessEqual({*words, "--hang-after=3000000000ns", "-reload=1"},
                                         set(line))
                    self.assertIn(os.path.join(os.path.realpath(self.out), "corpus"), line)
                    seeds |= {(name, *words, w) for w in line if w.startswith("-seed=")}
                self.assertEqual(len({w for line in lines for w in line
                                      if w.startswith(("-seed=", "--stats="))}), 4)
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(), CLEAN)

    def command_lines(self, process, n):
        lines = []

        def all_are_there():
            self.assertIsNone(process.poll(), "it ended")
            lines.clear()
            for pid in self.marked():
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
                if pid != process.pid and words[0].startswith(FAKE):
                    lines.append(words)
            return len(lines) == n
        self.wait_for(all_are_there)
        return lines


class Findings(Fuzzes):
    def test_told_and_filed_once(self):
        got = self.fuzz("find=50 signatures=2 repeat", exit_code=FINDING, jobs=2)
        told = fuzz_dir.told(got.stdout)
        self.assertEqual({s for _, s in told}, {"overlap/malloc/fake0", "overlap/malloc/fake1"})
        self.assertEqual(dict(told), self.dir_is_sound())
        self.assertEqual(len(told), 2)
        self.assertIn("made up, number 1", got.stdout)
        self.assertEqual([n for n in os.listdir(os.path.join(self.out, "inbox"))
                          if not n.startswith(".")], [])
        self.assertGreater(self.totals()["repeated"], 0)
        with open(os.path.join(self.out, "skip.txt"), encoding="utf-8") as file:
            self.assertEqual(sorted(file.read().split()), sorted(s for _, s in told))
        # Earlier ones are listed and are no finding of the next call.
        inputs = self.totals()["inputs"]
        got = self.fuzz("find=50 signatures=2")
        self.assertEqual(fuzz_dir.told(got.stdout), [])
        self.assertEqual(got.stdout.count("earlier "), 2)
        self.assertGreater(self.totals()["inputs"], inputs)
        self.assertEqual(self.totals()["sessions"], 2)
        # One more is one more.
        got = self.fuzz("find=50 signatures=3", exit_code=FINDING)
        self.assertEqual([s for _, s in fuzz_dir.told(got.stdout)], ["overlap/malloc/fake2"])

    def test_json(self):
        result = self.result("find=50 signatures=1", exit_code=FINDING, seconds=2)
        self.assertEqual((result["outcome"], result["new"], result["earlier"]), ("finding", 1, 0))
        finding = result["findings"][0]
        self.assertEqual((finding["signature"], finding["new"], finding["known"]),
                         ("overlap/malloc/fake0", True, False))
        self.assertTrue(os.path.isdir(finding["path"]))
        self.assertEqual(result["allocator"]["name"], "glibc")
        self.assertEqual((result["load"], result["seed"], result["jobs"]), ("preload", 1, 1))
        self.assertEqual(result["session"]["ops"], 2 * result["session"]["inputs"])
        self.assertGreater(result["session"]["features"], 100)
        self.assertGreater(result["inputs_per_second"], 0)
        self.assertEqual(result["total"], {**result["session"]})
        again = self.result("", exit_code=CLEAN)
        self.assertEqual(again["total"]["inputs"],
                         result["total"]["inputs"] + again["session"]["inputs"])

    def test_moved_and_not_told(self):
        """A call that was killed right between the two: the next one tells it."""
        self.fuzz("find=50 signatures=2", exit_code=FINDING)
        skip = os.path.join(self.out, "skip.txt")
        with open(skip, "w", encoding="utf-8") as file:
            file.write("overlap/malloc/fake1\n")
        got = self.fuzz("", exit_code=FINDING)
        self.assertEqual([s for _, s in fuzz_dir.told(got.stdout)], ["overlap/malloc/fake0"])
        self.dir_is_sound()
        self.fuzz("")

    def test_left_in_the_inbox(self):
        self.fuzz("find=50 signatures=1", exit_code=FINDING)
        findings, inbox = (os.path.join(self.out, n) for n in ("findings", "inbox"))
        name = os.listdir(findings)[0]
        # One that is filed, one that is not, and what is none.
        shutil.copytree(os.path.join(findings, name), os.path.join(inbox, "same"))
        shutil.move(os.path.join(findings, name), os.path.join(inbox, "other"))
        os.mkdir(os.path.join(inbox, "junk"))
        os.mkdir(os.path.join(inbox, ".drop-half"))
        os.mkdir(os.path.join(findings, "junk"))
        got = self.fuzz("", exit_code=FINDING)
        self.assertEqual(len(fuzz_dir.told(got.stdout)), 1)
        self.assertEqual(got.stderr.count("inbox/junk"), 1)
        self.assertEqual(got.stderr.count("findings/junk"), 1)
        self.assertEqual(os.listdir(inbox), ["junk"])
        self.assertEqual(sorted(os.listdir(findings)), ["junk", name])

    def test_shrunk_beside_and_behind(self):
        canary = os.path.join(os.path.dirname(e2e.ALLOCRIG), "allocators", "canary", "overlap.so")
        program = self.program("malloc b[0:40] 24\nmalloc b[50:60] 100\nfree b[0:40]\n"
                               "repeat 3 {\nmalloc b[70:90] 24\nfree b[70:90]\n}")
        run = self.run_one(program, canary)
        signature = run["findings"][0]["signature"]
        result = self.result("find=20", "-a", canary, "--shrink-time", "50s", exit_code=FINDING,
                             env={"ALLOCRIG_FAKE_PROGRAM": program,
                                  "ALLOCRIG_FAKE_SIGNATURE": signature})
        self.assertEqual([(f["signature"], f["state"]) for f in result["findings"]],
                         [(signature, "shrunk")])
        self.assertEqual(result["not_shrunk"], 0)
        folder = result["findings"][0]["path"]
        self.assertLess(os.path.getsize(os.path.join(folder, "program.prog")),
                        os.path.getsize(os.path.join(folder, "found.prog")))
        self.dir_is_sound()

    def test_unfinished_is_first(self):
        self.fuzz("find=50 signatures=2", "--seed", "7", exit_code=FINDING)
        with open(os.path.join(self.out, "findings", os.listdir(
                os.path.join(self.out, "findings"))[0], "found.json"), encoding="utf-8") as file:
            self.assertNotEqual(json.load(file)["state"], "shrunk")
        got = self.fuzz("")
        self.assertIn("not shrunk to the end", got.stdout)


class Targets(Fuzzes):
    def test_that_die_and_stand_still(self):
        got = self.fuzz("die=50", seconds=2)
        self.assertIn("signal 6", got.stderr)
        totals = self.totals()
        self.assertGreater(totals["restarts"], 3)
        # Each start ran its 50 inputs, but the last one.
        self.assertGreaterEqual(totals["inputs"], 50 * totals["restarts"])
        # Told the first few times, then ever more rarely.
        self.assertLess(got.stderr.count("\n"), 16)
        result = self.result("hang=20", "--stall-after", "200ms", seconds=4)
        self.assertGreater(result["session"]["restarts"], 2)

    def test_that_are_no_use(self):
        got = self.fuzz("say=woe exit=3", seconds=30, exit_code=BROKEN)
        self.assertIn("woe", got.stderr)
        self.assertIn("broken", got.stdout)
        self.assertEqual(self.totals()["restarts"], 4)
        for fake in ["say=no-trap exit=77", "say=unsupported:no-trap exit=1"]:
            with self.subTest(fake=fake):
                got = self.fuzz(fake, seconds=30, exit_code=UNSUPPORTED)
                self.assertIn("no-trap", got.stderr)
        folder = os.path.join(self.dir, "bad")
        os.mkdir(folder)
        with open(os.path.join(folder, "fuzz_alloc"), "wb") as file:
            file.write(b"\x7fELF nothing")
        os.chmod(file.name, 0o755)
        got = self.fuzz("", "--targets", folder, seconds=30, exit_code=BROKEN)
        self.assertIn("cannot execute", got.stderr)

    def test_that_talk_without_end(self):
        self.fuzz("spam", seconds=2, jobs=2)
        for job in "01":
            folder = os.path.join(self.out, "jobs", job)
            self.assertLessEqual(set(os.listdir(folder)), {"log", "log.1"})
            for name in os.listdir(folder):
                self.assertLess(os.path.getsize(os.path.join(folder, name)), 1.1 * 2**20)

    def test_time_is_kept(self):
        for seconds in [1, 3]:
            began = time.monotonic()
            self.fuzz("stay", seconds=seconds)
            self.assertGreater(time.monotonic() - began, seconds - 0.6)
            # Late by SIGTERM, which it ignores, at most.
            self.assertEqual(self.marked(), [])


class Ends(Fuzzes):
    def test_interrupt(self):
        for sig in [signal.SIGINT, signal.SIGTERM]:
            for fake in ["find=20", "find=20 stay"]:
                with self.subTest(sig=sig, fake=fake):
                    self.out = os.path.join(self.dir, f"out-{sig}-{len(fake)}")
                    process = self.begin(fake, "--shrink-time", "60s", seconds=300, jobs=2)
                    self.wait_for_finding()
                    process.send_signal(sig)
                    self.assertEqual(process.wait(), FINDING)
                    self.assertEqual(self.marked(), [])
                    said = self.text(self.said)
                    self.assertIn("interrupted", said)
                    self.assertIn("INPUTS/S", said)
                    self.assertEqual(dict(fuzz_dir.told(said)), self.dir_is_sound())
                    self.assertGreater(self.totals()["inputs"], 0)

    def test_kill_leaves_nothing_running_and_the_next_goes_on(self):
        process = self.begin("find=20 signatures=1", "--shrink-time", "60s", seconds=300, jobs=2)
        self.wait_for_finding()
        process.kill()
        process.wait()
        told = dict(fuzz_dir.told(self.text(self.said)))
        self.wait_for(lambda: not self.marked())
        filed = self.dir_is_sound()
        self.assertLessEqual(told.items(), filed.items())
        pages = [os.path.join(top, name) for top, _, names in os.walk(self.out) for name in names
                 if name.startswith("stats.")]
        self.assertEqual(len(pages), 2)
        counted = 0
        for page in pages:
            with open(page, "rb") as file:
                counted += int.from_bytes(file.read(16)[8:], sys.byteorder)
        self.assertGreater(counted, 0)
        result = self.result("")
        self.assertEqual(result["total"]["inputs"], counted + result["session"]["inputs"])
        self.assertEqual(result["total"]["sessions"], 2)
        self.assertEqual([n for _, _, names in os.walk(self.out) for n in names
                          if n.startswith("stats.")], [])

    def test_two_supervisors(self):
        first = self.begin("find=20", seconds=300)
        self.wait_for_finding()
        got = self.fuzz("", exit_code=MISUSE)
        self.assert_one_line(got, "in use", str(first.pid))
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(), FINDING)
        self.dir_is_sound()

    def test_what_folder(self):
        os.mkdir(self.out)
        self.file("out/letter.txt", "dear")
        self.assert_one_line(self.fuzz("", exit_code=MISUSE), "not empty")
        self.file("out/fuzz.json", "{}")
        self.assert_one_line(self.fuzz("", exit_code=MISUSE), "not empty")
        self.assertEqual(sorted(os.listdir(self.out)), ["fuzz.json", "letter.txt"])
        self.out = self.file("file", "")
        self.assert_one_line(self.fuzz("", exit_code=MISUSE), "file")
        # Made with those above it; of one allocator.
        self.out = os.path.join(self.dir, "deep", "er")
        self.fuzz("")
        self.assert_one_line(self.fuzz("", "-a", "guard", exit_code=MISUSE), "glibc")
        self.assert_one_line(self.fuzz("", "--compare-with", "guard", exit_code=MISUSE), "glibc")
        self.assert_one_line(self.fuzz("", "-a", "glibc", "-a", "guard", exit_code=MISUSE,
                                       seconds=2), "one allocator")

    def test_full_disk(self):
        """A file system of its own, filled while it fuzzes."""
        script = """
            set -e
            mkdir -p "$1" && mount -t tmpfs -o size=400k none "$1"
            out=$1; shift
            "$@" > "$out.said" 2> "$out.complained" &
            while ! grep -q ^finding "$out.said"; do sched=; done
            dd if=/dev/zero of="$out/corpus/big" bs=1k >&2 2>/dev/null || :
            code=0; wait $! || code=$?
            rm "$out/corpus/big"
            cp -r "$out" "$out.copy"
            exit $code
            """
        probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
                               capture_output=True)
        if probe.returncode:
            self.skipTest("no mount of its own")
        got = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", self.out, e2e.ALLOCRIG,
                              *self.args(seconds=4, jobs=2)], env=self.env("find=40 signatures=90"),
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(got.returncode, FINDING, got.stderr)
        with open(self.out + ".said", encoding="utf-8") as file:
            said = file.read()
        self.assertIn("INPUTS/S", said)
        problems, filed = fuzz_dir.check(self.out + ".copy")
        self.assertEqual(problems, [])
        self.assertEqual(dict(fuzz_dir.told(said)), filed)
        with open(self.out + ".complained", encoding="utf-8") as file:
            self.assertIn("No space left", file.read())


class More(Fuzzes):
    def test_several_allocators(self):
        results = self.result("find=50 signatures=1", "-a", "glibc", "-a", "guard", seconds=3,
                              exit_code=FINDING)
        self.assertEqual([r["allocator"]["name"] for r in results], ["glibc", "guard"])
        for r in results:
            self.assertEqual(r["out"], os.path.join(self.out, r["allocator"]["name"]))
            self.assertLess(r["session"]["fuzzed_ns"], 2.6e9)
            self.dir_is_sound(r["out"])
        self.assert_one_line(self.fuzz("", exit_code=MISUSE), "several")
        self.fuzz("", "-a", "guard", "-a", "glibc", seconds=2)

    def test_climb(self):
        result = self.result("", "--climb", "maps", seconds=2)
        climb = result["climb"]
        self.assertEqual((climb["goal"], climb["unit"]), ("maps", "maps per live MiB"))
        self.assertGreater(climb["value"], 1)
        rows = {row["allocator"]: row["value"] for row in climb["compared"]}
        self.assertEqual((rows["glibc"], rows["guard"]), (5, 5))
        self.assertEqual(list(rows)[0], "glibc")
        self.assertEqual("jemalloc" in rows, True)
        with open(climb["program"], encoding="utf-8") as file:
            before = file.read()
        self.assertEqual(os.listdir(os.path.join(self.out, "worst")), ["maps.prog"])
        # A call that finds nothing as bad leaves it.
        again = self.result("die=40", "--climb", "maps")
        with open(climb["program"], encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(again["climb"]["value"], climb["value"])
        self.assertIn("maps per live MiB", self.fuzz("", "--climb", "maps").stdout)

    def test_corpus(self):
        folder = os.path.join(self.dir, "texts", "below")
        os.makedirs(folder)
        self.file("texts/below/a.prog", "allocrig 1\nmalloc b[0] 24\n")
        self.file("texts/long.prog", "allocrig 1\n" + "malloc b[0] 24\nfree b[0]\n" * 4000)
        self.file("texts/notes.txt", "no program")
        got = self.fuzz("", "--corpus", os.path.dirname(folder))
        self.assertIn("1 of 2 programs are too long", got.stderr)
        seeds = [n for n in os.listdir(os.path.join(self.out, "corpus")) if n.startswith("seed-")]
        self.assertEqual(len(seeds), 1)
        self.assertEqual(os.path.getsize(os.path.join(self.out, "corpus", seeds[0])) % 16, 0)
        # The real ones of the tree are taken whole.
        self.out = os.path.join(self.dir, "seeds")
        self.fuzz("", "--corpus", e2e.SEEDS)
        self.file("texts/bad.prog", "allocrig 1\nmaloc b[0] 24\n")
        got = self.fuzz("", "--corpus", os.path.dirname(folder), exit_code=MISUSE)
        self.assertIn("bad.prog:2:1", got.stderr)

    def test_progress(self):
        master, slave = pty.openpty()
        process = subprocess.Popen([e2e.ALLOCRIG, *self.args(seconds=2)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=slave,
                                   env=self.env("find=50 signatures=1"))
        os.close(slave)
        seen = b""
        while process.poll() is None or select.select([master], [], [], 0)[0]:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
        self.assertEqual(process.wait(), FINDING)
        lines = [line for line in seen.decode().split("\r\033[K") if "inputs/s" in line]
        self.assertGreater(len(lines), 3)
        self.assertRegex(lines[-1], r"glibc 0:0\d/0:02 +\d+ inputs/s +corpus 5 +features \d+ +"
                                    r"findings 1\+0 +known 0 +worst maps \d+")
        # Without one there is nothing to say in so short a time.
        self.assertEqual(self.fuzz("").stderr, "")


if __name__ == "__main__":
    e2e.main()
