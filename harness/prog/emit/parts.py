#!/usr/bin/env python3
"""Makes the C file that has the helper parts of emitted programs as text: parts.py OUT PART...

PART is a name: NAME.h and NAME.c beside this script. Each may include the headers of parts that are
named before it. Its text is taken apart into pieces, one for each function, type, macro and
variable, each with the pieces that it needs; so an emitted file has what its program uses and no
more. A comment belongs to what stands below it up to the next blank line, the opening comment of a
header to the whole part.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = re.compile(r'#include "harness/prog/emit/(\w+)\.h"\n')
SYSTEM = re.compile(r"#include (<[^>]+>)\n")
GUARD = re.compile(r"#ifndef (EMIT_\w+_H)\n#define \1\n(.*)\n#endif\n", re.S)
NOISE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
WORD = re.compile(r"[A-Za-z_]\w*")


class Piece:
    def __init__(self, part, group, text):
        self.part, self.group, self.text = part, group, text
        self.code = NOISE.sub(" ", text)
        self.is_comment = not self.code.strip()
        self.is_static = bool(re.search(r"\bstatic\b", self.code.split("{")[0]))
        self.names = set() if self.is_comment else names_of(self.code.strip())
        self.needs = set()


def flattened(code):
    """Outermost pairs of brackets as one mark each, which C has no use for: @ round, $ square, ` curly."""
    for pair, mark in ((r"\([^()]*\)", "@"), (r"\[[^][]*\]", "$"), (r"\{[^{}]*\}", "`")):
        while (shorter := re.sub(pair, mark, code)) != code:
            code = shorter
    return code


def names_of(code):
    """What it declares or defines."""
    if define := re.search(r"^\s*#define (\w+)", code, re.M):
        return {define[1]}
    code = re.sub(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)", " ", code)
    if pointer := re.match(r"[^({=;]*\(\*(?:const )?(\w+)\)", code):
        return {pointer[1]}
    flat = flattened(code)
    names = set(re.findall(r"\b(?:struct|enum) (\w+) `", flat))
    if enum := re.match(r"enum(?: \w+)? \{(.*)\}", code, re.S):
        names |= set(re.findall(r"(\w+)\s*(?:=[^,}]*)?(?:,|$)", enum[1].strip()))
    if function := re.match(r"[^@`=]*?(\w+)\s*@", flat):
        return names | {function[1]}
    variables = re.sub(r"=[^,;]*", "", flat)
    return names | set(re.findall(r"(\w+)\$*\s*[;,]", variables))


def is_whole(lines):
    """Whether a piece ends with the last line."""
    code = NOISE.sub(" ", "\n".join(lines)).strip()
    if "/*" in code:
        return False
    if code.startswith("#"):
        opened = len(re.findall(r"^#if", code, re.M)) - len(re.findall(r"^#endif", code, re.M))
        return opened == 0 and not lines[-1].endswith("\\")
    if any(code.count(a) != code.count(b) for a, b in ("()", "[]", "{}")):
        return False
    return not code or code.endswith((";", "}"))


def pieces_of(part, text, first_group):
    """In order; `group` changes where a blank line stands."""
    pieces, lines, group = [], [], first_group
    for line in text.splitlines():
        if not line and not lines:
            group += 1
            continue
        lines.append(line)
        if is_whole(lines):
            pieces.append(Piece(part, group, "\n".join(lines) + "\n"))
            lines = []
    if lines:
        sys.exit(f"{part}: no end of\n" + "\n".join(lines))
    return pieces


def read(name, first_group):
    """The parts it needs, the system's headers, and its pieces."""
    header = (HERE / f"{name}.h").read_text(encoding="ascii")
    source = (HERE / f"{name}.c").read_text(encoding="ascii")
    both = header + source
    text = GUARD.sub(r"\2", header) + "\n" + source
    text = SYSTEM.sub("", OURS.sub("", text))
    return (set(OURS.findall(both)) - {name}, sorted(set(SYSTEM.findall(both))),
            pieces_of(name, text.strip("\n"), first_group))


def link(pieces, needed_parts):
    """Names of static things are known in their own part alone, others where it is included."""
    public, private = {}, {}
    for index, piece in enumerate(pieces):
        for name in piece.names:
            table = private.setdefault(piece.part, {}) if piece.is_static else public
            table.setdefault(name, []).append(index)
    comment, title = {}, {}
    for index, piece in enumerate(pieces):
        if piece.is_comment:
            comment[piece.group] = index
            title.setdefault(piece.part, index)
            continue
        piece.needs |= {comment[piece.group]} if piece.group in comment else set()
        piece.needs.add(title[piece.part])
        for word in set(WORD.findall(piece.code)):
            piece.needs |= set(private.get(piece.part, {}).get(word, []))
            piece.needs |= {i for i in public.get(word, [])
                            if pieces[i].part in needed_parts[piece.part] | {piece.part}}
        # What nobody calls, because the linker has it called.
        if "__attribute__((section" in piece.text:
            for other in pieces:
                if other.part == piece.part and not other.is_comment:
                    other.needs.add(index)
    return public


def is_prototype(piece):
    """Of a function, and it says nothing that the definition does not say."""
    code = flattened(piece.code.strip())
    return (re.fullmatch(r"[\w\s*]+\w+\s*@;", code) and "_Noreturn" not in code and
            "__attribute__" not in piece.text)


def needless(pieces, public):
    """Prototypes of what is defined before anybody uses it."""
    found = set()
    for name, indices in public.items():
        prototypes = [i for i in indices if is_prototype(pieces[i])]
        defined = [i for i in indices if i not in prototypes]
        if len(prototypes) != 1 or len(defined) != 1:
            continue
        word = re.compile(rf"\b{name}\b")
        if not any(word.search(piece.code) for piece in pieces[prototypes[0] + 1:defined[0]]):
            found.add(prototypes[0])
    return found


def closure(needs, name):
    seen, todo = set(), [name]
    while todo:
        for need in needs[todo.pop()]:
            if need not in seen:
                seen.add(need)
                todo.append(need)
    return seen


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main(out, *names):
    pieces, needs, headers = [], {}, {}
    for name in names:
        needs[name], headers[name], more = read(name, pieces[-1].group + 1 if pieces else 1)
        if needs[name] - set(needs):
            sys.exit(f"{name} needs a part that is not named before it")
        pieces += more
    public = link(pieces, {name: closure(needs, name) for name in names})
    gone = needless(pieces, public)
    public = {name: [i for i in indices if i not in gone] for name, indices in public.items()}
    for piece in pieces:
        piece.needs -= gone
    lines = ['#include "harness/prog/emit_parts.h"', ""]
    for index, piece in enumerate(pieces):
        ends = ", ".join([str(need) for need in sorted(piece.needs - {index})] + ["EMIT_END"])
        lines.append(f"static const uint16_t needs_{index}[] = {{{ends}}};")
    lines.append("const struct emit_piece emit_pieces[] = {")
    for index, piece in enumerate(pieces):
        lines.append(f"{{{piece.group}, {names.index(piece.part)}, needs_{index},")
        lines += [quoted(line) for line in piece.text.splitlines(keepends=True)] + ["},"]
    lines += ["};", f"const unsigned emit_pieces_count = {len(pieces)};",
              f'_Static_assert({len(pieces)} <= EMIT_PIECES_MAX, "all fit");',
              "const char *const emit_part_headers[] = {"]
    lines += [quoted(" ".join(headers[name])) + "," for name in names]
    lines += ["};", f"const unsigned emit_parts_count = {len(names)};",
              f'_Static_assert({len(names)} <= EMIT_PARTS_MAX, "all fit");',
              "const struct emit_name emit_names[] = {"]
    lines += [f"{{{quoted(name)}, {index}}}," for name in sorted(public)
              for index in public[name]]
    lines += ["};", "const unsigned emit_names_count = sizeof(emit_names) / sizeof(emit_names[0]);",
              ""]
    Path(out).write_text("\n".join(lines), encoding="ascii")


main(*sys.argv[1:])
