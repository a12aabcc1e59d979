"""Profiles that users write: describe --profile, --profile FILE, FILE.so.profile."""

import os
import unittest

from e2e import ALLOCRIG, BUMP, CLEAN, FINDING, MISUSE, Case, allocrig, lines_of, main

CANARIES = os.path.join(os.path.dirname(ALLOCRIG), "allocators", "canary")
# Blocks of 100 bytes lie 8 bytes off; their heads with them.
ODD = BUMP.replace("return bump_take(size);", """
	char *p = bump_take(size + 16);
	if (p && size == 100) {
		p += 8;
		((struct head *)p - 1)->size = size;
	}
	return p;""", 1)
LINK = "https://example.org/1"


class Describe(Case):
    def described(self, library, *args):
        path = os.path.join(self.dir, "first.profile")
        got = allocrig("describe", library, "--profile", path, *args, timeout=110)
        self.assertEqual(got.returncode, CLEAN, got)
        with open(path, encoding="utf-8") as file:
            return path, file.read()

    def conformance(self, library, *args):
        out = os.path.join(self.dir, "rules.jsonl")
        got = allocrig("audit", "--conformance", "-a", library, "--json", out, *args, timeout=110)
        return got, lines_of(out)[-1]

    def test_a_canary_is_described_and_then_judged_by_that(self):
        library = os.path.join(CANARIES, "accepted-bad-alignment.so")
        path, text = self.described(library)
        self.assertIn("\nversions *\n", text)
        self.assertIn("\nanswer malloc-zero pointer measured", text)
        self.assertIn("\n# known accepted-bad-alignment/posix_memalign/alignment TO" "DO", text)
        self.assertIn("\n# shown-by conformance/", text)
        self.assertRegex(text, r"\nretention measured .*[0-9]")
        got, rules = self.conformance(library, "--profile", path)
        # Every answer is as measured; what nobody has decided is a finding still.
        self.assertEqual(got.returncode, FINDING)
        self.assertEqual(rules["profile"], path)
        self.assertEqual(rules["counts"]["mismatch"], 0, got.stdout)
        self.assertEqual(rules["counts"]["measured"], 0)
        self.assertGreater(rules["counts"]["profile"], 9)
        self.assertGreater(rules["counts"]["violation"], 0)

    def test_what_is_decided_is_accepted(self):
        library = os.path.join(CANARIES, "accepted-bad-alignment.so")
        path, text = self.described(library)
        undecided = "TO" "DO TO" "DO"
        self.file("first.profile", text.replace("# known", "known").replace("# shown", "shown"))
        self.assertEqual(self.conformance_refused(library, path), MISUSE)
        self.file("first.profile", text.replace("# known", "known").replace("# shown", "shown")
                  .replace(undecided, f"{LINK} it is meant"))
        got, rules = self.conformance(library, "--profile", path)
        self.assertEqual(got.returncode, CLEAN, got)
        self.assertEqual(rules["counts"]["violation"], 0)
        # The same profile on an allocator that lacks the defect: it is out of date.
        got, rules = self.conformance(os.path.join(CANARIES, "correct.so"), "--profile", path)
        self.assertEqual(got.returncode, FINDING)
        self.assertIn("measured: not found in conformance/", got.stdout)

    @staticmethod
    def conformance_refused(library, path):
        got = allocrig("audit", "--conformance", "-a", library, "--profile", path)
        return got.returncode

    def test_on_standard_output_it_stands_alone(self):
        got = allocrig("describe", "guard", "--profile", "-", timeout=110)
        self.assertEqual(got.returncode, CLEAN)
        self.assertTrue(all(line == "" or line.split()[0] in ("#", "versions", "answer",
                                                              "retention")
                            for line in got.stdout.splitlines()), got.stdout)
        self.assertRegex(got.stdout, r"(?m)^versions (\S+) \1$")
        self.assertIn("# Nothing.\n", got.stdout)

    def test_json_and_text_go_on_beside_it(self):
        out = os.path.join(self.dir, "d.json")
        path, _ = self.described("guard", "--json", out)
        self.assertTrue(os.path.exists(path))
        described = lines_of(out)[0]
        self.assertEqual(described["answer_values"]["realloc-zero"], "frees")
        self.assertEqual(described["answers"]["realloc-zero"], "frees, null, errno kept")

    def test_a_profile_that_is_there_is_not_overwritten(self):
        path = self.file("mine.profile", "# a day's work\n")
        got = allocrig("describe", "guard", "--profile", path)
        self.assertEqual(got.returncode, MISUSE)
        self.assertIn("is there already", got.stderr)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "# a day's work\n")
        got = allocrig("describe", "guard", "--profile", "-", "--json", "-")
        self.assertEqual((got.returncode, got.stderr.count("\n")), (MISUSE, 1))


class Run(Case):
    ONE = "malloc b[0] 100\n"

    def test_a_profile_by_path_makes_findings_known(self):
        library = self.library(ODD)
        profile = self.file("x.profile", f"known misaligned/malloc/* {LINK} it is odd\n")
        self.run_one(self.ONE, library, exit_code=FINDING)
        got = self.run_one(self.ONE, library, "--profile", profile, exit_code=CLEAN)
        self.assertEqual(got["findings"][0]["known"], True)
        self.assertEqual(got["findings"][0]["reason"], "it is odd")
        self.assertEqual(got["profile"], profile)

    def test_a_profile_beside_the_file_is_found(self):
        library = self.library(ODD)
        self.file("lib.so.profile", f"known misaligned/malloc/* {LINK} it is odd\n")
        got = self.run_one(self.ONE, library, exit_code=CLEAN)
        self.assertEqual(got["profile"], library + ".profile")
        text = allocrig("run", self.program(self.ONE), "-a", library).stdout
        self.assertIn(f"lib: judged by the profile {library}.profile\n", text)
        self.file("lib.so.profile", "known misaligned\n")
        refused = allocrig("run", self.program(self.ONE), "-a", library)
        self.assertEqual(refused.returncode, MISUSE)
        self.assertIn("lib.so.profile:1: ", refused.stderr)

    def test_of_several_parts_the_last_where_the_version_is_not_known(self):
        library = self.library(ODD)
        profile = self.file("x.profile", "versions 1 1\nanswer a b c\nversions 2 2\n"
                            f"known misaligned/malloc/* {LINK} it is odd\n")
        program = self.program(self.ONE)
        got = allocrig("run", program, "-a", library, "--profile", profile)
        self.assertEqual(got.returncode, CLEAN)
        self.assertIn("the last of its parts is used", got.stdout)

    def test_a_profile_is_for_one_allocator(self):
        profile = self.file("x.profile", "")
        got = allocrig("run", self.program(self.ONE), "-a", "glibc", "-a", "guard", "--profile",
                       profile)
        self.assertEqual((got.returncode, got.stderr.count("\n")), (MISUSE, 1))

    def test_an_output_over_the_profile_is_refused(self):
        profile = self.file("x.profile", "# mine\n")
        for option in ("--json", "--tape"):
            got = allocrig("run", self.program(self.ONE), "-a", "glibc", "--profile", profile,
                           option, profile)
            self.assertEqual(got.returncode, MISUSE)
            with open(profile, encoding="utf-8") as file:
                self.assertEqual(file.read(), "# mine\n")


if __name__ == "__main__":
    main()
