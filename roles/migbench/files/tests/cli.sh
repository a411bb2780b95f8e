#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests the command line. One NUMA node is enough.
# usage: cli.sh MIGBENCH
migbench=$1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

fail() {
	echo "cli.sh: $*" >&2
	cat "$out/stdout" "$out/stderr" >&2
	exit 1
}

# expect STATUS OPTION...: runs migbench and checks its exit status.
expect() {
	wanted=$1
	shift
	"$migbench" "$@" >"$out/stdout" 2>"$out/stderr"
	code=$?
	[ "$code" -eq "$wanted" ] || fail "$*: exit status $code, expected $wanted"
}

one_document() {
	[ "$(wc -l <"$out/stdout")" -eq 1 ] || fail "stdout is not one line"
	grep -q '^{"migbench":2,.*}$' "$out/stdout" || fail "stdout is not a document of format 2"
}

has() {
	grep -q -- "$2" "$out/$1" || fail "$1 lacks $2"
}

lacks() {
	if grep -q -- "$2" "$out/$1"; then fail "$1 has $2"; fi
}

for list in modes options metrics; do
	expect 0 --list-$list
	one_document
	has stdout "\"$list\":\["
done
expect 0 --probe
one_document
has stdout '"dialect":{"name":'
expect 0 --help
has stdout '--page-size'
expect 0 --version

expect 2 --treads=4
has stderr "did you mean '--threads'?"
expect 2 --mode=paralel
has stderr "did you mean 'parallel'?"
expect 2 --page-size=4KB
has stderr '4KiB'
[ -s "$out/stdout" ] && fail "a usage error printed a document"

# Base pages that are larger than the requested size are used, and labelled.
expect 0 --mode=copy --source-node=0 --target-node=0 --page-size=1KiB --pages=2 --settle-ms=0
has stdout '"label":{"name":"[0-9]*KiB pages"'
expect 0 --mode=copy --source-node=0 --target-node=0 --page-size=base --pages=2 --settle-ms=0
lacks stdout '"label"'
has stdout '"page_size":"base"'

# Within one node only mode copy is supported. Metrics that were not measured are absent.
expect 0 --mode=copy --source-node=0 --target-node=0 --pages=64 --threads=3 --settle-ms=0
one_document
has stdout '"status":"ok"'
has stdout '"bytes_wrong":0'
has stdout '"copy_throughput_gib_per_s":'
lacks stdout call_latency_us
lacks stdout first_page_latency_us
expect 3 --mode=serial --source-node=0 --target-node=0
one_document
has stdout '"status":"unsupported"'
lacks stdout throughput
expect 3 --mode=copy --source-node=0 --target-node=0 --page-size=8KiB --memory=base
expect 3 --mode=copy --source-node=0 --target-node=0 --dialect=nimble2019
has stderr 'not nimble2019'
expect 4 --mode=copy --source-node=0 --target-node=0 --pages=268435456
has stderr 'node 0 has'

# A write error is not a success.
"$migbench" --list-modes >/dev/full 2>"$out/stderr"
[ $? -eq 1 ] || fail "a full disk was not detected"

# SIGTERM terminates a trial at any time.
"$migbench" --mode=copy --source-node=0 --target-node=0 --settle-ms=600000 >"$out/stdout" &
trial=$!
sleep 1
kill "$trial"
wait "$trial"
[ $? -eq 143 ] || fail "SIGTERM did not terminate the trial"
echo "cli.sh: all passed"
