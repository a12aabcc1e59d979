#!/usr/bin/env python3
"""Checks the rules of this project that no compiler knows: tidy.py [FILE...]

Prints file:line: rule: what is wrong, and exits 1 when there was anything. Without arguments it
looks at all of our own files. tools/tidy_test.py proves that every rule can fail.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 600

# Layer and group of a path, the first match. Includes go to lower layers or stay in the group.
LAYERS = [
    (r"harness/base/", 0, "base"),
    # Text of C files that stand alone, so they know each other and nothing else.
    (r"harness/prog/emit/", 0, "emitted"),
    (r"harness/prog/", 1, "prog"),
    (r"harness/kernel/", 1, "kernel"),
    (r"allocators/(allocator\.h|symbols\.def)$", 1, "allocator"),
    (r"harness/oracle/", 2, "oracle"),
    (r"harness/exec/", 3, "exec"),
    (r"allocators/", 4, "allocators"),
    (r"reports/", 4, "reports"),
    (r"harness/cli/", 5, "cli"),
    # They print and exit as the commands do, and share what those share.
    (r"fuzz/", 6, "fuzz"),
    (r"bench/", 6, "bench"),
]
TOP = 6

# Allocators in folders of their own: like plug-ins, they know allocator.h and their own headers.
ALLOCATOR_FOLDERS = ("allocators/guard/", "allocators/canary/")

BANNED = {
    "strcpy": "snprintf or memcpy with a length",
    "strcat": "snprintf or memcpy with a length",
    "strncpy": "snprintf or memcpy with a length",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "getline",
    "strtok": "strcspn or strsep",
    "atoi": "strtol with its errors",
    "atol": "strtol with its errors",
    "atof": "strtod with its errors",
    "alloca": "an array or the arena",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "mktemp": "mkstemp",
    "tmpnam": "mkstemp",
    "rand": "a seeded generator",
    "srand": "a seeded generator",
    "signal": "sigaction",
    "sleep": "nanosleep, or waiting for the event",
    "usleep": "nanosleep, or waiting for the event",
}

# What allocates from libc, or takes stdio's locks: not for code that runs in the child.
CHILD_FOLDERS = ("harness/base/", "harness/prog/", "harness/kernel/", "harness/oracle/")
CHILD_FILES = ("allocators/loader.c", "allocators/object.c", "allocators/plain.c",
               "allocators/registry.c")
CHILD_BANNED = set("""
    malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc pvalloc
    strdup strndup asprintf vasprintf getline getdelim
    printf vprintf fprintf vfprintf dprintf vdprintf snprintf vsnprintf puts fputs putchar fputc putc
    perror fopen fdopen freopen fclose fflush fread fwrite fgets fscanf scanf sscanf open_memstream
    opendir qsort qsort_r scandir glob regcomp strerror strsignal setlocale getenv exit atexit
    """.split())
# The controller prints findings with this part of the oracles; the child never calls it.
CHILD_MAY_FORMAT = re.compile(r"harness/oracle/finding[a-z_]*\.c$")

# Parts of emitted programs, which are processes of their own; they never run in the child.
NOT_CHILD_FOLDER = "harness/prog/emit/"

# Conditions that are probes of the compiler or of its headers.
PROBES = re.compile(r"__has_\w+|__SANITIZE_\w+__|__clang__|__cplusplus")
# Where a build of the same source for tests renames its functions.
MAY_SWITCH = {"allocators/guard/guard.h": "GUARD_PREFIX"}

# In pieces: these files would else be their own first finding.
MARKERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")


def blank(match):
    """Spaces of the same shape, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", match.group(0))


COMMENT = r"/\*.*?\*/|//[^\n]*"
STRING = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'"


def without_comments(text):
    return re.sub(f"{COMMENT}|({STRING})", lambda m: m.group(0) if m.group(1) else blank(m), text,
                  flags=re.S)


def code_only(text):
    return re.sub(f"{COMMENT}|{STRING}", blank, text, flags=re.S)


def is_test(path):
    name = path.rsplit("/", 1)[-1]
    return bool(re.search(r"_(test|testing|fixture|stress)\.[ch]$|^test_", name))


def is_wiring(path):
    """An executable's main file puts the layers together, wherever it stands."""
    return bool(re.search(r"(^|/|_)main\.c$", path))


def layer_of(path):
    for pattern, level, group in LAYERS:
        if re.match(pattern, path):
            return level, group
    return None


class Checker:
    def __init__(self, root, plugins):
        self.root = root
        self.plugins = plugins
        self.found = []

    def report(self, path, line, rule, message):
        self.found.append((path, line, rule, message))

    def is_child_side(self, path):
        if is_test(path) or path.startswith(NOT_CHILD_FOLDER):
            return False
        return path.startswith(CHILD_FOLDERS) or path in CHILD_FILES or path in self.plugins

    def check(self, path):
        text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        self.check_markers(path, text)
        if not path.endswith((".c", ".h", ".cc")):
            return
        self.check_length(path, text)
        self.check_functions(path, text)
        self.check_includes(path, without_comments(text))
        self.check_calls(path, code_only(text))
        self.check_conditions(path, without_comments(text))

    def check_markers(self, path, text):
        for number, line in enumerate(text.splitlines(), 1):
            if match := MARKERS.search(line):
                self.report(path, number, "marker", f"{match.group(0)}: do it, or open an issue")

    def check_length(self, path, text):
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            self.report(path, lines, "file-length", f"{lines} lines, at most {MAX_FILE_LINES}")

    def check_functions(self, path, text):
        """A body begins and ends with a brace in the first column: clang-format sees to that."""
        start = None
        for number, line in enumerate(code_only(text).splitlines(), 1):
            if line.rstrip() == "{":
                start = number
            elif line.startswith("}") and start:
                length = number - start + 1
                if length > MAX_FUNCTION_LINES:
                    self.report(path, start, "function-length",
                                f"{length} lines, at most {MAX_FUNCTION_LINES}")
                start = None

    def check_includes(self, path, text):
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            quote, target = match.groups()
            if target.endswith((".c", ".cc")):
                self.report(path, number, "include-source", f"{target} is compiled by itself")
            if quote == "<" and not layer_of(target):
                if target == "stdio.h":
                    self.check_stdio(path, number)
                continue
            self.check_layer(path, number, target)

    def check_stdio(self, path, number):
        if self.is_child_side(path) and not CHILD_MAY_FORMAT.match(path):
            self.report(path, number, "child-side", "stdio.h is not for code of the child")

    def check_layer(self, path, number, target):
        own, other = layer_of(path), layer_of(target)
        if not other:
            self.report(path, number, "layer",
                        f'"{target}" is in no layer: include by the path from the top')
        elif not own:
            self.report(path, number, "layer", f"{path} is in no layer: add it to tools/tidy.py")
        elif path in self.plugins or path.startswith(ALLOCATOR_FOLDERS):
            folder = path.rsplit("/", 1)[0] + "/"
            at_home = folder in ALLOCATOR_FOLDERS and target.startswith(folder)
            if target != "allocators/allocator.h" and not at_home:
                self.report(path, number, "layer",
                            f"a plug-in knows allocators/allocator.h alone, not {target}")
        elif other[1] != own[1] and other[0] >= (TOP + 1 if is_wiring(path) else own[0]):
            self.report(path, number, "layer",
                        f"{own[1]} (layer {own[0]}) may not know {other[1]} (layer {other[0]})")

    def check_calls(self, path, code):
        child = self.is_child_side(path)
        for number, line in enumerate(code.splitlines(), 1):
            for match in re.finditer(r"(?<![\w.>])(\w+)\s*\(", line):
                name = match.group(1)
                if name in BANNED:
                    self.report(path, number, "banned", f"{name}: use {BANNED[name]}")
                if not child or name not in CHILD_BANNED:
                    continue
                if CHILD_MAY_FORMAT.match(path) and name in ("snprintf", "vsnprintf"):
                    continue
                self.report(path, number, "child-side", f"{name} is not for code of the child")

    def check_conditions(self, path, text):
        if path.startswith("harness/kernel/"):
            return
        lines = text.splitlines()
        directives = [(number, line.strip()) for number, line in enumerate(lines, 1)
                      if line.strip().startswith("#")]
        for at, (number, line) in enumerate(directives):
            match = re.match(r"#\s*(if|ifdef|ifndef|elif)\b\s*(.*)", line)
            if not match or PROBES.search(match.group(2)):
                continue
            if MAY_SWITCH.get(path) == match.group(2).strip():
                continue
            if match.group(1) == "ifndef" and self.only_defines(directives, at, path):
                continue
            self.report(path, number, "condition",
                        "conditional code belongs in harness/kernel or is a feature probe")

    @staticmethod
    def only_defines(directives, at, path):
        """A header's guard, or a constant that older headers lack."""
        name = directives[at][1].split()[1]
        if at + 1 >= len(directives):
            return False
        if not re.match(rf"#\s*define\s+{name}\b", directives[at + 1][1]):
            return False
        if path.endswith(".h") and at == 0:
            return True
        rest = at + 1
        while rest < len(directives) and re.match(r"#\s*define\b", directives[rest][1]):
            rest += 1
        return rest < len(directives) and bool(re.match(r"#\s*endif\b", directives[rest][1]))


def plugin_files(root):
    """Plug-ins stand in list.def, each in a file of its name."""
    path = root / "allocators/list.def"
    text = without_comments(path.read_text()) if path.exists() else ""
    return {f"allocators/{name}.c" for name in re.findall(r"PLUGIN\((\w+)\)", text)}


def check(root, files):
    checker = Checker(root, plugin_files(root))
    for path in files:
        checker.check(path)
    return checker.found


def own_files():
    patterns = ["*.c", "*.h", "*.cc", "*.def", "*.py", "*.sh", "*.txt", "*.md", "Makefile", ".ci/run"]
    out = subprocess.run([ROOT / "tools/sources.sh", *patterns], capture_output=True, text=True,
                         check=True).stdout
    return [path for path in out.splitlines() if not path.startswith("corpus/")]


def main(arguments):
    files = arguments or own_files()
    if not files:
        sys.exit("tidy: no files")
    found = check(ROOT, files)
    for path, line, rule, message in sorted(found):
        print(f"{path}:{line}: {rule}: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
