#!/bin/sh
# Install those of the given Debian packages that are missing. Other users than root need sudo.
set -eu

missing=
for package in "$@"; do
	status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "missing Debian packages:$missing" >&2
	echo "permission denied (need root or sudo); install them as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "installing Debian packages with apt, which may take some minutes:$missing"
# shellcheck disable=SC2086  # the list is split into words
{
	$as_root apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
