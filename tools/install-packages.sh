#!/bin/sh
# Installs the packages of packages.txt that are missing. Does nothing, and needs no network, when
# none is. Takes another list as its argument. What stands behind the line `# optional` may be
# missing in the end.
set -eu

list=${1:-$(dirname "$0")/../packages.txt}

fail() {
	echo "install-packages: $*" >&2
	exit 1
}

[ -r "$list" ] || fail "cannot read $list"
wanted=$(sed 's/#.*//' "$list")
needed=$(sed -e '/^# optional/,$d' -e 's/#.*//' "$list")

# "ok installed" and not what is half-configured or removed with its settings kept.
missing() {
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
		awk -v wanted="$*" '
			$2 == "installed" { have[$1] = 1 }
			END {
				n = split(wanted, w, " ")
				for (i = 1; i <= n; i++)
					if (!(w[i] in have))
						print w[i]
			}'
}

if ! command -v dpkg-query >/dev/null; then
	echo "install-packages: no dpkg here; these must be there by other means:" $wanted >&2
	exit 0
fi

# shellcheck disable=SC2086
packages=$(missing $wanted)
[ -n "$packages" ] || exit 0
echo "installing:" $packages

sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "not root and no sudo; as root: apt-get install" $packages
	sudo=sudo
fi

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# A failed update may be one stale mirror: what counts is whether the install works.
apt update >/dev/null 2>&1 || true
exec 3>&1
# shellcheck disable=SC2086
install() {
	said=$(apt install --no-install-recommends -y $1 2>&1 >&3)
}
# shellcheck disable=SC2086
if ! install "$packages"; then
	packages=$(missing $needed)
	if [ -n "$packages" ] && ! install "$packages"; then
		fail "could not install" $packages "(offline?): $(echo "$said" | grep -m 1 '^E:')"
	fi
fi
# shellcheck disable=SC2086
packages=$(missing $needed)
[ -z "$packages" ] || fail "still missing:" $packages
# shellcheck disable=SC2086
packages=$(missing $wanted)
[ -z "$packages" ] || echo "install-packages: going on without" $packages >&2
