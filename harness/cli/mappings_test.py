"""Programs of mapping ops, end to end: what each op does, how it may end, and what is judged.

Each program runs on the kernel alone and beside allocators, whose own mappings it must not meet.
"""

import os
import resource
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import e2e  # noqa: E402

BOTH = ["kernel", "glibc"]
PAGE = e2e.PAGE

def meddler(damage):
    """Its second malloc does `damage` to `place`: the lowest mapping of the mmap area."""
    body = r"""
#include <fcntl.h>
static char *place_of_program(void)
{
	static char text[1 << 16];
	unsigned long best = ~0ul;
	int fd = open("/proc/self/maps", O_RDONLY), n = 0, got;
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != 0) {
		unsigned long from = strtoul(line, 0, 16);
		if (from > 0x7e0000000000ul && from < best && strstr(line, "rw-p") == strchr(line, ' ') + 1)
			best = from;
	}
	return (char *)best;
}
static void damage(void)
{
	static int calls;
	if (++calls != 2)
		return;
	char *place = place_of_program();
	DAMAGE;
}
"""
    source = e2e.BUMP.replace("__attribute__((noinline)) void *bump_take",
                              body.replace("DAMAGE", damage) +
                              "__attribute__((noinline)) void *bump_take")
    return source.replace("void *malloc(size_t size)\n{\n\tBEFORE_MALLOC;",
                          "void *malloc(size_t size)\n{\n\tdamage();")


class Case(e2e.Case):
    def clean(self, program, *args, on=BOTH, skipped=0):
        results = self.run_all([self.program(program)], on, *args, exit_code=e2e.CLEAN)
        for result in results:
            self.assertEqual(result["ops"]["skipped"], skipped, result["ops"])
        return results

    def finds(self, program, wanted, *args, on="kernel"):
        result = self.run_one(program, on, *args, exit_code=e2e.FINDING)
        self.assertEqual(e2e.found(result)[0], wanted, result["findings"])
        return result


class Ops(Case):
    def test_touch_check_add(self):
        self.clean("""
            mmap m[0] 4p rw private,anon -> ok
            check m[0] -> ok
            touch m[0] -> ok
            check m[0] 1p 2p -> ok
            add m[0] 7 -> ok
            add m[0] 18446744073709551615 2p 1p
            check m[0]
            mprotect m[0] r 1p 1p -> ok
            check m[0] -> ok
            touch m[0] -> SIGSEGV
            touch m[0] 0 1p -> ok
            add m[0] 1 1p 1p -> SIGSEGV
            mprotect m[0] none 1p 1p -> ok
            check m[0] -> SIGSEGV
            check m[0] 2p 2p -> ok
            mprotect m[0] rw -> ok
            check m[0]
        """, "--check-ledger")

    def test_wrong_outcomes_are_findings(self):
        for op in ("check m[0] -> SIGSEGV", "touch m[0] -> SIGBUS", "add m[0] 1 -> SIGSEGV"):
            with self.subTest(op=op):
                self.finds(f"mmap m[0] 1p rw private,anon\n{op}", ("unexpected-result", 1))
        result = self.finds("mmap m[0] 1p none private,anon\ncheck m[0] -> SIGBUS",
                            ("unexpected-result", 1))
        self.assertIn("SIGSEGV", result["findings"][0]["message"])

    def test_without_outcomes_a_fault_is_a_failed_op(self):
        for result in self.clean("mmap m[0] 1p none private,anon\ncheck m[0]\ntouch m[0]"):
            self.assertEqual(result["ops"]["failed"], 2)

    def test_holes(self):
        """Where nothing is mapped an access ends, also in the middle; beside allocators too."""
        self.clean("""
            mmap m[0] 8p rw private,anon -> ok
            touch m[0]
            munmap m[0] 2p 2p -> ok
            check m[0] -> SIGSEGV
            check m[0] 3p 1p -> SIGSEGV
            check m[0] 0 2p -> ok
            check m[0] 4p 4p -> ok
            touch m[0] 1p 4p -> SIGSEGV
            mprotect m[0] r 0 8p -> ENOMEM
            madvise m[0] dontneed 0 8p -> ENOMEM
            munmap m[0] 0 8p -> ok
            check m[0] -> SIGSEGV
            munmap m[0] -> ok
        """, "--check-ledger")

    def test_mlock_msync(self):
        results = self.clean("""
            mmap m[0] 8p rw private,anon -> ok
            mlock m[0] 1 1 -> ok
            expect locked == 1p
            expect rss == 1p
            mlock m[0] 2p 3p -> ok
            expect locked == 4p
            munlock m[0] 3p 1p -> ok
            expect locked == 3p
            mmap m[1] 2p rw shared,memfd -> ok
            touch m[1]
            msync m[1] sync -> ok
            msync m[1] async,invalidate 0 1p -> ok
            msync m[1] sync,async -> EINVAL
            munlock m[0] -> ok
            expect locked == 0
            munmap m[0] 0 1p -> ok
            mlock m[0] -> ENOMEM
            munlock m[0] 1p 2p -> ok
        """, "--check-ledger")
        for result in results:
            for name, made in (("mlock", 3), ("munlock", 3), ("msync", 3)):
                self.assertEqual(result["calls"][name], {"made": made, "by_allocator": 0})

    def test_vmdata_anonhuge_lazyfree(self):
        self.clean("""
            needs swap == 0
            mmap m[0] 16p rw private,anon -> ok
            expect vmdata == 16p
            touch m[0]
            madvise m[0] free 0 4p -> ok
            expect lazyfree <= 4p
            expect anonhuge == 0
            munmap m[0]
            expect lazyfree == 0
            expect vmdata == 0
        """, on=["kernel"])

    def test_hint_offset_fixed(self):
        self.clean("""
            mmap m[0] 16p none private,anon -> ok
            munmap m[0] 4p 4p -> ok
            mmap m[1] 4p rw private,anon,hint=m[0]+4p -> ok
            touch m[1]
            check m[0] 4p 4p -> ok
            mmap m[2] 2p rw private,anon,fixed_noreplace=m[0]+5p -> EEXIST
            mmap m[2] 2p rw private,anon,fixed=m[0]+7p -> ok
            check m[2] -> ok
            mmap m[3] 4p r private,file,offset=3p -> ok
            check m[3] -> ok
            mmap m[4] 4p r private,file,offset=100 -> EINVAL
        """, "--check-ledger")

    def test_skipped_ops(self):
        """A slot that is full, one that is empty, a slot without a file, memory of others."""
        for op in ("mmap m[0] 1p rw private,anon", "check m[1]", "add m[1] 1", "mlock m[1]",
                   "truncate m[0] 1p", "mmap m[1] 1p r shared,of=m[0]", "check m[0] 1p 4p",
                   "mremap m[0] 4p maymove,to=m[0]", "munmap m[0] 0 1024p", "check m[0] 4p 1p",
                   "mmap m[1] 1p r private,anon,hint=m[2]"):
            with self.subTest(op=op):
                self.clean(f"mmap m[0] 4p rw private,anon\n{op}", skipped=1)


class Ranges(Case):
    def test_side_by_side_as_one(self):
        """The slot that reserved a range reaches what others have put there, and only that."""
        self.clean("""
            mmap m[0] 16p none private,anon -> ok
            mmap m[1] 3p rw private,anon -> ok
            mmap m[2] 2p rw shared,memfd -> ok
            touch m[1:3]
            mremap m[1] 3p maymove,fixed=m[0]+4p -> ok
            mremap m[2] 2p maymove,fixed=m[0]+7p -> ok
            check m[0] 4p 5p -> ok
            check m[0] 3p 5p -> SIGSEGV
            check m[0] 4p 6p -> SIGSEGV
            add m[0] 3 4p 5p -> ok
            check m[1:3] -> ok
            mprotect m[0] r 5p 3p -> ok
            touch m[1] 0 1p -> ok
            touch m[1] 1p 1p -> SIGSEGV
            touch m[2] -> SIGSEGV
            munmap m[0] 5p 3p -> ok
            check m[1] -> SIGSEGV
            check m[2] 1p 1p -> ok
            munmap m[0] -> ok
            check m[2] 1p 1p -> ok
            munmap m[1:3] -> ok
            expect maps == 0
        """, "--check-ledger")

    def test_own_pages_alone_outside_the_span(self):
        """Behind the end of a slot lies its neighbour, and that is not the slot's to unmap."""
        for result in self.run_all([self.program("""
                mmap m[0] 8p none private,anon -> ok
                mmap m[1] 4p rw private,anon,fixed=m[0]+0p -> ok
                mmap m[2] 4p rw private,anon,fixed=m[0]+4p -> ok
                touch m[1:3]
                munmap m[1] 0 8p
                check m[1:3] -> ok
                """)], BOTH, exit_code=e2e.CLEAN):
            self.assertEqual(result["ops"]["skipped"], 1)

    def test_mremap_to(self):
        self.clean("""
            mmap m[0] 8p rw private,anon -> ok
            touch m[0]
            mmap m[1] 8p none private,anon -> ok
            mremap m[0] 2p maymove,fixed=m[1]+3p,to=m[2] 4p 2p -> ok
            check m[2] -> ok
            check m[0] -> SIGSEGV
            check m[0] 0 4p -> ok
            check m[0] 6p 2p -> ok
            munmap m[2] -> ok
            check m[1] 3p 2p -> SIGSEGV
            mremap m[0] 16p maymove 0 4p -> ok
            check m[0] -> ok
        """, "--check-ledger")

    def test_duplicate_and_dontunmap(self):
        self.clean("""
            needs dontunmap
            mmap m[0] 4p rw shared,anon -> ok
            touch m[0]
            mremap m[0] 4p maymove,to=m[1] 0 0 -> ok
            add m[1] 5
            check m[0:2] -> ok
            munmap m[0] -> ok
            check m[1] -> ok
            mmap m[2] 4p rw private,anon -> ok
            touch m[2]
            mremap m[2] 4p maymove,dontunmap,to=m[3] -> ok
            check m[2:4] -> ok
            touch m[2] 0 1p
            check m[2:4] -> ok
            mremap m[2] 4p maymove 0 0 -> EINVAL
        """, "--check-ledger")


class Files(Case):
    def test_one_file_in_several_slots(self):
        for source in ("file", "memfd", "shm"):
            with self.subTest(source=source):
                self.clean(f"""
                    mmap m[0] 4p rw shared,{source} -> ok
                    touch m[0]
                    mmap m[1] 4p rw private,of=m[0] -> ok
                    check m[1] -> ok
                    touch m[1] 0 2p
                    check m[0:2] -> ok
                    mmap m[2] 2p rw shared,of=m[1],offset=2p -> ok
                    add m[2] 9
                    check m[0:3] -> ok
                    munmap m[0] -> ok
                    mmap m[0] 4p r shared,of=m[0] -> ok
                    check m[0] -> ok
                    msync m[2] sync -> ok
                """, "--check-ledger")

    def test_truncate(self):
        for source in ("file", "memfd", "shm"):
            with self.subTest(source=source):
                self.clean(f"""
                    mmap m[0] 4p rw shared,{source} -> ok
                    mmap m[1] 4p rw private,of=m[0] -> ok
                    touch m[0:2]
                    truncate m[1] 2p -> ok
                    check m[0] -> SIGBUS
                    touch m[0] 3p 1p -> SIGBUS
                    add m[1] 1 2p 1p -> SIGBUS
                    check m[0:2] 0 2p -> ok
                    truncate m[0] 5000 -> ok
                    check m[0:2] 0 2p -> ok
                    truncate m[0] 4p -> ok
                    check m[0:2] -> ok
                """)

    def test_offset_is_into_the_file(self):
        self.clean("""
            mmap m[0] 2p rw shared,memfd,offset=3p -> ok
            touch m[0]
            mmap m[1] 8p r shared,of=m[0] -> ok
            check m[1] 0 5p -> ok
            check m[1] 5p 1p -> SIGBUS
            mmap m[2] 1p r shared,of=m[0],offset=4p -> ok
            check m[2] -> ok
        """)

    def test_as_many_files_as_mappings(self):
        """Descriptors are closed at once where nothing comes back to the file."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.clean("mmap m[0:3000] 1p rw shared,memfd -> ok\ntouch m[0:3000]\ncheck m[0:3000]",
                   on=["kernel"])

    def test_kept_files_reuse_their_place(self):
        self.clean("""
            mmap m[1] 1p rw shared,memfd -> ok
            repeat 5000 {
              mmap m[0] 1p rw shared,memfd -> ok
              munmap m[0] -> ok
            }
            mmap m[0] 1p rw shared,of=m[1] -> ok
        """, on=["kernel"])

    def test_too_many_kept_files(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

        result = self.run_one("mmap m[0:500] 1p rw shared,memfd\nmmap m[500] 1p r shared,of=m[0]",
                              "kernel", exit_code=e2e.BROKEN, preexec_fn=limit)
        self.assertIn("files of its mappings open", result["reason"])

    def test_a_failed_mmap_leaves_the_slot_its_file(self):
        self.clean("""
            mmap m[0] 1p rw shared,memfd -> ok
            touch m[0]
            munmap m[0]
            mmap m[0] 0 rw shared,shm -> EINVAL
            mmap m[0] 1p r shared,of=m[0] -> ok
            check m[0]
        """)


class Forks(Case):
    def test_private_and_shared(self):
        self.clean("""
            mmap m[0:2] 4p rw private,anon -> ok
            mmap m[2] 4p rw shared,anon -> ok
            mmap m[3] 4p rw shared,memfd -> ok
            touch m[0:4]
            fork {
              check m[0:4] -> ok
              touch m[0:4] 0 2p
              fork {
                check m[0:4] -> ok
                add m[2] 100
                touch m[1]
              }
              check m[0:4] -> ok
            }
            check m[0:4] -> ok
            touch m[0:4] 1p 1p
            repeat 3 {
              fork {
                add m[3] 7
                munmap m[1]
              }
            }
            check m[0:4] -> ok
        """, "--check-ledger")

    def test_dontfork_wipeonfork(self):
        self.clean("""
            needs wipeonfork
            mmap m[0] 8p rw private,anon -> ok
            touch m[0]
            madvise m[0] dontfork 2p 2p -> ok
            madvise m[0] wipeonfork 4p 2p -> ok
            fork {
              check m[0] 2p 1p -> SIGSEGV
              check m[0] 0 2p -> ok
              check m[0] 4p 4p -> ok
              touch m[0] 4p 2p
              mprotect m[0] r -> ENOMEM
              mmap m[1] 2p rw private,anon,fixed_noreplace=m[0]+2p -> ok
              check m[0] 2p 2p -> ok
            }
            check m[0] -> ok
        """, "--check-ledger")

    def test_files_of_the_parent(self):
        """A child maps the files of its parent anew, and its own files are its own."""
        self.clean("""
            mmap m[0] 2p rw shared,memfd -> ok
            touch m[0]
            fork {
              mmap m[1] 2p rw shared,of=m[0] -> ok
              check m[1]
              touch m[1] 1p 1p
              munmap m[0:2]
              mmap m[0] 2p rw shared,shm -> ok
              truncate m[0] 1p -> ok
              check m[0] -> SIGBUS
            }
            check m[0]
            mmap m[2] 2p rw private,of=m[0] -> ok
            check m[2]
        """)

    def test_what_a_child_that_died_has_written(self):
        """Nobody knows how far it came: the objects that it could reach are not judged."""
        library = self.library(e2e.BUMP, "-DBEFORE_FREE=if (getpid() != getpgrp()) abort()")
        result = self.run_one("""
            malloc b[0] 100
            mmap m[0] 4p rw shared,anon
            touch m[0]
            fork {
              touch m[0]
              free b[0]
            }
            check m[0]
        """, library, exit_code=e2e.FINDING)
        self.assertEqual(e2e.kinds(result), ["fork-broken"], result["findings"])


class Facts(Case):
    def test_when(self):
        results = self.clean("""
            mmap m[0] 1p rw private,anon
            when max_map_count > 0 {
              touch m[0]
              when root == 2 {
                check m[0] -> SIGSEGV
              }
            }
            repeat 3 {
              when thp == 7 {
                munmap m[0]
              }
              check m[0] -> ok
            }
            fork {
              when ram < 1 {
                munmap m[0]
              }
              check m[0] -> ok
            }
        """)
        for result in results:
            got = [(n["op"], n["fact"], n["relation"], n["wanted"]) for n in result["not_run"]]
            self.assertEqual(got, [(3, "root", "==", 2), (6, "thp", "==", 7), (10, "ram", "<", 1)])
            self.assertGreater(result["not_run"][2]["found"], 1 << 20)
            self.assertEqual(result["not_run"][0]["line"], 5)
        got = e2e.allocrig("run", os.path.join(self.dir, "p.prog"), "-a", "kernel")
        self.assertIn("  not run: when root == 2 at op 3, line 5: it is ", got.stdout)

    def test_many_that_are_not_run(self):
        body = "\n".join(f"when max_map_count == {n} {{\ncheck m[0]\n}}" for n in range(1, 40))
        (result,) = self.clean(f"mmap m[0] 1p r private,anon\n{body}", on=["kernel"])
        self.assertEqual([n["op"] for n in result["not_run"]], [1 + 2 * n for n in range(16)])

    def test_needs(self):
        result = self.run_one("needs max_map_count > 0\nneeds root == 7\nmmap m[0] 1p r private,anon",
                              "kernel", exit_code=e2e.UNSUPPORTED)
        self.assertIn(f"needs root == 7: it is {int(os.geteuid() == 0)} here", result["reason"])
        self.clean("needs shm\nneeds max_map_count > 10\nmmap m[0] 1p r private,shm -> ok")


class Threads(Case):
    def test_ops_of_several_threads(self):
        self.clean("""
            mmap m[0] 4p rw private,anon -> ok
            @1 touch m[0]
            @2 check m[0] -> ok
            @1 munmap m[0] 1p 1p -> ok
            @2 check m[0] -> SIGSEGV
            @3 add m[0] 5 2p 2p -> ok
            check m[0] 2p 2p
        """)

    def test_sections(self):
        lines = "\n".join(f"""
            @{t} repeat 50 {{
              @{t} mmap m[{t}] 8p rw private,anon -> ok
              @{t} touch m[{t}]
              @{t} check m[{t}] -> ok
              @{t} munmap m[{t}] 3p 2p -> ok
              @{t} check m[{t}] -> SIGSEGV
              @{t} add m[9] {t}
              @{t} munmap m[{t}] -> ok
            }}""" for t in range(4))
        self.clean(f"""
            mmap m[9] 4p rw shared,anon -> ok
            parallel {{
              {lines}
            }}
            check m[9] -> ok
        """)

    def test_forks_of_sections(self):
        lines = "\n".join(f"""
            @{t} repeat 10 {{
              @{t} mmap m[{t}] 2p rw private,anon -> ok
              @{t} touch m[{t}]
              @{t} fork {{
                add m[9] {t}
                check m[{t}] -> ok
                touch m[{t}]
              }}
              @{t} check m[{t}] -> ok
              @{t} munmap m[{t}] -> ok
            }}""" for t in range(3))
        self.clean(f"""
            mmap m[9] 4p rw shared,memfd -> ok
            parallel {{
              {lines}
            }}
            check m[9] -> ok
        """)


class Judged(Case):
    """What the model says is compared with what is there."""

    def test_a_wrong_rule_is_found(self):
        for rule, kinds, program in (
                ("dontneed-zeroes", {"wrong-residency", "dirty-zero", "lost-content"},
                 "mmap m[0] 4p rw private,anon\ntouch m[0]\nmadvise m[0] dontneed\ncheck m[0]"),
                ("read-costs-nothing", {"wrong-residency"}, "mmap m[0] 4p rw private,anon\ncheck m[0]"),
                ("unmap-rounds-up", {"wrong-access", "wrong-residency"},
                 "mmap m[0] 4p rw private,anon\nmunmap m[0] 0 5000\ncheck m[0] 1p 1p"),
                ("dontfork-absent", {"wrong-access"},
                 "mmap m[0] 4p rw private,anon\nmadvise m[0] dontfork\nfork {\ncheck m[0]\n}"),
                ("duplicate-is-shared", {"dirty-zero", "lost-content"},
                 "mmap m[0] 4p rw shared,anon\nmremap m[0] 4p maymove,to=m[1] 0 0\n"
                 "touch m[1]\ncheck m[0]"),
                ("mlock-populates", {"wrong-residency"}, "mmap m[0] 4p rw private,anon\nmlock m[0]")):
            with self.subTest(rule=rule):
                self.clean(program, on=["kernel"])
                result = self.run_one(program, "kernel", "--wrong-rule", rule,
                                      exit_code=e2e.FINDING)
                self.assertIn(e2e.kinds(result)[0], kinds)
        got = e2e.allocrig("run", self.program("mmap m[0] 1p r private,anon"), "-a", "kernel",
                           "--wrong-rule", "gravity")
        self.assertEqual(got.returncode, e2e.MISUSE)
        self.assertIn("dontneed-zeroes", got.stderr)

    def test_residency_is_said_once(self):
        result = self.run_one("mmap m[0] 4p rw private,anon\ncheck m[0]\n" + "check m[0]\n" * 10,
                              "kernel", "--wrong-rule", "read-costs-nothing", exit_code=e2e.FINDING)
        self.assertEqual(e2e.found(result), [("wrong-residency", 1)])

    def test_the_end_reads_every_page(self):
        """Nobody asked for these pages, and they are not as the model has them."""
        self.finds("mmap m[0] 4p rw private,anon\nmunmap m[0] 0 5000",
                   ("wrong-access", 1), "--wrong-rule", "unmap-rounds-up")
        self.clean("mmap m[0] 1T none private,anon,noreserve\nmmap m[1] 64G r private,anon,noreserve\n"
                   "mmap m[2] 64p rw shared,memfd\nmmap m[3:2003] 1p none private,anon",
                   on=["kernel"])

    def test_mappings_that_an_allocator_destroys(self):
        program = """
            mmap m[0] 4p rw private,anon
            touch m[0]
            malloc b[0:2] 100
            {}
        """
        for damage in ("munmap(place, 4096)", "munmap(place + 8192, 8192)",
                       "madvise(place + 4096, 4096, MADV_DONTNEED)", "place[4096]++",
                       "mmap(place, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED, -1, 0)",
                       "mprotect(place, 4096, PROT_NONE)", "place[12287] = 1"):
            library = self.library(meddler(damage))
            for then in ("check m[0]", "munmap m[0]", "mremap m[0] 8p maymove", "checkpoint end_it",
                         "add m[0] 1", "mmap m[1] 4p r private,anon,fixed=m[0]+0p"):
                with self.subTest(damage=damage, then=then):
                    result = self.run_one(program.format(then), library, exit_code=e2e.FINDING)
                    self.assertEqual(set(e2e.kinds(result)), {"lost-content"}, result["findings"])

    def test_a_page_that_nobody_wrote(self):
        program = "mmap m[0] 4p rw private,anon\nmalloc b[0:2] 100\ncheck m[0]"
        result = self.finds(program, ("dirty-zero", 2), on=self.library(meddler("place[5000] = 3")))
        self.assertEqual(result["findings"][0]["rule"], "zero-mapping")

    def test_libc_puts_nothing_into_holes(self):
        """The successor of a thread that ends is made with memory of libc's: not in the hole."""
        self.clean("""
            mmap m[0] 512M none private,anon,noreserve -> ok
            munmap m[0] 1p 511M -> ok
            @1 mmap m[1] 1p rw private,anon -> ok
            @1 exit
            munmap m[0] 1p 511M -> ok
            fork {
              check m[1] -> ok
            }
        """, on=["kernel"])

    def test_without_oracles(self):
        (result,) = self.clean("""
            mmap m[0] 4p rw private,anon -> ok
            touch m[0]
            munmap m[0] 1p 1p
            check m[0]
            add m[0] 5 2p 2p
        """, "--no-oracles", on=["kernel"])
        self.assertEqual(result["ops"]["failed"], 1)

    def test_without_a_tape(self):
        self.clean("mmap m[0] 4p rw private,anon\ntouch m[0]\nmunmap m[0] 1p 1p\n"
                   "check m[0] -> SIGSEGV\nmprotect m[0] r 0 1p", "--no-tape")


if __name__ == "__main__":
    e2e.main()
