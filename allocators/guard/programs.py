"""What the tests of real programs share: starting a program on a library, proving that the library
served it and had nothing to say, and reading the accounts of a process.

A test is called with the paths of libguard.so and of witness.so (see witness.c), and exits 0 when
all held, 1 when not, and 77 when what it runs is not installed.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

# The name that every program knows libc by. Redis is linked to jemalloc: preloaded, libc comes first.
LIBC = "libc.so.6"
MIB = 1 << 20
UNSUPPORTED = 77


class Failed(Exception):
    """What was to hold did not."""


class Unsupported(Exception):
    """This machine lacks what the test runs."""


def check(held, *said):
    if not held:
        raise Failed(" ".join(str(part) for part in said))


def equal(what, got, wanted):
    check(got == wanted, f"{what}:\n  got      {got!r}\n  expected {wanted!r}")


@dataclass
class Accounts:
    """The anonymous memory of a process: what an allocator maps is part of it and nothing else of it
    comes and goes. Separators and reservations are mapped but accessible to nobody."""
    maps: int
    mapped_bytes: int
    resident_bytes: int

    def __sub__(self, other):
        return Accounts(self.maps - other.maps, self.mapped_bytes - other.mapped_bytes,
                        self.resident_bytes - other.resident_bytes)

    def within(self, bound):
        return (self.maps <= bound.maps and self.mapped_bytes <= bound.mapped_bytes and
                self.resident_bytes <= bound.resident_bytes)


VMA = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S{4} [0-9a-f]+ \S+ \d+ *(.*)$")


def accounts(smaps):
    """Of the text of /proc/PID/smaps. [heap] is the break; [anon:...] has a name for people."""
    total, counted = Accounts(0, 0, 0), False
    for line in smaps.splitlines():
        vma = VMA.match(line)
        if vma:
            counted = vma[3] in ("", "[heap]") or vma[3].startswith("[anon:")
            total.maps += counted
            total.mapped_bytes += counted * (int(vma[2], 16) - int(vma[1], 16))
        elif counted and line.startswith("Rss:"):
            total.resident_bytes += int(line.split()[1]) << 10
    return total


def accounts_of(pid):
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        return accounts(file.read())


class Stage:
    """A library to run programs on, and the witness's book of what ran on it."""

    def __init__(self, name, library, witness, work):
        self.name, self.library, self.witness = name, library, witness
        self.work = os.path.join(work, name)
        self.book = os.path.join(self.work, "witness")
        os.mkdir(self.work)

    def environment(self, **more):
        # Messages and sorting as everywhere; nothing of the caller's that an interpreter listens to.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LD_"))}
        return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "WITNESS": self.book,
                "LD_PRELOAD": f"{self.witness}:{self.library}", **more}

    def start(self, argv, **options):
        options.setdefault("env", self.environment())
        options.setdefault("cwd", self.work)
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **options)

    def run(self, argv, **options):
        """Its output, the time it took by the wall and on the processor, and its exit code."""
        used, began = processor_seconds(), time.monotonic()
        process = self.start(argv, stderr=subprocess.PIPE, **options)
        out, err = process.communicate()
        return Ran(out, err, process.returncode, time.monotonic() - began,
                   processor_seconds() - used)

    def entries(self, kind):
        if not os.path.exists(self.book):
            return []
        with open(self.book, encoding="utf-8") as book:
            lines = [line.split(maxsplit=2) for line in book.read().splitlines()]
        return [rest for _, word, rest in lines if word == kind]

    def judge(self, *outputs):
        """Every process got its malloc from the library; none of them was ended by it, or warned.
        A program that a test starts may bring a malloc of its own (rustc does)."""
        servers = [s for s in self.entries("malloc") if s != "own"]
        check(servers, f"no process was seen on {self.name}")
        others = [s for s in servers if os.path.basename(s) != os.path.basename(self.library)]
        equal(f"files other than {self.library} that served malloc", others, [])
        own = [s for s in self.entries("abort") if s == self.library != LIBC]
        equal(f"aborts by {self.name}", own, [])
        for output in outputs:
            equal(f"lines of {self.name}", re.findall(r"^guard: .*", output, re.M), [])
        return len(servers)


@dataclass
class Ran:
    out: str
    err: str
    exit_code: int
    seconds: float
    processor_seconds: float


def processor_seconds():
    """Of all children that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def mib(size):
    return f"{size / MIB:.1f}"


def row(seconds, processor, peak=None, left=None):
    """A line of the table; a column that nothing is known of says so."""
    known = [f"{seconds:.1f}", f"{processor:.1f}"]
    for seen in (peak, left):
        known += [str(seen.maps), mib(seen.mapped_bytes), mib(seen.resident_bytes)] if seen else \
            ["-"] * 3
    return known


MEMORY = ["seconds", "cpu s", "maps", "mapped MiB", "resident MiB", "left maps", "mapped MiB",
          "resident MiB"]


def show(title, rows, head=MEMORY):
    """Rows by the name of the library; below them guard's numbers divided by libc's."""
    ratios = ["ratio"] + [ratio(ours, theirs) for ours, theirs in zip(*rows.values())]
    print(title)
    for line in [["", *head]] + [[name, *cells] for name, cells in rows.items()] + [ratios]:
        print("  " + line[0].ljust(6) + "".join(f"{cell:>14}" for cell in line[1:]))
    sys.stdout.flush()


def ratio(ours, theirs):
    try:
        return f"{float(ours) / float(theirs):.2f}"
    except (ValueError, ZeroDivisionError):
        return "-"


def main(test, description, options=None):
    """Runs test(stages, arguments) with guard's stage and libc's, and exits."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("library", metavar="LIBGUARD")
    parser.add_argument("witness", metavar="WITNESS")
    parser.add_argument("--full", action="store_true", help="all of it, for minutes, not seconds")
    if options:
        options(parser)
    arguments = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory(prefix="guard-programs-") as work:
        witness = os.path.abspath(arguments.witness)
        stages = [Stage("guard", os.path.abspath(arguments.library), witness, work),
                  Stage("libc", LIBC, witness, work)]
        try:
            test(stages, arguments)
        except Failed as failure:
            sys.exit(f"failed: {failure}")
        except Unsupported as reason:
            print(f"unsupported: {reason}")
            sys.exit(UNSUPPORTED)
