#!/usr/bin/env python3
"""What `make fuzz` does: all fuzz targets for their share of the time, and what is worth keeping goes
into the corpus.

    fuzz_make.py [--build BUILD] [--results FOLDER] [--corpus FOLDER] [--time SECONDS] [--jobs N] [NAME...]

The text programs of the corpus are the seeds, but those that take seconds. Allocators and the kernel are fuzzed by `allocrig fuzz`,
the two formats by libFuzzer itself. Of what each found, programs of at most 10 statements that reach
something that no seed does are written to corpus/fuzzed, at most 5 a subject: features are compared as
libFuzzer's -merge does. Findings are in FOLDER/NAME, by name; the next call goes on there.

Exits 0 when it ran to its end, findings or not; 2 when a target could not do its work; 130 after an
interrupt, which leaves what is there.
"""

import argparse
import concurrent.futures
import datetime
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOCATORS = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]
COMPARED = ("jemalloc", "mimalloc")
MOST_STATEMENTS, MOST_KEPT = 10, 5
FUZZING = 0.7  # of the time; the rest is for reading seeds and comparing
LEAST_SECONDS = 2
LATE_SECONDS = 60  # a process that has not ended by then is ended
NO_STATEMENT = re.compile(r"\s*(#.*|\}|(allocrig|ballast|fault|needs)\b.*)?$")
# Thousands of slots or rounds.
SLOW = re.compile(r"(\[\d*:|repeat )\d{4,}")
UNSUPPORTED = 77


@dataclass
class Subject:
    """What is fuzzed: a name, the target, and the target's own flags."""

    name: str
    target: Path
    about: str
    flags: list = field(default_factory=list)
    command: list = None  # of allocrig fuzz; None: the target is libFuzzer's to run
    text: bool = False    # inputs are texts
    said: str = ""        # why there is no result
    broken: bool = False
    kept: list = field(default_factory=list)


def subjects(build):
    fuzzers = build / "libfuzzer" / "fuzz"
    found = [Subject(f"fuzz_{kind}", fuzzers / f"fuzz_{kind}", f"fuzz_{kind}", text=kind == "text")
             for kind in ("text", "wire")]
    for name in ALLOCATORS:
        found.append(Subject(name, build / "fuzz_alloc", f"fuzz_alloc on {name}",
                             [f"--allocator={name}"], ["-a", name]))
    found.append(Subject("kernel", build / "fuzz_mmap", "fuzz_mmap", [], ["-a", "kernel"]))
    a, b = COMPARED
    found.append(Subject(f"{a}-{b}", build / "fuzz_diff", f"fuzz_diff on {a} and {b}",
                         [f"--allocator={a}", f"--other={b}"], ["-a", a, "--compare-with", b]))
    return found


class Session:
    def __init__(self, args):
        self.build, self.corpus, self.results = args.build, args.corpus, args.results
        self.seed = int(time.time()) % 1000000
        self.jobs = args.jobs
        self.stop = threading.Event()
        self.running = set()
        self.lock = threading.Lock()
        self.work = self.results / "work"
        self.known = set()  # hashes of all seeds

    def interrupt(self, *_):
        """To all of them, as a terminal does: each ends with what it has."""
        self.stop.set()
        for process in list(self.running):
            process.send_signal(signal.SIGINT)

    def run(self, command, seconds, log=None):
        """Exit code and output; the output goes to a file too where one is given."""
        if self.stop.is_set():
            return None, ""
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", start_new_session=True)
        self.running.add(process)
        try:
            out = process.communicate(timeout=seconds + LATE_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            out = process.communicate()[0] + f"\nno end within {seconds + LATE_SECONDS:.0f} s\n"
        finally:
            self.running.discard(process)
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(out)
        return process.returncode, out

    def convert(self):
        """The corpus as seeds of both formats."""
        shutil.rmtree(self.work, ignore_errors=True)
        for kind in ("text", "wire", "quick"):
            (self.work / kind).mkdir(parents=True)
        programs = sorted([*self.corpus.rglob("*.prog"), *(ROOT / "fuzz" / "seeds").glob("*.prog")])
        programs = {path: path.read_text(encoding="utf-8") for path in programs}
        quick = [path for path, text in programs.items() if not SLOW.search(text)]
        if not quick:
            sys.exit(f"fuzz_make: no programs in {self.corpus}")
        for path in programs:
            shutil.copy(path, self.work / "text" / path.name)
        for path in quick:
            shutil.copy(path, self.work / "quick" / path.name)
        code, out = self.run([self.build / "fuzz" / "fuzz-convert", self.work / "wire", *quick], 60)
        if code and not any((self.work / "wire").iterdir()):
            sys.exit(f"fuzz_make: fuzz-convert: {out.strip()}")
        self.known = {hash_of(path) for path in self.work.glob("*/*")}
        return len(quick)

    def seeds(self, subject):
        return self.work / ("text" if subject.text else "wire")

    def folder(self, subject):
        return self.results / subject.name

    def fuzz_supervised(self, subject, seconds):
        command = [self.build / "allocrig", "fuzz", *subject.command, "--out", self.folder(subject),
                   "--time", f"{int(seconds)}s", "--shrink-time", "5s", "--jobs", "1",
                   "--seed", self.seed, "--corpus", self.work / "quick"]
        code, out = self.run(command, seconds, self.work / f"{subject.name}.log")
        if code not in (None, 0, 1):
            subject.said = out.strip().splitlines()[-1] if out.strip() else f"exit {code}"
            subject.broken = code != UNSUPPORTED

    def fuzz_format(self, subject, seconds):
        """A crash ends libFuzzer: its input is kept, and the rest of the time used."""
        folder, end = self.folder(subject), time.monotonic() + seconds
        for place in ("corpus", "findings"):
            (folder / place).mkdir(parents=True, exist_ok=True)
        dictionary = [f"-dict={ROOT / 'fuzz' / 'text.dict'}"] if subject.text else []
        attempt = 0
        while not self.stop.is_set() and (attempt == 0 or end - time.monotonic() > LEAST_SECONDS):
            attempt += 1
            left = max(LEAST_SECONDS, end - time.monotonic())
            code, out = self.run([subject.target, f"-max_total_time={int(left)}", f"-seed={self.seed + attempt}",
                                  f"-artifact_prefix={folder / 'findings'}/", "-timeout=10", *dictionary,
                                  folder / "corpus", self.seeds(subject)], left,
                                 self.work / f"{subject.name}.log")
            if not code or self.stop.is_set():
                return
            kept = re.search(r"Test unit written to (\S+)", out)
            if not kept:
                subject.said, subject.broken = out.strip().splitlines()[-1], True
                return
            Path(kept[1] + ".log").write_text(out[-20000:])

    def features(self, subject):
        """[(input, features)] that no seed reaches and no smaller input; those with the most first."""
        control = self.work / f"{subject.name}.merge"
        inbox = self.work / f"{subject.name}.inbox"
        seeds = self.work / f"{subject.name}.seeds"  # which -merge adds to
        found = self.work / f"{subject.name}.found"
        for folder in (inbox, seeds, found):
            folder.mkdir(exist_ok=True)
        for path in self.seeds(subject).iterdir():
            os.link(path, seeds / path.name)
        for path in (self.folder(subject) / "corpus").iterdir():
            if path.is_file() and hash_of(path) not in self.known:
                os.link(path, found / path.name)
        flags = [*subject.flags, f"--inbox={inbox}"] if subject.command else []
        control.unlink(missing_ok=True)
        self.run([subject.target, "-merge=1", f"-merge_control_file={control}",
                  f"-artifact_prefix={self.work}/", "-timeout=10", *flags, seeds, found],
                 60, self.work / f"{subject.name}.merge.log")
        return parse_control(control, found) if control.exists() else []

    def as_text(self, subject, path):
        """Its program in the text format, or None for a text that is none."""
        if not subject.text:
            code, out = self.run([self.build / "fuzz" / "fuzz-convert", "--text", path], 10)
            return out if code == 0 else None
        scratch = self.work / "checked"
        scratch.mkdir(exist_ok=True)
        code, _ = self.run([self.build / "fuzz" / "fuzz-convert", scratch, path], 10)
        return path.read_text(encoding="utf-8", errors="strict") if code == 0 else None

    def keep(self, subject):
        """Writes what is new and small into the corpus."""
        for path, features in self.features(subject):
            if len(subject.kept) == MOST_KEPT or self.stop.is_set():
                return
            try:
                text = self.as_text(subject, path)
            except UnicodeDecodeError:
                continue
            if text is None or not 0 < statements(text) <= MOST_STATEMENTS or SLOW.search(text):
                continue
            path = self.write(subject, text, features)
            if path:
                subject.kept.append(path)

    def write(self, subject, text, features):
        """Where it is now; None where it was kept of another subject. Comments are a seed's."""
        head, *rest = [line for line in text.splitlines() if not line.startswith("#")]
        text = "\n".join([head, *rest, ""])
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        path = self.corpus / "fuzzed" / f"{subject.name.replace('_', '-')}-{digest}.prog"
        comment = (f"# Found by {subject.about} on {datetime.date.today()}: reaches {features} "
                   f"{'feature' if features == 1 else 'features'} that the corpus did not.")
        with self.lock:
            path.parent.mkdir(exist_ok=True)
            if any(path.parent.glob(f"*-{digest}.prog")):
                return None
            scratch = path.with_suffix(".new")
            scratch.write_text("\n".join([head, comment, *rest, ""]))
            scratch.rename(path)
        return path

    def one(self, subject, seconds):
        if not subject.target.exists():
            subject.said, subject.broken = f"{subject.target} is not built", True
            return subject
        (self.fuzz_supervised if subject.command else self.fuzz_format)(subject, seconds)
        if not subject.said and not self.stop.is_set():
            self.keep(subject)
        return subject

    def findings(self, subject):
        folder = self.folder(subject) / "findings"
        return sorted(path for path in folder.glob("*") if path.suffix != ".log") if folder.exists() else []


def parse_control(control, folder):
    """
    A control file of -merge: how many names and how many of them are of the first folder, the names,
    and for each the features (FT) that none before it reached. Those of the first folder come first.
    """
    lines = control.read_text(errors="replace").splitlines()
    names = lines[2:2 + int(lines[0])] if len(lines) > 1 else []
    new = []
    for line in lines[2 + len(names):]:
        word, *numbers = line.split()
        if word == "FT" and len(numbers) > 1:
            path = Path(names[int(numbers[0])])
            if folder in path.parents and path.exists():
                new.append((path, len(numbers) - 1))
    return sorted(new, key=lambda item: (-item[1], item[0].name))


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).digest()


def statements(text):
    return sum(not NO_STATEMENT.match(line) for line in text.splitlines())


def report(session, subject):
    if subject.said:
        print(f"{subject.name}: {'broken' if subject.broken else 'not run'}: {subject.said}")
        return
    findings = session.findings(subject)
    print(f"{subject.name}: {len(findings)} finding{'s' * (len(findings) != 1)}, "
          f"{len(subject.kept)} new in the corpus")
    for path in [*findings, *subject.kept]:
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            pass
        print(f"  {path}")
    sys.stdout.flush()


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "fuzz")
    parser.add_argument("--corpus", type=Path, default=ROOT / "corpus")
    parser.add_argument("--time", type=float, default=120, help="seconds, for everything")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*", help="of what is fuzzed (default: all)")
    args = parser.parse_args()
    for name in ("build", "results", "corpus"):
        setattr(args, name, getattr(args, name).resolve())
    return args


def main():
    args = parse_args()
    chosen = [s for s in subjects(args.build) if not args.names or s.name in args.names]
    if not chosen:
        sys.exit("fuzz_make: none of these: " + " ".join(s.name for s in subjects(args.build)))
    session = Session(args)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, session.interrupt)
    programs = session.convert()
    seconds = max(LEAST_SECONDS, args.time * FUZZING * args.jobs / len(chosen))
    print(f"{programs} seeds, {len(chosen)} subjects of {seconds:.0f} s each, {args.jobs} at a time, "
          f"seed {session.seed}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(session.one, s, seconds) for s in chosen]):
            report(session, done.result())
    if session.stop.is_set():
        return 130
    shutil.rmtree(session.work, ignore_errors=True)
    return 2 if any(s.broken for s in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
