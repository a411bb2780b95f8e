#!/bin/sh
# Run the experiment of this bundle again and judge its claims:
#
#   sh reproduce [smoke|short|full] [options of `orchestrate reproduce`, such as --host me@machine]
#
# The mode is smoke unless one is given. README.md describes the modes.
# Requires Debian or a derivative, with python3, make and apt. Installs other packages, through sudo if you are not root.
# All new files go into the directory WORK, by default next to the bundle. The bundle is not changed.
set -eu

bundle=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$bundle.work}
mode=${1:-smoke}
case $mode in
-h | --help)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
-*) mode=smoke ;;
smoke | short | full) [ $# -eq 0 ] || shift ;;
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
if [ ! -e "$program/.venv/.run" ]; then
	mkdir -p "$work"
	rm -rf "$program"
	cp -R "$bundle/program" "$program"
	make --no-print-directory -C "$program" setup
	# Nothing is left to install where the run had the packages of the lock.
	"$program/.venv/bin/python" -m pip install --quiet --no-deps --requirement "$bundle/requirements.txt" ||
		echo "some package versions of the run are not available; using those of the lock" >&2
	touch "$program/.venv/.run"
fi

cd "$work"
# Not by the script's first line: a path with quotes and spaces cannot be in one.
exec "$program/.venv/bin/python" "$program/.venv/bin/orchestrate" reproduce "$bundle" --mode "$mode" --results "$work/results" "$@"
