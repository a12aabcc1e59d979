#!/bin/bash
# Builds the fuzz targets into $OUT as OSS-Fuzz and ClusterFuzzLite ask for it:
# https://google.github.io/oss-fuzz/getting-started/new-project-guide/#buildsh
#
# The targets are built with the caller's compiler, flags and engine. What they start (the child,
# and the allocators that are loaded into it) must have none of that, so it comes from a tree with a
# plain compiler. All of it lies beside the targets, as do the shared libraries that they need.
set -eu

: "${OUT:?where the targets go}" "${LIB_FUZZING_ENGINE:?what they are linked with}"
here=$(cd "$(dirname "$0")" && pwd)
for root in "${SRC:-$here}/allocrig" "$here/.." .; do
	[ ! -f "$root/fuzz/mutate.h" ] || break
done
root=$(cd "$root" && pwd)
work=${WORK:-$(mktemp -d)}
mkdir -p "$OUT" "$work"
OUT=$(cd "$OUT" && pwd) work=$(cd "$work" && pwd)
plain=$work/allocrig
engine=$work/allocrig-engine
jobs=${JOBS:-$(nproc)}

plain_cc=$(command -v clang || command -v gcc || command -v cc)
env -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u LIB_FUZZING_ENGINE CC="$plain_cc" \
	cmake -G Ninja -S "$root" -B "$plain" -DCMAKE_BUILD_TYPE=RelWithDebInfo
ninja -C "$plain" -j "$jobs" allocrig-child guard fuzz-convert

# An rpath that libraries of libraries are found by as well.
# The allocator of this project is whom it fuzzes, unless ALLOCRIG_FUZZ_ALLOCATOR says another: of
# libc there, which may be any, nobody knows what is known.
cmake -G Ninja -S "$root" -B "$engine" "-DALLOCRIG_FUZZ_ENGINE=$LIB_FUZZING_ENGINE" \
	-DALLOCRIG_FUZZ_ALLOCATOR=guard \
	'-DCMAKE_BUILD_RPATH=$ORIGIN/lib' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags
ninja -C "$engine" -j "$jobs" fuzz-targets

mkdir -p "$OUT/allocators/profiles" "$OUT/lib"
cp "$plain/allocrig-child" "$OUT/"
cp "$plain/allocators/libguard.so" "$OUT/allocators/"
cp "$root"/allocators/profiles/*.profile "$OUT/allocators/profiles/"

# Everything but glibc itself.
copy_libraries() {
	ldd "$1" | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' |
		grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libutil)\.so' |
		while read -r library; do
			cp -L "$library" "$OUT/lib/"
		done
}

# seed_corpus NAME FOLDER
seed_corpus() {
	rm -f "$OUT/$1_seed_corpus.zip"
	(cd "$2" && cmake -E tar cf "$OUT/$1_seed_corpus.zip" --format=zip -- *)
}

programs=$(find "$root/corpus" "$root/fuzz/seeds" -name '*.prog' -type f)
rm -rf "$work/seeds"
mkdir -p "$work/seeds/text" "$work/seeds/wire" "$work/seeds/kernel"
# Names of the corpus have no blanks.
# shellcheck disable=SC2086
cp $programs "$work/seeds/text/"
# Programs with thousands of slots or rounds take seconds each, and an engine runs all seeds first.
quick() {
	grep -LE '(\[[0-9]*:|repeat )[0-9]{4,}' "$@"
}
# shellcheck disable=SC2046,SC2086
"$plain/fuzz/fuzz-convert" "$work/seeds/wire" $(quick $programs)
# shellcheck disable=SC2046
"$plain/fuzz/fuzz-convert" "$work/seeds/kernel" $(quick "$root"/corpus/mmap/*.prog)

for target in "$engine"/fuzz/fuzz_* "$engine"/fuzz_*; do
	name=$(basename "$target")
	# Nobody tells it which two allocators to compare.
	[ -f "$target" ] && [ -x "$target" ] && [ "$name" != fuzz_diff ] || continue
	cp "$target" "$OUT/"
	copy_libraries "$target"
	case $name in
	fuzz_text) seeds=text dict=text max_len=8192 ;;
	fuzz_mmap) seeds=kernel dict=wire max_len=4096 ;;
	*) seeds=wire dict=wire max_len=4096 ;;
	esac
	seed_corpus "$name" "$work/seeds/$seeds"
	cp "$root/fuzz/$dict.dict" "$OUT/$name.dict"
	printf '[libfuzzer]\nmax_len = %s\n' "$max_len" >"$OUT/$name.options"
done
