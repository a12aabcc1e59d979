#!/usr/bin/env python3
"""What programs.py is to notice, it does notice: programs_test.py LIBGUARD WITNESS"""

import os
import sys
import tempfile
import unittest

import programs

LIBGUARD, WITNESS = (os.path.abspath(path) for path in sys.argv[1:3])
del sys.argv[1:3]
PYTHON = "/usr/bin/python3"

SMAPS = """\
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
Rss:                  40 kB
Pss:                  40 kB
VmFlags: rd wr mr mw me ac sd
7f0000100000-7f0000101000 ---p 00000000 00:00 0
Rss:                   0 kB
7f0000200000-7f0000300000 r-xp 00001000 fe:00 1234                       /usr/lib/x y.so
Rss:                 100 kB
55e000000000-55e000021000 rw-p 00000000 00:00 0                          [heap]
Rss:                  12 kB
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
Rss:                  16 kB
"""


@unittest.skipUnless(os.access(PYTHON, os.X_OK), f"{PYTHON} is not installed")
class Judging(unittest.TestCase):
    def stage(self, library):
        work = tempfile.TemporaryDirectory()
        self.addCleanup(work.cleanup)
        return programs.Stage("guard", library, WITNESS, work.name)

    def judge(self, stage, code):
        ran = stage.run([PYTHON, "-c", code])
        return ran, stage.judge

    def test_counts_every_process(self):
        ran, judge = self.judge(self.stage(LIBGUARD),
                                "import subprocess as s; s.run(['true']); s.run(['true'])")
        self.assertEqual((ran.exit_code, judge(ran.err)), (0, 3), ran.err)

    def test_an_abort_that_the_program_swallows(self):
        stage = self.stage(LIBGUARD)
        twice = ("import ctypes; c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p; "
                 "p = ctypes.c_void_p(c.malloc(99)); c.free(p); c.free(p)")
        swallow = f"import subprocess as s; s.run([{PYTHON!r}, '-c', {twice!r}], stderr=s.DEVNULL)"
        ran, judge = self.judge(stage, swallow)
        self.assertEqual((ran.exit_code, ran.err), (0, ""))
        self.assertRaisesRegex(programs.Failed, "aborts by guard", judge, ran.err)

    def test_a_program_that_aborts_by_itself_is_its_own_affair(self):
        ran, judge = self.judge(self.stage(LIBGUARD), "import os; os.abort()")
        self.assertEqual((ran.exit_code, judge(ran.err)), (-6, 1))

    def test_a_line_of_guard_without_an_abort(self):
        ran, judge = self.judge(self.stage(LIBGUARD), "import sys; sys.stderr.write('guard: ?\\n')")
        self.assertRaisesRegex(programs.Failed, "lines of guard", judge, ran.err)

    def test_a_library_that_is_not_there(self):
        ran, judge = self.judge(self.stage(LIBGUARD + ".gone"), "")
        self.assertEqual(ran.exit_code, 0)
        self.assertRaisesRegex(programs.Failed, "that served malloc", judge, "")

    def test_a_witness_that_is_not_there(self):
        stage = self.stage(LIBGUARD)
        stage.witness += ".gone"
        _, judge = self.judge(stage, "")
        self.assertRaisesRegex(programs.Failed, "no process was seen", judge, "")

    def test_a_process_without_the_library(self):
        stage = self.stage(LIBGUARD)
        code = ("import os, subprocess as s; "
                f"s.run(['true'], env={{**os.environ, 'LD_PRELOAD': {WITNESS!r}}})")
        _, judge = self.judge(stage, code)
        self.assertRaisesRegex(programs.Failed, "that served malloc", judge, "")


class Accounts(unittest.TestCase):
    def test_anonymous_maps_of_any_protection(self):
        self.assertEqual(programs.accounts(SMAPS),
                         programs.Accounts(maps=3, mapped_bytes=(0x100 + 1 + 0x21) << 12,
                                           resident_bytes=52 << 10))

    def test_bound_holds_for_each_account(self):
        bound = programs.Accounts(4, 4096, 4096)
        self.assertTrue(programs.Accounts(4, 4096, 4096).within(bound))
        for over in [(5, 0, 0), (0, 4097, 0), (0, 0, 4097)]:
            self.assertFalse(programs.Accounts(*over).within(bound), over)

    def test_own_process(self):
        mine = programs.accounts_of(os.getpid())
        self.assertGreater(mine.maps, 0)
        self.assertGreater(mine.mapped_bytes, mine.resident_bytes)


if __name__ == "__main__":
    unittest.main()
