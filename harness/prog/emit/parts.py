#!/usr/bin/env python3
"""Makes the C file that has the helper parts of emitted programs as text: parts.py OUT PART...

PART is a name: NAME.h and NAME.c beside this script. Each may include the headers of parts that are
named before it; these are what it needs. Includes and the guards of headers are left out of the
text: an emitted file has each part once, and the includes of all at its top.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = re.compile(r'#include "harness/prog/emit/(\w+)\.h"\n')
SYSTEM = re.compile(r"#include (<[^>]+>)\n")
GUARD = re.compile(r"#ifndef (EMIT_\w+_H)\n#define \1\n(.*)\n#endif\n", re.S)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def read(name):
    """The needs, the system's headers, and the text of a part."""
    header = (HERE / f"{name}.h").read_text(encoding="ascii")
    source = (HERE / f"{name}.c").read_text(encoding="ascii")
    both = header + source
    text = GUARD.sub(r"\2", header) + "\n" + source
    text = SYSTEM.sub("", OURS.sub("", text))
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
    return set(OURS.findall(both)) - {name}, sorted(set(SYSTEM.findall(both))), text


def main(out, *names):
    lines = ['#include "harness/prog/emit_parts.h"', "", "const struct emit_part emit_parts[] = {"]
    for index, name in enumerate(names):
        needs, headers, text = read(name)
        bits = sum(1 << names.index(need) for need in needs)
        if bits >> index:
            sys.exit(f"{name} needs a part that is not named before it")
        lines.append(f"{{{quoted(name)}, {bits:#x}u, {quoted(' '.join(headers))},")
        lines += [quoted(line) for line in text.splitlines(keepends=True)]
        lines.append("},")
    lines += ["};", f"const unsigned emit_parts_count = {len(names)};", ""]
    Path(out).write_text("\n".join(lines), encoding="ascii")


main(*sys.argv[1:])
