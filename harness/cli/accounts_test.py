"""Accounts against arithmetic: programs whose every map, mapped and resident page is known.

A model of the address space runs the same random program as allocrig does: the kernel puts a new
mapping into the highest hole that it fits, and neighbours of one kind are one VMA. Where it depends
on the kernel's version whether two merge, the model refuses and another op is taken.
"""

import copy
import glob
import json
import os
import random
import unittest

import e2e

SEED = int(os.environ.get("ALLOCRIG_E2E_SEED", random.randrange(1 << 32)))
ALLOCATORS = [a for a in ("glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard")
              if e2e.have(a)]
# All mappings together stay below one huge page: then none can be used, whatever `enabled` says.
MOST_PAGES = 480
SLOTS = 12


def small_huge_pages():
    """Whether faults of one page may bring several (multi-size huge pages)."""
    always = "[always]" in open("/sys/kernel/mm/transparent_hugepage/enabled").read() \
        if os.path.exists("/sys/kernel/mm/transparent_hugepage/enabled") else False
    for path in glob.glob("/sys/kernel/mm/transparent_hugepage/hugepages-*kB/enabled"):
        chosen = open(path).read()
        size = int(path.split("hugepages-")[1].split("kB")[0])
        if size < 2048 and ("[always]" in chosen or ("[inherit]" in chosen and always)):
            return True
    return False


class Unsure(Exception):
    """What the kernel does here differs between versions."""


class Page:
    __slots__ = ("slot", "base", "prot", "charged", "anon", "resident")

    def __init__(self, slot, base, prot, charged):
        self.slot, self.base, self.prot, self.charged = slot, base, prot, charged
        self.anon = None  # which anon_vma; None before the first fault of a private VMA
        self.resident = False

    def vma(self):
        return self.base, self.prot, self.charged, self.anon


class Space:
    """Pages by number; 0 is the highest that a program can get, below come negative numbers."""

    def __init__(self):
        self.page = {}
        self.slot = {}
        self.fresh = 0
        self.count = {"executed": 0, "skipped": 0, "failed": 0}
        self.calls = {}

    def number(self):
        self.fresh += 1
        return self.fresh

    def is_private(self, at):
        base = self.page[at].base
        return base == "anon" or base[0] == "private"

    def account(self):
        """Maps, mapped pages and resident pages now."""
        maps = sum(1 for at, page in self.page.items()
                   if at - 1 not in self.page or self.page[at - 1].vma() != page.vma())
        return maps, len(self.page), sum(page.resident for page in self.page.values())

    def check_sure(self):
        for at, page in self.page.items():
            below = self.page.get(at - 1)
            if not below or (below.base, below.prot) != (page.base, page.prot):
                continue
            if None in (below.charged, page.charged):
                raise Unsure
            if below.charged == page.charged and below.anon != page.anon:
                raise Unsure

    def call(self, name, failed=False):
        made = self.calls.setdefault(name, [0, 0])
        made[0] += 1
        made[1] += failed

    def highest_hole(self, length):
        at = 0
        while True:
            taken = [n for n in range(at, at - length, -1) if n in self.page]
            if not taken:
                return at - length + 1
            at = min(taken) - 1

    def mmap(self, slot, length, prot, share, source):
        if slot in self.slot:
            return None
        start = self.highest_hole(length)
        base = "anon" if (share, source) == ("private", "anon") else (share, self.number())
        charged = share == "private" and "w" in prot
        new = Page(slot, base, prot, charged)
        for side in (start - 1, start + length):
            near = self.page.get(side)
            if base != "anon" or not near or (near.base, near.prot) != (base, prot):
                continue
            if near.charged is None:
                raise Unsure
            if near.charged == charged and near.anon is not None:
                new.anon = near.anon
        for n in range(start, start + length):
            self.page[n] = copy.copy(new)
        self.slot[slot] = (start, length)
        self.call("mmap")
        return True

    def own(self, slot, off, length):
        """The page numbers of a part of a slot; Unsure when it is not all there."""
        start, all_of = self.slot[slot]
        part = range(start + off, start + off + length)
        if off + length > all_of or any(n not in self.page or self.page[n].slot != slot
                                        for n in part):
            raise Unsure
        return part

    def munmap(self, slot, off=None, length=None):
        if slot not in self.slot:
            return None
        if off is not None:
            for n in self.own(slot, off, length):
                del self.page[n]
            self.call("munmap")
            return True
        start, all_of = self.slot.pop(slot)
        before = False
        for n in range(start, start + all_of):
            mine = n in self.page and self.page[n].slot == slot
            if mine:
                del self.page[n]
                if not before:
                    self.call("munmap")
            before = mine
        return True

    def mprotect(self, slot, prot, off, length):
        if slot not in self.slot:
            return None
        for n in self.own(slot, off, length):
            page = self.page[n]
            if not self.is_private(n) or page.prot == prot:
                pass
            elif "w" in prot:
                page.charged = True
            elif page.charged and page.anon is None:
                page.charged = None  # newer kernels take the charge back
            page.prot = prot
        self.call("mprotect")
        return True

    def madvise(self, slot, off, length):
        if slot not in self.slot:
            return None
        for n in self.own(slot, off, length):
            self.page[n].resident = False
        self.call("madvise")
        return True

    def vma_of(self, at):
        low = high = at
        while low - 1 in self.page and self.page[low - 1].vma() == self.page[at].vma():
            low -= 1
        while high + 1 in self.page and self.page[high + 1].vma() == self.page[at].vma():
            high += 1
        return low, high

    def fault(self, at):
        """A VMA's first fault takes over the anon_vma of a neighbour that could be one with it."""
        page = self.page[at]
        page.resident = True
        if not self.is_private(at) or page.anon is not None:
            return
        low, high = self.vma_of(at)
        anon = None
        for side in (high + 1, low - 1):
            near = self.page.get(side)
            if anon is not None or not near or near.base != page.base or near.anon is None:
                continue
            if None in (near.charged, page.charged):
                raise Unsure
            if near.charged == page.charged:
                anon = near.anon
        anon = self.number() if anon is None else anon
        for n in range(low, high + 1):
            self.page[n].anon = anon

    def touch(self, slot, off=None, length=None):
        if slot not in self.slot:
            return None
        start, all_of = self.slot[slot]
        if off is None:
            off, length = 0, all_of
        if off + length > all_of:
            return None
        for n in range(start + off, start + off + length):
            page = self.page.get(n)
            if not page or "w" not in page.prot:
                return False
            self.fault(n)
        return True

    def execute(self, op, slot):
        name, *args = op
        done = getattr(self, name)(slot, *args)
        self.count["skipped" if done is None else "executed"] += 1
        self.count["failed"] += done is False


class Maker:
    """A random program, and what its checkpoints must say."""

    def __init__(self, rng):
        self.rng = rng
        self.space = Space()
        self.lines = []
        self.wanted = []  # (name, accounts) in the order of checkpoints
        self.peak = [0, 0, 0]
        self.names = 0

    def random_op(self):
        rng = self.rng
        length = rng.choice([1, 1, 2, 3, 5, 8])
        part = rng.choice([(0, 1), (1, 1), (1, 2), (2, 3), (0, length), (length - 1, 1)])
        prot = rng.choice(["rw", "rw", "none", "r"])
        # A private writable file is charged like anonymous memory.
        return rng.choice([
            ("mmap", length, rng.choice(["rw", "rw", "rw", "none"]),
             *rng.choice([("private", "anon")] * 4 +
                         [("shared", "anon"), ("private", "zero"), ("shared", "zero"),
                          ("private", "memfd"), ("shared", "memfd"), ("private", "file"),
                          ("shared", "file")])),
            ("mmap", length, "rw", "private", "anon"),
            ("touch",), ("touch",), ("touch", *part),
            ("munmap",), ("munmap", *part), ("munmap", *part),
            ("mprotect", prot, *part), ("mprotect", "rw", *part), ("madvise", *part)])

    def random_slice(self):
        start = self.rng.randrange(SLOTS)
        if self.rng.random() < .5:
            return f"m[{start}]", [start]
        stop, step = self.rng.randrange(start, SLOTS + 1), self.rng.choice([1, 1, 2, 3])
        word = f"m[{start}:{stop}]" if step == 1 else f"m[{start}:{stop}:{step}]"
        return word, list(range(start, stop, step))

    @staticmethod
    def words(op):
        name, *args = op
        pages = [f"{n}p" for n in args if isinstance(n, int)]
        if name == "mmap":
            return f"{pages[0]} {args[1]} {args[2]},{args[3]}"
        if name == "mprotect":
            return " ".join([args[0], *pages])
        return " ".join((["dontneed"] if name == "madvise" else []) + pages)

    def statement(self):
        op = self.random_op()
        word, slots = self.random_slice()
        thread = self.rng.choice(["", "", "", "@1 ", "@3 "])
        return f"{thread}{op[0]} {word} {self.words(op)}".rstrip(), op, slots

    def checkpoint(self):
        self.names += 1
        return f"checkpoint c{self.names}", None, f"c{self.names}"

    def play(self, space, body, count):
        """Runs a block; what it adds to peaks and checkpoints."""
        seen, named = [], []
        for _ in range(count):
            for _, op, about in body:
                if op is None:
                    named.append((about, space.account()))
                    continue
                for slot in about:
                    space.execute(op, slot)
                    seen.append(space.account())
                space.check_sure()
                seen.append(space.account())
            if len(space.page) > MOST_PAGES:
                raise Unsure
        return seen, named

    def try_block(self, body, count):
        space = copy.deepcopy(self.space)
        try:
            seen, named = self.play(space, body, count)
        except Unsure:
            return
        self.space = space
        self.wanted += named
        for accounts in seen + [a for _, a in named]:
            self.peak = [max(pair) for pair in zip(self.peak, accounts)]
        lines = [line for line, _, _ in body]
        if count > 1 or self.rng.random() < .1:
            lines = [f"repeat {count} {{", *("  " + line for line in lines), "}"]
        self.lines += lines

    def make(self, statements):
        while len(self.lines) < statements:
            if self.rng.random() < .15:
                body = [self.statement() for _ in range(self.rng.randrange(1, 4))]
                self.try_block(body + [self.checkpoint()], self.rng.randrange(1, 5))
            else:
                self.try_block([self.statement(), self.checkpoint()], 1)
        return "\n".join(self.lines)


class Accounts(e2e.Case):
    def accounts(self, snapshot):
        rss = snapshot["rss_bytes"]
        self.assertIsNotNone(rss)
        return (snapshot["maps"], snapshot["mapped_bytes"] / e2e.PAGE, rss / e2e.PAGE)

    def check(self, maker, text, result):
        self.assertEqual((result["outcome"], result["findings"]), ("clean", []), text)
        got = [(c["name"], self.accounts(c)) for c in result["checkpoints"]]
        now = maker.space.account()
        self.assertEqual(got, [("start", (0, 0, 0)), *maker.wanted, ("end", now)], text)
        peak = self.accounts(result["peak"])
        self.assertEqual(peak[1:], tuple(maker.peak[1:]), text)
        # A slot in pieces is unmapped piece by piece, which the model does at once.
        self.assertGreaterEqual(peak[0], maker.peak[0], text)
        self.assertLessEqual(peak[0], maker.peak[0] + 2, text)
        self.assertEqual(result["peak"]["samples_left_out"], 0)
        self.assertEqual({key: result["ops"][key] for key in maker.space.count},
                         maker.space.count, text)
        calls = {name: [call["made"], call["failed"]] for name, call in result["calls"].items()}
        self.assertEqual(calls, maker.space.calls, text)
        self.assertEqual(result["lost"], {"maps": 0, "mapped_bytes": 0, "rss_bytes": 0})

    @unittest.skipIf(small_huge_pages(), "one fault may bring several pages here")
    def test_random(self):
        rng = random.Random(SEED)
        makers = [Maker(rng) for _ in range(24)]
        texts = [maker.make(60) for maker in makers]
        paths = [self.program(text, f"{i}.prog") for i, text in enumerate(texts)]
        for load in e2e.LOADS:
            results = self.run_all(paths, ALLOCATORS, "--load", load, exit_code=e2e.CLEAN)
            for i, result in enumerate(results):
                which = i // len(ALLOCATORS)
                with self.subTest(seed=SEED, program=which, load=load,
                                  allocator=result["allocator"]["name"]):
                    self.check(makers[which], texts[which], result)


class ByHand(e2e.Case):
    """What the random programs leave out, because kernels or layouts differ, or it is large."""

    def check(self, text, allocators=("glibc", "jemalloc", "guard")):
        path = self.program(text)
        for load in e2e.LOADS:
            for result in self.run_all([path], [a for a in allocators if a in ALLOCATORS],
                                       "--load", load, exit_code=e2e.CLEAN):
                self.assertEqual(result["ops"]["skipped"], 0)

    def test_mremap(self):
        self.check("""
            mmap m[0] 8p rw private,anon -> ok
            touch m[0]
            mremap m[0] 3p -> ok
            expect maps == 1
            expect mapped == 3p
            expect rss == 3p
            mmap m[1] 1p none private,anon -> ok
            mremap m[0] 20p maymove -> ok
            expect mapped == 21p
            expect rss == 3p
            touch m[0]
            expect rss == 20p
            expect maps == 2
            munmap m[0:2] -> ok
            expect mapped == 0
            expect rss == 0""")

    def test_fixed_replaces(self):
        self.check("""
            mmap m[0] 9p rw private,anon -> ok
            touch m[0]
            mmap m[1] 3p rw shared,anon,fixed=m[0]+3p -> ok
            expect maps == 3
            expect mapped == 9p
            expect rss == 6p
            mmap m[2] 1p rw private,anon,fixed_noreplace=m[0]+1p -> EEXIST
            munmap m[0:2] -> ok
            expect maps == 0
            expect mapped == 0""")

    def test_large(self):
        """Not aligned to huge pages, so that only their number matters: 1 GiB and one page."""
        self.check("""
            mmap m[0] 262145p rw private,anon,noreserve -> ok
            touch m[0] 5p 100p
            mprotect m[0] none 100000p 1p -> ok
            expect maps == 3
            expect mapped == 262145p
            munmap m[0] 0 262000p -> ok
            expect maps == 1
            expect mapped == 145p
            expect rss == 0""")

    def test_advice_splits(self):
        self.check("""
            mmap m[0] 5p rw private,anon -> ok
            touch m[0]
            madvise m[0] dontfork 2p 1p -> ok
            expect maps == 3
            madvise m[0] dofork 2p 1p -> ok
            expect maps == 1
            madvise m[0] dontneed 1p 3p -> ok
            expect maps == 1
            expect rss == 2p""")

    def test_refused_calls_change_nothing(self):
        self.check("""
            mmap m[0] 4p rw private,anon -> ok
            touch m[0]
            munmap m[0] 1 1p -> EINVAL
            mprotect m[0] r 7 1p -> EINVAL
            mmap m[1] 0 rw private,anon -> EINVAL
            mmap m[1] 1p rw anon -> EINVAL
            mmap m[1] 1p rw private -> EBADF
            mremap m[0] 0 -> EINVAL
            expect munmap.failed == 1
            expect mprotect.failed == 1
            expect mmap.failed == 3
            expect mremap.failed == 1
            expect maps == 1
            expect mapped == 4p
            expect rss == 4p""")

    def test_fork_child_counts_its_own(self):
        got = self.run_one("""
            mmap m[0] 4p rw private,anon -> ok
            touch m[0]
            fork {
              munmap m[0] 0 1p -> ok
              mmap m[1] 9p rw shared,anon -> ok
              touch m[1] 0 2p
              checkpoint child
            }
            checkpoint parent""", "glibc", exit_code=e2e.CLEAN)
        child, parent = e2e.checkpoint(got, "child"), e2e.checkpoint(got, "parent")
        self.assertEqual([child["in_fork"], parent["in_fork"]], [True, False])
        self.assertEqual((child["maps"], child["mapped_bytes"]), (2, 12 * e2e.PAGE))
        self.assertEqual((parent["maps"], parent["mapped_bytes"], parent["rss_bytes"]),
                         (1, 4 * e2e.PAGE, 4 * e2e.PAGE))

    def test_the_harness_is_not_counted(self):
        """However much the harness needs for slots and threads, the accounts begin at zero."""
        got = self.run_one("""
            mmap m[9999999] 1p rw private,anon -> ok
            @200 touch m[9999999]
            free b[9999999]""", "glibc", exit_code=e2e.CLEAN)
        end = e2e.checkpoint(got, "end")
        self.assertEqual((end["maps"], end["mapped_bytes"], end["rss_bytes"]),
                         (1, e2e.PAGE, e2e.PAGE))


def max_map_count():
    with open("/proc/sys/vm/max_map_count") as file:
        return int(file.read())


@unittest.skipIf(max_map_count() != 65530, "the seeds are written for the default limit of maps")
class Seeds(e2e.Case):
    def seed(self, name, allocators, *args):
        path = os.path.join(e2e.SEEDS, name + ".prog")
        results = self.run_all([path], allocators, *args, exit_code=e2e.CLEAN)
        for result in results:
            self.assertEqual((result["outcome"], result["findings"]), ("clean", []))
        return results

    def test_map_limit(self):
        for result in self.seed("map-limit", ["glibc"]) + \
                self.seed("map-limit", ["guard"], "--load", "dlopen"):
            limit = result["host"]["max_map_count"]
            self.assertGreaterEqual(result["calls"]["munmap"]["failed"], 1)
            self.assertIn(result["peak"]["maps"] + result["harness"]["maps"], (limit, limit + 1))

    def test_separator(self):
        for result in self.seed("separator", ["glibc"]):
            self.assertEqual(result["peak"]["maps"], 60000)
            self.assertEqual(result["calls"]["munmap"], {"made": 30000, "failed": 0, "injected": 0,
                                                         "by_allocator": 0})

    def test_partial_unmap(self):
        for load in e2e.LOADS:
            self.seed("partial-unmap", ALLOCATORS, "--load", load)


if __name__ == "__main__":
    print(f"seed {SEED} (ALLOCRIG_E2E_SEED)", flush=True)
    e2e.main()
