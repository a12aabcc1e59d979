#!/usr/bin/env python3
"""Writes random programs: valid text, mostly calls that do something, each quick to run.

    random_programs.py --seed S --count N --out DIR [--kind KIND] [--ballast N]

KIND: maps, blocks, mixed, parallel, where most ops are lines of parallel sections, or kernel, for
`-a kernel`: mapping ops alone, all that the text format has (random_kernel.py).

Program I of a seed is the same whatever the count. A generator follows, roughly, which slots are
full and how large, so that most ops are not skipped; it need not be right about it, and among
threads that run side by side it cannot. What a program touches, how many calls it makes, how often
it forks and how many threads it makes is bounded, repeats counted in full.
"""

import argparse
import random
import sys
from pathlib import Path

PAGE = 4096
ALLOCATOR_KINDS = ["maps", "blocks", "mixed", "parallel"]  # what allocators are given
KINDS = ALLOCATOR_KINDS + ["kernel"]

TOUCH_BYTES = 16 << 20  # in all of one program
CALLS = 2500
FORKS = 3
EXITS = 12
FORK_DEPTH = 2
DEPTH = 4

SMALL = [0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 48, 63, 64, 65, 100, 127, 128, 129,
         255, 256, 257, 504, 511, 512, 513, 1000, 1023, 1024, 1025, 1032, 2047, 2048, 2049, 3000]
PAGES = [4079, 4080, 4088, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 14336, 16384, 20000, 32767,
         32768, 32769, 65519, 65535, 65536, 65537]
LARGE = [100000, 126976, 131047, 131048, 131049, 131071, 131072, 131073, 135168, 200000, 262143,
         262144, 262145, 524288, 1 << 20, (1 << 20) - 1, (1 << 20) + 1, 4 << 20, (4 << 20) + 1]
ENORMOUS = [32 << 20, 64 << 20, (64 << 20) - 1]
# No allocator may serve these: above PTRDIFF_MAX, or a product that overflows.
IMPOSSIBLE = ["9223372036854775808", "18446744073709551615", "18446744073709547520", "8388608T"]

MAP_PAGES = [1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 16, 31, 64, 128, 257]
MAP_PAGES_LARGE = [511, 512, 513, 1024, 1536, 2048, 16384]

PROTS = ["rw"] * 12 + ["none"] * 3 + ["r"] * 3 + ["rx", "rwx"]
# Not hwpoison and soft_offline: root's, and they take pages away from the machine.
ADVICES = ["normal", "random", "sequential", "willneed", "dontneed", "free", "remove", "dontfork",
           "dofork", "mergeable", "unmergeable", "hugepage", "nohugepage", "dontdump", "dodump",
           "wipeonfork", "keeponfork", "cold", "pageout", "populate_read", "populate_write",
           "dontneed_locked", "collapse", "guard_install", "guard_remove"]
# The ones that change what merges, or what a fork child has.
ADVICES += ["dontfork", "dofork", "hugepage", "nohugepage", "wipeonfork", "dontneed", "free"] * 3
TOUCHING_ADVICES = {"populate_read", "populate_write", "willneed", "collapse"}

MAP_OUTCOMES = ("ok|ENOMEM|EINVAL|EAGAIN|EEXIST|EACCES|EBADF|EOPNOTSUPP|EPERM|EFAULT|ENODEV|EBUSY|"
                "EIO")


class Mapping:
    """What is known of a full m slot."""

    def __init__(self, pages):
        self.pages = pages


class Generator:
    """One program. Each op_ method adds one statement, or a few, or none when it does not fit."""

    def __init__(self, rng, kind):
        self.rng = rng
        self.kind = kind
        self.lines = []
        self.statements = rng.randint(20, 90) if kind == "parallel" else rng.randint(5, 60)
        self.blocks = [None] * rng.choice([4, 8, 16, 40])
        self.maps = [None] * rng.choice([3, 6, 12, 30])
        self.threads = rng.choice([2, 2, 3, 4, 8] if kind == "parallel" else [1, 1, 2, 3, 4])
        self.lane = 0  # in a parallel section: whose line is next
        self.open = []  # words of the blocks that are open
        self.weight = 1  # how often the next statement runs
        self.touchable = TOUCH_BYTES
        self.calls = CALLS
        self.forks = FORKS
        self.exits = EXITS
        self.checkpoints = 0

    # Numbers and words

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def size_text(self, size):
        """The same number in one of the ways to write it."""
        ways = [str(size)]
        for unit, bytes_ in [("p", PAGE), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]:
            if size and size % bytes_ == 0:
                ways.append(f"{size // bytes_}{unit}")
        return self.rng.choice(ways)

    def size(self):
        enormous = 0 if "parallel" in self.open else 1
        table = self.rng.choices([SMALL, PAGES, LARGE, ENORMOUS], [55, 22, 22, enormous])[0]
        return self.rng.choice(table)

    def alignment(self):
        if self.chance(6):
            return self.rng.choice([0, 3, 12, 24, 100])
        if self.chance(3):
            return 2 << 20
        return 1 << self.rng.randint(0, 16)

    def map_pages(self):
        return self.rng.choice(MAP_PAGES_LARGE if self.chance(8) else MAP_PAGES)

    # Slots

    def one(self, slots, full):
        """A slot that is full (or empty), if there is one, else any."""
        fitting = [i for i, s in enumerate(slots) if (s is not None) == full]
        if not fitting or self.chance(4):
            return self.rng.randrange(len(slots))
        return self.rng.choice(fitting)

    def choose(self, slots, full):
        """A slot or a slice: its text without the letter, and the slots that are full (empty)."""
        i = self.one(slots, full)
        if self.chance(60) or self.calls < len(slots) * self.weight:
            return f"[{i}]", [i] if (slots[i] is not None) == full else []
        tries = [self.slice(slots, full) for _ in range(4)]
        return max(tries, key=lambda found: found[2])[:2]

    def slice(self, slots, full):
        """Any slice, what of it fits, and how well."""
        start, stop = sorted(self.rng.randint(0, len(slots)) for _ in range(2))
        step = self.rng.choice([1, 1, 1, 2, 2, 3, 7])
        text = f"[{start}:{stop}]" if step == 1 and self.chance(80) else f"[{start}:{stop}:{step}]"
        at = [k for k in range(start, stop, step) if (slots[k] is not None) == full]
        return text, at, len(at) - 2 * (len(range(start, stop, step)) - len(at))

    # Statements

    def may_touch(self, bytes_):
        """Whether that much more may be touched, each time the statement runs; takes it if so."""
        if bytes_ * self.weight > self.touchable:
            return False
        self.touchable -= bytes_ * self.weight
        return True

    def thread(self):
        """The prefix of a line, or none."""
        if self.open and self.open[-1] == "parallel":
            return f"@{self.lane} "
        if self.threads > 1 and not {"fork", "parallel"} & set(self.open) and self.chance(50):
            return f"@{self.rng.randrange(self.threads)} "
        return ""

    def emit(self, text, calls=1, thread=None):
        if text.split()[0] == "checkpoint":
            calls = 50  # it reads the whole map table
        thread = self.thread() if thread is None else thread
        self.lines.append("  " * len(self.open) + thread + text)
        self.statements -= 1
        self.calls -= max(calls, 1) * self.weight

    def emit_map(self, text, calls=1):
        self.emit(text + (f" -> {MAP_OUTCOMES}" if self.chance(8) else ""), calls)

    def part(self, pages):
        """An offset and a length inside so many pages; now and then not aligned, or beyond."""
        first = self.rng.randrange(pages)
        count = self.rng.randint(1, pages - first)
        offset, length = first * PAGE, count * PAGE
        if self.chance(10):
            length -= self.rng.choice([1, 100, PAGE - 1])
        if self.chance(3):
            offset += self.rng.choice([1, 512])
        if self.chance(3):
            length += PAGE * self.rng.choice([1, 8])
        if self.chance(1):
            length = 0
        return f"{self.size_text(offset)} {self.size_text(length)}"

    def some_part(self, pages, percent):
        return " " + self.part(pages) if self.chance(percent) else ""

    def unordered(self):
        """Whether ops that are not below this one may run after it."""
        return bool({"repeat", "parallel"} & set(self.open))

    # Block ops

    def fill(self, text, at, size, zeroed=False):
        # In a loop, an op above this one may touch it the next time around; beside, another thread.
        if (zeroed or self.unordered()) and not self.may_touch(size * len(at)):
            return
        self.emit(text, len(at))
        for i in at:
            self.blocks[i] = size

    def op_malloc(self):
        where, at = self.choose(self.blocks, False)
        size = self.size()
        word = self.rng.choice(["malloc"] * 8 + ["valloc", "pvalloc"])
        self.fill(f"{word} b{where} {self.size_text(size)}", at, size)

    def op_calloc(self):
        where, at = self.choose(self.blocks, False)
        size = self.size()
        count = self.rng.choice([0, 1, 2, 3, 8, 100]) if size <= PAGE else 1
        self.fill(f"calloc b{where} {count} {self.size_text(size)}", at, count * size, True)

    def op_aligned(self):
        where, at = self.choose(self.blocks, False)
        size = self.size()
        word = self.rng.choice(["aligned_alloc", "posix_memalign", "memalign"])
        align = self.size_text(self.alignment())
        self.fill(f"{word} b{where} {align} {self.size_text(size)}", at, size)

    def op_realloc(self):
        where, at = self.choose(self.blocks, self.chance(85))
        size = self.size()
        if not self.may_touch(max(len(at), 1) * size):  # the copy
            return
        if self.chance(75):
            self.fill(f"realloc b{where} {self.size_text(size)}", at, size)
        else:
            count = self.rng.choice([1, 2, 3])
            self.fill(f"reallocarray b{where} {count} {self.size_text(size // count)}", at, size)

    def op_free(self):
        where, at = self.choose(self.blocks, True)
        word = self.rng.choice(["free"] * 20 + ["free_sized", "free_aligned_sized"])
        self.emit(f"{word} b{where}", len(at))
        for i in at:
            self.blocks[i] = None

    def op_block_touch(self):
        where, at = self.choose(self.blocks, True)
        if not self.may_touch(sum(self.blocks[i] for i in at)):
            return
        span = ""
        smallest = min((self.blocks[i] for i in at), default=0)
        if smallest and self.chance(30):
            offset = self.rng.randrange(smallest)
            span = f" {self.size_text(offset)} {self.rng.randint(0, smallest - offset)}"
        self.emit(f"touch b{where}{span}", len(at))

    def op_usable(self):
        where, at = self.choose(self.blocks, self.chance(90))
        self.emit(f"usable b{where}", len(at))

    def op_trim(self):
        self.emit("trim", 20)

    def op_growth_chain(self):
        i = self.one(self.blocks, self.chance(30))
        size = self.rng.choice([1, 16, 100, 4096, 100000])
        for _ in range(self.rng.randint(3, 7)):
            if not self.may_touch(2 * size):
                return
            self.fill(f"realloc b[{i}] {self.size_text(size)}", [i], size)
            if self.chance(50):
                self.emit(f"touch b[{i}]")
            size = int(size * self.rng.choice([1.5, 2, 2, 4])) + self.rng.choice([0, 0, 1])

    def op_drain(self):
        """Neighbours, every second of them freed, then the rest."""
        n, size = len(self.blocks), self.size()
        there = sum(b for b in self.blocks if b)
        if n * self.weight * 4 > self.calls or not self.may_touch(n * size + there):
            return
        self.emit(f"malloc b[0:{n}] {self.size_text(size)}", n)
        self.emit(f"touch b[0:{n}]", n)
        self.emit(f"free b[{self.rng.randint(0, 1)}:{n}:2]", n)
        self.emit(f"free b[0:{n}]", n)
        self.blocks = [None] * n

    def op_bad_block(self):
        i, big = self.one(self.blocks, False), self.rng.choice(IMPOSSIBLE)
        self.emit(self.rng.choice([
            f"malloc b[{i}] {big}", f"calloc b[{i}] 1 {big}", f"realloc b[{i}] {big}",
            f"calloc b[{i}] 4294967296 4294967296", f"calloc b[{i}] {big} 2",
            f"reallocarray b[{i}] 4294967296 4294967297", f"posix_memalign b[{i}] 3 8",
            f"posix_memalign b[{i}] 0 8", f"posix_memalign b[{i}] 16 {big}",
            f"memalign b[{i}] 4096 {big}", f"aligned_alloc b[{i}] 64 {big}", f"valloc b[{i}] {big}",
            f"pvalloc b[{i}] {big}"]))

    # Mapping ops

    def sharing(self):
        source = self.rng.choices(["anon", "zero", "file", "memfd"], [70, 10, 6, 14])[0]
        if source == "anon" and self.chance(1):
            return ["droppable", source]
        if source != "anon" and self.chance(4):
            return ["shared_validate", source]
        return [self.rng.choices(["private", "shared"], [76, 24])[0], source]

    def place(self, pages):
        """fixed=m[3]+4p, mostly inside a mapping that is there; None when there is none."""
        i = self.one(self.maps, True)
        target = self.maps[i]
        if not target:
            return None
        offset = self.rng.randint(0, max(target.pages - pages, 0)) * PAGE
        return f"m[{i}]+{self.size_text(offset)}" if offset or self.chance(50) else f"m[{i}]"

    def map_flags(self, pages):
        flags = self.sharing()
        flags += [f for f, percent in [("noreserve", 15), ("stack", 3), ("32bit", 3),
                                       ("nonblock", 1), ("executable", 1)] if self.chance(percent)]
        where = self.place(pages) if self.chance(18) else None
        if where:
            word = self.rng.choices(["fixed", "fixed_noreplace"], [70, 30])[0]
            flags.append(f"{word}={where}")
        return flags

    def op_mmap(self):
        where, at = self.choose(self.maps, False)
        pages = self.map_pages() if len(at) < 4 else self.rng.choice(MAP_PAGES)
        flags = self.map_flags(pages)
        bytes_ = pages * PAGE * max(len(at), 1)
        if self.unordered() and not self.may_touch(bytes_):
            return
        if self.chance(6) and self.may_touch(bytes_):
            flags.append("populate")
        self.rng.shuffle(flags)
        length = pages * PAGE - (self.rng.choice([1, 4000]) if self.chance(5) else 0)
        prot = self.rng.choice(PROTS)
        self.emit_map(f"mmap m{where} {self.size_text(length)} {prot} {','.join(flags)}", len(at))
        for i in at:
            self.maps[i] = Mapping(pages)

    def op_munmap(self):
        where, at = self.choose(self.maps, True)
        smallest = min((self.maps[i].pages for i in at), default=0)
        span = self.some_part(smallest, 55) if smallest else ""
        self.emit_map(f"munmap m{where}{span}", len(at))
        for i in at if not span else []:
            self.maps[i] = None

    def mremap_flags(self, old, new):
        flags = ["maymove"] if self.chance(80) else []
        if self.chance(20):
            where = self.place(new)
            if where:
                flags = ["maymove", f"fixed={where}"]
        if self.chance(15 if old != new else 60):
            flags.append("dontunmap")
        return flags

    def op_mremap(self):
        where, at = self.choose(self.maps, True)
        old = self.maps[at[0]].pages if at else 1
        new = self.rng.choice([old, max(old // 2, 1), old + 1, 2 * old, self.map_pages()])
        new = min(new, 16384)
        if self.unordered() and not self.may_touch(new * PAGE * max(len(at), 1)):
            return
        flags = self.mremap_flags(old, new)
        self.emit_map(f"mremap m{where} {self.size_text(new * PAGE)} {','.join(flags)}".rstrip(),
                      len(at))
        for i in at:
            self.maps[i] = Mapping(new)

    def on_part(self, word, percent):
        where, at = self.choose(self.maps, True)
        smallest = min((self.maps[i].pages for i in at), default=0)
        span = self.some_part(smallest, percent) if smallest else ""
        self.emit_map(f"{word.split()[0]} m{where} {' '.join(word.split()[1:])}{span}", len(at))

    def op_mprotect(self):
        self.on_part(f"mprotect {self.rng.choice(PROTS)}", 75)

    def op_madvise(self):
        advice = self.rng.choice(ADVICES)
        largest = max((m.pages for m in self.maps if m), default=0)
        if advice in TOUCHING_ADVICES and not self.may_touch(largest * PAGE * 4):
            return
        self.on_part(f"madvise {advice}", 60)

    def op_map_touch(self):
        where, at = self.choose(self.maps, True)
        if not self.may_touch(sum(self.maps[i].pages for i in at) * PAGE):
            return
        smallest = min((self.maps[i].pages for i in at), default=0)
        span = self.some_part(smallest, 35) if smallest else ""
        self.emit(f"touch m{where}{span}", len(at))

    def op_comb(self):
        """Neighbours that merge, every second of them unmapped, the holes filled, all gone."""
        n, pages = len(self.maps), self.rng.choice([1, 1, 2, 16])
        there = sum(m.pages for m in self.maps if m)
        if n * self.weight * 5 > self.calls or not self.may_touch((n * pages + there) * PAGE):
            return
        length, sharing = self.size_text(pages * PAGE), ",".join(self.sharing())
        self.emit_map(f"mmap m[0:{n}] {length} rw {sharing}", n)
        if self.chance(50):
            self.emit(f"touch m[0:{n}]", n)
        self.emit_map(f"munmap m[{self.rng.randint(0, 1)}:{n}:2]", n)
        if self.chance(50):
            self.emit_map(f"mmap m[0:{n}] {length} {self.rng.choice(PROTS)} {sharing}", n)
        self.emit_map(f"munmap m[0:{n}]", n)
        self.maps = [None] * n

    def op_bad_map(self):
        i, j = self.one(self.maps, False), self.one(self.maps, True)
        self.emit_map(self.rng.choice([
            f"mmap m[{i}] 0 rw private,anon", f"mmap m[{i}] 1p rw anon",
            f"mmap m[{i}] 1p rw private", f"mmap m[{i}] 256T rw private,anon",
            f"mmap m[{i}] 2M rw private,anon,hugetlb", f"mmap m[{i}] 1p rw none",
            f"mmap m[{i}] 2p rw shared,private,anon", f"munmap m[{j}] 1 1p", f"munmap m[{j}] 0 0",
            f"mremap m[{j}] 0", f"mremap m[{j}] 4p dontunmap", f"mprotect m[{j}] rw 1 1p",
            f"mprotect m[{j}] rw 0 {self.map_pages() + 40}p", f"mremap m[{j}] 300T maymove",
            f"madvise m[{j}] dontneed 1 1p", f"madvise m[{j}] wipeonfork",
            f"mmap m[{i}] 1p rw private,anon,fixed_noreplace=m[{j}]"]))

    # Blocks

    def block(self, head, weight, length=8, lanes=()):
        self.emit(head + " {")
        self.open.append(head.split()[0])
        self.weight *= weight
        before = self.statements
        length = self.rng.randint(1, length)
        while self.statements > max(before - length, 0):
            self.lane = self.rng.choice(lanes) if lanes else self.lane
            self.step()
        self.weight //= weight
        self.open.pop()
        self.lines.append("  " * len(self.open) + "}")

    def op_repeat(self):
        count = self.rng.choice([0, 1, 2, 2, 3, 4, 6, 10])
        if len(self.open) < DEPTH and self.weight * max(count, 1) * 20 <= self.calls:
            before = list(self.blocks), list(self.maps)
            self.block(f"repeat {count}", max(count, 1))
            if count == 0:
                self.blocks, self.maps = before

    def op_fork(self):
        if self.open.count("fork") >= FORK_DEPTH or self.forks < self.weight:
            return
        self.forks -= self.weight
        before = list(self.blocks), list(self.maps)
        self.block("fork", 1)
        self.blocks, self.maps = before

    def op_parallel(self):
        if {"fork", "parallel"} & set(self.open) or len(self.open) >= DEPTH - 1:
            return
        if self.chance(2):
            self.emit("parallel {")
            self.lines.append("  " * len(self.open) + "}")
            return
        lanes = list(range(self.threads))
        if self.chance(20):
            lanes = self.rng.choices(lanes, k=self.rng.randint(1, self.threads))
        self.block("parallel", 1, self.rng.choice([6, 40]), lanes)

    def op_hand_over(self):
        """In a section: what one thread allocates another one frees, over and over."""
        count = self.rng.choice([1, 5, 20, 50])
        n = self.rng.randint(1, min(len(self.blocks), 4))
        size = self.size()
        if self.open[-1:] != ["parallel"] or self.weight * count * n * 3 > self.calls:
            return
        if not self.may_touch(count * n * size):
            return
        giver, first = self.lane, self.rng.randrange(len(self.blocks) - n + 1)
        ops = [[f"malloc b[{first}:{first + n}] {self.size_text(size)}",
                f"touch b[{first}:{first + n}]"], [f"free b[{first}:{first + n}]"]]
        for lane, body in zip([giver, (giver + 1) % self.threads], ops):
            self.lane = lane
            self.emit(f"repeat {count} {{", 0)
            self.open.append("repeat")
            for line in body:
                self.emit(line, n * count)
            self.open.pop()
            self.lines.append("  " * len(self.open) + "}")

    def op_exit(self):
        """A thread ends, its successor goes on; thread 0 never does."""
        if "fork" in self.open or self.threads == 1 or self.exits < self.weight:
            return
        if "parallel" not in self.open:
            thread = f"@{self.rng.randrange(1, self.threads)} "
        elif self.lane == 0:
            return
        else:
            thread = None
        self.exits -= self.weight
        self.emit("exit", 30, thread)

    def op_checkpoint(self):
        if self.checkpoints < 3 and self.weight == 1 and "parallel" not in self.open:
            self.checkpoints += 1
            self.emit(f"checkpoint c{self.checkpoints}")

    BLOCK_OPS = [(op_malloc, 22), (op_calloc, 7), (op_aligned, 8), (op_realloc, 10), (op_free, 20),
                 (op_block_touch, 14), (op_usable, 3), (op_trim, 2), (op_growth_chain, 3),
                 (op_drain, 2), (op_bad_block, 2)]
    MAP_OPS = [(op_mmap, 24), (op_munmap, 16), (op_mremap, 9), (op_mprotect, 10), (op_madvise, 14),
               (op_map_touch, 12), (op_comb, 3), (op_bad_map, 3)]
    CONTROL = [(op_repeat, 5), (op_fork, 3), (op_checkpoint, 1)]
    SIDE_BY_SIDE = [(op_parallel, 2), (op_hand_over, 2), (op_exit, 1)]
    OPS = {"blocks": BLOCK_OPS + CONTROL, "maps": MAP_OPS + CONTROL,
           "mixed": BLOCK_OPS + MAP_OPS + SIDE_BY_SIDE +
                    [(op, 2 * weight) for op, weight in CONTROL],
           "parallel": [(op, 3 * weight) for op, weight in BLOCK_OPS] + MAP_OPS +
                       [(op, 3 * weight) for op, weight in CONTROL] +
                       [(op, 20 * weight) for op, weight in SIDE_BY_SIDE]}

    def step(self):
        ops = self.OPS[self.kind]
        # Whatever the budgets say, this one always adds a statement.
        if self.calls <= 0 or self.statements <= 0:
            self.emit("usable b[0]" if self.kind not in ("maps", "kernel") else
                      "madvise m[0] normal")
            return
        self.rng.choices([op for op, _ in ops], [weight for _, weight in ops])[0](self)

    def clean_up(self):
        for line in [f"free b[0:{len(self.blocks)}]" if self.kind != "maps" else None,
                     f"munmap m[0:{len(self.maps)}]" if self.kind != "blocks" else None,
                     "trim" if self.kind != "maps" and self.chance(50) else None,
                     "checkpoint freed"]:
            if line:
                self.emit(line)

    def program(self):
        while self.statements > 0 and self.calls > 0:
            self.step()
        if self.chance(50):
            self.clean_up()
        return self.lines


def generator(rng, kind):
    if kind != "kernel":
        return Generator(rng, kind)
    from random_kernel import KernelGenerator  # which builds on this file
    return KernelGenerator(rng)


def program(seed, index, kind, ballast=None):
    """The text of one program."""
    rng = random.Random(f"{seed}/{kind}/{index}")
    head = ["allocrig 1", f"# random_programs.py --seed {seed} --kind {kind}, program {index}"]
    if ballast is not None:
        head.append(f"ballast {ballast}")
    return "\n".join(head + generator(rng, kind).program()) + "\n"


def write(out, indices, seed, kind, ballast=None):
    """Writes the programs of these indices; their paths."""
    paths = []
    for index in indices:
        path = Path(out) / f"random-{seed}-{kind}-{index:05}.prog"
        path.write_text(program(seed, index, kind, ballast))
        paths.append(path)
    return paths


def main():
    parser = argparse.ArgumentParser(description="Writes random programs in the text format.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--out", required=True, metavar="DIR", help="is made when it is not there")
    parser.add_argument("--kind", choices=KINDS, default="mixed")
    parser.add_argument("--ballast", type=int, metavar="N", help="a ballast line in each")
    args = parser.parse_args()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    write(args.out, range(args.count), args.seed, args.kind, args.ballast)
    return 0


if __name__ == "__main__":
    sys.exit(main())
