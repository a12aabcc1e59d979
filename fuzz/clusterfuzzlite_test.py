"""What .clusterfuzzlite/build.sh leaves in $OUT starts and fuzzes as OSS-Fuzz's runners ask for it.

clusterfuzzlite_test.py FOLDER [address|undefined|coverage]: builds in FOLDER, again and again in the
same trees, and does what bad_build_check does there. The targets run from / with what they need
elsewhere than where it was built, read-only, with nothing in /dev, the sources gone, and /tmp alone
to write to, if this user may make such a place.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(sys.argv.pop(1)).resolve()
SANITIZER = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].isalpha() else "address"
OUT = WORK / "out"
MOVED = "/mnt"  # where the targets are when they run

# As base-builder sets them.
FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": "-fsanitize=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,"
                 "return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr"
                 " -fno-sanitize-recover=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,"
                 "object-size,return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,"
                 "vla-bound,vptr",
    "coverage": "-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed -Wl,-ldl -Wl,-lm"
                " -Wno-unused-command-line-argument -O0",
}
COMMON = "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
# Thresholds of bad_build_check.
CALLS = {"address": ("__asan", 1000), "undefined": ("__ubsan", 168)}
LEAST_EDGES = 100
GLIBC = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|ld-linux.*)\.so")
# Mounts are this process's own; the last one is what it runs in.
SANDBOX = """set -e
mount --make-rprivate /
mount --bind "$1" {moved}
mount -o remount,ro,bind {moved}
mount -t tmpfs tmpfs /tmp
mount -t tmpfs -o mode=555 tmpfs /dev
mount -t tmpfs -o ro tmpfs "$2"
mount -o remount,ro,bind /
shift 2
cd /
exec "$@"
""".format(moved=MOVED)


def build():
    source = WORK / "src"
    shutil.rmtree(OUT, ignore_errors=True)
    for folder in (OUT, WORK / "work", source):
        folder.mkdir(parents=True, exist_ok=True)
    link = source / "allocrig"
    if not link.is_symlink():
        link.symlink_to(ROOT)
    flags = f"{COMMON} {FLAGS[SANITIZER]}"
    if SANITIZER != "coverage":
        flags += " -fsanitize=fuzzer-no-link"
    env = dict(os.environ, CC="clang", CXX="clang++", CFLAGS=flags, CXXFLAGS=flags,
               LIB_FUZZING_ENGINE="-fsanitize=fuzzer", FUZZING_ENGINE="libfuzzer", OUT=str(OUT),
               WORK=str(WORK / "work"), SRC=str(source), SANITIZER=SANITIZER, ARCHITECTURE="x86_64",
               JOBS="2")
    done = subprocess.run(["bash", str(ROOT / ".clusterfuzzlite" / "build.sh")], cwd=link, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout[-8000:]}\nbuild.sh: exit {done.returncode}")


def sandbox():
    """The command that goes before another, or None where this user may not mount."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--mount", "sh", "-c", SANDBOX, "sh", str(OUT), str(ROOT)]
    try:
        ok = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        ok = False
    return command if ok else None


def targets():
    """As the runners look for them."""
    return sorted(path.name for path in OUT.iterdir()
                  if path.is_file() and os.access(path, os.X_OK)
                  and b"LLVMFuzzerTestOneInput" in path.read_bytes())


def needed(path):
    text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text), re.findall(r"\(R(?:UN)?PATH\).*\[(.*)\]", text)


class ClusterFuzzLite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build()
        cls.place = sandbox()
        if not cls.place:
            print("cannot mount: the targets run where they were built", file=sys.stderr)
            OUT.chmod(0o555)
            cls.addClassCleanup(OUT.chmod, 0o755)

    def run_target(self, command):
        """Runs in the place of the runners; `{out}` is where the targets are."""
        place = self.place or []
        out = MOVED if self.place else str(OUT)
        env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run([*place, "sh", "-ec", command.format(out=out)], cwd="/", env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=120, check=False)

    def on_each(self, judge):
        for name in targets():
            with self.subTest(target=name):
                judge(name)

    def test_all_targets_are_there(self):
        # Of two allocators: there is no pair that anybody would want by default.
        expected = {path.stem for path in (ROOT / "fuzz").glob("fuzz_*.c")} - {"fuzz_diff"}
        self.assertEqual(set(targets()), expected)
        self.assertTrue(os.access(OUT / "allocrig-child", os.X_OK))
        self.assertTrue((OUT / "allocators" / "libguard.so").is_file())

    @unittest.skipIf(SANITIZER == "coverage", "it does not tell libFuzzer of coverage")
    def test_a_few_inputs_from_nothing(self):
        self.on_each(self.runs_from_nothing)

    def runs_from_nothing(self, name):
        done = self.run_target("{out}/%s -seed=1337 -runs=4 -artifact_prefix=/tmp/" % name)
        self.assertIn("Done 4 runs", done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        edges = re.search(r"INFO: Loaded \d+ modules?\s+\((\d+) inline", done.stdout)
        self.assertGreaterEqual(int(edges[1]), LEAST_EDGES)

    @unittest.skipIf(SANITIZER == "coverage", "it does not tell libFuzzer of coverage")
    def test_seeds_dictionary_and_options(self):
        self.on_each(self.runs_from_seeds)

    def runs_from_seeds(self, name):
        with zipfile.ZipFile(OUT / f"{name}_seed_corpus.zip") as seeds:
            self.assertIsNone(seeds.testzip())
            count = len(seeds.namelist())
        self.assertGreater(count, 4)
        options = (OUT / f"{name}.options").read_text()
        self.assertTrue(options.startswith("[libfuzzer]\n"), options)
        flags = " ".join(f"-{key}={value}" for key, value in re.findall(r"(\w+) = (\S+)", options))
        done = self.run_target(
            "seeds=$(mktemp -d /tmp/seeds.XXXXXX)\n"
            "python3 -m zipfile -e {out}/%s_seed_corpus.zip $seeds\n"
            "cd {out}\n"
            "./%s %s -rss_limit_mb=2560 -timeout=25 -dict=%s.dict -runs=4 -artifact_prefix=/tmp/ "
            "$seeds\n"
            "rm -r $seeds" % (name, name, flags, name))
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        self.assertRegex(done.stdout, r"Dictionary: [1-9]\d* entries")
        self.assertRegex(done.stdout, rf"seed corpus: files: {count} ")

    def test_is_built_with_the_sanitizer(self):
        if SANITIZER not in CALLS:
            self.skipTest("there is nothing to count")
        prefix, least = CALLS[SANITIZER]
        for name in targets():
            text = subprocess.run(["objdump", "-d", OUT / name], capture_output=True, text=True,
                                  check=True).stdout
            calls = len(re.findall(rf"\bcallq?\s+[0-9a-f]+ <{prefix}", text))
            self.assertGreaterEqual(calls, least)

    def test_child_has_no_sanitizer(self):
        for path in (OUT / "allocrig-child", OUT / "allocators" / "libguard.so"):
            symbols = subprocess.run(["readelf", "-Ws", path], capture_output=True, text=True,
                                     check=True).stdout
            self.assertNotRegex(symbols, "__asan|__ubsan|__llvm_prof")

    def test_libraries_lie_beside(self):
        seen, todo = set(), [OUT / name for name in targets()]
        while todo:
            path = todo.pop()
            libraries, places = needed(path)
            if path.parent == OUT:
                self.assertEqual(places, ["$ORIGIN/lib"], path)
            for library in libraries:
                if library not in seen and not GLIBC.match(library):
                    seen.add(library)
                    self.assertTrue((OUT / "lib" / library).is_file(), f"{library} of {path.name}")
                    todo.append(OUT / "lib" / library)


if __name__ == "__main__":
    if not shutil.which("clang") or not shutil.which("clang++"):
        print("clang is not here")
        sys.exit(77)
    unittest.main(verbosity=2)
