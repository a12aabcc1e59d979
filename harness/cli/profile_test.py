"""Profiles that users write: --profile FILE, FILE.so.profile."""

from e2e import BUMP, CLEAN, FINDING, MISUSE, Case, allocrig, main

# Blocks of 100 bytes lie 8 bytes off; their heads with them.
ODD = BUMP.replace("return bump_take(size);", """
	char *p = bump_take(size + 16);
	if (p && size == 100) {
		p += 8;
		((struct head *)p - 1)->size = size;
	}
	return p;""", 1)
LINK = "https://example.org/1"


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
