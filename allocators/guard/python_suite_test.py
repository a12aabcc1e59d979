#!/usr/bin/env python3
"""CPython's own test suite on guard: python_suite_test.py LIBGUARD WITNESS [--full] [--python FILE]

Every object is a block of malloc's (PYTHONMALLOC=malloc). Each test case has to end as it does on
libc; a file whose cases end differently is run twice more on both, alone, before that counts: some
depend on how busy the machine is.
"""

import os
import subprocess
import xml.etree.ElementTree

import programs
from programs import check, equal

# Some seconds together; objects of all kinds, threads, forks, other libraries' memory.
QUICK = """
test_array test_bytes test_collections test_copy test_ctypes test_deque test_dict test_functools
test_heapq test_json test_list test_memoryview test_re test_set test_sort test_struct test_thread
test_unicode test_xml_etree_c test_zlib
""".split()

# It waits for ever on a virtual machine whose host sends nothing back, whatever the allocator.
HANGS = "*ThreadedVSOCK*"

# Where Debian and others put a Python that has its tests installed.
PYTHONS = ["/usr/bin/python3.11", "/usr/bin/python3", "/usr/local/bin/python3"]


def has_tests(python):
    said = subprocess.run([python, "-E", "-c", "import test.libregrtest, test.test_dict"],
                          stderr=subprocess.DEVNULL, check=False) if os.access(python, os.X_OK) else None
    return said is not None and said.returncode == 0


def ending(case):
    for kind in ("failure", "error", "skipped"):
        if case.find(kind) is not None:
            return kind
    return "passed"


def outcomes(path):
    """Name of a test case to its endings; one that runs several times has several."""
    found = {}
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        found.setdefault(case.get("name"), []).append(ending(case))
    return {name: sorted(endings) for name, endings in found.items()}


def suite(stage, python, tests, jobs):
    """Outcomes of the cases, and the run."""
    results = os.path.join(stage.work, "results.xml")
    if os.path.exists(results):
        os.unlink(results)
    # Some cases interrupt themselves: SIGINT may be ignored in what a script started.
    ran = stage.run(["env", "--default-signal=INT", python, "-m", "test", "--timeout", "900",
                     "--ignore", HANGS, "--junit-xml", results,
                     *(["-j", str(jobs)] if jobs > 1 else []), *tests],
                    env=stage.environment(PYTHONMALLOC="malloc"), stdin=subprocess.DEVNULL)
    check(os.path.exists(results), f"the suite did not end on {stage.name}:", ran.out, ran.err)
    return outcomes(results), ran


def differing(guard, libc):
    return sorted(name for name in guard.keys() | libc.keys() if guard.get(name) != libc.get(name))


def file_of(case):
    """The test file that has a case: its name begins with test.test_x., but for doctests."""
    parts = case.split(".")
    return next((part for part in parts if part.startswith("test_")), None)


def confirm(stages, python, cases):
    """Those cases that end differently on both each time that their file runs alone."""
    for _ in range(2):
        files = sorted({file_of(case) for case in cases} - {None})
        if not files:
            break
        again = [suite(stage, python, files, 1)[0] for stage in stages]
        cases = [case for case in cases if file_of(case) is None or
                 case in differing(*again)]
    return cases


def counts(found):
    total = {}
    for endings in found.values():
        for kind in endings:
            total[kind] = total.get(kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(total.items()))


def peak(stage):
    """MiB of the largest process."""
    ends = [[int(n) for n in entry.split()] for entry in stage.entries("end")]
    return max(peak for peak, _ in ends) / 1024


def options(parser):
    parser.add_argument("--python", help="one that has its tests beside it")
    parser.add_argument("tests", nargs="*", help="files of tests instead of the usual ones")


def test(stages, arguments):
    pythons = [arguments.python] if arguments.python else PYTHONS
    python = next((p for p in pythons if has_tests(p)), None)
    if not python:
        raise programs.Unsupported(f"no Python with its tests: looked at {' '.join(pythons)}")
    tests, jobs = arguments.tests or QUICK, 1
    if arguments.full:
        tests, jobs = arguments.tests, 2
    found, exits, rows = {}, {}, {}
    for stage in stages:
        found[stage.name], ran = suite(stage, python, tests, jobs)
        exits[stage.name] = ran.exit_code
        rows[stage.name] = [f"{ran.seconds:.1f}", f"{ran.processor_seconds:.1f}", f"{peak(stage):.1f}"]
        print(f"{stage.name}: exit code {ran.exit_code}; {counts(found[stage.name])}; "
              f"{stage.judge(ran.out, ran.err)} processes")
    programs.show(f"{python} -m test {' '.join(tests)}", rows, ["seconds", "cpu s", "peak MiB"])
    passed = sum("passed" in endings for endings in found["guard"].values())
    check(passed > 100, "too few cases to tell:", passed)
    if tests is QUICK:
        equal("exit codes", exits, {"guard": 0, "libc": 0})
    different = differing(*found.values())
    print(f"{len(different)} ended differently at first", *different[:20])
    equal("cases that end differently", confirm(stages, python, different), [])
    check(different or exits["guard"] == exits["libc"], "exit codes:", exits)
    stages[0].judge()


if __name__ == "__main__":
    programs.main(test, __doc__, options)
