#!/bin/sh
# fence_run_test.sh ALLOCRIG MISUSED WORKDIR RANDOM_PROGRAMS
#
# Fence mode under allocrig, whose handlers are there before guard's: a misuse is the finding crash
# with guard's line in its message, and random programs run clean, however the library is loaded.
set -u

allocrig=$1 misused=$2 work=$3 random_programs=$4
export GUARD_MODE=fence
rm -rf "$work" && mkdir -p "$work" || exit 1

# expect_crash LOAD SIZE WORDS: free of a block of this size crashes, and the message has the words.
expect_crash() {
  printf 'allocrig 1\nmalloc b[0] 24\nmalloc b[1] %s\nfree b[1]\n' "$2" >"$work/$2.prog"
  "$allocrig" run "$work/$2.prog" -a "$misused" --load="$1" >"$work/out" 2>&1
  status=$?
  if [ "$status" != 1 ] || ! grep -q "crash.*guard: $3" "$work/out"; then
    echo "$2 under $1: exit $status"
    cat "$work/out"
    exit 1
  fi
}

for load in preload dlopen; do
  expect_crash $load 1001 'write of 0x[0-9a-f]*: [0-9]* bytes behind block 0x[0-9a-f]* of 1001 bytes'
  expect_crash $load 1002 'read of 0x[0-9a-f]*: inside block 0x[0-9a-f]* of 1002 bytes, freed by free'
  expect_crash $load 1003 'free of 0x[0-9a-f]*: already freed: block 0x[0-9a-f]* of 1003 bytes'
done

python3 -B "$random_programs" --seed 7 --count 40 --out "$work/programs" || exit 1
for fence in auto protect; do
  for load in preload dlopen; do
    if ! GUARD_FENCE=$fence "$allocrig" run "$work"/programs/*.prog -a guard --load=$load \
        >"$work/out" 2>&1; then
      echo "random programs, GUARD_FENCE=$fence, $load:"
      grep -v ' clean ' "$work/out"
      exit 1
    fi
  done
done
rm -rf "$work"
