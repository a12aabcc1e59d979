#!/bin/sh
# clang-tidy over our own .c and .cc files, as .clang-tidy says: clang_tidy.sh BUILD_DIR [FILE...]
# A file that no target compiles is an error: nothing would check it.
#
# Nearly all of its time is the analyzer's, in the few functions with very many paths. It may look
# at so many states of one function; ANALYZER_NODES=225000 is its own default, and takes more than twice as long.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "$1")
shift
[ -r "$build/compile_commands.json" ] || { echo "clang-tidy: configure $build first" >&2; exit 2; }
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046
	set -- $(tools/sources.sh 'harness/*.c' 'allocators/*.c' 'reports/*.c' 'fuzz/*.c' 'bench/*.c' 'bench/*.cc')
fi
[ $# -gt 0 ] || { echo "clang-tidy: no files" >&2; exit 2; }

nodes=${ANALYZER_NODES:-30000}
status=0
for file; do
	grep -qF "\"file\": \"$PWD/$file\"" "$build/compile_commands.json" && continue
	# Programs that tests compile by themselves are no part of the build.
	case $file in */preload.c) continue ;; esac
	echo "clang-tidy: no target compiles $file" >&2
	status=1
done
# check CHECKS, files on standard input: what it counts of system headers is left out of what it says.
check() {
	xargs -r -d '\n' -P 2 -n 3 sh -c '
		build=$0 checks=$1 nodes=$2
		shift 2
		said=$(clang-tidy -p "$build" --quiet ${checks:+"--checks=$checks"} \
			--extra-arg=-Xclang --extra-arg=-analyzer-config \
			--extra-arg=-Xclang --extra-arg="max-nodes=$nodes" "$@" 2>&1) && exit 0
		printf "%s\n" "$said" | grep -v "warnings\? generated\.$"
		exit 1' "$build" "$1" "$nodes"
}

# The analyzer does not see that cmocka's assertions leave the function, and would warn of whatever
# they rule out. Canaries are wrong on purpose, and small: its time is better spent on the others.
tests='_test\.c$|_testing\.c$|_stress\.c$|/test_[^/]*\.c$|^allocators/canary/'
printf '%s\n' "$@" | grep -Ev "$tests" | check '' || status=1
printf '%s\n' "$@" | grep -E "$tests" | check '-clang-analyzer-*' || status=1
exit $status
