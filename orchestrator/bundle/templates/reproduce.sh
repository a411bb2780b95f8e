#!/bin/sh
# Run the experiment of this bundle again and judge its claims:
#
#   sh reproduce [smoke|short|full] [options of `orchestrate reproduce`, such as --host me@machine]
#
# Requires Debian or a derivative, with python3, make and apt. Installs other packages, through sudo if you are not root.
# All new files go into the directory WORK, by default next to the bundle. The bundle is not changed.
set -eu

bundle=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$bundle.work}
mode=${1:-smoke}
[ $# -eq 0 ] || shift
case $mode in
smoke | short | full) ;;
*)
	echo "unknown mode '$mode'; choose smoke, short or full" >&2
	exit 2
	;;
esac

(
	cd "$bundle"
	sha256sum --quiet --strict --check SHA256SUMS.sha256
	sha256sum --quiet --strict --check SHA256SUMS
) || {
	echo "the bundle is damaged; nothing was run" >&2
	exit 2
}

program=$work/program
if [ ! -e "$program/.venv/.ready" ]; then
	mkdir -p "$work"
	rm -rf "$program"
	cp -R "$bundle/program" "$program"
	# pip splits PIP_CONSTRAINT at spaces, which the path of the bundle may have: a name in make's directory has none.
	cp "$bundle/requirements.txt" "$program/constraints.txt"
	# First try the package versions of the run. Another Python may not have them; the report lists what differs.
	PIP_CONSTRAINT=constraints.txt make --no-print-directory -C "$program" setup || {
		echo "some package versions of the run are not available; installing other versions" >&2
		make --no-print-directory -C "$program" setup
	}
fi

cd "$work"
# Not by the script's first line: a path with quotes and spaces cannot be in one.
exec "$program/.venv/bin/python" "$program/.venv/bin/orchestrate" reproduce "$bundle" --mode "$mode" --results "$work/results" "$@"
