#!/usr/bin/env python3
"""Reads the machine code of hot loops: hot_test.py FIXTURE PURE... -- SAMPLED...

In section .text.bench_hot of the objects PURE nothing may be called but the allocator, mapping
calls and the cold bench_refused, and every object with a workload has to have such a section. The
fixture, and the sampled build of the same sources, show that the test can fail.
"""

import re
import subprocess
import sys

SECTION = ".text.bench_hot"
ALLOWED = set("""malloc calloc realloc aligned_alloc posix_memalign memalign free mmap munmap mmap64
                 bench_refused""".split())

FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(?:(?:bnd|notrack|rep|repz|data16|cs)\s+)*(\S+)\s*(.*)$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+: (R_\w+)\s+(\S+?)([-+]0x[0-9a-f]+)?$")


def disassemble(path):
    run = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", "-j", SECTION, path],
                         capture_output=True, text=True)
    # objdump fails where there is no such section.
    return run.stdout if run.returncode == 0 else ""


def is_jump(mnemonic):
    return mnemonic.startswith("j") or mnemonic.startswith("loop")


def find_bad(text):
    """(function, what it does) of everything that leaves a hot function, and the functions."""
    bad, functions = [], []
    # A jump may seem to stay in its function, and a relocation says otherwise.
    function, leaving, inside = None, None, False

    def settle():
        nonlocal leaving, inside
        if leaving and not inside:
            bad.append((function, leaving))
        leaving, inside = None, False

    for line in text.splitlines():
        if match := FUNCTION.match(line):
            settle()
            function = match.group(1)
            functions.append(function)
        elif match := RELOCATION.match(line):
            if leaving and match.group(2) in ALLOWED:
                leaving = None
            elif leaving:
                leaving, inside = f"{leaving} {match.group(2)}", False
        elif match := INSTRUCTION.match(line):
            settle()
            _, mnemonic, operand = match.groups()
            target = re.search(r"<([^>+]+)(\+0x[0-9a-f]+)?>", operand)
            if mnemonic in ("syscall", "sysenter", "int"):
                bad.append((function, mnemonic))
            elif mnemonic.startswith("call"):
                leaving = f"{mnemonic} {operand}"
            elif is_jump(mnemonic):
                leaving = f"{mnemonic} {operand}"
                inside = target is not None and target.group(1) == function
    settle()
    return bad, functions


def has_workload(path):
    names = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return re.search(r" [DRdr] workload_\w+$", names, re.M) is not None


def check_fixture(path):
    bad, functions = find_bad(disassemble(path))
    found = {name for name, _ in bad}
    wanted = {name for name in functions if name.startswith("bad_")}
    if not wanted or found != wanted:
        return [f"{path}: found {sorted(found)}, not {sorted(wanted)}"]
    return []


def check_pure(paths):
    wrong, seen = [], 0
    for path in paths:
        text = disassemble(path)
        bad, functions = find_bad(text)
        seen += len(functions)
        wrong += [f"{path}: {name}: {what}" for name, what in bad]
        if has_workload(path) and not functions:
            wrong.append(f"{path}: a workload without a hot loop (BENCH_HOT)")
    if not seen:
        wrong.append("no object has a hot loop")
    print(f"{seen} hot functions")
    return wrong


def check_sampled(paths):
    calls = [what for path in paths for _, what in find_bad(disassemble(path))[0]]
    if not any("sample_add" in what for what in calls):
        return ["the sampled build's calls of sample_add were not seen"]
    return []


def main():
    split = sys.argv.index("--")
    fixture, pure, sampled = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    wrong = check_fixture(fixture) + check_pure(pure) + check_sampled(sampled)
    print("\n".join(wrong) or "nothing but the allocator is called")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
