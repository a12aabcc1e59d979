#!/bin/sh
# Prints our own files that match the patterns, one a line: those that git tracks and those that it
# would, and every file outside the build where there is no git.
set -eu
cd "$(dirname "$0")/.."

# The owner of the clone may be another user, as in a container.
if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
	git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" |
		while IFS= read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
	exit
fi
for pattern; do
	find . -name .git -prune -o -path ./build -prune -o -path ./results -prune -o \
		-type f -name "$pattern" -print
done | sed 's|^\./||' | sort -u
