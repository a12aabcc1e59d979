#!/usr/bin/env python3
"""Checks a folder of `allocrig fuzz --out DIR` without touching it: fuzz_dir.py DIR

At any moment, whoever was killed, each file in it is whole and findings are what they say. Prints
what is wrong, one a line, and exits 1 when there was anything. The layout: harness/cli/fuzz_store.h.
"""

import json
import sys
from pathlib import Path

# Made under such names first; what was being made when somebody was killed may be half there.
MAKING = (".", "fuzz.json.new", "skip.txt.new")


def read_json(path, schema, problems):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path}: {error}")
        return {}
    if not isinstance(value, dict) or value.get("schema") != schema:
        problems.append(f"{path}: no {schema}")
        return {}
    return value


def check_program(path, problems):
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        problems.append(f"{path}: {error}")
        return
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not lines or lines[0].split("#")[0].strip() != "allocrig 1" or not text.endswith("\n"):
        problems.append(f"{path}: no program")


def check_finding(folder, problems):
    """Returns its signature."""
    found = read_json(folder / "found.json", "allocrig.found/1", problems)
    if not found.get("signature"):
        problems.append(f"{folder}: no signature")
    for name in ["found.prog", "program.prog"]:
        check_program(folder / name, problems)
    if not (folder / "README.md").read_text(encoding="utf-8").endswith("\n"):
        problems.append(f"{folder}: README.md is not whole")
    verdict = folder / "verdict.json"
    if verdict.exists():
        read_json(verdict, "allocrig.run/1", problems)
    return found.get("signature")


def folders(path):
    return sorted(p for p in path.iterdir() if not p.name.startswith(".")) if path.exists() else []


def check(top):
    """What is wrong; and the signatures in findings/ by the names of their folders."""
    top, problems = Path(top), []
    if not any(p.name not in ("lock", "fuzz.json.new") for p in top.iterdir()):
        return [], {}  # killed before it was one
    read_json(top / "fuzz.json", "allocrig.fuzz-dir/1", problems)
    filed = {p.name: check_finding(p, problems) for p in folders(top / "findings")}
    for path in folders(top / "inbox"):
        check_finding(path, problems)
    if len(set(filed.values())) != len(filed):
        problems.append(f"{top}: a signature is filed twice: {filed}")
    skip = top / "skip.txt"
    text = skip.read_text(encoding="utf-8", errors="surrogateescape") if skip.exists() else ""
    if text and not text.endswith("\n"):
        problems.append(f"{skip}: half a line")
    for line in text.splitlines():
        if line not in filed.values():
            problems.append(f"{skip}: {line} is not in findings/")
    for path in (top / "worst").glob("*.prog") if (top / "worst").exists() else []:
        check_program(path, problems)
    return problems, filed


def told(output):
    """(name, signature) of each finding that was told on standard output, whole lines alone."""
    found = []
    for line in output.splitlines(keepends=True):
        if line.startswith("finding ") and line.endswith("\n"):
            path, signature, _ = line[len("finding "):].split(": ", 2)
            found.append((path.rsplit("/", 1)[1], signature))
    return found


if __name__ == "__main__":
    wrong, _ = check(sys.argv[1])
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
