#!/bin/sh
# preload_test.sh LIBRARY WORKDIR PROGRAM [ARG...]
#
# Runs the program without and with the library preloaded: exit code and output must be the same,
# and the dynamic linker's own log must say that malloc was served by the library in the process
# named by EXPECT (default: the program; gcc, say, does its work in cc1). Exit 77: no such program.
set -u

library=$1 work=$2 program=$3
shift 3
expect=${EXPECT:-$(basename "$program")}

command -v "$program" >/dev/null || { echo "$program is not installed"; exit 77; }
rm -rf "$work" && mkdir -p "$work/plain" "$work/preload" || exit 1

(cd "$work/plain" && "$program" "$@" >stdout 2>stderr; echo $? >status)
(cd "$work/preload" && LD_PRELOAD=$library LD_DEBUG=bindings LD_DEBUG_OUTPUT=$work/bindings \
  "$program" "$@" >stdout 2>stderr; echo $? >status)

if ! diff -r "$work/plain" "$work/preload"; then
  echo "$program differs under $library"
  exit 1
fi
if [ "$(cat "$work/plain/status")" != 0 ]; then
  cat "$work/plain/stderr"
  echo "$program fails on its own: it proves nothing"
  exit 1
fi
if ! grep -q "binding file .*$expect.* to $library \[0\]: normal symbol .malloc'" "$work"/bindings.*; then
  echo "$expect did not get its malloc from $library"
  exit 1
fi
if grep "to [^ ]*/libc.so.6 \[0\]: normal symbol .\(malloc\|calloc\|realloc\|free\|memalign\|aligned_alloc\)'" "$work"/bindings.*; then
  echo "libc served part of the family"
  exit 1
fi
rm -rf "$work"
