#!/usr/bin/env python3
"""What is timed calls the allocator and nothing else, by its machine code: loops_test.py MICRO"""

import re
import subprocess
import sys
import unittest

MICRO = sys.argv.pop(1)

LOOPS = {
    "loop_malloc_free": {"malloc", "free"},
    "loop_calloc_free": {"calloc", "free"},
    "loop_aligned_free": {"posix_memalign", "free"},
    "loop_realloc_half": {"realloc", "free"},
    "loop_realloc_step": {"realloc", "free"},
    "loop_fill": {"malloc"},
    "loop_drop": {"free"},
}


def instructions(text):
    """(address, mnemonic, operands) of objdump's lines."""
    found = re.findall(r"^ +([0-9a-f]+):\t(?:notrack |bnd |rep[nz]* )*(\w+) *(.*)$", text, re.M)
    return [(int(address, 16), name, rest) for address, name, rest in found]


def called(rest):
    """The function that is called or jumped to by name, through the PLT or the GOT."""
    match = re.search(r"<([\w.]+)(?:@plt|@[\w.]+)?>", rest)
    return match.group(1) if match else rest


def complaint(name, text, allowed):
    """Why this function is no loop over these calls alone; None if it is."""
    code = instructions(text)
    if not code:
        return f"no function {name}"
    first, last = code[0][0], code[-1][0]
    calls, ends = [], []
    for address, mnemonic, rest in code:
        if mnemonic.startswith(("call", "syscall", "int")):
            calls.append((address, called(rest)))
        elif mnemonic.startswith("j"):
            match = re.match(r"([0-9a-f]+) <", rest)
            target = int(match.group(1), 16) if match else None
            if target is None or not first <= target <= last:
                calls.append((address, called(rest)))
            elif target <= address:
                ends.append((target, address))
    if {to for _, to in calls} != allowed:
        return f"{name} calls {sorted(to for _, to in calls)}, not {sorted(allowed)}"
    if not any(begin <= address <= end for begin, end in ends for address, _ in calls):
        return f"{name} does not loop"
    begin, end = max(ends, key=lambda e: e[1] - e[0])
    outside = [to for address, to in calls if not begin <= address <= end]
    return f"{name} calls {outside} outside of its loop" if outside else None


def code_of(name):
    return subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={name}", MICRO],
                          capture_output=True, text=True, check=True).stdout


class Loops(unittest.TestCase):
    def test_loops_call_the_allocator_alone(self):
        for name, allowed in LOOPS.items():
            with self.subTest(name=name):
                self.assertIsNone(complaint(name, code_of(name), allowed))


GOOD = """
0000000000001000 <f>:
    1000:\tpush   %rbx
    1008:\tmov    %r12,%rdi
    1010:\tcall   100 <malloc@plt>
    1018:\tmov    %rax,%rdi
    1020:\tcall   *0x2f(%rip)        # 4000 <free@GLIBC_2.2.5>
    1028:\tjne    1008 <f+0x8>
    1030:\tret
"""


class TheCheck(unittest.TestCase):
    """It can fail."""

    def check(self, old="", new=""):
        self.assertIn(old, GOOD)
        return complaint("f", GOOD.replace(old, new, 1) if old else GOOD, {"malloc", "free"})

    def test_good_code_passes(self):
        self.assertIsNone(self.check())

    def test_bad_code_does_not(self):
        for old, new in [("mov    %rax,%rdi", "call   200 <memset@plt>"),
                         ("mov    %rax,%rdi", "call   *%rax"),
                         ("mov    %rax,%rdi", "syscall"),
                         ("mov    %rax,%rdi", "jmp    2000 <other>"),
                         ("call   100 <malloc@plt>", "nop"),
                         ("jne    1008 <f+0x8>", "nop"),
                         ("jne    1008 <f+0x8>", "jne    1018 <f+0x18>")]:
            with self.subTest(new=new):
                self.assertIsNotNone(self.check(old, new))

    def test_other_functions_are_not_mistaken(self):
        self.assertIsNotNone(complaint("loop_fill", code_of("loop_malloc_free"), {"malloc"}))
        self.assertIsNotNone(complaint("nothing", code_of("nothing"), {"malloc"}))


if __name__ == "__main__":
    unittest.main()
