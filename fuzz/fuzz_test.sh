#!/bin/sh
# One target on the seeds and all programs of the corpus: fuzz_test.sh text|wire BUILD_DIR [FUZZER_OPTION...]
# With options the target is a fuzzer, which goes on from there; without it replays the programs.
set -eu
here=$(dirname "$0")
format=$1
build=$2
shift 2
seeds=$build/seeds-$format
rm -rf "$seeds"
mkdir -p "$seeds"
programs=$(find "$here/seeds" "$here/../corpus" -name '*.prog' -type f)
[ -n "$programs" ] || { echo "fuzz_test: no programs" >&2; exit 2; }
# Names of the corpus have no blanks.
# shellcheck disable=SC2086
if [ "$format" = wire ]; then
	"$build/fuzz-convert" "$seeds" $programs
else
	cp $programs "$seeds"
fi
if [ $# -eq 0 ]; then
	exec "$build/fuzz_$format" "$seeds"
fi
# A fuzzer writes into the first folder.
rm -rf "$build/found-$format"
mkdir -p "$build/found-$format"
[ "$format" = text ] && set -- "-dict=$here/text.dict" "$@"
exec "$build/fuzz_$format" -artifact_prefix="$build/" "$@" "$build/found-$format" "$seeds"
