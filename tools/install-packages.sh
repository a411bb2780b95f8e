#!/bin/sh
# Install the Debian packages given as arguments, those only that are missing, and say so.
# As another user than root this goes through sudo.
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
	echo "neither root nor sudo here; install them with: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "installing Debian packages:$missing"
# shellcheck disable=SC2086  # word splitting is wanted
{
	$as_root apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
