"""Random programs of mapping ops alone, over all of the text format: kind `kernel`.

Nothing is said about how a call may end: the model of the pages judges every one. What a program
does is made so that much of it succeeds, that views of one file, moves, forks and holes meet, and
that the ends of files and of mappings are near.
"""

from random_programs import (ADVICES, DEPTH, IMPOSSIBLE, PAGE, PROTS, TOUCHING_ADVICES, Generator,
                             Mapping)

TOUCH_BYTES = 6 << 20  # in all of one program
CALLS = 700
FORKS = 6
LOCK_PAGES = 8  # the least limit of locked memory that is common is 64 KiB

MAP_PAGES = [1, 1, 1, 2, 2, 3, 4, 4, 5, 7, 8, 8, 12, 16, 31]
MAP_PAGES_LARGE = [64, 128, 257, 511, 512, 513, 1024, 1025]
MAP_PAGES_ENORMOUS = 16384

NEW_PROTS = ["rw"] * 10 + PROTS
FILES = ["file", "memfd", "shm"]
RELATIONS = ["==", "!=", "<", "<=", ">", ">="]
FACTS = {"overcommit": ["0", "1", "2"], "thp": ["never", "madvise", "always"], "root": ["0", "1"],
         "ram": ["64M", "2G", "1T"], "swap": ["0", "1G"], "memlock": ["64K", "8M"],
         "max_map_count": ["65530", "1048576"], "hugepages": ["0"]}
FACTS |= {feature: ["0", "1"] for feature in [
    "guard_install", "populate_write", "collapse", "wipeonfork", "dontunmap", "fixed_noreplace",
    "shm"]}


class KernelGenerator(Generator):
    def __init__(self, rng):
        super().__init__(rng, "kernel")
        self.statements = rng.randint(8, 80)
        self.maps = [None] * rng.choice([3, 5, 8, 16])
        self.files = [None] * len(self.maps)  # of each slot: pages of what it mapped last
        self.touchable, self.calls, self.forks = TOUCH_BYTES, CALLS, FORKS

    # Numbers and words

    def map_pages(self):
        if self.chance(0.5):
            return MAP_PAGES_ENORMOUS
        return self.rng.choice(MAP_PAGES_LARGE if self.chance(7) else MAP_PAGES)

    def emit(self, text, calls=1, thread=None):
        super().emit(" ".join(text.split()), calls, thread)

    def emit_map(self, text, calls=1):
        self.emit(text, calls)

    def pages(self, count):
        return self.size_text(count * PAGE)

    def slot(self, full=True):
        """One slot's number, and its mapping; None when it is empty (or full)."""
        i = self.one(self.maps, full)
        return i, self.maps[i]

    def inside(self, pages, most=None):
        """A part of whole pages, as its text and its count of pages."""
        first = self.rng.randrange(pages)
        count = self.rng.randint(1, min(pages - first, most or pages))
        return f"{self.pages(first)} {self.pages(count)}", count

    # New mappings

    def source(self):
        """The words of a source, and the pages of the file that is made or mapped."""
        filed = [j for j, pages in enumerate(self.files) if pages is not None]
        if filed and self.chance(30):
            j = self.rng.choice(filed)
            return f"of=m[{j}]", self.files[j]
        if self.chance(3):
            return f"of=m[{self.rng.randrange(len(self.maps))}]", None
        return self.rng.choices(["anon", "zero"] + FILES, [45, 10, 8, 14, 8])[0], None

    def offset(self, source, file_pages, pages):
        """Pages into the file. What is made here is as long as it must be."""
        if source in ["anon", "zero"]:
            return self.rng.randint(0, 9) if self.chance(4) else 0
        if source in FILES:
            return self.rng.choice([1, 3, 16, 1 << 18]) if self.chance(25) else 0
        beyond = pages if self.chance(15) else 0
        return self.rng.randint(0, max((file_pages or 1) - pages + beyond, 0))

    def sharing_of(self, source):
        if source == "anon" and self.chance(1):
            return "droppable"
        if source != "anon" and self.chance(4):
            return "shared_validate"
        return self.rng.choices(["private", "shared"], [55, 45])[0]

    def places(self, pages):
        where = self.place(pages) if self.chance(28) else None
        word = self.rng.choices(["fixed", "fixed_noreplace", "hint"], [55, 20, 25])[0]
        return [f"{word}={where}"] if where else []

    def extras(self, pages, at):
        flags = [f for f, percent in [("noreserve", 12), ("stack", 2), ("32bit", 3), ("nonblock", 1),
                                      ("above4g", 1), ("denywrite", 1)] if self.chance(percent)]
        if self.chance(7) and self.may_touch(pages * PAGE * max(len(at), 1)):
            flags.append("populate")
        if pages <= LOCK_PAGES and self.chance(2):
            flags.append("locked")
        return flags

    def mmap(self, where, at, pages, prot, flags, file_pages, odd=0):
        self.emit(f"mmap m{where} {self.size_text(pages * PAGE - odd)} {prot} {','.join(flags)}",
                  len(at))
        for i in at:
            self.maps[i], self.files[i] = Mapping(pages), file_pages

    def op_mmap(self):
        where, at = self.choose(self.maps, False)
        pages = self.map_pages() if len(at) < 4 else self.rng.choice(MAP_PAGES)
        if self.unordered() and not self.may_touch(pages * PAGE * max(len(at), 1)):
            return
        source, file_pages = self.source()
        offset = self.offset(source, file_pages, pages)
        flags = [self.sharing_of(source), source, *self.places(pages), *self.extras(pages, at)]
        if offset or self.chance(2):
            odd = self.rng.choice([1, 512]) if self.chance(3) else 0
            flags.append(f"offset={self.size_text(offset * PAGE + odd)}")
        self.rng.shuffle(flags)
        if source in FILES:
            file_pages = offset + pages
        self.mmap(where, at, pages, self.rng.choice(NEW_PROTS), flags, file_pages,
                  self.rng.choice([1, 4000]) if self.chance(5) else 0)

    # Changes

    def op_munmap(self):
        if self.chance(45):
            super().op_munmap()
        else:
            self.on_part("munmap", 90)

    def mremap_flags(self, old, new):
        """Mostly what can go together."""
        flags = ["maymove"] if self.chance(88) else []
        where = self.place(new) if flags and self.chance(20) else None
        if where:
            flags.append(f"fixed={where}")
        if self.chance(40 if old == new and flags else 3):
            flags.append("dontunmap")
        return flags

    def op_mremap(self):
        where, at = self.choose(self.maps, True)
        old = self.maps[at[0]].pages if at else 1
        span, count = self.inside(old, self.rng.choice([1, 4, old])) if self.chance(45) else ("", old)
        if self.chance(5):
            span, count = f"{self.pages(self.rng.randrange(old))} 0", 0
        new = min(self.rng.choice([count, max(count // 2, 1), count + 1, 2 * count, self.map_pages()]),
                  MAP_PAGES_ENORMOUS) or 1
        if self.unordered() and not self.may_touch(new * PAGE * max(len(at), 1)):
            return
        flags = self.mremap_flags(count, new)
        i, there = self.slot(False)
        to = not there and self.chance(50)
        if to:
            flags.append(f"to=m[{i}]")
        self.emit(" ".join(["mremap", f"m{where}", self.pages(new)] +
                           [word for word in [",".join(flags), span] if word]), len(at))
        self.moved(at, new, i if to else None)

    def moved(self, at, new, to):
        """A call that fails leaves what was there, so the larger of the two is remembered."""
        for i in at:
            if to is not None and to != i:
                self.maps[to], self.files[to] = Mapping(new), self.files[i]
            else:
                self.maps[i] = Mapping(max(new, self.maps[i].pages))

    def op_madvise(self):
        advice = self.rng.choice(ADVICES)
        largest = max((m.pages for m in self.maps if m), default=0)
        if advice in TOUCHING_ADVICES and not self.may_touch(largest * PAGE):
            return
        self.on_part(f"madvise {advice}", 65)

    def op_msync(self):
        flags = self.rng.choice(["sync", "async", "invalidate", "sync,invalidate", "async,invalidate",
                                 "sync,async", "none"])
        self.on_part(f"msync {flags}", 50)

    def op_lock(self):
        i, there = self.slot()
        if not there:
            return
        span, _ = self.inside(there.pages, LOCK_PAGES)
        if self.may_touch(LOCK_PAGES * PAGE):
            self.emit(f"{self.rng.choice(['mlock', 'mlock', 'munlock'])} m[{i}] {span}")

    def op_truncate(self):
        filed = [j for j, m in enumerate(self.maps) if m and self.files[j] is not None]
        if not filed or self.chance(4):
            self.emit(f"truncate m[{self.rng.randrange(len(self.maps))}] 1p")
            return
        j = self.rng.choice(filed)
        pages = self.rng.choice([0, max(self.files[j] // 2, 1), max(self.files[j] - 1, 0),
                                 self.files[j], self.files[j] + 1, self.files[j] * 2,
                                 self.rng.randint(0, 20)])
        pages = min(pages, (1 << 18) + 4096)
        odd = self.rng.choice([1, 100, PAGE - 1]) if pages and self.chance(25) else 0
        self.emit(f"truncate m[{j}] {self.size_text(pages * PAGE - odd)}")
        self.files[j] = pages

    # Accesses

    def access(self, word, percent):
        where, at = self.choose(self.maps, True)
        if not self.may_touch(sum(self.maps[i].pages for i in at) * PAGE):
            return
        smallest = min((self.maps[i].pages for i in at), default=0)
        span = self.some_part(smallest, percent) if smallest else ""
        name, *rest = word.split()
        self.emit(" ".join([name, f"m{where}", *rest]) + span, len(at))

    def any_access(self, i):
        self.emit(self.rng.choice([f"touch m[{i}]", f"check m[{i}]", f"add m[{i}] 7"]))

    def op_map_touch(self):
        self.access("touch", 40)

    def op_check(self):
        self.access("check", 25)

    def op_add(self):
        self.access(f"add {self.rng.choice([1, 2, 1 << 20, 2**64 - 1])}", 40)

    # What is seldom met by chance

    def op_views(self):
        """Two views of one file, and what each shows of the other's writes."""
        (i, there), j = self.slot(False), self.rng.randrange(len(self.maps))
        pages = self.rng.choice(MAP_PAGES)
        if there or i == j or self.maps[j] or not self.may_touch(pages * PAGE * 8):
            return
        source = self.rng.choice(FILES)
        self.mmap(f"[{i}]", [i], pages, "rw", [self.rng.choice(["shared", "private"]), source], pages)
        if self.chance(50):
            self.emit(f"touch m[{i}]")
        offset = self.rng.randrange(pages)
        length = self.rng.randint(1, pages - offset) + (self.rng.choice([1, 4]) if self.chance(20) else 0)
        self.mmap(f"[{j}]", [j], length, "rw", [self.rng.choice(["shared", "private"]), f"of=m[{i}]",
                                                f"offset={self.pages(offset)}"], pages)
        for _ in range(self.rng.randint(1, 4)):
            self.any_access(self.rng.choice([i, j]))
        self.emit(f"check m[{i}]")
        self.emit(f"check m[{j}]")

    def op_move_apart(self):
        """DONTUNMAP, or the old size 0 of a shared mapping: two mappings where there was one."""
        (i, there), (j, other) = self.slot(), self.slot(False)
        if not there or other or not self.may_touch(there.pages * PAGE * 4):
            return
        self.emit(f"touch m[{i}]")
        self.emit(f"mremap m[{i}] {self.pages(there.pages)} " + self.rng.choice(
            [f"maymove,to=m[{j}] 0 0", f"dontunmap,maymove,to=m[{j}]"]))
        self.maps[j], self.files[j] = Mapping(there.pages), self.files[i]
        if self.chance(60):
            self.any_access(self.rng.choice([i, j]))
        self.emit(f"check m[{i}]")
        self.emit(f"check m[{j}]")

    def op_reserve(self):
        """Mappings side by side in a reserved range, which is then read and changed as one."""
        i, there = self.slot(False)
        pages = self.rng.choice([4, 8, 16, 32])
        if there or not self.may_touch(pages * PAGE * 6):
            return
        self.mmap(f"[{i}]", [i], pages, self.rng.choice(["none", "none", "rw", "r"]),
                  ["private", "anon", "noreserve"], None)
        for _ in range(self.rng.randint(1, 4)):
            j, other = self.slot(False)
            first = self.rng.randrange(pages)
            if other or j == i:
                continue
            source, file_pages = self.source()
            length = self.rng.randint(1, pages - first)
            self.mmap(f"[{j}]", [j], length, self.rng.choice(["rw", "rw", "r", "none"]),
                      [self.sharing_of(source), source, f"fixed=m[{i}]+{self.pages(first)}"],
                      length if source in FILES else file_pages)
            if self.chance(50):
                self.emit(f"touch m[{j}]")
        self.over_span(i, pages)

    def op_hole(self):
        """A hole in a mapping, and calls on a range that has it inside."""
        i, there = self.slot()
        if not there or there.pages < 3 or not self.may_touch(there.pages * PAGE * 3):
            return
        first = self.rng.randint(1, there.pages - 2)
        hole = f"{self.pages(first)} {self.pages(self.rng.randint(1, there.pages - 1 - first))}"
        self.emit(f"touch m[{i}]")
        self.emit(self.rng.choice([f"munmap m[{i}] {hole}", f"munmap m[{i}] {hole}",
                                   f"mprotect m[{i}] none {hole}", f"mprotect m[{i}] r {hole}",
                                   f"madvise m[{i}] guard_install {hole}",
                                   f"madvise m[{i}] dontneed {hole}",
                                   f"madvise m[{i}] remove {hole}"]))
        self.over_span(i, there.pages)

    def op_there_and_back(self):
        """What is undone at once: the content stays, or is dropped on the way."""
        i, there = self.slot()
        if not there or not self.may_touch(there.pages * PAGE * 3):
            return
        part, _ = self.inside(there.pages)
        there, back = self.rng.choice([
            ("madvise m[{i}] guard_install", "madvise m[{i}] guard_remove"),
            ("mprotect m[{i}] none", "mprotect m[{i}] rw"), ("mlock m[{i}]", "munlock m[{i}]"),
            ("madvise m[{i}] dontfork", "madvise m[{i}] dofork"),
            ("madvise m[{i}] free", "touch m[{i}]")])
        self.emit(f"touch m[{i}]")
        self.emit(f"{there.format(i=i)} {part}")
        if self.chance(30):
            self.any_access(i)
        self.emit(f"{back.format(i=i)} {part}")
        self.emit(f"check m[{i}]")

    def over_span(self, i, pages):
        for _ in range(self.rng.randint(1, 3)):
            span, _ = self.inside(pages)
            span = self.rng.choice(["", f" {span}"])
            self.emit(self.rng.choice([
                f"check m[{i}]{span}", f"touch m[{i}]{span}", f"add m[{i}] 1{span}",
                f"mprotect m[{i}] {self.rng.choice(PROTS)}{span}", f"munmap m[{i}]{span or ' 0 1p'}",
                f"madvise m[{i}] {self.rng.choice(ADVICES)}{span}", f"msync m[{i}] async{span}"]))
        self.emit(f"check m[{i}]")

    def op_snapshot(self):
        """Pages that a fork child has and writes too, looked at on both sides."""
        i, there = self.slot()
        if not there or self.open.count("fork") > 1 or self.forks < self.weight or \
                not self.may_touch(there.pages * PAGE * 4):
            return
        self.forks -= self.weight
        if self.chance(40):
            advice = self.rng.choice(["dontfork", "wipeonfork", "dofork", "keeponfork"])
            self.emit(f"madvise m[{i}] {advice} {self.inside(there.pages)[0]}")
        self.emit(f"touch m[{i}]")
        self.emit("fork {")
        self.open.append("fork")
        for _ in range(self.rng.randint(1, 3)):
            self.any_access(i)
        self.open.pop()
        self.lines.append("  " * len(self.open) + "}")
        self.emit(f"check m[{i}]")

    def op_bad_map(self):
        (i, _), (j, there) = self.slot(False), self.slot()
        big = self.rng.choice(IMPOSSIBLE)
        near = (there.pages if there else 1) + 2
        self.emit(self.rng.choice([
            f"mmap m[{i}] 0 rw private,anon", f"mmap m[{i}] 1p rw anon", f"mmap m[{i}] 1p rw private",
            f"mmap m[{i}] 256T rw private,anon", f"mmap m[{i}] {big} rw private,anon",
            f"mmap m[{i}] 1p rw none", f"mmap m[{i}] 1p rw shared_validate,anon",
            f"mmap m[{i}] 2p rw shared,private,anon", f"mmap m[{i}] 1p rw shared,memfd,offset=1",
            f"mmap m[{i}] 1p rw shared_validate,zero", f"mmap m[{i}] 1p rw shared,anon,fixed=m[{j}]+1",
            f"mmap m[{i}] 1p rw private,anon,fixed_noreplace=m[{j}]",
            f"mmap m[{i}] 2M rw private,anon,hugetlb", f"munmap m[{j}] 1 1p", f"munmap m[{j}] 0 0",
            f"munmap m[{j}] 0 1", f"munmap m[{j}] 0 {near}p", f"mremap m[{j}] 0",
            f"mremap m[{j}] 4p dontunmap", f"mremap m[{j}] 2p maymove 1 1p", f"mremap m[{j}] 2p 0 0",
            f"mremap m[{j}] 2p maymove,dontunmap 0 1p", f"mremap m[{j}] 300T maymove",
            f"mremap m[{j}] 1p fixed=m[{j}]", f"mremap m[{j}] 1p maymove,fixed=m[{j}] 0 1p",
            f"mremap m[{j}] 2p maymove 0 {near}p", f"mprotect m[{j}] rw 1 1p",
            f"mprotect m[{j}] rw 0 {near}p", f"mprotect m[{j}] none 0 0", f"madvise m[{j}] dontneed 1 1p",
            f"madvise m[{j}] wipeonfork", f"madvise m[{j}] free", f"madvise m[{j}] dontneed 0 {near}p",
            f"msync m[{j}] sync 1 1p", f"mlock m[{j}] 0 0", f"munlock m[{j}] 0 {near}p",
            f"truncate m[{j}] {big}", f"check m[{j}] 0 {near}p", f"check m[{j}] 0 0"]))

    # Blocks

    def op_when(self):
        if len(self.open) >= DEPTH:
            return
        fact = self.rng.choice(list(FACTS))
        value = self.rng.choice(FACTS[fact])
        self.block(f"when {fact} {self.rng.choice(RELATIONS)} {value}", 1)

    def block(self, head, weight, length=8, lanes=()):
        files = list(self.files)
        super().block(head, weight, length, lanes)
        if head == "fork":
            self.files = files

    def needs(self):
        if not self.chance(4):
            return []
        return [self.rng.choice(["needs ram > 64M", "needs overcommit <= 2", "needs thp >= never",
                                 "needs max_map_count", "needs shm", "needs dontunmap == 1"])]

    def clean_up(self):
        n = len(self.maps)
        for line in [f"check m[0:{n}]", f"munmap m[0:{n}]" if self.chance(50) else None,
                     "checkpoint freed" if self.chance(30) else None]:
            if line:
                self.emit(line, n, "")

    def program(self):
        while self.statements > 0 and self.calls > 0:
            self.step()
        self.clean_up()
        return self.needs() + self.lines

    OPS = {"kernel": [
        (op_mmap, 26), (op_munmap, 10), (op_mremap, 14), (Generator.op_mprotect, 9), (op_madvise, 15),
        (op_msync, 3), (op_lock, 4), (op_truncate, 5), (op_map_touch, 13), (op_check, 8), (op_add, 5),
        (op_views, 4), (op_move_apart, 4), (op_reserve, 4), (op_hole, 5), (op_there_and_back, 4),
        (op_snapshot, 4),
        (Generator.op_comb, 1), (op_bad_map, 5), (Generator.op_repeat, 3), (Generator.op_fork, 3),
        (op_when, 3), (Generator.op_parallel, 2), (Generator.op_exit, 1),
        (Generator.op_checkpoint, 1)]}
