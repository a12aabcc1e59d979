#!/usr/bin/env python3
"""Whole programs under hyperfine: whole_test.py WHOLE_ONCE LIBGUARD CC

Allocators and programs that are broken on purpose get the status that says so, and whatever
happens nothing is left: no process, no folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

WHOLE_ONCE, LIBGUARD, CC = sys.argv[1:4]
del sys.argv[1:4]

PERCENT = "3"
LIMIT_MS = "30000"
UNSUPPORTED = 77

# On top of glibc's own functions, which have other names too. {MALLOC} and the like are bodies.
ALLOCATOR = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <malloc.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
static unsigned long calls;
void *malloc(size_t n) {{ calls++; {malloc} return __libc_malloc(n); }}
void free(void *p) {{ {free} __libc_free(p); }}
void *calloc(size_t n, size_t m) {{ return __libc_calloc(n, m); }}
void *realloc(void *p, size_t n) {{ calls++; {realloc} return __libc_realloc(p, n); }}
void *memalign(size_t a, size_t n) {{ return __libc_memalign(a, n); }}
void *aligned_alloc(size_t a, size_t n) {{ return __libc_memalign(a, n); }}
int posix_memalign(void **p, size_t a, size_t n) {{ return (*p = __libc_memalign(a, n)) ? 0 : 12; }}
size_t malloc_usable_size(void *p) {{ return p ? ((size_t *)p)[-1] / 16 * 16 - 8 : 0; }}
"""

# The interpreter by its name, with an allocator of its own: {linkage} says who may see it.
PROGRAM = """
#include <stddef.h>
#include <string.h>
#include <unistd.h>
static char heap[64 << 20];
static size_t used;
{linkage} void *malloc(size_t n) {{ void *p = heap + used; used += (n + 31) & ~15ul; return p; }}
{linkage} void free(void *p) {{ (void)p; }}
{linkage} void *calloc(size_t n, size_t m) {{ return malloc(n * m); }}
{linkage} void *realloc(void *p, size_t n) {{ (void)p; return malloc(n); }}
int main(void) {{
    for (int i = 0; i < 100000; i++) {{ char *volatile p = malloc(100); p[0] = 1; free(p); }}
    return write(1, "done\\n", 5) != 5;
}}
"""


def compiled(path, text, *flags):
    source = path + ".c"
    with open(source, "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run([CC, "-O1", "-fno-builtin", "-w", "-o", path, source, *flags], check=True)
    return path


def processes_with(word):
    """Those that know of a folder or a file, by their command line or where they are."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                known = file.read().decode(errors="replace") + os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
        if word in known and int(pid) != os.getpid():
            found.append(known)
    return found


def until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Case(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="whole-test-")
        self.addCleanup(work.cleanup)
        self.work = work.name
        self.tmp = os.path.join(self.work, "tmp")
        self.bin = os.path.join(self.work, "bin")
        os.mkdir(self.tmp)
        os.mkdir(self.bin)

    def path(self, name):
        return os.path.join(self.work, name)

    def environment(self, path=None):
        return {**os.environ, "TMPDIR": self.tmp, "PATH": path or os.environ["PATH"]}

    def allocator(self, name, malloc="", free="", realloc=""):
        text = ALLOCATOR.format(malloc=malloc, free=free, realloc=realloc)
        return compiled(self.path(name + ".so"), text, "-shared", "-fPIC")

    def once(self, program, *allocators, limit_ms=LIMIT_MS, path=None):
        ran = subprocess.run([WHOLE_ONCE, program, PERCENT, limit_ms, *allocators],
                             capture_output=True, text=True, env=self.environment(path),
                             check=False)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        self.nothing_left()
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def nothing_left(self):
        self.assertTrue(until(lambda: not processes_with(self.work)), processes_with(self.work))
        self.assertTrue(until(lambda: not os.listdir(self.tmp)), os.listdir(self.tmp))

    def status(self, result, *expected):
        self.assertIn(result["status"], expected, result["why"])
        if result["status"] != "ok":
            self.assertEqual(result["metrics"], {})
            self.assertTrue(result["why"])
        return result["why"]


class Good(Case):
    def test_time_and_memory_of_each(self):
        for program in ("lua", "sqlite3"):
            for result in self.once(program, "glibc", LIBGUARD):
                self.status(result, "ok")
                value = {name: m["value"] for name, m in result["metrics"].items()}
                self.assertGreater(value["wall_s"], 0)
                self.assertGreater(value["peak_rss_bytes"], 1 << 20)
                self.assertGreater(value["peak_maps"], 10)
                self.assertEqual(result["hyperfine"]["exit_codes"], [0])
                self.assertEqual(len(result["hyperfine"]["times"]), 1)
                whole = result["whole"]
                self.assertEqual(whole["output_sha256"], whole["expected_sha256"])
                self.assertGreater(whole["calls_on_glibc"]["free"], 1000)

    def test_files_of_hyperfine(self):
        lines = self.path("lines")
        results = self.once("lua", "glibc", LIBGUARD, "glibc", LIBGUARD, "glibc", "void")
        with open(lines, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(result) + "\n" for result in results)
        folder = self.path("a/b")
        for _ in range(2):
            subprocess.run([WHOLE_ONCE, "--export", lines, folder], check=True)
        self.assertEqual(os.listdir(folder), ["lua.json"])
        with open(os.path.join(folder, "lua.json"), encoding="utf-8") as file:
            entries = json.load(file)["results"]
        self.assertEqual([len(e["times"]) for e in entries], [3, 2])
        times = [r["hyperfine"]["times"][0] for r in results if r["allocator"]["name"] == "glibc"]
        first = entries[0]
        self.assertEqual((first["command"], first["times"]), ("lua glibc", times))
        self.assertAlmostEqual(first["mean"], sum(times) / 3)
        self.assertEqual((first["min"], first["max"]), (min(times), max(times)))
        self.assertEqual(first["median"], sorted(times)[1])
        self.assertEqual(first["exit_codes"], [0, 0, 0])

    def test_redis_with_its_client(self):
        if not (shutil.which("redis-benchmark") and shutil.which("redis-check-rdb")):
            self.skipTest("package redis-tools is not installed")
        result = self.once("redis", "glibc")[0]
        self.status(result, "ok")
        self.assertIn("final_rss_bytes", result["metrics"])


class BrokenAllocators(Case):
    def test_crash(self):
        file = self.allocator("crash", realloc="if (calls > 5000) abort();")
        self.assertIn("signal 6", self.status(self.once("lua", file)[0], "crash"))

    def test_crash_of_its_constructor(self):
        file = self.allocator("early")
        with open(file + ".c", "a", encoding="ascii") as text:
            text.write("__attribute__((constructor)) static void c(void) { abort(); }\n")
        subprocess.run([CC, "-w", "-shared", "-fPIC", "-o", file, file + ".c"], check=True)
        self.status(self.once("lua", file)[0], "crash")

    def test_output_that_it_damages(self):
        damage = "if (p && calls % 7 == 0 && n > 40) ((char *)p)[n / 2] ^= 32;"
        for program in ("lua", "sqlite3"):
            result = self.once(program, self.allocator("damage" + program, malloc="",
                                                       realloc=damage))[0]
            self.status(result, "wrong-output", "crash")

    def test_output_that_it_changes_alone(self):
        hush = ("if (calls == 3000) { static char w[] = \"more\\n\"; write(1, w, 5); }")
        result = self.once("lua", self.allocator("words", realloc=hush))[0]
        self.assertIn("checksum", self.status(result, "wrong-output"))

    def test_memory_that_ends(self):
        file = self.allocator("ends", realloc="if (calls > 5000 && n) return NULL;")
        self.status(self.once("lua", file)[0], "out-of-memory")

    def test_hang(self):
        file = self.allocator("hang", realloc="if (calls > 5000) for (;;) pause();")
        result = self.once("lua", file, limit_ms="1500")[0]
        self.assertIn("killed after 1.5 s", self.status(result, "timeout"))

    def test_process_that_it_leaves(self):
        """It is in a session of its own, and its parent is gone."""
        leave = ("if (calls == 2000 && fork() == 0) { if (fork()) _exit(0); setsid();"
                 " for (;;) pause(); }")
        result = self.once("lua", self.allocator("leaves", realloc=leave))[0]
        self.status(result, "ok")
        self.assertEqual(result["whole"]["run"]["left_over"], 1)

    def test_no_allocator(self):
        file = compiled(self.path("none.so"), "int nothing;\n", "-shared", "-fPIC")
        self.assertIn("is served by", self.status(self.once("lua", file)[0], "wrong-allocator"))

    def test_half_an_allocator(self):
        text = ("#include <stddef.h>\nextern void *__libc_malloc(size_t); extern void "
                "__libc_free(void *);\nvoid *malloc(size_t n) { return __libc_malloc(n); }\n"
                "void free(void *p) { __libc_free(p); }\n")
        file = compiled(self.path("half.so"), text, "-shared", "-fPIC")
        self.assertRegex(self.status(self.once("lua", file)[0], "wrong-allocator"),
                         "realloc of lua5.4 is served by .*libc")

    def test_symbols_of_a_version(self):
        """dlsym would find them; the references of programs are to another version."""
        script = self.path("version")
        with open(script, "w", encoding="ascii") as file:
            file.write("MINE_1 { global: *; };\n")
        text = ALLOCATOR.format(malloc="", free="", realloc="")
        file = compiled(self.path("versioned.so"), text, "-shared", "-fPIC",
                        f"-Wl,--version-script={script}")
        self.status(self.once("lua", file)[0], "wrong-allocator")

    def test_file_that_does_not_load(self):
        file = self.path("text.so")
        with open(file, "w", encoding="ascii") as text:
            text.write("no ELF\n")
        self.assertIn("does not load", self.status(self.once("lua", file)[0], "wrong-allocator"))

    def test_path_that_cannot_be_preloaded(self):
        file = self.path("a b.so")
        shutil.copy(LIBGUARD, file)
        self.status(self.once("lua", file)[0], "unsupported")

    def test_void_is_no_file(self):
        self.status(self.once("lua", "void")[0], "unsupported")


class Programs(Case):
    def fake(self, linkage, *flags):
        compiled(os.path.join(self.bin, "lua5.4"), PROGRAM.format(linkage=linkage), *flags)
        result = self.once("lua", LIBGUARD, path=f"{self.bin}:{os.environ['PATH']}")[0]
        return self.status(result, "wrong-allocator")

    def test_own_malloc_that_libc_uses_too(self):
        self.fake("")

    def test_own_malloc_that_nobody_sees(self):
        self.fake("__attribute__((visibility(\"hidden\")))")

    def test_static_program(self):
        self.fake("", "-static")

    def test_program_that_is_missing(self):
        os.symlink(shutil.which("hyperfine"), os.path.join(self.bin, "hyperfine"))
        result = self.once("lua", "glibc", path=self.bin)[0]
        self.assertIn("package lua5.4", self.status(result, "unsupported"))

    def test_hyperfine_that_is_missing(self):
        os.symlink(shutil.which("lua5.4"), os.path.join(self.bin, "lua5.4"))
        result = self.once("lua", "glibc", path=self.bin)[0]
        self.assertIn("package hyperfine", self.status(result, "unsupported"))

    def test_program_that_fails_everywhere(self):
        script = os.path.join(self.bin, "lua5.4")
        with open(script, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho no >&2\nexit 3\n")
        os.chmod(script, 0o755)
        result = self.once("lua", LIBGUARD, path=f"{self.bin}:{os.environ['PATH']}")[0]
        self.assertIn("on plain glibc: exit code 3: no", self.status(result, "broken"))


class Ends(Case):
    def start_hanging(self, program):
        """Until the timed run hangs in the allocator, which says so by a file."""
        mark = self.path("hangs")
        hang = (f'if (calls > 5000 && !getenv("LD_DEBUG")) {{ close(creat("{mark}", 0600));'
                " for (;;) pause(); }")
        file = self.allocator("hang", malloc="", realloc=hang.replace("creat", "creat"))
        process = subprocess.Popen([WHOLE_ONCE, program, PERCENT, LIMIT_MS, file],
                                   stdout=subprocess.PIPE, text=True, env=self.environment())
        self.addCleanup(process.stdout.close)
        self.assertTrue(until(lambda: os.path.exists(mark)))
        self.assertTrue(processes_with(self.tmp))
        return process

    def test_killed_controller(self):
        process = self.start_hanging("lua")
        process.kill()
        process.wait()
        self.nothing_left()

    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start_hanging("lua")
            os.kill(process.pid, number)
            out = process.communicate()[0]
            self.assertEqual(process.returncode, 130)
            self.assertEqual(json.loads(out)["status"], "interrupted")
            self.nothing_left()
            os.remove(self.path("hangs"))

    def test_killed_hyperfine(self):
        process = self.start_hanging("lua")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    parent = file.read().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == process.pid:
                os.kill(int(pid), signal.SIGKILL)
        result = json.loads(process.communicate()[0])
        self.assertEqual(result["status"], "broken")
        self.nothing_left()

    def test_killed_controller_of_a_server(self):
        if not (shutil.which("redis-benchmark") and shutil.which("redis-check-rdb")):
            self.skipTest("package redis-tools is not installed")
        process = subprocess.Popen([WHOLE_ONCE, "redis", "100", LIMIT_MS, "glibc"],
                                   stdout=subprocess.DEVNULL, env=self.environment())
        self.assertTrue(until(lambda: any("unixsocket" in known
                                          for known in processes_with(self.tmp))))
        process.kill()
        process.wait()
        self.nothing_left()


def missing():
    return [tool for tool in ("hyperfine", "lua5.4", "sqlite3") if not shutil.which(tool)]


if __name__ == "__main__":
    if missing():
        print("unsupported: not installed:", *missing())
        sys.exit(UNSUPPORTED)
    unittest.main()
