"""Wrong, hostile and starving inputs: one clear line, the right exit code, nothing half-written."""

import json
import os
import resource
import subprocess
import unittest

import e2e

VERSION = "allocrig 1\n"


class Bad(e2e.Case):
    def setUp(self):
        super().setUp()
        self.good = self.program("malloc b[0] 8\nfree b[0]", "good.prog")

    def said(self, got, exit_code, pattern):
        """One line on standard error, nothing but that."""
        self.assertEqual(got.returncode, exit_code, got)
        self.assertRegex(got.stderr, r"\A[^\n]+\n\Z")
        self.assertRegex(got.stderr, r"\A(allocrig: |[^\n]+:[0-9]+:[0-9]+: )")
        self.assertRegex(got.stderr, pattern)

    def refused(self, args, pattern, exit_code=e2e.MISUSE, **more):
        """... and the file for results is neither made nor touched."""
        old, new = self.file("old.jsonl", "what was there\n"), os.path.join(self.dir, "new.jsonl")
        for json_file in (old, new, "-"):
            with self.subTest(args=args, json=json_file):
                got = e2e.allocrig("run", *args, "--json", json_file, **more)
                self.said(got, exit_code, pattern)
                self.assertEqual(got.stdout, "")
        self.assertFalse(os.path.exists(new))
        with open(old) as file:
            self.assertEqual(file.read(), "what was there\n")


class Programs(Bad):
    def program_refused(self, text, place, pattern):
        """`text` in Latin-1, so that any byte can be said."""
        path = self.file("bad.prog", text.encode("latin-1"))
        self.refused([self.good, path, "-a", "glibc"], rf"\A{path}:{place}: {pattern}")
        got = e2e.allocrig("run", "-", "-a", "glibc", input=text, encoding="latin-1")
        self.said(got, e2e.MISUSE, rf"\A-:{place}: {pattern}")

    def test_text(self):
        for text, place, pattern in [
                ("", "1:1", "found an empty file"),
                ("\n", "1:1", "found"),
                ("allocrig 2\n", "1:1", "found 'allocrig 2'"),
                ("#!/bin/sh\n", "1:1", "found"),
                ("\x7fELF\x02\x01", "1:1", "found"),
                ("\xef\xbb\xbf" + VERSION, "1:1", "found"),
                (VERSION + "malloc b[0] 8\x00\n", "2:14", r"found '\\x00'"),
                (VERSION + "\x00", "2:1", r"found '\\x00'"),
                (VERSION + "x" * 1000000 + "\n", "2:4097", "found a line of more than"),
                (VERSION + "#" + "x" * 1000000, "2:4097", "found a line of more than"),
                (VERSION + "malloc b[0] -8\n", "2:13", "found '-8'"),
                (VERSION + "malloc b[0] 99999999999999999999999\n", "2:13", "found '9+'"),
                (VERSION + "malloc b[0] 18446744073709551616\n", "2:13", "found"),
                (VERSION + "malloc b[0] 17179869184G\n", "2:13", "found"),
                (VERSION + "malloc b[0]\n", "2:12", "found the end of the line"),
                (VERSION + "malloc b[-1] 8\n", r"2:\d+", "found"),
                (VERSION + "malloc b[16777216] 8\n", r"2:\d+", "found"),
                (VERSION + "malloc b[4294967296] 8\n", r"2:\d+", "found"),
                (VERSION + "malloc b[0:10:0] 8\n", r"2:\d+", "found"),
                (VERSION + "malloc m[0] 8\n", r"2:\d+", "found"),
                (VERSION + "@256 malloc b[0] 8\n", r"2:\d+", "found"),
                (VERSION + "malloc b[0] 8 8\n", "2:15", "found"),
                (VERSION + "frobnicate b[0] 8\n", "2:1", "found 'frobnicate'"),
                (VERSION + "\x1b[31mred\n", "2:1", r"found '\\x1b"),
                (VERSION + "mmap m[0] 1p rw private,anonymous_coward\n", r"2:\d+", "found"),
                (VERSION + "mmap m[0] 1p rw private,anon -> EFROB\n", r"2:\d+", "found"),
                (VERSION + "expect happiness >= 1\n", r"2:\d+", "found"),
                (VERSION + "repeat 3 {\nmalloc b[0] 8\n", r"\d+:\d+", "found"),
                (VERSION + "}\n", "2:1", "found"),
                (VERSION + "fork {\n@1 malloc b[0] 8\n}\n", "3:1", "found"),
                (VERSION + "repeat 1 {\n" * 17 + "}\n" * 17, r"18:\d+", "found"),
                (VERSION + "checkpoint " + "x" * 32 + "\n", r"2:\d+", "found"),
                (VERSION + "malloc b[0] 8\r\x0b\n", r"2:\d+", "found")]:
            with self.subTest(text=text[:60]):
                self.program_refused(text, place, pattern)

    def test_right_after_all(self):
        """Odd, but the format allows it."""
        for text in ("allocrig 1", VERSION, VERSION + "free b[0:100000]\n",
                     VERSION + "malloc b[0:0] 8\nmalloc b[9:3] 8\n",
                     VERSION + "malloc b[0] 18446744073709551615\n",
                     VERSION + "malloc b[0] 15G\n",
                     VERSION + "repeat 0 {\nmalloc b[0] 8\n}\n",
                     VERSION + "calloc b[0] 4294967296 4294967296\n",
                     VERSION + "free b[16777215]\n"):
            for load in e2e.LOADS:
                got = e2e.allocrig("run", "-", "-a", "glibc", "--load", load, input=text)
                self.assertEqual((got.returncode, got.stderr), (e2e.CLEAN, ""), (text, got))

    def test_files(self):
        missing = os.path.join(self.dir, "none.prog")
        self.refused([missing, "-a", "glibc"], "none.prog: No such file")
        self.refused([self.good, self.dir, "-a", "glibc"], "Is a directory")
        self.refused(["", "-a", "glibc"], "No such file")
        self.refused(["x" * 5000, "-a", "glibc"], "File name too long")
        self.refused([missing + "\nallocrig: all is well", "-a", "glibc"], "No such file")
        self.refused([self.good, "-", "-a", "glibc"], "found an empty file")
        loop = os.path.join(self.dir, "loop.prog")
        os.symlink(loop, loop)
        self.refused([loop, "-a", "glibc"], "symbolic links")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_unreadable(self):
        os.chmod(self.good, 0)
        self.refused([self.good, "-a", "glibc"], "Permission denied")

    def test_control_characters_in_names(self):
        path = self.file("two\nlines\x1b[0m.prog", VERSION + "frob\n")
        got = e2e.allocrig("run", path, "-a", "glibc")
        self.said(got, e2e.MISUSE, r"two\?lines\?\[0m\.prog:2:1: found 'frob'")

    def test_fifo(self):
        path = os.path.join(self.dir, "fifo.prog")
        os.mkfifo(path)
        writer = subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", self.good, path])
        reader = os.open(path, os.O_RDONLY)  # so that the writer's data is there
        try:
            got = e2e.allocrig("run", f"/dev/fd/{reader}", "-a", "glibc", pass_fds=[reader])
        finally:
            os.close(reader)
            writer.wait(timeout=30)
        self.assertEqual((got.returncode, got.stderr), (e2e.CLEAN, ""))

    def test_devices(self):
        self.refused(["/dev/null", "-a", "glibc"], "/dev/null:1:1: found an empty file")
        self.refused([self.good, "-a", "/dev/null"], "/dev/null")


class Allocators(Bad):
    def refuse_library(self, path, pattern, *args):
        self.refused([self.good, "-a", path, *args], pattern)

    def test_names(self):
        for name in ("nosuch", "", "GLIBC", "glibc ", "libc", "-"):
            self.refuse_library(name, "unknown allocator")
        self.refuse_library("void", "cannot be judged")
        self.refuse_library("no\nsuch", r"unknown allocator 'no\?such'")

    def test_files(self):
        library = self.library()
        with open(library, "rb") as file:
            whole = file.read()
        for path, pattern in [
                (os.path.join(self.dir, "none.so"), "No such file"),
                (self.dir, "directory"),
                (self.file("text.so", "I am an allocator\n"), "is not an ELF file"),
                (self.file("empty.so", ""), "is not an ELF file"),
                (self.file("magic.so", b"\x7fELF"), "ELF|damaged"),
                (self.file("header.so", whole[:64]), r"\w"),
                (self.file("half.so", whole[:len(whole) // 2]), r"\w"),
                (e2e.ALLOCRIG, r"not a shared object|no malloc|executable")]:
            self.refuse_library(path, pattern)

    def test_damaged(self):
        """Any byte of the ELF header and the tables may be wrong: an answer, never a crash."""
        with open(self.library(), "rb") as file:
            whole = file.read()
        for at in list(range(4, 64)) + list(range(64, 64 + 56 * 4, 5)):
            damaged = bytearray(whole)
            damaged[at] ^= 0xff
            path = self.file("damaged.so", bytes(damaged))
            got = e2e.allocrig("run", self.good, "-a", path, "--hang-after", "2s")
            self.assertIn(got.returncode, (e2e.CLEAN, e2e.FINDING, e2e.BROKEN, e2e.MISUSE),
                          (at, got))
            if got.returncode == e2e.MISUSE:
                self.said(got, e2e.MISUSE, r"damaged\.so")

    def test_not_allocators(self):
        self.refuse_library(self.library("int answer = 42;"), "no malloc")
        self.refuse_library(self.library("#include <stddef.h>\nvoid *malloc(size_t n)"
                                         "{ return NULL; }"), "no free")
        self.refuse_library(self.library("void free(void *p) {}"), "no malloc")
        self.refuse_library(self.library("extern void *malloc(unsigned long);"
                                         "void *f(void) { return malloc(9); }"), "no malloc")

    def test_object_file(self):
        path = os.path.join(self.dir, "object.so")
        code = self.file("o.c", "void *malloc(unsigned long n) { return 0; } void free(void *p) {}")
        subprocess.run(["cc", "-c", "-w", "-fno-builtin", "-o", path, code], check=True)
        self.refuse_library(path, "shared object")

    def test_32_bit(self):
        path = os.path.join(self.dir, "lib32.so")
        code = self.file("o.c", "void *malloc(unsigned long n) { return 0; } void free(void *p) {}")
        done = subprocess.run(["cc", "-m32", "-shared", "-nostdlib", "-fPIC", "-w", "-fno-builtin",
                               "-o", path, code], capture_output=True)
        if done.returncode:
            with open(self.library(), "rb") as file:
                whole = bytearray(file.read())
            whole[18] = 183  # e_machine: aarch64
            self.file("lib32.so", bytes(whole))
        self.refuse_library(path, "machine|architecture|32")

    def test_same_twice(self):
        library = self.library()
        link = os.path.join(self.dir, "other.so")
        os.symlink(library, link)
        dots = os.path.join(self.dir, ".", "lib.so")
        for other in (library, link, dots):
            self.refused([self.good, "-a", library, "-a", other], "the same allocator")
        self.refused([self.good, "-a", "glibc", "-a", "jemalloc", "-a", "glibc"], "the same")

    def test_same_name(self):
        os.mkdir(os.path.join(self.dir, "sub"))
        first, second = self.library(), self.library(name="sub/lib.so")
        results = self.run_all([self.good], [first, second], exit_code=e2e.CLEAN)
        self.assertEqual(len({result["allocator"]["name"] for result in results}), 2)

    def test_path_with_space(self):
        library = self.library(name="my allocator:1.so")
        self.refused([self.good, "-a", library], r"space|colon|LD_PRELOAD")
        self.run_one(self.good, library, "--load", "dlopen", exit_code=e2e.CLEAN)

    def test_does_not_load(self):
        """Known only when it is tried: a broken run with the reason, in both load modes."""
        self.library("int needed = 1;", name="libneeded.so")
        needs = self.library(e2e.BUMP + "extern int needed; int *p(void) { return &needed; }",
                             "-L" + self.dir, "-lneeded", name="needs.so")
        os.unlink(os.path.join(self.dir, "libneeded.so"))
        undefined = self.library(e2e.BUMP + "void nowhere(void); void *q(void) { return nowhere; }",
                                 name="undefined.so")
        for library, said in ((needs, "libneeded.so"), (undefined, "nowhere")):
            for load in e2e.LOADS:
                with self.subTest(library=library, load=load):
                    result = self.run_one(self.good, library, "--load", load,
                                          exit_code=e2e.BROKEN)
                    self.assertEqual((result["outcome"], result["findings"]), ("broken", []))
                    self.assertIn(said, result["reason"])

    def test_does_not_serve(self):
        """Its malloc is there, but another file's is called."""
        hidden = self.library(e2e.BUMP, "-Wl,--version-script=" + self.file(
            "map", "{ global: free; calloc; local: *; };"), name="hidden.so")
        self.refuse_library(hidden, "no malloc")


class Options(Bad):
    def test_misuse(self):
        for args, pattern in [
                (["--frob"], "unknown option '--frob'"),
                (["-Q"], "unknown option '-Q'"),
                (["--load", "sideways"], "preload or dlopen"),
                (["--load="], "preload or dlopen"),
                (["--seed", "-1"], "--seed takes a number"),
                (["--seed", "18446744073709551616"], "--seed takes a number"),
                (["--seed", "1x"], "--seed takes a number"),
                (["--hang-after", "0s"], "--hang-after takes a time"),
                (["--hang-after", "10"], "--hang-after takes a time"),
                (["--hang-after", "99999999999999999999s"], "--hang-after takes a time"),
                (["--hang-after", "9999999999999m"], "--hang-after takes a time"),
                (["--check", "some"], "sampled or full"),
                (["--without", ""], "--without takes kinds of findings, not ''"),
                (["--without", "overlap,"], "not 'overlap,'; they are overlap,misaligned,"),
                (["--without", "crash", "--without", "crsh"], "not 'crsh'"),
                (["--ballast", "-1"], "--ballast takes a number"),
                (["--ballast", "1x"], "--ballast takes a number"),
                (["--no-tape", "--tape", "t"], "--tape and --show-tape need"),
                (["--no-tape", "--show-tape"], "--tape and --show-tape need"),
                (["--no-tape", "--fault", "mmap EPERM"], "--fault needs the tape"),
                (["--no-tape", "--check-ledger"], "--check-ledger needs the tape"),
                (["--strict=yes"], "takes no argument")]:
            self.refused([self.good, "-a", "glibc", *args], pattern)

    def test_faults(self):
        for rule, said in [
                ("", "column 1: found the end of the line, expected a kernel call"),
                ("munmop ENOMEM", "column 1: found 'munmop', expected a kernel call"),
                ("munmap ENOMM", "column 8: found 'ENOMM', expected the name of an errno"),
                ("munmap ENOMEM nth=0", "column 19: found '0', expected a number from 1 on"),
                ("munmap ENOMEM nth=1 nth=2", "each of nth, count, every, from and to once"),
                ("munmap ENOMEM 3", "column 15: found '3', expected nth="),
                ("munmap\nENOMEM", r"'munmap\?ENOMEM': column 1"),
                ("mmap,mmap ENOMEM", "column 6: found 'mmap', expected each call once"),
                ("mmap,munmap,brk,mremap,madvise ENOMEM", "at most 4 calls")]:
            with self.subTest(rule=rule):
                self.refused([self.good, "-a", "glibc", "--fault", rule], said)
        many = ["--fault", "mmap ENOMEM"] * 20
        self.refused([self.good, "-a", "glibc", *many, "--fault", "brk ENOMEM"],
                     "at most 20 --fault")
        faulty = self.program("fault mmap ENOMEM\n" * 3 + "malloc b[0] 8", "faulty.prog")
        self.said(e2e.allocrig("run", faulty, "-a", "glibc", *many[:36]), e2e.MISUSE,
                  "3 fault lines and the command line 18 more: at most 20 in all")

    def test_sweeps(self):
        for args, said in [
                (["--sweep", ""], "--sweep takes calls such as"),
                (["--sweep", "malloc"], "--sweep takes calls such as"),
                (["--sweep", "mmap,mmap"], "--sweep takes each call once"),
                (["--sweep", "oom,mmap"], "--sweep takes calls such as"),
                (["--sweep", "mmap,munmap,brk,mremap,madvise"], "--sweep takes at most 4 calls"),
                (["--sweep", "mmap", "--sweep-errno", "12"], "--sweep-errno takes a name"),
                (["--sweep", "mmap", "--sweep-max", "0"], "--sweep-max takes a number from 1"),
                (["--sweep", "mmap", "--jobs", "-1"], "--jobs takes a number from 1"),
                (["--sweep-errno", "EPERM"], "--sweep-errno needs --sweep"),
                (["--sweep-max", "3"], "--sweep-max needs --sweep"),
                (["--jobs", "3"], "--jobs needs --sweep"),
                (["--sweep", "mmap", "--no-oracles"], "--sweep judges"),
                (["--sweep", "mmap", "--no-tape"], "--sweep needs the tape"),
                (["--sweep", "mmap", "--tape", "t"], "a sweep is many runs"),
                (["--sweep", "mmap", "--show-tape"], "a sweep is many runs")]:
            with self.subTest(args=args):
                self.refused([self.good, "-a", "glibc", *args], said)
        faulty = self.program("fault mmap ENOMEM\nmalloc b[0] 8", "faulty.prog")
        many = ["--fault", "mmap ENOMEM"] * 19
        self.said(e2e.allocrig("run", faulty, "-a", "glibc", *many, "--sweep", "brk"), e2e.MISUSE,
                  "at most 20 in all")

    def test_tape_elsewhere(self):
        run = ["run", self.good, "-a", "glibc", "--tape"]
        for path in ("/no/such/place", self.dir, "", self.good + "/x"):
            got = e2e.allocrig(*run, path)
            self.said(got, e2e.BROKEN, "cannot write")
            self.assertEqual(got.stdout, "")
        self.said(e2e.allocrig(*run, self.good), e2e.MISUSE, "--tape .* would overwrite a program")
        out, link = os.path.join(self.dir, "out.jsonl"), os.path.join(self.dir, "link.jsonl")
        self.said(e2e.allocrig(*run, out, "--json", out), e2e.MISUSE, "are the same file")
        self.assertFalse(os.path.exists(out))
        self.file("out.jsonl", "what was there\n")
        os.symlink(out, link)
        self.said(e2e.allocrig(*run, out, "--json", link), e2e.MISUSE, "are the same file")
        with open(out) as file:
            self.assertEqual(file.read(), "what was there\n")
        self.said(e2e.allocrig(*run, "-", "--json", "-"), e2e.MISUSE, "only one of --json and")

    def test_nothing_to_do(self):
        self.refused([self.good], "no allocator")
        self.refused(["-a", "glibc"], "no program")
        self.said(e2e.allocrig("run", self.good, "-a"), e2e.MISUSE, "'-a' needs an argument")
        self.said(e2e.allocrig("run", self.good, "-a", "glibc", "--json"), e2e.MISUSE,
                  "'--json' needs an argument")

    def test_json_elsewhere(self):
        run = ["run", self.good, "-a", "glibc", "--json"]
        for path in ("/no/such/place", self.dir, "", self.good + "/x"):
            got = e2e.allocrig(*run, path)
            self.said(got, e2e.BROKEN, "cannot write")
            self.assertEqual(got.stdout, "")
        self.said(e2e.allocrig(*run, "/dev/full"), e2e.BROKEN, "cannot write /dev/full: No space")
        self.said(e2e.allocrig(*run, self.good), e2e.MISUSE, "would overwrite a program")
        with open(self.good) as file:
            self.assertTrue(file.read().startswith(VERSION))
        with open("/dev/full", "w") as full:
            got = e2e.allocrig(*run, "-", stdout=full)
        self.assertEqual(got.returncode, e2e.BROKEN)
        self.assertEqual(got.stderr.splitlines()[-1][:38], "allocrig: cannot write standard output")

    def test_files_that_may_not_grow(self):
        """The signal for it would end allocrig without a word."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        path = os.path.join(self.dir, "out.jsonl")
        got = e2e.allocrig("run", self.good, "-a", "glibc", "--json", path, preexec_fn=limit)
        self.assertEqual(got.returncode, e2e.BROKEN, got)
        with open(path) as file:
            self.assertEqual(file.read(), "")
        got = e2e.allocrig("list", "--json", path, preexec_fn=limit)
        self.said(got, e2e.BROKEN, "cannot write .*out.jsonl: File too large")


class Surroundings(Bad):
    def run_good(self, **more):
        return e2e.allocrig("run", self.good, "-a", "glibc", **more)

    def closed(self, *descriptors):
        def close():
            for fd in descriptors:
                os.close(fd)
        return close

    def test_closed_descriptors(self):
        out = os.path.join(self.dir, "out.jsonl")
        for descriptors in ((0,), (2,), (0, 2)):
            with self.subTest(closed=descriptors):
                got = e2e.allocrig("run", self.good, "-a", "glibc", "--json", out,
                                   preexec_fn=self.closed(*descriptors))
                self.assertEqual(got.returncode, e2e.CLEAN, got)
                with open(out) as file:
                    self.assertEqual([json.loads(line)["outcome"] for line in file], ["clean"])
        for descriptors in ((1,), (0, 1), (0, 1, 2)):
            with self.subTest(closed=descriptors):
                got = e2e.allocrig("run", self.good, "-a", "glibc", "--json", out,
                                   preexec_fn=self.closed(*descriptors))
                self.assertEqual(got.returncode, e2e.BROKEN, got)
                if 2 not in descriptors:
                    self.said(got, e2e.BROKEN, "cannot write standard output")
                with open(out) as file:
                    self.assertEqual([json.loads(line)["outcome"] for line in file], ["clean"])
        got = e2e.allocrig("run", "-", "-a", "glibc", preexec_fn=self.closed(0))
        self.said(got, e2e.MISUSE, r"\Aallocrig: -: Bad file descriptor")

    def test_limits(self):
        for which, value, codes in [
                (resource.RLIMIT_STACK, resource.RLIM_INFINITY, (e2e.CLEAN,)),
                (resource.RLIMIT_STACK, 256 << 10, (e2e.CLEAN,)),
                (resource.RLIMIT_CORE, resource.RLIM_INFINITY, (e2e.CLEAN,)),
                (resource.RLIMIT_NOFILE, 32, (e2e.CLEAN,)),
                (resource.RLIMIT_NOFILE, 14, (e2e.BROKEN,)),
                (resource.RLIMIT_NOFILE, 6, (e2e.BROKEN, e2e.MISUSE)),
                (resource.RLIMIT_AS, 200 << 20, (e2e.CLEAN, e2e.BROKEN)),
                (resource.RLIMIT_AS, 90 << 20, (e2e.CLEAN, e2e.BROKEN)),
                (resource.RLIMIT_MEMLOCK, 0, (e2e.CLEAN,))]:
            with self.subTest(which=which, value=value):
                def limit():
                    hard = resource.getrlimit(which)[1]
                    resource.setrlimit(which, (value, hard))
                got = self.run_good(preexec_fn=limit)
                self.assertIn(got.returncode, codes, got)
                if got.returncode == e2e.BROKEN and not got.stderr:
                    self.assertRegex(got.stdout, r"glibc +broken *\n  \S")

    def test_unlimited_stack_changes_no_account(self):
        text = "mmap m[0:4] 2p rw private,anon\nexpect maps == 1\nexpect mapped == 8p"

        def limit():
            hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
            resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
        self.run_one(text, "glibc", exit_code=e2e.CLEAN, preexec_fn=limit)

    def test_environment(self):
        """Nothing there reaches the verdict: not even an LD_PRELOAD of somebody's own."""
        other = self.library(e2e.BUMP, name="other.so")
        for extra in ({"LD_PRELOAD": other}, {"LD_BIND_NOW": "1"}, {"LC_ALL": "tr_TR.UTF-8"},
                      {"GLIBC_TUNABLES": "glibc.malloc.perturb=85"}, {"TMPDIR": ""},
                      {"MALLOC_ARENA_MAX": "1"}, {"TERM": "", "HOME": "/none"}):
            with self.subTest(extra=extra):
                result = self.run_one("malloc b[0:50] 100\ntouch b[0:50]\nfree b[0:50]", "glibc",
                                      exit_code=e2e.CLEAN, env={**os.environ, **extra})
                self.assertIn("libc.so", result["allocator"]["path"])
        got = e2e.allocrig("run", self.good, "-a", "glibc", env={})
        self.assertEqual((got.returncode, got.stderr), (e2e.CLEAN, ""))

    def test_no_proc(self):
        command = ["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
        if subprocess.run([*command, "true"], capture_output=True).returncode:
            self.skipTest("no mount namespace to be had")
        got = subprocess.run([*command, e2e.ALLOCRIG, "run", self.good, "-a", "glibc"],
                             capture_output=True, text=True, timeout=60)
        self.said(got, e2e.BROKEN, "/proc")
        self.assertEqual(got.stdout, "")


if __name__ == "__main__":
    e2e.main()
