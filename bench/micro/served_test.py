#!/usr/bin/env python3
"""allocrig-micro runs on the malloc that was asked for, or not at all: served_test.py MICRO"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

MICRO = os.path.abspath(sys.argv.pop(1))
FILTER = "--benchmark_filter=^malloc_free/64$"

# Over glibc's own, and wrong where a macro says so.
LIBRARY = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void __libc_free(void *);
/* Whether this is a process where memory is measured. */
static int beside;
__attribute__((constructor)) static void look(void)
{
	char line[256];
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, line, sizeof(line));
	beside = n > 0 && memmem(line, (size_t)n, "--memory-of", 11) != NULL;
	close(fd);
}
#ifndef ON_MALLOC
#define ON_MALLOC
#endif
void *malloc(size_t n) { ON_MALLOC; return __libc_malloc(n); }
#ifndef NO_CALLOC
void *calloc(size_t n, size_t m) { return __libc_calloc(n, m); }
#endif
void *realloc(void *p, size_t n) { return __libc_realloc(p, n); }
void free(void *p) { __libc_free(p); }
"""


class Served(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def library(self, name, *flags):
        source = os.path.join(self.dir, "library.c")
        with open(source, "w") as f:
            f.write(LIBRARY)
        path = os.path.join(self.dir, name)
        subprocess.run(["cc", "-shared", "-fPIC", "-fno-builtin", "-O1", *flags, "-o", path,
                        source], check=True)
        return path

    def run_micro(self, preload, *flags, **env):
        env = {**os.environ, **env}
        env.pop("LD_PRELOAD", None)
        if preload is not None:
            env["LD_PRELOAD"] = preload
        return subprocess.run([MICRO, "--benchmark_min_time=0.001", "--benchmark_format=json",
                               *flags], env=env, capture_output=True, text=True, timeout=120)

    def context(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)["context"]

    def test_without_preload_libc_serves(self):
        for preload in (None, "", " : "):
            context = self.context(self.run_micro(preload, FILTER))
            self.assertRegex(context["malloc_served_by"], r"/libc[.-]")

    def test_the_context_names_the_file(self):
        path = self.library("libover.so")
        link = os.path.join(self.dir, "liblink.so")
        os.symlink(path, link)
        libm = re.search(r"=> (\S+libm\.\S+)", subprocess.run(
            ["ldd", MICRO], capture_output=True, text=True).stdout)
        asked = [path, link, f"{path}:", f" {link}"]
        if libm:
            asked += [f"{libm.group(1)}:{path}", f"{path} {libm.group(1)}"]
        for preload in asked:
            with self.subTest(preload=preload):
                context = self.context(self.run_micro(preload, FILTER))
                self.assertEqual(context["malloc_served_by"], path)
                self.assertEqual(context["ld_preload"], preload)

    def test_a_name_is_searched_for(self):
        path = self.library("libover.so")
        context = self.context(self.run_micro("libover.so", FILTER, LD_LIBRARY_PATH=self.dir))
        self.assertEqual(context["malloc_served_by"], path)

    def test_another_server_is_refused(self):
        text = os.path.join(self.dir, "text.so")
        with open(text, "w") as f:
            f.write("no library")
        for preload in ("/nowhere/libnone.so", text, "libnone.so"):
            with self.subTest(preload=preload):
                run = self.run_micro(preload, FILTER)
                self.assertEqual(run.returncode, 2, run.stdout)
                self.assertEqual(run.stdout, "")
                self.assertIn("but malloc is served by", run.stderr)
                self.assertIn("libc", run.stderr)

    def test_half_of_a_family_is_refused(self):
        run = self.run_micro(self.library("libhalf.so", "-DNO_CALLOC"), FILTER)
        self.assertEqual(run.returncode, 2)
        self.assertRegex(run.stderr, r"malloc is served by \S*libhalf.so, calloc by \S*libc")

    def test_a_missing_aligned_family_is_skipped_with_words(self):
        run = self.run_micro(self.library("libover.so"), "--benchmark_filter=^aligned_free")
        self.assertEqual(run.returncode, 0)
        for row in json.loads(run.stdout)["benchmarks"]:
            self.assertIn("no posix_memalign of its own", row["error_message"])

    def errors(self, on_malloc, pattern="^malloc_free/64$"):
        path = self.library("libwrong.so", f"-DON_MALLOC={on_malloc}")
        run = self.run_micro(path, f"--benchmark_filter={pattern}")
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = json.loads(run.stdout)["benchmarks"]
        self.assertEqual(len(rows), 1, rows)
        return rows[0]["error_message"]

    def test_refused_blocks_are_errors(self):
        null = "do { if (n == %d) return NULL; } while (0)"
        self.assertIn("refused", self.errors(null % (1 << 20), "^malloc_free/1048576$"))
        self.assertIn("refused", self.errors(null % 4096, "^batch_lifo/blocks:100/bytes:4096$"))
        self.assertIn("refused", self.errors(null % 4096, "^cross_thread_free/4096/"))

    def test_a_death_where_memory_is_measured_is_an_error(self):
        self.assertEqual(self.errors("do { if (n == 64 && beside) abort(); } while (0)"),
                         "memory: killed by signal 6")
        self.assertEqual(self.errors("do { if (n == 64 && beside) _exit(9); } while (0)"),
                         "memory: exit code 9 without a result")


if __name__ == "__main__":
    unittest.main()
