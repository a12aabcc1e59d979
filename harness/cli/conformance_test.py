"""allocrig audit --conformance: the table, its JSON, and what is not as a profile says."""

import json
import os
import re
import shlex
import signal
import subprocess
import unittest

from e2e import (ALLOCRIG, BROKEN, BUMP, CLEAN, FINDING, MISUSE, SEEDS, UNSUPPORTED, Case, Marked,
                 allocrig, lines_of, main)

RULES = os.path.join(os.path.dirname(SEEDS), "conformance")
PROFILES = os.path.normpath(os.path.join(RULES, "..", "..", "allocators", "profiles"))
BUILT_IN = ["glibc", "jemalloc", "mimalloc", "tcmalloc", "scudo", "guard"]
LINK = "https://example.org/1"

SERVED = "# Rule 3: malloc serves.\n# [C17 7.22.3.4]\nmalloc b[0:4] 100\nfree b[0:4]\n"
ZERO = "# Rule 2: null or not. [C17 7.22.3]\n# profile: malloc-zero zero 0\nmalloc b[0:4] 0\n"
FREES = ("# Rule 5: left open.\n# profile: realloc-zero realloc-zero 1\n"
         "malloc b[0:4] 9\nrealloc b[0:4] 0\n")
PAGES = "# Rule 9: whole pages.\n# profile: pvalloc-1 usable 0\npvalloc b[0] 1\nfree b[0]\n"
REFUSED = "# Rule 3: this cannot be. [none]\nmalloc b[0] 8 -> ENOMEM\n"
# Blocks of 100 bytes lie 8 bytes off; their heads with them.
ODD = BUMP.replace("return bump_take(size);", """
	char *p = bump_take(size + 16);
	if (p && size == 100) {
		p += 8;
		((struct head *)p - 1)->size = size;
	}
	return p;""", 1)


class Rules(Case):
    def rules(self, folder="conformance", **programs):
        """Programs by name, with _ for -, behind the letter that Python wants."""
        path = os.path.join(self.dir, folder)
        os.makedirs(path, exist_ok=True)
        for name, text in programs.items():
            self.file(os.path.join(folder, name[1:].replace("_", "-") + ".prog"),
                      "allocrig 1\n" + text)
        return path

    def audit(self, *args, exit_code, **more):
        out = os.path.join(self.dir, "rules.jsonl")
        got = allocrig("audit", "--conformance", "--json", out, *args, **more)
        self.assertEqual(got.returncode, exit_code, got)
        return got, lines_of(out)

    def profile(self, text, name="x.profile"):
        return self.file(name, text)

    @staticmethod
    def table(text):
        """Cells by row, of a table in one part."""
        lines = text.splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith("RULE"))
        names = lines[head].split()[1:]
        rows = {}
        for line in lines[head + 1:]:
            if not line:
                break
            rows[line.split()[0]] = dict(zip(names, line.split()[1:]))
        return rows


class Table(Rules):
    def test_rows_are_rules_and_columns_allocators(self):
        corpus = self.rules(r10_last=SERVED, r2_zero=ZERO, r02_a=SERVED, r05_frees=FREES)
        got, _ = self.audit("--corpus", corpus, "-a", "glibc", "-a", "guard", exit_code=CLEAN)
        self.assertEqual(self.table(got.stdout), {
            "02-a": {"glibc": "pass", "guard": "pass"},
            "2-zero": {"glibc": "pointer", "guard": "pointer"},
            "05-frees": {"glibc": "frees", "guard": "frees"},
            "10-last": {"glibc": "pass", "guard": "pass"}})
        self.assertEqual(list(self.table(got.stdout)), ["02-a", "2-zero", "05-frees", "10-last"])
        self.assertRegex(got.stdout, r"(?m)^pass +2 +2$")
        self.assertRegex(got.stdout, r"(?m)^profile +2 +2$")
        self.assertNotIn("VIOLATION", got.stdout)

    def test_json_has_a_line_a_run_and_one_an_allocator(self):
        corpus = self.rules(r02_zero=ZERO, r03_served=SERVED)
        _, rows = self.audit("--corpus", corpus, "-a", "glibc", exit_code=CLEAN)
        self.assertEqual([r["schema"] for r in rows],
                         ["allocrig.run/1", "allocrig.run/1", "allocrig.conformance/1"])
        zero, served, all_rules = rows
        self.assertEqual((zero["rule"], zero["asks"], zero["answer"], zero["expected"],
                          zero["result"]), (2, "malloc-zero", "pointer", "pointer", "profile"))
        self.assertEqual((served["rule"], served["result"]), (3, "pass"))
        self.assertNotIn("answer", served)
        self.assertTrue(served["profile"].endswith("/glibc.profile"), served["profile"])
        self.assertEqual(all_rules["allocator"]["name"], "glibc")
        self.assertEqual(all_rules["rows"], [
            {"rule": 2, "program": "02-zero", "sentence": "null or not.", "source": "C17 7.22.3",
             "result": "profile", "asks": "malloc-zero", "answer": "pointer",
             "expected": "pointer", "findings": []},
            {"rule": 3, "program": "03-served", "sentence": "malloc serves.",
             "source": "C17 7.22.3.4", "result": "pass", "findings": []}])
        self.assertEqual((all_rules["counts"]["pass"], all_rules["counts"]["profile"]), (1, 1))
        self.assertEqual(sum(all_rules["counts"].values()), 2)

    def test_a_violation_is_one_line_that_says_what_to_type(self):
        corpus = self.rules(r03_refused=REFUSED, r03_served=SERVED)
        library = self.library(ODD)
        got, rows = self.audit("--corpus", corpus, "-a", library, exit_code=FINDING)
        self.assertEqual(self.table(got.stdout), {"03-refused": {"lib": "VIOLATION"},
                                                  "03-served": {"lib": "VIOLATION"}})
        lines = [line for line in got.stdout.splitlines() if "; see: " in line]
        self.assertEqual([line.split()[0] for line in lines], ["unexpected-result", "misaligned"])
        for line in lines:
            again = subprocess.run(shlex.split(line.split("; see: ")[1]), stdout=subprocess.PIPE,
                                   text=True, timeout=60, check=False)
            self.assertEqual(again.returncode, FINDING)
            self.assertIn(line.split()[0], again.stdout)
        self.assertEqual(rows[-1]["rows"][1]["findings"], ["misaligned/malloc/fundamental"])

    def test_the_same_at_several_ops_is_one_line(self):
        corpus = self.rules(r03_odd="# Rule 3: x\nmalloc b[0] 100\nmalloc b[1] 100\nfree b[0]\n"
                                    "malloc b[0] 100\n")
        got, rows = self.audit("--corpus", corpus, "-a", self.library(ODD), exit_code=FINDING)
        self.assertEqual(got.stdout.count("; see: "), 1)
        self.assertIn("misaligned at op 0 and 2 more of 03-odd on lib: ", got.stdout)
        self.assertEqual(len(rows[0]["findings"]), 3)

    def test_an_allocator_without_a_profile_is_measured(self):
        corpus = self.rules(r02_zero=ZERO, r03_served=SERVED, r09_pages=PAGES)
        got, rows = self.audit("--corpus", corpus, "-a", self.library(), exit_code=CLEAN)
        self.assertEqual(self.table(got.stdout), {
            "02-zero": {"lib": "pointer"}, "03-served": {"lib": "pass"}, "09-pages": {"lib": "-"}})
        self.assertEqual([r["result"] for r in rows[-1]["rows"]], ["measured", "pass", "absent"])
        self.assertIsNone(rows[-1]["profile"])
        self.assertIsNone(rows[0]["expected"])

    def test_a_rule_is_about_what_its_sentence_mentions_first(self):
        calls = "posix_memalign b[0] 64 64\ncalloc b[1] 2 8\nusable b[1]\ntrim\n"
        corpus = self.rules(
            r08_lacks=f"# Rule 8: posix_memalign works as calloc does.\n{calls}",
            r08_other=f"# Rule 8: calloc works as posix_memalign does.\n{calls}",
            r11_usable=f"# Rule 11: malloc_usable_size is stable.\n{calls}",
            r08_word=f"# Rule 8: it works as my_posix_memalign does.\n{calls}",
            r12_trim=f"# Rule 12: malloc_trim returns.\n{calls}",
            r01_plain="# Rule 1: trimmed.\nmalloc b[0] 8\nfree b[0]\n")
        _, rows = self.audit("--corpus", corpus, "-a", self.library(), exit_code=CLEAN)
        self.assertEqual({r["program"]: r["result"] for r in rows[-1]["rows"]}, {
            "01-plain": "pass", "08-lacks": "absent", "08-other": "pass", "08-word": "pass",
            "11-usable": "pass", "12-trim": "absent"})

    def test_all_rules_on_a_correct_allocator_nobody_described(self):
        library = os.path.join(os.path.dirname(ALLOCRIG), "allocators", "canary", "correct.so")
        got, rows = self.audit("-a", library, exit_code=CLEAN, cwd="/", timeout=110)
        self.assertEqual(rows[-1]["counts"]["violation"], 0, got.stdout)
        self.assertGreater(rows[-1]["counts"]["measured"], 9)

    def test_rules_by_name_and_number(self):
        corpus = self.rules(r02_a=ZERO, r02_b=SERVED, r03_c=SERVED, r04_d=SERVED)
        got, _ = self.audit("--corpus", corpus, "-a", "guard", "2", "04-d", exit_code=CLEAN)
        self.assertEqual(list(self.table(got.stdout)), ["02-a", "02-b", "04-d"])

    def test_narrow_output_goes_on_below(self):
        corpus = self.rules(r02_zero=ZERO)
        env = {**os.environ, "COLUMNS": "25"}
        got, _ = self.audit("--corpus", corpus, "-a", "glibc", "-a", "guard", env=env,
                            exit_code=CLEAN)
        self.assertEqual(got.stdout.count("RULE"), 2)
        self.assertLessEqual(max(map(len, got.stdout.splitlines())), 25)

    def test_what_cannot_run_is_unsupported(self):
        corpus = self.rules(r15_refused="# Rule 15: x\nfault mmap ENOMEM\nmalloc b[0] 1M\n")
        got, rows = self.audit("--corpus", corpus, "-a", "glibc", "--no-tape",
                               exit_code=UNSUPPORTED)
        self.assertEqual(self.table(got.stdout), {"15-refused": {"glibc": "unsupported"}})
        self.assertEqual(rows[0]["result"], "unsupported")


class Mismatch(Rules):
    def test_another_answer_is_a_finding(self):
        corpus = self.rules(r02_zero=ZERO, r05_frees=FREES)
        profile = self.profile("answer malloc-zero null it was so\nanswer realloc-zero frees so\n")
        got, rows = self.audit("--corpus", corpus, "-a", "glibc", "--profile", profile,
                               exit_code=FINDING)
        self.assertEqual(self.table(got.stdout), {"02-zero": {"glibc": "MISMATCH"},
                                                  "05-frees": {"glibc": "frees"}})
        line = next(line for line in got.stdout.splitlines() if "; see: " in line)
        self.assertTrue(line.startswith("profile-mismatch at op 0 of 02-zero on glibc: "
                                        "profile says null, measured pointer; see: "), line)
        again = subprocess.run(shlex.split(line.split("; see: ")[1]), stdout=subprocess.PIPE,
                               text=True, timeout=60, check=False)
        self.assertEqual(again.returncode, FINDING)
        self.assertIn("profile says null, measured pointer", again.stdout)
        self.assertEqual(rows[0]["outcome"], "finding")
        self.assertEqual(rows[0]["findings"][0]["kind"], "profile-mismatch")
        self.assertEqual(rows[0]["findings"][0]["signature"], "profile-mismatch/answer/malloc-zero")
        self.assertEqual((rows[0]["answer"], rows[0]["expected"]), ("pointer", "null"))

    def test_a_mismatch_can_be_known(self):
        corpus = self.rules(r02_zero=ZERO)
        args = ["--corpus", corpus, "-a", "glibc", "--profile", self.profile(
            f"answer malloc-zero null so\nknown profile-mismatch/answer/malloc-zero {LINK} so\n")]
        got, rows = self.audit(*args, exit_code=CLEAN)
        self.assertEqual(rows[0]["result"], "profile")
        self.assertNotIn("; see: ", got.stdout)
        got, rows = self.audit(*args, "--strict", exit_code=FINDING)
        self.assertEqual(rows[0]["result"], "mismatch")
        self.assertIn("known profile-mismatch at op 0", got.stdout)

    def test_mismatches_can_be_left_out(self):
        corpus = self.rules(r02_zero=ZERO)
        profile = self.profile("answer malloc-zero null so\n")
        _, rows = self.audit("--corpus", corpus, "-a", "glibc", "--profile", profile, "--without",
                             "profile-mismatch", exit_code=CLEAN)
        self.assertEqual((rows[0]["answer"], rows[0]["expected"], rows[0]["result"]),
                         ("pointer", "null", "measured"))

    def test_a_function_that_the_profile_has_and_the_file_lacks(self):
        corpus = self.rules(r09_pages=PAGES)
        library = self.library()
        for word, exit_code in (("usable-4096", FINDING), ("absent", CLEAN)):
            profile = self.profile(f"answer pvalloc-1 {word} so\n")
            with self.subTest(word=word):
                _, rows = self.audit("--corpus", corpus, "-a", library, "--profile", profile,
                                     exit_code=exit_code)
                self.assertEqual(rows[0]["answer"], "absent")

    def test_a_crash_is_no_answer(self):
        library = self.library(BUMP, "-DBEFORE_MALLOC=if(!size)abort()")
        corpus = self.rules(r02_zero=ZERO)
        profile = self.profile("answer malloc-zero null so\n")
        _, rows = self.audit("--corpus", corpus, "-a", library, "--profile", profile,
                             exit_code=FINDING)
        self.assertEqual([f["kind"] for f in rows[0]["findings"]], ["crash"])
        self.assertEqual((rows[0]["answer"], rows[0]["result"]), ("crash", "violation"))
        known = self.profile(f"answer malloc-zero null so\nknown crash/* {LINK} so\n")
        _, rows = self.audit("--corpus", corpus, "-a", library, "--profile", known,
                             exit_code=CLEAN)
        self.assertEqual(rows[0]["result"], "profile")

    def test_a_profile_for_other_versions_is_not_used(self):
        corpus = self.rules(r02_zero=ZERO)
        profile = self.profile("versions 9.8 9.9\nanswer malloc-zero null so\n"
                               "versions 99 99\nanswer malloc-zero null so\n")
        got, rows = self.audit("--corpus", corpus, "-a", "glibc", "--profile", profile,
                               exit_code=CLEAN)
        self.assertRegex(got.stdout, r"(?m)^glibc: the profile is for 9\.8 to 9\.9, 99 and is not "
                                     r"used; this is [0-9.]+$")
        self.assertEqual(rows[0]["result"], "measured")
        self.assertIsNone(rows[-1]["profile"])

    def test_the_section_of_the_version_counts(self):
        corpus = self.rules(r02_zero=ZERO)
        profile = self.profile("versions 0.1 1\nanswer malloc-zero null so\n"
                               "versions 2 3\nanswer malloc-zero pointer so\n")
        _, rows = self.audit("--corpus", corpus, "-a", "glibc", "--profile", profile,
                             exit_code=CLEAN)
        self.assertEqual(rows[0]["expected"], "pointer")


class Stale(Rules):
    def stale(self, corpus, allocator, known, *args, exit_code, kind=("--conformance",)):
        profile = self.profile(known)
        got = allocrig("audit", *kind, "--corpus", corpus, "-a", allocator, "--profile", profile,
                       *args)
        self.assertEqual(got.returncode, exit_code, got)
        return [line for line in got.stdout.splitlines() if "measured: not found" in line]

    def test_what_is_known_must_appear_where_it_is_said_to(self):
        corpus = self.rules(r02_zero=ZERO, r03_served=SERVED)
        known = f"known crash/malloc/* {LINK} it does\nshown-by conformance/03-served\n"
        lines = self.stale(corpus, "glibc", known, exit_code=FINDING)
        self.assertEqual(len(lines), 1)
        self.assertIn("profile says crash/malloc/*, measured: not found in conformance/03-served",
                      lines[0])
        self.assertEqual(self.stale(corpus, "glibc", known.replace("03-", "04-"),
                                    exit_code=CLEAN), [])

    def test_two_in_one_program_are_two(self):
        corpus = self.rules(r03_served=SERVED)
        known = "".join(f"known {what} {LINK} so\nshown-by conformance/03-served\n"
                        for what in ("overlap/*", "hang/*"))
        self.assertEqual(len(self.stale(corpus, "glibc", known, exit_code=FINDING)), 2)

    def test_in_the_seeds_too(self):
        corpus = self.rules("seeds", xsmall=SERVED)
        known = f"known crash/malloc/* {LINK} it does\nshown-by seeds/small\n"
        self.assertEqual(len(self.stale(corpus, "glibc", known, exit_code=FINDING, kind=())), 1)

    def test_what_appears_is_known(self):
        corpus = self.rules(r03_served=SERVED)
        known = f"known misaligned/* {LINK} odd\nshown-by conformance/03-served\n"
        self.assertEqual(self.stale(corpus, self.library(ODD), known, exit_code=CLEAN), [])

    def test_where_nobody_could_see_it_nothing_is_said(self):
        corpus = self.rules(r09_pages=PAGES, r03_served=SERVED)
        library = self.library()
        absent = f"known crash/* {LINK} so\nshown-by conformance/09-pages\n"
        self.assertEqual(self.stale(corpus, library, absent, exit_code=CLEAN), [])
        served = absent.replace("09-pages", "03-served")
        for option in ("--no-tape", "--no-oracles", "--without=crash",
                       "--without=profile-mismatch"):
            self.assertEqual(self.stale(corpus, library, served, option, kind=(),
                                        exit_code=CLEAN), [])


class Own(Rules):
    """The rules and profiles of the tree."""

    def heads(self):
        asked = {}
        for name in sorted(os.listdir(RULES)):
            with open(os.path.join(RULES, name), encoding="utf-8") as file:
                match = re.search(r"(?m)^# profile: (\S+)", file.read())
            if match:
                asked[name.removesuffix(".prog")] = match.group(1)
        return asked

    def test_every_question_is_answered_as_the_profile_says(self):
        asked = self.heads()
        self.assertGreater(len(asked), 9)
        out = os.path.join(self.dir, "rules.jsonl")
        got = allocrig("audit", "--conformance", "--json", out, *asked, timeout=110)
        self.assertIn(got.returncode, (CLEAN, FINDING), got)
        columns = [r for r in lines_of(out) if r["schema"] == "allocrig.conformance/1"]
        self.assertEqual([c["allocator"]["name"] for c in columns], BUILT_IN)
        for column in columns:
            for row in column["rows"] if column["profile"] else []:
                with self.subTest(allocator=column["allocator"]["name"], rule=row["program"]):
                    self.assertEqual(row["answer"], row["expected"])

    def test_every_program_that_a_profile_names_is_there(self):
        corpus = os.path.dirname(RULES)
        for name in BUILT_IN:
            with open(os.path.join(PROFILES, name + ".profile"), encoding="utf-8") as file:
                text = file.read()
            for program in re.findall(r"(?m)^shown-by (\S+)$", text):
                with self.subTest(profile=name, program=program):
                    self.assertTrue(os.path.exists(os.path.join(corpus, program + ".prog")))
            for reason in re.findall(r"(?m)^answer \S+ \S+ (.*)$", text):
                with self.subTest(profile=name, reason=reason):
                    self.assertRegex(reason, r"^\[.+\] .+")
            self.assertRegex(text, r"(?m)^retention ")


class Ends(Rules, Marked):
    def test_an_interrupt_leaves_what_was_done(self):
        corpus = self.rules(r02_zero=ZERO, r03_long="# Rule 3: long\nsleep 60s\n")
        out = os.path.join(self.dir, "rules.jsonl")
        audit = self.start("audit", "--conformance", "--corpus", corpus, "-a", "glibc", "-a",
                           "guard", "--json", out, stdout=subprocess.PIPE, text=True)
        self.wait_for(lambda: os.path.exists(out) and os.path.getsize(out))
        audit.send_signal(signal.SIGINT)
        text, _ = audit.communicate(timeout=60)
        self.assertEqual(audit.returncode, BROKEN)
        rows = lines_of(out)
        self.assertEqual(rows[0]["program"]["name"], "02-zero")
        self.assertEqual(rows[-1]["schema"], "allocrig.conformance/1")
        self.assertEqual(rows[-1]["rows"][0]["result"], "profile")
        self.assertIn("02-zero", text)
        self.assertEqual([r["allocator"]["name"] for r in rows], ["glibc"] * len(rows))

    def test_misuse_is_one_line(self):
        good = self.rules(r02_zero=ZERO)
        bad = {name: self.rules(name, r02_bad=text) for name, text in (
            ("form", ZERO.replace(" zero 0", " Zero 0")),
            ("statement", ZERO.replace("zero 0", "zero 7")),
            ("program", "malloc\n"))}
        profile = self.profile("answer malloc-zero\n")
        for args in (["--corpus", good, "9"], ["--corpus", good, "02-zer"],
                     ["--corpus", self.dir], ["--corpus", "/nonexistent"],
                     *(["--corpus", path] for path in bad.values()),
                     ["--corpus", good, "-a", "glibc", "--profile", profile],
                     ["--corpus", good, "-a", "glibc", "--profile", "/nonexistent"],
                     ["--corpus", good, "-a", "glibc", "-a", "guard", "--profile", profile],
                     ["--corpus", good, "--profile", profile],
                     ["--corpus", good, "--no-oracles"],
                     ["--corpus", good, "-a", "glibc", "--profile", self.profile("# none\n"),
                      "--json", os.path.join(self.dir, "x.profile")]):
            with self.subTest(args=args):
                got = allocrig("audit", "--conformance", *args)
                self.assertEqual(got.returncode, MISUSE, got)
                self.assertEqual(got.stderr.count("\n"), 1, got.stderr)
                self.assertEqual(got.stdout, "")
                self.profile("answer malloc-zero\n")

    def test_results_on_standard_output_stand_alone(self):
        corpus = self.rules(r02_zero=ZERO)
        got = allocrig("audit", "--conformance", "--corpus", corpus, "-a", "glibc", "--json", "-")
        self.assertEqual(got.returncode, CLEAN)
        self.assertEqual(len([json.loads(line) for line in got.stdout.splitlines()]), 2)
        self.assertIn("RULE", got.stderr)


if __name__ == "__main__":
    main()
