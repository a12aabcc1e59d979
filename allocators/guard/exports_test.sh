#!/bin/sh
# exports_test.sh LIBRARY: it shows the malloc family, nothing else, and needs libc alone.
set -u

command -v nm >/dev/null && command -v readelf >/dev/null || { echo "binutils are not installed"; exit 77; }
want="aligned_alloc calloc free free_aligned_sized free_sized guard_mode_set malloc malloc_trim malloc_usable_size"
want="$want memalign posix_memalign pvalloc realloc reallocarray valloc"
got=$(nm -D --defined-only "$1" | awk '{print $3}' | LC_ALL=C sort | xargs)
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | xargs)

[ "$got" = "$want" ] || { echo "exports: $got"; echo "expected: $want"; exit 1; }
[ "$needed" = libc.so.6 ] || { echo "needs: $needed"; exit 1; }
