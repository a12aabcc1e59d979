"""Runs `allocrig run` over many random programs, in batches, and tells what each answered.

Shared by the tools that compare: ledger_diff.py, mmap_diff.py.
"""

import concurrent.futures
import contextlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BATCH = 100  # programs in one command
BATCH_SECONDS = 600  # the watchdog of each run is much faster


def parse_results(text):
    """A last line that was cut off is a result that is missing."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def answers(words, expected):
    """The results of one command, and what it said when one is missing, else None."""
    try:
        done = subprocess.run(words + ["--json", "-"], capture_output=True, text=True,
                              timeout=BATCH_SECONDS)
        out, said = done.stdout, done.stderr.strip().splitlines()[-3:]
    except subprocess.TimeoutExpired:
        out, said = "", [f"no end within {BATCH_SECONDS} s"]
    results = list(parse_results(out))
    return results, said if len(results) < expected else None


def parts(count, at_least=1):
    """Ranges of indices, a batch each; small counts too give so many."""
    size = max(1, min(BATCH, count // at_least))
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def keep(result, folder):
    """Copies the program out of the scratch directory; the path of the copy."""
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.copy(result["program"]["path"], folder)


def kinds_found(result):
    return sorted({f["kind"] for f in result.get("findings", []) if not f.get("known")})


def run_all(jobs, batches, run_batch, tally, progress):
    """
    run_batch(scratch, batch) gives (results, words, said); tally.add(result) is told of each result
    while its program is there, tally.silent collects (words, said) of commands without all of them.
    """
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(run_batch, scratch, batch) for batch in batches]
        try:
            for future in concurrent.futures.as_completed(running):
                results, words, said = future.result()
                for result in results:
                    tally.add(result)
                    Path(result["program"]["path"]).unlink()
                if said is not None:
                    tally.silent.append((words, said))
                if sys.stderr.isatty():
                    print(f"\r{progress()}", end="", file=sys.stderr)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if sys.stderr.isatty():
        print(file=sys.stderr)


def print_silent(silent):
    for words, said in silent:
        print(f"NO RESULT: {shlex.join(words[:4])} ... {shlex.join(words[-6:])}")
        print("".join(f"  {line}\n" for line in said), end="")
