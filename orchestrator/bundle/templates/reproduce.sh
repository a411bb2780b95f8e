#!/bin/sh
# Does the run of this bundle again, and says which of its claims hold here:
#
#   sh reproduce [smoke|short|full] [options of `orchestrate reproduce`, such as --host me@machine]
#
# Needs Debian (or what is like it), python3, make and apt; what else is missing is installed, through sudo if you are
# not root. All that is made goes into WORK, by default a folder beside the bundle; the bundle stays as it is.
set -eu

bundle=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$bundle.work}
mode=${1:-smoke}
[ $# -eq 0 ] || shift
case $mode in
smoke | short | full) ;;
*)
	echo "unknown mode '$mode'; there are smoke, short and full" >&2
	exit 2
	;;
esac

(
	cd "$bundle"
	sha256sum --quiet --strict --check SHA256SUMS.sha256
	sha256sum --quiet --strict --check SHA256SUMS
) || {
	echo "the bundle is not as it was made; nothing was run" >&2
	exit 2
}

program=$work/program
if [ ! -e "$program/.venv/.ready" ]; then
	mkdir -p "$work"
	rm -rf "$program"
	cp -R "$bundle/program" "$program"
	# The versions that the run had; another Python may not have them, then those it has, and the judgement tells.
	PIP_CONSTRAINT=$bundle/requirements.txt make --no-print-directory -C "$program" setup || {
		echo "not all packages are there in the versions of the run; taking others" >&2
		make --no-print-directory -C "$program" setup
	}
fi

cd "$work"
exec "$program/.venv/bin/orchestrate" reproduce "$bundle" --mode "$mode" --results "$work/results" "$@"
