#!/usr/bin/env python3
"""Writes the names of the system calls that the C library's headers know, one SYSCALL(name) a line:
syscall_names.py OUTPUT COMPILER [FLAG...]

The numbers are left to the compiler, for on some machines they are expressions.
"""

import re
import subprocess
import sys

# Not calls: how many there are, and the numbers from which a machine's own begin.
NO_CALLS = {"syscalls", "arch_specific_syscall", "SYSCALL_BASE", "OABI_SYSCALL_BASE"}


def names(macros):
    found = re.findall(r"^#define __NR_(\w+) ", macros, flags=re.M)
    return sorted(set(found) - NO_CALLS)


def main(output, *compiler):
    macros = subprocess.run([*compiler, "-dM", "-E", "-x", "c", "-"], check=True, text=True,
                            input="#include <sys/syscall.h>\n", stdout=subprocess.PIPE).stdout
    found = names(macros)
    if "mmap" not in found:
        sys.exit("syscall_names: no mmap in <sys/syscall.h>")
    with open(output, "w", encoding="ascii") as out:
        out.writelines(f"SYSCALL({name})\n" for name in found)


if __name__ == "__main__":
    main(*sys.argv[1:])
