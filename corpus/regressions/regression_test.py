"""One regression program: that version of that allocator violates the rule, there and nowhere else.

regression_test.py ALLOCRIG PROGRAM: the program says `# expect: KIND at op N on ALLOCATOR VERSION`,
once for each finding. With another version installed there is nothing to show: skipped. On the other
built-in allocators it finds nothing but what their profiles know, or other regressions say of them.
"""

import fnmatch
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "harness", "cli"))

import e2e  # noqa: E402

PROGRAM = sys.argv.pop(1)
RULE = re.compile(r"# Rule \d+: \S.*\. \[[^\]]+\]")
EXPECT = re.compile(r"# expect: (?P<kind>[a-z-]+) at op (?P<op>\d+) on (?P<allocator>\w+) "
                    r"(?P<version>\S+)")
LINK = re.compile(r"# link: https://\S+")
PROFILES = os.path.join(HERE, "..", "..", "allocators", "profiles")


def lines(path=PROGRAM):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class Regression(e2e.Case):
    def test_form(self):
        self.assertRegex(lines()[1], RULE)
        self.assertLessEqual(len([line for line in lines() if LINK.fullmatch(line)]), 1)
        name = os.path.basename(PROGRAM)
        for found in self.expected():
            self.assertTrue(name.startswith(found["allocator"] + "-"), name)

    def expected(self):
        found = [match for match in map(EXPECT.fullmatch, lines()) if match]
        self.assertTrue(found, "no line '# expect: KIND at op N on ALLOCATOR VERSION'")
        self.assertEqual(len({(match["allocator"], match["version"]) for match in found}), 1)
        return found

    def test_violation_is_found(self):
        """Whether a profile knows it or not."""
        expected = self.expected()
        allocator, version = expected[0]["allocator"], expected[0]["version"]
        result = self.run_one(PROGRAM, allocator, "--strict")
        if result["outcome"] == "unsupported":
            self.skipTest(result["reason"])
        installed = result["allocator"]["version"]
        if installed != version:
            self.skipTest(f"{allocator} is {installed}, not {version}")
        self.assertEqual(result["outcome"], "finding")
        self.assertEqual(e2e.found(result), [(e["kind"], int(e["op"])) for e in expected],
                         result["findings"])
        signatures = [finding["signature"] for finding in result["findings"]]
        for known in self.shown(allocator):
            self.assertTrue(fnmatch.filter(signatures, known), f"{known} is not in {signatures}")

    def test_on_the_other_built_in_allocators(self):
        own = self.expected()[0]["allocator"]
        said = {(found["allocator"], found["version"], found["kind"])
                for path in glob.glob(os.path.join(HERE, "*.prog"))
                for found in map(EXPECT.fullmatch, lines(path)) if found}
        listed = [json.loads(line) for line in e2e.allocrig("list", "--json", "-").stdout.splitlines()]
        others = [entry["name"] for entry in listed if entry["available"]
                  and entry["name"] not in (own, "void", "kernel")]
        for result in self.run_all([PROGRAM], others):
            name, version = result["allocator"]["name"], result["allocator"]["version"]
            with self.subTest(allocator=name):
                self.assertIn(result["outcome"], ("clean", "finding", "unsupported"), result.get("reason"))
                new = [f for f in result["findings"]
                       if not f["known"] and (name, version, f["kind"]) not in said]
                self.assertEqual(new, [])

    @staticmethod
    def shown(allocator):
        """The known findings of which the profile says that this program shows them."""
        name = os.path.splitext(os.path.basename(PROGRAM))[0]
        with open(os.path.join(PROFILES, allocator + ".profile"), encoding="utf-8") as file:
            return re.findall(rf"^known (\S+) .*\nshown-by regressions/{name}$", file.read(), re.M)


if __name__ == "__main__":
    e2e.main_or_skip()
