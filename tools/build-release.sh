#!/bin/sh
# Build sdist, wheel and SHA256SUMS of the last commit into a folder. The bytes depend on nothing but the commit.
# usage: build-release.sh FOLDER; `python` has the packages of requirements/dev.txt
set -eu
cd "$(dirname "$0")/.."
folder=$1

if [ -n "$(git status --porcelain)" ]; then
	git status --short
	echo "not everything is committed; commit it, then build the release again" >&2
	exit 1
fi

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git archive HEAD | tar -x -C "$tree"
rm -rf "$folder"
python tools/build-runners "$tree"
python "$tree/tools/build-man" "$tree/man"
python -m build --no-isolation --outdir "$folder" "$tree"
cd "$folder"
sha256sum -- *.tar.gz *.whl | tee SHA256SUMS
