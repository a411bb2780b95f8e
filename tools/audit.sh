#!/bin/sh
# Look up the packages of a lock file in OSV, a database of known vulnerabilities. One that is known is an error. If the
# service is not reached nothing was checked: one line says so, and it is no error, as CI also runs without a network.
# usage: audit.sh FILE; `pip-audit` is on PATH. PIP_AUDIT_OSV_URL names another service that answers like OSV.
set -eu
messages=$(mktemp)
trap 'rm -f "$messages"' EXIT

code=0
pip-audit --vulnerability-service osv --require-hashes --disable-pip --progress-spinner off --requirement "$1" \
	2>"$messages" || code=$?
# pip-audit ends with 1 here as well.
if [ "$code" -ne 0 ] && tail -n 1 "$messages" | grep -Eq '(ConnectionError|ProxyError|Timeout): |Could not connect'; then
	echo "$1: not checked for known vulnerabilities: the vulnerability service cannot be reached"
	exit 0
fi
cat "$messages" >&2
exit "$code"
