#!/bin/sh
# Whether every C and C++ file is laid out as .clang-format says; shows where not. `make format` does it.
set -eu
cd "$(dirname "$0")/.."
files=$(tools/sources.sh '*.c' '*.h' '*.cc')
[ -n "$files" ] || { echo "format: no files" >&2; exit 2; }
echo "$files" | tr '\n' '\0' | xargs -0 clang-format --dry-run -Werror
