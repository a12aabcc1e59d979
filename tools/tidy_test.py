#!/usr/bin/env python3
"""Every rule of tidy.py fires on a bad file, at the right line, and spares a good one."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402  (found beside this file)


class Rules(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def check(self, path, text):
        """What tidy finds, as (line, rule)."""
        root = Path(self.dir.name)
        (root / "allocators").mkdir(exist_ok=True)
        (root / "allocators/list.def").write_text("/* PLUGIN(none) */\nPLUGIN(glibc)\n")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        return [(line, rule) for _, line, rule, _ in tidy.check(root, [path])]

    def assert_bad(self, path, text, *found):
        self.assertEqual(self.check(path, text), list(found))

    def assert_good(self, path, text):
        self.assertEqual(self.check(path, text), [])

    def includes(self, path, target):
        return self.check(path, f'\n#include "{target}"\n')

    def test_layers_point_down(self):
        for path, target in [
                ("harness/base/a.c", "harness/prog/op.h"),
                ("harness/prog/a.c", "harness/kernel/accounts.h"),
                ("harness/kernel/a.c", "harness/prog/op.h"),
                ("harness/kernel/a.c", "allocators/allocator.h"),
                ("allocators/allocator.h", "harness/prog/op.h"),
                ("harness/prog/a.c", "harness/oracle/model.h"),
                ("harness/oracle/a.c", "harness/exec/run.h"),
                ("harness/exec/a.c", "allocators/registry.h"),
                ("harness/exec/a.c", "allocators/list.def"),
                ("harness/exec/a_test.c", "allocators/loader.h"),
                ("allocators/loader.c", "harness/cli/cmd.h"),
                ("reports/render.c", "allocators/registry.h"),
                ("allocators/loader.c", "reports/schema.h"),
                ("harness/cli/a.c", "fuzz/mutator.h"),
                ("bench/a.c", "fuzz/mutator.h"),
                ("harness/base/a.c", "arena.h"),
                ("harness/base/a.c", "../base/arena.h"),
                ("unknown/a.c", "harness/base/arena.h")]:
            with self.subTest(path=path, target=target):
                self.assertEqual(self.includes(path, target), [(2, "layer")])

    def test_layers_may_know_what_is_below(self):
        for path, target in [
                ("harness/prog/a.c", "harness/base/arena.h"),
                ("harness/prog/a.c", "harness/prog/op.h"),
                ("harness/oracle/a.c", "harness/prog/op.h"),
                ("harness/oracle/a.c", "harness/kernel/accounts.h"),
                ("harness/exec/a.c", "allocators/allocator.h"),
                ("harness/exec/a.h", "allocators/symbols.def"),
                ("harness/exec/child_main.c", "allocators/loader.h"),
                ("allocators/loader.c", "harness/exec/shared.h"),
                ("harness/cli/a.c", "allocators/registry.h"),
                ("bench/a.c", "harness/cli/paths.h"),
                ("harness/cli/main.c", "fuzz/mutator.h")]:
            with self.subTest(path=path, target=target):
                self.assertEqual(self.includes(path, target), [])

    def test_angle_brackets_are_no_way_round(self):
        self.assert_bad("harness/base/a.c", "#include <harness/prog/op.h>\n", (1, "layer"))
        self.assert_good("harness/base/a.c", "#include <sys/mman.h>\n")

    def test_commented_include_is_none(self):
        self.assert_good("harness/base/a.c", '/*\n#include "harness/prog/op.h"\n*/\n')

    def test_plugins_know_one_header(self):
        for path, target in [
                ("allocators/glibc.c", "allocators/registry.h"),
                ("allocators/glibc.c", "harness/base/arena.h"),
                ("allocators/guard/slab.c", "harness/base/arena.h"),
                ("allocators/guard/slab.c", "allocators/canary/canary.h"),
                ("allocators/canary/a.c", "allocators/registry.h")]:
            with self.subTest(path=path, target=target):
                self.assertEqual(self.includes(path, target), [(2, "layer")])
        for path, target in [
                ("allocators/glibc.c", "allocators/allocator.h"),
                ("allocators/guard/slab.c", "allocators/guard/guard.h"),
                ("allocators/loader.c", "allocators/registry.h")]:
            with self.subTest(path=path, target=target):
                self.assertEqual(self.includes(path, target), [])

    def function(self, lines):
        return "static void f(void)\n{\n" + "\tg();\n" * (lines - 2) + "}\n"

    def test_function_length(self):
        self.assert_good("harness/base/a.c", self.function(70) * 2)
        self.assert_bad("harness/base/a.c", self.function(70) + self.function(71),
                        (73, "function-length"))

    def test_long_tables_are_no_functions(self):
        self.assert_good("harness/base/a.c", "static int a[] = {\n" + "\t1,\n" * 100 + "};\n")

    def test_file_length(self):
        self.assert_good("harness/base/a.c", "\n" * 600)
        self.assert_bad("harness/base/a.c", "\n" * 601, (601, "file-length"))

    def test_banned_functions(self):
        for name in tidy.BANNED:
            with self.subTest(name=name):
                self.assert_bad("harness/cli/a.c", f"\tx = {name} (y);\n", (1, "banned"))
                self.assert_bad("harness/cli/a_test.c", f"\t{name}(y);\n", (1, "banned"))

    def test_the_other_language_too(self):
        self.assert_bad("bench/a.cc", "\tx = atoi(y);\n", (1, "banned"))
        self.assert_bad("bench/a.cc", self.function(71), (2, "function-length"))

    def test_banned_names_elsewhere(self):
        self.assert_good("harness/cli/a.c", "\to->signal(x);\n\to.rand(x);\n\tmy_system(x);\n"
                                            '\tp("gets(x)"); /* atoi(x) */ // sleep(1)\n')

    def test_child_side_calls(self):
        for name in ("malloc", "free", "printf", "snprintf", "qsort", "strerror", "fopen"):
            for path in ("harness/base/a.c", "harness/prog/a.c", "harness/kernel/a.c",
                         "harness/oracle/a.c", "allocators/loader.c", "allocators/glibc.c"):
                with self.subTest(name=name, path=path):
                    self.assert_bad(path, f"\t{name}(x);\n", (1, "child-side"))
        self.assert_bad("harness/base/a.c", "#include <stdio.h>\n", (1, "child-side"))
        self.assert_bad("harness/oracle/finding.c", "\tprintf(x);\n", (1, "child-side"))

    def test_child_side_has_borders(self):
        self.assert_good("harness/base/a_test.c", "#include <stdio.h>\n\tfree(malloc(1));\n")
        self.assert_good("harness/oracle/a_testing.c", "\tfree(malloc(1));\n")
        self.assert_good("harness/oracle/finding.c", "#include <stdio.h>\n\tsnprintf(x);\n")
        self.assert_good("harness/exec/a.c", "#include <stdio.h>\n\tfree(malloc(1));\n")
        self.assert_good("allocators/glibc.c", "\ta->malloc(1);\n\t.free = f,\n")

    def test_sources_are_not_included(self):
        self.assert_bad("harness/base/a.c", '#include "harness/base/b.c"\n', (1, "include-source"))

    def test_conditional_code(self):
        for text in ("#ifdef __linux__\nint a;\n#endif\n", "#if 0\nint a;\n#endif\n",
                     "#ifndef X\n#define X\nint a;\n#else\n#endif\n", "#ifndef X\n#endif\n",
                     "#ifdef X\n#elif Y\n#endif\n"):
            with self.subTest(text=text):
                self.assertIn("condition", [rule for _, rule in self.check("harness/exec/a.c", text)])
                self.assert_good("harness/kernel/a.c", text)
        self.assert_bad("harness/exec/a.h", "#ifndef A_H\n#define A_H\n#ifdef X\n#endif\n#endif\n",
                        (3, "condition"))

    def test_probes_and_guards(self):
        self.assert_good("harness/exec/a.h", "/* a */\n#ifndef A_H\n#define A_H\n#define B 1\n"
                                             "#include <a.h>\n#endif\n")
        self.assert_good("harness/exec/a.c", "#if __has_include(<x.h>)\n#include <x.h>\n#endif\n")
        self.assert_good("harness/exec/a.c", "#ifndef MAP_X\n#define MAP_X 1 /* Linux 9 */\n#endif\n")
        self.assert_good("harness/exec/a.c", "#ifdef __SANITIZE_ADDRESS__\nint a;\n#endif\n")

    def test_markers(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
            with self.subTest(word=word):
                self.assert_bad("harness/base/a.c", f"int a;\n/* {word}: later */\n", (2, "marker"))
                self.assert_bad("README.md", f"{word}\n", (1, "marker"))
        self.assert_good("harness/cli/a.c", '\tmkstemp("/tmp/a-XXXX' + 'XX");\n')


class Main(unittest.TestCase):
    def test_own_files_are_seen(self):
        files = tidy.own_files()
        for path in ("tools/tidy.py", "harness/base/arena.c", "allocators/allocator.h", "Makefile"):
            self.assertIn(path, files)
        self.assertFalse([path for path in files if path.startswith("build/")])


if __name__ == "__main__":
    unittest.main()
