"""Every kind of finding, and every rule of it, has a canary: counted from what the canaries' tests found.

coverage_test.py FINDING_H DIRECTORY NAME...: the names are those of all canaries; DIRECTORY has what
the test of each of them left there.
"""

import collections
import json
import os
import re
import sys
import unittest

FINDING_H, BUILT, *NAMES = sys.argv[1:]
del sys.argv[1:]
LEAST = 25

# Kinds and rules that no canary breaks, each with the reason.
NOT_OF_PROGRAMS = "it takes a profile that is wrong: harness/cli/conformance_test.py has them"
KINDS_WITHOUT_CANARY = {"profile-mismatch": NOT_OF_PROGRAMS}
WITHOUT_CANARY = {"profile-answer": NOT_OF_PROGRAMS, "profile-known": NOT_OF_PROGRAMS}


def words_of(enum):
    """enum finding_kind { FINDING_OVERLAP, ... } as the words of the results: overlap, ..."""
    with open(FINDING_H, encoding="utf-8") as file:
        body = re.search(rf"enum {enum} \{{(.*?)\n\}};", file.read(), re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = [name.split("_", 1)[1] for name in re.findall(r"\b[A-Z]+_[A-Z_]+\b", body)]
    return [name.lower().replace("_", "-") for name in names if name not in ("KINDS", "NONE")]


def found_by(name):
    path = os.path.join(BUILT, name + ".found")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        sys.exit(f"{path} is not there: the test canary.{name} has to pass first")


class Coverage(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.of_kind = collections.defaultdict(list)
        cls.of_rule = collections.defaultdict(list)
        for name in NAMES:
            for kind, rule in found_by(name):
                cls.of_kind[kind].append(name)
                cls.of_rule[rule].append(name)
        cls.broken = sorted({name for names in cls.of_kind.values() for name in names})
        print(f"{len(cls.broken)} canaries that are caught, {len(NAMES) - len(cls.broken)} that are "
              "correct")
        for kind in words_of("finding_kind"):
            print(f"  {kind:24}{len(cls.of_kind[kind]):3}")
        print("rules:")
        for rule in words_of("finding_rule"):
            names = " ".join(cls.of_rule[rule]) or WITHOUT_CANARY.get(rule, "NO CANARY")
            print(f"  {rule:24}{len(cls.of_rule[rule]):3}  {names}", flush=True)

    def test_every_kind_has_one(self):
        kinds = words_of("finding_kind")
        self.assertGreater(len(kinds), 15, "the kinds were not read")
        bare = [kind for kind in kinds if not self.of_kind[kind]]
        self.assertEqual(bare, list(KINDS_WITHOUT_CANARY), "the kinds without a canary")
        self.assertEqual([kind for kind in self.of_kind if kind not in kinds], [])

    def test_every_rule_has_one_or_a_reason(self):
        rules = words_of("finding_rule")
        self.assertGreater(len(rules), 30, "the rules were not read")
        bare = [rule for rule in rules if not self.of_rule[rule]]
        self.assertEqual(sorted(bare), sorted(WITHOUT_CANARY), "the rules without a canary")
        self.assertEqual([rule for rule in self.of_rule if rule not in rules], [])

    def test_there_are_many(self):
        self.assertGreaterEqual(len(self.broken), LEAST)


if __name__ == "__main__":
    unittest.main()
